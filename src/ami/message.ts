/**
 * One packet from Asterisk as the rest of the edge sees it. Owns what of it may be told to people.
 */

/** Header names in lower case → values. No prototype, so a header called `__proto__` is just a header. */
export type Message = Readonly<Record<string, string>>;

/** Longest sentence of Asterisk's that is told on, characters. */
export const MAX_TOLD = 200;

/** Its own words, fit for a log line and a terminal: printable ASCII, and short. */
export function told(text: string): string {
  const cut = text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

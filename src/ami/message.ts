/**
 * One packet from Asterisk as the rest of the edge sees it. Owns the copy out of the library's objects, and what of
 * it may be told to people.
 */

/** Header names in lower case → values. No prototype, so a header called `__proto__` is just a header. */
export type Message = Readonly<Record<string, string>>;

/**
 * Copies own string headers. Of a header that came several times the last value counts; the library's
 * objects for `Variable:` and `ChanVariable:` are left out, nothing here reads them.
 */
export function copyMessage(item: object): Message {
  const message: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(item)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    if (typeof last === 'string') message[key] = last;
  }
  return message;
}

/** Longest sentence of Asterisk's that is told on, characters. */
export const MAX_TOLD = 200;

/** Its own words, fit for a log line and a terminal: printable ASCII, and short. */
export function told(text: string): string {
  const cut = text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

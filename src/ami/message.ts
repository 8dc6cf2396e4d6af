/**
 * One packet from Asterisk as the rest of the edge sees it. Owns the copy out of the library's objects.
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

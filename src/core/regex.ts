/**
 * Regular expressions over extensions. Owns the use of RE2, whose time is linear in the text (names that peers send are
 * held against these), the bounds of one, why one is refused, and what can be told of its matches in advance.
 */
import { RE2JS, RE2JSException } from 're2js';
import { FIRST } from './pattern.ts';

/** Characters between the slashes. */
export const MAX_REGEX = 200;
/** Steps of the compiled program: `(x{1000}){9}` is short, and a thousand times as long once compiled. */
const MAX_PROGRAM = 1_000;

/** Why it is refused, as the end of a sentence, or `undefined` when it can be used. */
export function whyNotRegex(source: string): string | undefined {
  if (source === '') return 'is an empty regular expression, which every extension matches; write _! for all';
  if (source.length > MAX_REGEX) {
    return `is a regular expression of ${source.length} characters; at most ${MAX_REGEX} are allowed, so write it as several`;
  }
  if (/[^\x21-\x7e]/.test(source)) {
    return 'is a regular expression with a blank, a control character or a letter that no extension has; leave it out';
  }
  try {
    if (RE2JS.compile(source).programSize() <= MAX_PROGRAM) return undefined;
    return 'is a regular expression that repeats too much; write it with less of {…}';
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, '').replace(/: `.*$/s, '');
    return `is no regular expression of RE2 (${reason}), which has no look-around and no \\1; mend it between the slashes`;
  }
}

/** Whether it is found anywhere in the extension; must be one that {@link whyNotRegex} takes. */
export function compileRegex(source: string): (extension: string) => boolean {
  const compiled = RE2JS.compile(source);
  return (extension) => compiled.test(extension);
}

/**
 * The characters that its matches can begin with, where that is plain to see: `^` and then one character, `\d` or a
 * class, neither optional nor one of several ways. Else all that may begin an extension.
 */
export function firstCharacters(source: string): string {
  const [, escaped, plain, inClass] =
    /^\^(?:\\([d*+.])|([A-Za-z0-9#])|(\[[A-Za-z0-9*#-]+\]))(?![?*{]|\(\?)[^|]*$/.exec(source) ?? [];
  if (escaped !== undefined) return escaped === 'd' ? '0123456789' : escaped;
  if (plain !== undefined) return plain;
  if (inClass === undefined) return FIRST;
  const within = new RegExp(inClass);
  return [...FIRST].filter((character) => within.test(character)).join('');
}

/**
 * AMI privileges as manager.conf and the Events action spell them (main/manager.c: `perms`, `get_perm`,
 * `strings_to_mask`). Sets of words; Asterisk uses bits.
 */

const CLASSES =
  'system call log verbose command agent user config dtmf reporting cdr dialplan originate agi cc aoc test security message'.split(
    ' ',
  );

export type Mask = ReadonlySet<string>;

export const ALL: Mask = new Set(CLASSES);
const NONE: Mask = new Set();

/** `read = call,system` of manager.conf; `all` is every class. */
export function privileges(text: string): Mask {
  const words = text.split(',').map((word) => word.trim());
  return words.includes('all') ? ALL : new Set(words.filter((word) => ALL.has(word)));
}

/** An `Events:` or `EventMask:` header; `undefined`: empty, which leaves the mask as it was. */
export function eventMask(text: string): Mask | undefined {
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return new Set(CLASSES.filter((_word, bit) => (Number(text) & (1 << bit)) !== 0));
  if (/^(no|false|n|f|off)$/i.test(text)) return NONE;
  if (/^(yes|true|y|t|on)$/i.test(text)) return ALL;
  return privileges(text);
}

/**
 * What we take from a peer, and what its lamps are called here. Owns the shapes of these rules, and what they make of
 * one extension.
 */
import { firstMatch } from './first-match.ts';
import type { Match } from './match.ts';
import type { Entry, Message } from './message.ts';
import { splitLampName } from './names.ts';
import { isNameOf } from './naming.ts';
import { type Renumber, renumber } from './renumber.ts';

/** One line of the config's `import` list. A peer that no line speaks of is taken whole. */
export interface ImportRule {
  /** The peer's tag; absent: every peer. */
  readonly from?: string;
  /** Of the extensions as the peer tells them. */
  readonly match: Match;
  /** What the extension of the lamp `EXT*tag` is; absent: as the peer tells it. */
  readonly as?: Renumber;
  /** `file:line:column`, for messages. */
  readonly where: string;
}

/** One line of the config's `plain_lamps` list: a lamp without a tag, beside `EXT*tag`. */
export interface PlainRule {
  readonly from: string;
  /** Of the extensions as their lamps `EXT*tag` have them. */
  readonly match: Match;
  /** The lamp's name; absent: the extension itself. */
  readonly as?: Renumber;
  readonly where: string;
}

/** What an extension of a peer is called here; `undefined`: it is not taken. `rules`: those that speak of this peer. */
export function importedAs(rules: readonly ImportRule[], extension: string): string | undefined {
  if (rules.length === 0) return extension;
  const rule = firstMatch(rules, extension);
  return rule && renumber(rule.as, extension);
}

/**
 * The plain lamp of an extension, if it has one. The first line that names it counts. Never a name EXT*tag: a peer
 * chooses its extensions, and must not choose another one's lamp.
 */
export function plainName(rules: readonly PlainRule[], extension: string): string | undefined {
  const rule = firstMatch(rules, extension);
  const name = rule && renumber(rule.as, extension);
  return name === undefined || splitLampName(name) !== undefined ? undefined : name;
}

/** Whether a name can be the plain lamp of any extension. */
export function isPlainName(rules: readonly PlainRule[], name: string): boolean {
  return splitLampName(name) === undefined && rules.some((rule) => isNameOf(rule, name));
}

/** What rules say, as a text to compare: that a line moved in the file is no change. */
export function saidBy(rules: readonly { readonly where: string }[]): string {
  return JSON.stringify(rules.map(({ where: _, ...rule }) => rule));
}

/** A message as we take it: without what the rules leave out, and by the names they give. */
export function atDoor(imports: readonly ImportRule[], message: Message): Message {
  if (imports.length === 0 || !('entries' in message)) return message;
  const entries = message.entries.flatMap((entry): Entry[] => {
    const extension = importedAs(imports, entry.extension);
    return extension === undefined ? [] : [{ ...entry, extension }];
  });
  return { ...message, entries };
}

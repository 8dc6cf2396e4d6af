/**
 * What we take from a peer, and what its lamps are called here. Owns the shapes of these rules, and what they make of
 * one extension.
 */
import { type Match, matches } from './match.ts';
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
  const rule = rules.find(({ match }) => matches(match, extension));
  return rule && renumber(rule.as, extension);
}

/**
 * The plain lamp of an extension, if it has one. The first line that names it counts. Never a name EXT*tag: a peer
 * chooses its extensions, and must not choose another one's lamp.
 */
export function plainName(rules: readonly PlainRule[], extension: string): string | undefined {
  const rule = rules.find(({ match }) => matches(match, extension));
  const name = rule && renumber(rule.as, extension);
  return name === undefined || splitLampName(name) !== undefined ? undefined : name;
}

/** Whether a name can be the plain lamp of any extension. */
export function isPlainName(rules: readonly PlainRule[], name: string): boolean {
  return splitLampName(name) === undefined && rules.some((rule) => isNameOf(rule, name));
}

/**
 * Which extensions a line of the config means: an Asterisk pattern, a range, one extension, or a list of
 * these. Owns their syntax, what they match, and whether two of them can name the same extension.
 */

/** One item of a match. */
export type MatchItem =
  /** `1001` */
  | { readonly kind: 'extension'; readonly extension: string }
  /** `1000-1099`: same number of digits on both sides, both ends included, at most MAX_RANGE extensions. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly digits: number }
  /** `_1XXX`: what Asterisk's pattern matching understands (main/pbx.c, `_extension_match_core`). */
  | { readonly kind: 'pattern'; readonly pattern: string };

/** What `match:` says: at least one item. */
export type Match = readonly MatchItem[];

/** Extensions one range may name. */
export const MAX_RANGE = 10_000;

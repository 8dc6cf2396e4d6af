/**
 * What the sources say → what each exported extension is.
 */
import type { Match } from './match.ts';

/** One line of the config's `export` list. */
export type ExportRule =
  /** The extensions of `context` that `match` names, by their hints. */
  | { readonly source: 'hint'; readonly context: string; readonly match: Match; readonly where: string }
  /**
   * The extensions that `match` names, by their devices: each template with `{ext}` replaced. A template
   * without `{ext}` stands only beside a match of a single extension.
   */
  | {
      readonly source: 'device';
      readonly devices: readonly string[];
      readonly match: Match;
      /** `file:line:column`, for messages. */
      readonly where: string;
    };

/**
 * What the core tells the people around it: each note becomes a log line, a counter or a line of the
 * status. A closed list. Owns the shapes only.
 */
import type { Belief } from './peer.ts';

export type Note =
  | { readonly kind: 'belief'; readonly peer: string; readonly from: Belief; readonly to: Belief }
  /** The peer stops in good order. */
  | { readonly kind: 'bye'; readonly peer: string; readonly final: boolean }
  /** A peer's extension that cannot be a lamp here; said once per peer and link. */
  | {
      readonly kind: 'extensionRefused';
      readonly peer: string;
      readonly extension: string;
      readonly why: string;
    }
  /** A hint of an exported context names a lamp: exporting it would latch two PBXs for ever (law 4). */
  | { readonly kind: 'hintNamesLamp'; readonly context: string; readonly extension: string }
  | { readonly kind: 'exportsLeftOut'; readonly count: number }
  /** Asterisk refused to write a lamp; it is tried again. */
  | { readonly kind: 'writeRefused'; readonly lamp: string; readonly why: string }
  /** Somebody else had written this lamp; it is written again. */
  | { readonly kind: 'drift'; readonly lamp: string };

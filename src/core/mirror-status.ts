/**
 * What is told of the peers' side: shapes, and how an origin's trouble is worded.
 */

import type { Kind, State } from './message.ts';
import type { Origin } from './origin.ts';
import type { Belief } from './peer.ts';
import type { LampsStatus, Seen, Writable } from './write.ts';

export interface OriginStatus {
  readonly tag: string;
  readonly belief: Belief;
  readonly former: boolean;
  /** It said bye and that it does not come back. */
  readonly left: boolean;
  readonly link: number | undefined;
  /** When it last said anything of its states. */
  readonly heardAt: number | undefined;
  readonly extensions: number;
  readonly lamps: number;
  readonly owed: number;
  /** An extension that it told on this link and that cannot be a lamp here, and why. */
  readonly refused?: string;
}

export interface MirrorStatus extends LampsStatus {
  /** States of peers' extensions that were other than before, so far. */
  readonly changesIn: number;
  /** Every lamp was looked at since its origin's belief or snapshot changed. */
  readonly isLit: boolean;
  readonly origins: OriginStatus[];
}

export interface LampStatus {
  readonly origin: string;
  readonly kind: Kind;
  /** Of a plain lamp that was found in Asterisk, and whose extension is not known: its name. */
  readonly extension: string;
  readonly name: string;
  readonly told: State | undefined;
  readonly desired: Writable | undefined;
  readonly written: Seen | undefined;
}

export function refusedOf({ tag, refused }: Origin): { refused?: string } {
  for (const [extension, why] of refused) {
    const more = refused.size > 1 ? ` (and ${refused.size - 1} more)` : '';
    return { refused: `extension ${extension} of ${tag}${more}: ${why}` };
  }
  return {};
}

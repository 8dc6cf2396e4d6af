/**
 * What the mesh tells the rest of the broker: the shapes and closed lists of links, notes and status.
 * No code but the lists.
 */
import type { Message } from '../core/message.ts';
import type { ChannelFault, RefusalReason, TransportName } from './contract.ts';
import type { RefuseCode } from './frames.ts';

/** Why a link ended. A closed list: the log gives it as `reason`. */
export type LinkEndReason =
  /** The other side closed, or the connection broke. */
  | 'closed'
  /** No hello came in time. */
  | 'hello-timeout'
  /** Nothing at all was heard for SILENT_BEATS beats. */
  | 'silence'
  /** More than LINK_QUEUE_BYTES waited for it. */
  | 'queue-full'
  /** It took nothing for STALLED_BEATS beats while something waited. */
  | 'stalled'
  /** The other side sent what the protocol forbids. */
  | 'bad-frame'
  | ChannelFault
  /** We refused it at its hello. */
  | 'refused'
  | 'refused-by-peer'
  /** Both sides dialled; the other link stays. */
  | 'duplicate'
  /** A newer link of the same peer took its place. */
  | 'replaced'
  /** `Mesh.drop`: the text says why. */
  | 'dropped'
  /** `Mesh.setPeers` took the peer out, or changed it. */
  | 'peer-changed'
  /** We stop. */
  | 'stopped';

export interface LinkEnd {
  readonly reason: LinkEndReason;
  /** One sentence for the log. */
  readonly text: string;
}

/** Why something was refused, failed or was skipped. A closed list: the log gives it as `reason`. */
export type NoteReason =
  | RefusalReason
  | RefuseCode
  | ChannelFault
  | 'hello-timeout'
  | 'unknown-frame'
  | 'unknown-kind';

/** Something an admin must know; each is told once, then counted (see refusals.ts). */
export interface MeshNote {
  /** `refused`: by us, before or at or after its hello. `skipped`: frames or entries this version does not know. */
  readonly kind: 'refused' | 'refused-by-peer' | 'unreachable' | 'skipped';
  readonly reason: NoteReason;
  /** The peer's tag, or the remote address (no port) of somebody unproved. */
  readonly who: string;
  /** One sentence: what is wrong and how to mend it. */
  readonly text: string;
  /** How often it happened since it was last told; 1 = the first time. */
  readonly count: number;
}

export interface MeshHandlers {
  /** Asked at every hello, before the link is up: may the peer with this epoch be taken? */
  admit(peer: string, epoch: string): 'yes' | 'tag-in-use';
  /** At most one link a peer is up: the old one's linkDown comes before the new one's linkUp. */
  linkUp(peer: string, link: number, epoch: string, transport: TransportName): void;
  /** `at` of a change is in milliseconds of our `performance.now()`, never in the future. */
  heard(peer: string, link: number, seq: number, message: Message): void;
  /** Exactly once for each linkUp, whoever ends the link; also from inside `drop`, `setPeers` and `close`. */
  linkDown(peer: string, link: number, why: LinkEnd): void;
  note(note: MeshNote): void;
}

export interface LinkStatus {
  readonly link: number;
  readonly transport: TransportName;
  readonly epoch: string;
  readonly dialled: boolean;
  readonly remote: string;
  readonly upForMs: number;
  /** Of the latest answered ping. */
  readonly roundTripMs?: number;
  readonly queueBytes: number;
}

export interface PeerStatus {
  readonly peer: string;
  readonly url?: string;
  readonly fingerprint?: string;
  readonly link?: LinkStatus;
  /** Frames of all links of this peer so far, pings and all. */
  readonly framesIn: number;
  readonly framesOut: number;
  /** How many links came up so far. */
  readonly linksUp: number;
  readonly drops: Readonly<Partial<Record<LinkEndReason, number>>>;
  /** How its last link that was up ended. */
  readonly ended?: { readonly reason: LinkEndReason; readonly text: string; readonly agoMs: number };
  /** The latest note about this peer; forgotten when a link comes up. */
  readonly problem?: {
    readonly kind: MeshNote['kind'];
    readonly reason: NoteReason;
    readonly text: string;
    readonly agoMs: number;
  };
}

export interface MeshCounters {
  /** Change frames encoded for all links of a view together. */
  readonly framesEncoded: number;
  /** States overtaken by a later one in the queue of a slow link. */
  readonly statesCoalesced: number;
  readonly skippedFrames: number;
  readonly skippedKinds: number;
  readonly refusals: Readonly<Partial<Record<NoteReason, number>>>;
}

export interface MeshStatus {
  readonly peers: readonly PeerStatus[];
  readonly counters: MeshCounters;
}

/**
 * What one broker tells another, as the core sees it: no bytes, no links. Owns the shapes only.
 * How they look on the wire is `mesh/frames.ts`; what they mean is `replica.ts` and `peer.ts`.
 */
import type { Presence } from './presence.ts';
import type { DeviceState } from './state.ts';

/** Kinds of state that this version carries. */
export const KINDS = ['device', 'presence'] as const;
export type Kind = (typeof KINDS)[number];

/** What a state of each kind is. */
export interface StateOf {
  readonly device: DeviceState;
  readonly presence: Presence;
}
export type State = StateOf[Kind];

/** One extension's state of one kind; `null`: the origin no longer has it. */
export type Entry = EntryOf<'device'> | EntryOf<'presence'>;

export interface EntryOf<K extends Kind> {
  readonly kind: K;
  readonly extension: string;
  readonly state: StateOf[K] | null;
}

/** One text for what an entry is about. No extension has a blank. */
export function entryKey(kind: Kind, extension: string): string {
  return kind === 'device' ? extension : `${kind} ${extension}`;
}

/** Everything the origin exports to this peer, in parts; applied whole when the part marked `last` is in. */
export interface SnapshotPart {
  readonly type: 'snapshot';
  readonly entries: readonly Entry[];
  readonly last: boolean;
}

/** What changed, in the order it did. */
export interface Change {
  readonly type: 'change';
  readonly entries: readonly Entry[];
  /**
   * When the origin's broker heard the oldest of them, milliseconds of OUR monotonic clock (the mesh translates);
   * absent: not known. For measuring only: nothing is decided by it (law 1).
   */
  readonly at?: number;
}

/** The origin vouches for all it has said: its Asterisk is up, answers, and is in sync. */
export interface Alive {
  readonly type: 'alive';
}

/** The origin stops in good order; `final`: it does not come back (`hintmesh leave`). */
export interface Bye {
  readonly type: 'bye';
  readonly final: boolean;
}

/** A message that arrived. Each has a seq of its own on its link, from 1. */
export type Message = SnapshotPart | Change | Alive | Bye;

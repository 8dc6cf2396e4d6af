/**
 * What the HTTP edge shows of a broker, and what may be asked of it. Owns the shapes between `http/` and whoever
 * is served; the JSON of `/api/…` is these shapes as they stand here. No code. Nothing in them is a secret.
 */
import type { ConditionCode, Severity } from '../conditions.ts';
import type { Kind } from '../core/message.ts';
import type { Belief } from '../core/peer.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What `Authorization: Bearer …` must carry to reload or leave. */
  readonly token: string;
}

/** What readiness waits for after the start. */
export type Awaited = 'asterisk' | 'first-sync';

/** `GET /api/status`. */
export interface Status {
  readonly pbx: string;
  readonly version: string;
  readonly epoch: string;
  readonly uptimeSeconds: number;
  /** Nothing is waited for, no condition is an error, and we do not stand by for another broker. */
  readonly ready: boolean;
  readonly waitingFor: readonly Awaited[];
  readonly asterisk: {
    readonly up: boolean;
    /** It answered just now, so that we vouch for its states. */
    readonly answers: boolean;
    /** Another broker with our tag works beside it, and we stand by. */
    readonly standsBy: boolean;
    readonly version?: string;
  };
  /** Extensions the peers may see. */
  readonly exports: number;
  readonly lamps: {
    /** Of all origins. */
    readonly known: number;
    /** To be written, waiting. */
    readonly owed: number;
    /** Written and not answered yet. */
    readonly unanswered: number;
  };
  readonly peers: readonly PeerRow[];
  readonly conditions: readonly ConditionRow[];
  readonly counters: Counters;
}

/** `GET /api/peers` gives these as a list. */
export interface PeerRow {
  readonly peer: string;
  readonly belief: Belief;
  /** No peer any more; its lamps are kept right all the same. */
  readonly former: boolean;
  readonly url?: string;
  readonly link?: {
    readonly transport: string;
    readonly dialled: boolean;
    /** Address and port of the other end. */
    readonly remote: string;
    readonly upForSeconds: number;
    readonly roundTripMs?: number;
    readonly queueBytes: number;
  };
  /** Since it last said anything that proves the origin; absent: never heard. */
  readonly heardAgoSeconds?: number;
  /** That it told. */
  readonly extensions: number;
  /** That we keep for it. */
  readonly lamps: number;
  readonly owed: number;
  readonly linksUp: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** How links of this peer ended, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** The latest trouble with its links. */
  readonly problem?: { readonly reason: string; readonly text: string; readonly agoSeconds: number };
}

/** `GET /api/conditions` gives these as a list. */
export interface ConditionRow {
  readonly code: ConditionCode;
  readonly severity: Severity;
  /** The peer it is about; '' when it is about this PBX. */
  readonly subject: string;
  readonly text: string;
  readonly cure: string;
  readonly forSeconds: number;
}

/** Counted since the broker started. */
export interface Counters {
  /** States of our extensions given to the mesh. */
  readonly changesOut: number;
  /** States of peers' extensions that were other than before. */
  readonly changesIn: number;
  readonly writesSent: number;
  readonly writesRefused: number;
  /** States that a later one overtook before they were written. */
  readonly writesCoalesced: number;
  readonly driftRepairs: number;
  /** Times everything was read again from Asterisk. */
  readonly relists: number;
  /** AMI sessions that were up. */
  readonly amiSessions: number;
  readonly framesEncoded: number;
  /** States that a later one overtook in the queue of a slow link. */
  readonly statesCoalesced: number;
  readonly framesSkipped: number;
  /** Links refused, by us or by a peer, and dials that failed, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly reloads: number;
  readonly reloadsRefused: number;
}

/** `GET /api/states` gives these as a list: our exports, then the lamps of each peer. */
export interface StateRow {
  readonly pbx: string;
  readonly kind: Kind;
  readonly extension: string;
  /** As the origin told it; `null`: it has no such extension, or never told. A presence is `away,subtype,message`. */
  readonly state: string | null;
  /** Absent for our own extensions. */
  readonly lamp?: {
    /** `EXT*tag`; of a plain lamp without star and tag. */
    readonly name: string;
    /** What it should show; `null`: it is left as it is. */
    readonly desired: string | null;
    /** What Asterisk was last given; `null`: not known. */
    readonly written: string | null;
  };
}

/** One line of `GET /api/watch`: when it happened, in ISO 8601, UTC, with milliseconds; and what. */
export type WatchLine = { readonly at: string } & WatchEvent;

export type WatchEvent =
  /** A state of ours that the peers are told. */
  | {
      readonly type: 'export';
      readonly kind: Kind;
      readonly extension: string;
      readonly state: string | null;
    }
  /** A lamp that is written. */
  | {
      readonly type: 'lamp';
      readonly kind: Kind;
      /** '' of a plain lamp, whose extension is its name. */
      readonly pbx: string;
      readonly extension: string;
      readonly name: string;
      readonly state: string;
    }
  | { readonly type: 'belief'; readonly peer: string; readonly from: Belief; readonly to: Belief }
  | { readonly type: 'raised' | 'cleared'; readonly condition: ConditionRow };

/** The answer to `POST /api/reload`. */
export type Reloaded =
  | {
      readonly ok: true /** What changed, one line each; empty: nothing. */;
      readonly changes: readonly string[];
      /** What of the new config may be a mistake, one line each, with its place; absent: nothing. */
      readonly warnings?: readonly string[];
    }
  /** Nothing was changed; why, one line each. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** The broker, as the HTTP edge sees it. */
export interface Served {
  status(): Status;
  states(): StateRow[];
  /** Calls `listener` at each event until the function it returns is called. `listener` must not throw. */
  watch(listener: (event: WatchEvent) => void): () => void;
  /** Reads the config again; never rejects. One at a time: a second call waits for the first. */
  reload(): Promise<Reloaded>;
  /** Tells the peers that this PBX leaves for good, and ends the process. */
  leave(): void;
}

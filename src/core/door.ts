/**
 * What goes into the core and what comes out: inputs, each with the time it happened, and effects, to be carried out
 * in order. Owns the shapes only.
 */
import type { ExportRule } from './exports.ts';
import type { Entry, Kind, Message } from './message.ts';
import type { Note } from './note.ts';
import type { OriginOptions } from './origin.ts';
import type { BeliefTiming } from './peer.ts';
import type {
  ChannelChange,
  DeviceStatus,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from './source.ts';
import type { PacingOptions, Writable } from './write.ts';

/** Everything that can happen to a broker. Times are milliseconds of one monotonic clock. */
export type Input =
  /** A new AMI session is booted and everything in it was read. */
  | { readonly type: 'asteriskUp'; readonly listing: Listing }
  /** The same session, read again. */
  | { readonly type: 'asteriskRelisted'; readonly listing: Listing }
  | { readonly type: 'asteriskDown' }
  /** The local Asterisk answered a Ping. */
  | { readonly type: 'asteriskAnswered' }
  | { readonly type: 'hintChanged'; readonly status: HintStatus }
  | { readonly type: 'deviceChanged'; readonly status: DeviceStatus }
  | { readonly type: 'channelChanged'; readonly change: ChannelChange }
  | { readonly type: 'presenceChanged'; readonly status: PresenceStatus }
  | { readonly type: 'mailboxChanged'; readonly status: MailboxStatus }
  /** The answer to the `setLamp` effect with this id. */
  | {
      readonly type: 'writeDone';
      readonly id: number;
      readonly ok: boolean;
      readonly why?: string;
      /** Refused, because this Asterisk cannot write such a state at all: of presence only. */
      readonly absent?: boolean;
    }
  /** An authenticated link said hello; `link` is unique in this broker's life. At most one link a peer. */
  | { readonly type: 'linkUp'; readonly peer: string; readonly link: number; readonly epoch: string }
  | {
      readonly type: 'heard';
      readonly peer: string;
      readonly link: number;
      readonly seq: number;
      readonly message: Message;
    }
  | { readonly type: 'linkDown'; readonly peer: string; readonly link: number }
  /** A reload. Our own tag stays as it is. */
  | { readonly type: 'configured'; readonly options: FederationOptions }
  | { readonly type: 'tick' };

/** What the broker must do, in this order. */
export type Effect =
  /** To every link that was given a snapshot of this view. */
  | { readonly type: 'publish'; readonly view: string; readonly entries: readonly Entry[] }
  /** To every link that was given a snapshot: this origin vouches for all it said. */
  | { readonly type: 'alive' }
  /** To one link: the whole view; from now on `publish` and `alive` go there too. */
  | {
      readonly type: 'snapshot';
      readonly link: number;
      readonly view: string;
      readonly entries: readonly Entry[];
    }
  /**
   * Setvar DEVICE_STATE(Custom:`lamp`)=`state`, or PRESENCE_STATE(CustomPresence:`lamp`) as `kind` says; answer with
   * `writeDone`. `since`: when its origin heard of it.
   */
  | {
      readonly type: 'setLamp';
      readonly id: number;
      readonly kind: Kind;
      readonly lamp: string;
      readonly state: Writable;
      readonly since?: number;
    }
  | { readonly type: 'dropLink'; readonly link: number; readonly why: string }
  /** Read everything again, soon (the edge debounces). */
  | { readonly type: 'relist' }
  | { readonly type: 'note'; readonly note: Note };

export interface FederationOptions {
  /** Our own tag: no lamp of it is ever written. */
  readonly tag: string;
  readonly exports: readonly ExportRule[];
  /** Peers, and the tags of former peers whose lamps may still be lit. */
  readonly origins: readonly OriginOptions[];
  readonly timing: BeliefTiming & { readonly aliveEveryMs: number };
  readonly pacing: PacingOptions;
}

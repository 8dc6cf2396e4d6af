/**
 * What the local Asterisk is to the rest of Hintmesh. Owns the shapes between `ami/` and `broker.ts`:
 * options in, handlers called, results given. No code.
 */
import type { Presence } from '../core/presence.ts';
import type {
  ChannelChange,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from '../core/source.ts';

export interface AmiOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly secret: string;
  /** TLS to the manager port (`tlsenable=yes` in manager.conf); absent: plain TCP. */
  readonly tls?: {
    /** PEM text of the CA (or the self-signed certificate) to trust; absent: the system's. */
    readonly ca?: string;
    /** Name to check the certificate against; absent: `host`. */
    readonly servername?: string;
    /** PEM texts of our own certificate and key, when Asterisk asks for one. */
    readonly cert?: string;
    readonly key?: string;
  };
  /** How often Asterisk is asked whether it still answers. */
  readonly pingEveryMs: number;
  /** How often everything is read again although nothing called for it. */
  readonly relistEveryMs: number;
  /** Whether channels are read too (CoreShowChannels and their events); else `channelChanged` is never called. */
  readonly channels: boolean;
  /** Whether states are taken from these: then `lacking` of the status tells when Asterisk has no list of them. Where it has, they are read. */
  readonly devices?: boolean;
  readonly presences?: boolean;
  /** The same of mailboxes, and whether they are read at all (VoicemailUsersList and MessageWaiting). */
  readonly mailboxes?: boolean;
  /**
   * Who we are among the brokers beside this Asterisk: of those with one tag, one works (lease.ts). Epochs are
   * [A-Za-z0-9_-]{1,64}: of this run, and of the one whose place we take. Absent: nobody else is reckoned with.
   */
  readonly lease?: { readonly tag: string; readonly epoch: string; readonly former?: string };
}

/** Why a session ended or could not begin. A closed list: the log gives it as `reason`. */
export type AmiDownReason =
  | 'unreachable'
  | 'bad-certificate'
  | 'not-asterisk'
  | 'login-refused'
  | 'login-timeout'
  | 'still-booting'
  | 'no-fully-booted'
  | 'missing-privilege'
  | 'missing-events'
  | 'missing-channel-events'
  | 'missing-presence-events'
  | 'missing-module'
  | 'no-lease'
  | 'list-failed'
  | 'ping-timeout'
  | 'oversize'
  | 'closed'
  | 'standby'
  | 'reconfigured'
  | 'stopped';

export interface AmiDown {
  readonly reason: AmiDownReason;
  /** One sentence for the admin: what is wrong and how to mend it (naming the manager.conf line). No secrets. */
  readonly text: string;
}

/** What the Asterisk of a session is. */
export interface About {
  readonly version: string;
  /** The list actions that are read, as it has them and the options want them. */
  readonly lists: readonly string[];
}

export interface AmiHandlers {
  /**
   * Given every hint the list shows, the extensions that must be asked one by one with ExtensionState
   * (pattern hints are in no list until asked for). Their answers join the listing, status -1 included.
   */
  toAsk(listed: readonly HintStatus[]): readonly HintKey[];
  /** Booted, and everything read. Until then, and after `down`, nothing else is called but `failed` and `toAsk`. */
  up(listing: Listing, about: About): void;
  relisted(listing: Listing): void;
  down(why: AmiDown): void;
  hintChanged(status: HintStatus): void;
  deviceChanged(status: DeviceStatus): void;
  channelChanged(change: ChannelChange): void;
  presenceChanged(status: PresenceStatus): void;
  mailboxChanged(status: MailboxStatus): void;
  /** A Ping was answered. */
  answered(): void;
  /**
   * Another broker with our tag works beside this Asterisk: nothing is read or written until it is gone, which `up`
   * tells. Called once until then, and again after a `failed`; after `down`, when it took over while we did not run.
   */
  standsBy(why: AmiDown): void;
  /** An attempt failed before it was up; called once for each new reason, not for each attempt. */
  failed(why: AmiDown): void;
}

/** `absent`: Asterisk lacks what it takes to write such a state, so that it need not be tried until all is read again. */
export type WriteResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly absent?: true };

/** Counters since the start. */
export interface AsteriskStatus {
  /** Sessions that were up, the present one included. */
  readonly sessions: number;
  /** Times everything was read again in a session that was up. */
  readonly relists: number;
  /** Events that should reach us do not, and which: from the end of a session for that until one is heard. */
  readonly deaf?: string;
  /**
   * What the options want states from and the Asterisk of this session has not, which lines of the config export nothing
   * because of that, and how to mend it: one sentence. Everything else goes on. Looked for again at each reading.
   */
  readonly lacking?: string;
}

/** The local Asterisk, whatever AMI session it takes; it reconnects by itself until closed. */
export interface Asterisk {
  start(): void;
  /**
   * One Setvar, written at once and in call order. Resolves with Asterisk's answer, or `ok: false` when the
   * session ends first, no answer comes in time, or `device` is no lamp (`Custom:EXT*tag`, or `Custom:EXT`) or `state`
   * no state that can be written. Never rejects. After `down` the answers of writes still owed resolve with `ok: false`.
   */
  setDeviceState(device: string, state: string): Promise<WriteResult>;
  /** Setvar of `PRESENCE_STATE(CustomPresence:EXT*tag)`, or of `CustomPresence:EXT`; with the promises of `setDeviceState`. */
  setPresence(presentity: string, presence: Presence): Promise<WriteResult>;
  /** Read everything again; several calls within `RELIST_DEBOUNCE_MS` are one. */
  relist(): void;
  /**
   * Other options from now on: the session that is up, or under way, ends as `reconfigured`, and the next one is dialled.
   * Where only the intervals differ, or what states are taken from and it is known whether Asterisk has that, it goes on with those.
   */
  reconfigure(options: AmiOptions): void;
  status(): AsteriskStatus;
  close(): Promise<void>;
}

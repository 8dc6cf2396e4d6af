/**
 * What one run of the simulation is made of, as JSON: who is there, and what happens to them, step by step. Nothing in
 * a run is left to chance: a history plays the same for ever, whatever becomes of the generator that once drew it.
 * Owns the shapes only. All times are milliseconds.
 */
import type { GoneState } from '../../../src/core/origin.ts';
import type { DeviceState } from '../../../src/core/state.ts';

export interface History {
  readonly format: 1;
  /** Why it is kept; absent in a history that was just drawn. */
  readonly note?: string;
  /** The seed that it was drawn from. */
  readonly seed?: number;
  readonly net: NetPlan;
  readonly sites: readonly SitePlan[];
  readonly steps: readonly Step[];
  readonly end: EndPlan;
}

/** The network as long as no step changes it. */
export interface NetPlan {
  readonly latencyMs: number;
  /** States in one frame at most. */
  readonly frameStates: number;
  /** Frames that a slow or cut path holds before the sender keeps only the latest states. */
  readonly bufferFrames: number;
  /** States kept for a slow peer; with more its link is dropped. */
  readonly queueStates: number;
}

/** One PBX and its broker. */
export interface SitePlan {
  readonly key: string;
  /** The same as another site's: a clone, with an Asterisk of its own. Its broker waits for a step that starts it. */
  readonly tag: string;
  readonly clone?: boolean;
  readonly config: ConfigPlan;
  readonly asterisk: AsteriskPlan;
}

export interface ConfigPlan {
  readonly exports: readonly ExportPlan[];
  readonly peers: readonly PeerPlan[];
  /** Of tags that were peers once. */
  readonly formerGone: GoneState;
  readonly timing: TimingPlan;
  readonly pacing: PacingPlan;
}

export interface ExportPlan {
  readonly source: 'hint' | 'device' | 'channels';
  readonly context?: string;
  readonly devices?: readonly string[];
  readonly match: readonly string[];
}

export interface PeerPlan {
  readonly tag: string;
  readonly gone: GoneState;
  /** Whether it is dialled; else it has to dial us. */
  readonly dial: boolean;
}

export interface TimingPlan {
  readonly alive: number;
  readonly suspect: number;
  readonly gone: number;
  readonly firstSync: number;
  readonly relist: number;
  readonly redialMin: number;
  readonly redialMax: number;
}

export interface PacingPlan {
  /** Writes a second; null: no limit. */
  readonly rate: number | null;
  readonly burst: number;
  readonly window: number;
}

export interface AsteriskPlan {
  /** Of the order in which its threads come to their work. */
  readonly seed: number;
  /** extensions.conf, `EXT@context` → hint. */
  readonly hints: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, DeviceState>>;
  /** AstDB as somebody left it. */
  readonly lamps: Readonly<Record<string, DeviceState>>;
  /** Channels are renamed as up to Asterisk 11. */
  readonly renames: boolean;
  readonly bootMs: number;
  /** One way between the broker and its Asterisk. */
  readonly amiMs: number;
  /** What an action takes. */
  readonly answerMs: number;
  /** How long its threads take to tell of a change. */
  readonly workMs: number;
}

/** How the run ends, when all faults are over. */
export interface EndPlan {
  /** Brokers that never come back. */
  readonly dead: readonly string[];
  /** Asterisks that never come back. */
  readonly down: readonly string[];
  /** How long it must stay right afterwards. */
  readonly lingerMs: number;
}

/** What happens; `after` is how long nothing was done before it. A step that makes no sense then does nothing. */
export type Step = { readonly after: number } & Action;

export type Action =
  | { readonly op: 'wait' }
  // The PBX and its people.
  | { readonly op: 'device'; readonly site: string; readonly device: string; readonly state: DeviceState }
  | {
      readonly op: 'call';
      readonly site: string;
      readonly id: number;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly op: 'act';
      readonly site: string;
      readonly id: number;
      readonly act: CallAct;
      readonly by?: string;
    }
  | { readonly op: 'hint'; readonly site: string; readonly name: string; readonly text: string | null }
  | { readonly op: 'reload'; readonly site: string; readonly event: boolean }
  | { readonly op: 'watch'; readonly site: string; readonly lamp: string }
  | { readonly op: 'meddle'; readonly site: string; readonly lamp: string; readonly state: DeviceState }
  // Asterisk. `silent`: nobody tells the broker that the connection is gone.
  | {
      readonly op: 'asterisk';
      readonly site: string;
      readonly do: 'kill' | 'start' | 'mute' | 'unmute' | 'wipe';
    }
  | { readonly op: 'vanish'; readonly site: string }
  | { readonly op: 'session'; readonly site: string; readonly lost: boolean }
  | { readonly op: 'relist'; readonly site: string }
  | { readonly op: 'pace'; readonly site: string; readonly answerMs: number; readonly workMs: number }
  /** Setvar is refused for a time, or so many times, of one lamp or of all. */
  | {
      readonly op: 'refuse';
      readonly site: string;
      readonly lamp: string | null;
      readonly forMs: number;
      readonly times?: number;
    }
  // The network, one way from `site` to `to`.
  | { readonly op: 'cut' | 'heal' | 'lose' | 'repeat' | 'swap'; readonly site: string; readonly to: string }
  | { readonly op: 'partition'; readonly sites: readonly string[] }
  | { readonly op: 'healAll' }
  | { readonly op: 'latency'; readonly site: string; readonly to: string; readonly ms: number }
  /** So many milliseconds for each frame; 0: as fast as ever. */
  | { readonly op: 'slow'; readonly site: string; readonly to: string; readonly frameMs: number }
  /** The link ends at `site`; `told`: the other end hears of it. */
  | { readonly op: 'drop'; readonly site: string; readonly to: string; readonly told: boolean }
  | { readonly op: 'dial'; readonly site: string; readonly to: string }
  /** A frame of `as` comes over the link of `over`: no transport does that (law 7). */
  | { readonly op: 'forge'; readonly site: string; readonly as: string; readonly over: string }
  // The broker.
  | { readonly op: 'broker'; readonly site: string; readonly do: 'start' | 'kill' | 'stop' | 'leave' }
  | { readonly op: 'powerCut'; readonly site: string }
  | { readonly op: 'freeze'; readonly site: string; readonly ms: number }
  | { readonly op: 'configure'; readonly site: string; readonly change: Partial<ConfigPlan> };

export type CallAct = 'answer' | 'hold' | 'resume' | 'hangup' | 'reject' | 'pickUp';

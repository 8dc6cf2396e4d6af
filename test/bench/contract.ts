// The shapes of the bench: what is measured beside what, what a measurement hands over, and what the page shows of it.
// Owns no behaviour.
import type { Asterisk } from '../asterisk/asterisk.ts';
import type { Lab } from '../asterisk/lab.ts';
import type { Root } from '../asterisk/provision.ts';

/**
 * What carries a state from one Asterisk to another. `hintmesh`: two brokers over WebSocket; `zeromq`: the same over
 * ZeroMQ; `floor`: a bare relay of two processes over mutual TLS, with nothing of what makes it right; `publish`:
 * res_pjsip_publish_asterisk; `xmpp`: res_xmpp and a server.
 */
export type Name = 'hintmesh' | 'zeromq' | 'floor' | 'publish' | 'xmpp';

/** A process that carries states, beside the two Asterisks. */
export interface Carrier {
  /** `broker a`, `relay b`, `prosody`. */
  readonly name: string;
  readonly pid: number;
}

/** Two PBXs, of which `b` shows what the extensions of `a` do. Extension `n` is `FIRST + n`, 0 <= n < `lamps`. */
export interface Site {
  readonly name: Name;
  readonly a: Asterisk;
  readonly b: Asterisk;
  readonly lamps: number;
  /** The Custom device at `a` that the hint of extension `n` names, without `Custom:`. */
  device(n: number): string;
  /** What `b` calls its lamp: `Exten` of its ExtensionStatus, and what phones subscribe to. */
  lamp(n: number): string;
  /** The device at `b` behind that lamp, as DEVICE_STATE() takes it. */
  lampDevice(n: number): string;
  /** Absent where Asterisk does all itself. */
  readonly carriers: readonly Carrier[];
}

/** Where the traffic between the two sides goes through something: a delay, a line that can be cut. */
export interface Way {
  /** An address that leads to this one, for connections; `from` dials. */
  tcp(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>;
  /** The same for datagrams. */
  udp(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>;
}

export interface SiteOptions {
  readonly lamps: number;
  /** Absent: as fast as it goes (`writes_per_second: unlimited`); `default`: what a config without a word about it has. */
  readonly pacing?: 'default';
  /** Endpoints at both, for phones and OPTIONS; 1009 is always there. */
  readonly phones?: readonly string[];
  /** Absent: straight over loopback. */
  readonly way?: Way;
}

/** Boots both PBXs and whatever carries states, and returns when a change at `a` has been seen at `b`. All of it is the lab's. */
export type StartSite = (lab: Lab, root: Root, options: SiteOptions) => Promise<Site>;

/** One measured value. Values of one round stand beside each other: ratios are made within a round. */
export interface Sample {
  /** `latency p50`, `throughput`. */
  readonly measure: string;
  /** Whose: mostly a {@link Name}, else what it was measured with (`100 peers`). */
  readonly of: string;
  readonly round: number;
  readonly value: number;
  /** Which area measured it; the bench sees to that. */
  readonly area?: string;
}

/** How the measuring of one area went. */
export interface Ran {
  /** ISO day. */
  readonly date: string;
  readonly seconds: number;
  /** Where it did not come to its end: why. What it had measured until then counts. */
  readonly failed?: string;
}

/** What one area needs to measure. */
export interface Run {
  readonly quick: boolean;
  /** 5; quick 1. */
  readonly rounds: number;
  /** Asterisk 22. */
  readonly root: Root;
  add(measure: string, of: string, round: number, value: number): void;
  /** A line for whoever waits. */
  say(text: string): void;
}

/** Everything that was measured in one run of the bench. */
export interface Results {
  readonly date: string;
  readonly quick: boolean;
  readonly machine: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
  /** Areas by name; one that is not in it was not measured. */
  readonly areas?: Readonly<Record<string, Ran>>;
  /** Contestants that could not be had here, and why. */
  readonly notRun?: Readonly<Record<string, string>>;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  /** The first cell names the row. */
  readonly rows: readonly (readonly string[])[];
}

export interface Line {
  readonly name: string;
  /** Sorted by x. `low`, `high`: the spread. */
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly low?: number;
    readonly high?: number;
  }[];
}

export interface Plot {
  /** Name of the SVG file, without folder and suffix. */
  readonly file: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly lines: readonly Line[];
}

/** What was aimed at, and whether it was reached. */
export interface Goal {
  readonly text: string;
  /** As measured, with its unit and spread. */
  readonly figure: string;
  readonly met: boolean;
  /** Where it was not: what was measured that tells why. */
  readonly why?: string;
}

/** What the page says of one area. Made of results alone, so that a page can be made anew of a file of results. */
export interface Section {
  readonly title: string;
  /** How it was measured, in Markdown. */
  readonly text: string;
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  readonly goals: readonly Goal[];
}

export interface Area {
  /** For `--only`. */
  readonly name: string;
  /** Left out of a quick run, unless it is asked for by name. */
  readonly slow?: true;
  measure(run: Run): Promise<void>;
  section(results: Results): Section;
}

/** How a burst went. */
export interface Burst {
  readonly changes: number;
  /** From the first Setvar at `a` to the last ExtensionStatus of a lamp at `b`, milliseconds. */
  readonly ms: number;
  /** ExtensionStatus events of lamps at `b`: fewer than `changes` where something was coalesced or lost. */
  readonly seen: number;
  /** From the first Setvar to the last answer of `a`. */
  readonly triggerMs: number;
  /** Lamps at `b` that are not what `a` has, a while after the last event. */
  readonly wrong: number;
}

/**
 * The trigger, the same for all: a process of its own that sets devices at `a` and sees lamps at `b`, over one AMI
 * session each, so that one clock measures both.
 */
export interface Driver {
  /**
   * One change after another, `pauseMs` between what is seen and the next: Setvar at `a` -> ExtensionStatus at `b`, ms.
   * Fewer than `count` where changes were never seen.
   */
  latency(count: number, pauseMs: number): Promise<number[]>;
  /**
   * Round robin over the lamps, at most `window` Setvars unanswered. `rate` offered, changes a second: absent, as fast as
   * it goes. `ahead`: at most so many changes not seen at `b` yet; absent, it does not wait for `b`.
   */
  burst(order: { changes: number; window: number; rate?: number; ahead?: number }): Promise<Burst>;
  /** Sets these extensions (`n`) at `a`, and returns when `a` has answered. */
  set(states: readonly (readonly [number, string])[]): Promise<void>;
  /** Extensions whose lamp at `b` is not what was set at `a` last (NOT_INUSE if never), as ExtensionStateList has them. */
  wrong(): Promise<number[]>;
  /** The same, again and again, until it is none or `ms` are over: how many are left, and after how many ms that was. */
  settled(ms: number): Promise<{ readonly wrong: number; readonly ms: number }>;
  /** CPU that this process and others by pid have used so far, ms. */
  cpu(pids: readonly number[]): Promise<number[]>;
}

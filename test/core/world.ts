// A few PBXs, each with a real core, a toy Asterisk and links that can lose, repeat and reorder frames, in
// one process and on one clock that only moves when told. For tests of what the cores do together.
import { type Effect, Federation, type FederationOptions, type Input } from '../../src/core/federation.ts';
import type { Entry, Message } from '../../src/core/message.ts';
import { lampDevice, lampName } from '../../src/core/names.ts';
import type { Note } from '../../src/core/note.ts';
import type { GoneState } from '../../src/core/origin.ts';
import type { DeviceState } from '../../src/core/state.ts';
import { hints } from './rules.ts';

export const TIMING = {
  aliveEveryMs: 1_000,
  suspectAfterMs: 3_000,
  goneAfterMs: 15_000,
  firstSyncMs: 15_000,
};
export const PACING = { writesPerSecond: 100, burst: 10, window: 32 };
/** A snapshot goes out in parts of this many states, so that small tests have several parts too. */
const PART = 3;
const REDIAL_MS = 2_000;

const STATUS: Partial<Record<DeviceState, number>> = {
  NOT_INUSE: 0,
  INUSE: 1,
  BUSY: 2,
  UNAVAILABLE: 4,
  RINGING: 8,
  RINGINUSE: 9,
  ONHOLD: 16,
};

type Frame = { readonly seq: number; readonly message: Message };

/** One direction of a link: frames on their way. */
interface Pipe {
  readonly to: string;
  readonly frames: Frame[];
  seq: number;
  /** The receiver's core was given a snapshot by the sender, so `publish` and `alive` go there. */
  served: boolean;
}

export class Pbx {
  readonly tag: string;
  /** Hints of the exported context: extension → state. */
  readonly hints = new Map<string, DeviceState>();
  /** What AstDB holds, and a phone is shown. */
  readonly lamps = new Map<string, DeviceState>();
  /** Lamps a phone here has subscribed to. */
  readonly watched = new Set<string>();
  core: Federation | undefined;
  epoch = '';
  up = false;
  readonly notes: Note[] = [];
  readonly effects: Effect[] = [];
  readonly unanswered: { id: number; ok: boolean }[] = [];

  constructor(tag: string) {
    this.tag = tag;
  }
}

export class World {
  now = 0;
  readonly pbxs = new Map<string, Pbx>();
  readonly #links = new Map<string, { readonly id: number; readonly pipes: [Pipe, Pipe] } | undefined>();
  readonly #redialAt = new Map<string, number>();
  readonly cut = new Set<string>();
  readonly goneState: GoneState;
  readonly #options: Partial<FederationOptions>;
  #epochs = 0;
  #linkIds = 0;

  constructor(
    tags: readonly string[],
    goneState: GoneState = 'UNAVAILABLE',
    options: Partial<FederationOptions> = {},
  ) {
    this.goneState = goneState;
    this.#options = options;
    for (const tag of tags) this.pbxs.set(tag, new Pbx(tag));
    for (const tag of tags) this.startBroker(tag);
    for (const tag of tags) this.startAsterisk(tag);
  }

  pbx(tag: string): Pbx {
    const pbx = this.pbxs.get(tag);
    if (pbx === undefined) throw new Error(`no PBX ${tag}`);
    return pbx;
  }

  lamp(at: string, extension: string, of: string): DeviceState | undefined {
    return this.pbx(at).lamps.get(lampName(extension, of) ?? '');
  }

  startBroker(tag: string): void {
    const pbx = this.pbx(tag);
    this.#epochs += 1;
    pbx.epoch = `epoch${this.#epochs}`;
    const others = [...this.pbxs.keys()].filter((other) => other !== tag);
    pbx.core = new Federation(
      {
        tag,
        exports: [hints('local', '_X!')],
        origins: others.map((other) => ({ tag: other, goneState: this.goneState })),
        timing: TIMING,
        pacing: PACING,
        ...this.#options,
      },
      this.now,
    );
    if (pbx.up) this.#list(pbx, 'asteriskUp');
  }

  /** kill -9. */
  stopBroker(tag: string): void {
    const pbx = this.pbx(tag);
    pbx.core = undefined;
    pbx.unanswered.length = 0;
    for (const other of this.pbxs.keys()) this.dropLink(tag, other);
  }

  startAsterisk(tag: string): void {
    const pbx = this.pbx(tag);
    pbx.up = true;
    this.#list(pbx, 'asteriskUp');
  }

  stopAsterisk(tag: string): void {
    const pbx = this.pbx(tag);
    pbx.up = false;
    pbx.unanswered.length = 0;
    this.feed(tag, { type: 'asteriskDown' });
  }

  relist(tag: string): void {
    if (this.pbx(tag).up) this.#list(this.pbx(tag), 'asteriskRelisted');
  }

  /** A change of a hint of this PBX; `undefined`: the hint goes, and no event says so (up to 22.10). */
  set(tag: string, extension: string, state: DeviceState | undefined): void {
    const pbx = this.pbx(tag);
    if (state === undefined) pbx.hints.delete(extension);
    else pbx.hints.set(extension, state);
    if (state !== undefined && pbx.up) {
      const status = { context: 'local', extension, hint: `PJSIP/${extension}`, status: STATUS[state] ?? 0 };
      this.feed(tag, { type: 'hintChanged', status });
    }
  }

  /** A phone subscribes to a lamp. */
  watch(at: string, extension: string, of: string): void {
    const pbx = this.pbx(at);
    const name = lampName(extension, of) ?? '';
    pbx.watched.add(name);
    if (pbx.up) this.feed(at, { type: 'hintChanged', status: this.#lampHint(name) });
  }

  /** Somebody else writes a lamp. */
  meddle(at: string, lamp: string, state: DeviceState): void {
    const pbx = this.pbx(at);
    if (!pbx.up || pbx.lamps.get(lamp) === state) return;
    pbx.lamps.set(lamp, state);
    this.feed(at, { type: 'deviceChanged', status: { device: lampDevice(lamp), state } });
  }

  feed(tag: string, input: Input): void {
    const pbx = this.pbx(tag);
    if (pbx.core === undefined) return;
    for (const effect of pbx.core.input(input, this.now)) this.#carryOut(pbx, effect);
  }

  /** Every Setvar so far is answered. */
  answer(tag: string): void {
    for (const { id, ok } of this.pbx(tag).unanswered.splice(0))
      this.feed(tag, { type: 'writeDone', id, ok });
  }

  pipe(from: string, to: string): Pipe | undefined {
    return this.#links.get(key(from, to))?.pipes.find((pipe) => pipe.to === to);
  }

  /** Delivers the first frame on its way, if there is one. */
  deliver(from: string, to: string): boolean {
    const link = this.#links.get(key(from, to));
    const frame = this.pipe(from, to)?.frames.shift();
    if (link === undefined || frame === undefined) return false;
    this.feed(to, { type: 'heard', peer: from, link: link.id, ...frame });
    return true;
  }

  dropLink(a: string, b: string): void {
    const link = this.#links.get(key(a, b));
    if (link === undefined) return;
    this.#links.set(key(a, b), undefined);
    this.#redialAt.set(key(a, b), this.now + REDIAL_MS);
    this.feed(a, { type: 'linkDown', peer: b, link: link.id });
    this.feed(b, { type: 'linkDown', peer: a, link: link.id });
  }

  /** Moves the clock: ticks, pings, redials; `orderly` also delivers and answers everything on the way. */
  pass(ms: number, orderly: boolean): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now = Math.min(end, this.now + 100);
      for (const tag of this.pbxs.keys()) {
        if (this.pbx(tag).up) this.feed(tag, { type: 'asteriskAnswered' });
        this.feed(tag, { type: 'tick' });
        if (orderly) this.answer(tag);
      }
      this.#redial();
      if (orderly) this.#deliverAll();
    }
  }

  #deliverAll(): void {
    const tags = [...this.pbxs.keys()];
    for (let moved = true; moved; ) {
      moved = false;
      for (const from of tags)
        for (const to of tags) while (from !== to && this.deliver(from, to)) moved = true;
      for (const tag of tags) this.answer(tag);
    }
  }

  #redial(): void {
    const tags = [...this.pbxs.keys()];
    for (const a of tags) {
      for (const b of tags) {
        const pair = key(a, b);
        if (a >= b || this.cut.has(pair) || this.#links.get(pair) !== undefined) continue;
        if (this.now < (this.#redialAt.get(pair) ?? 0)) continue;
        this.#redialAt.set(pair, this.now + REDIAL_MS);
        this.#connect(a, b);
      }
    }
  }

  #connect(a: string, b: string): void {
    const [left, right] = [this.pbx(a), this.pbx(b)];
    if (!left.core?.admits(b, right.epoch) || !right.core?.admits(a, left.epoch)) return;
    this.#linkIds += 1;
    const id = this.#linkIds;
    const pipe = (to: string): Pipe => ({ to, frames: [], seq: 0, served: false });
    this.#links.set(key(a, b), { id, pipes: [pipe(a), pipe(b)] });
    this.feed(a, { type: 'linkUp', peer: b, link: id, epoch: right.epoch });
    this.feed(b, { type: 'linkUp', peer: a, link: id, epoch: left.epoch });
  }

  #carryOut(pbx: Pbx, effect: Effect): void {
    pbx.effects.push(effect);
    const others = [...this.pbxs.keys()].filter((other) => other !== pbx.tag);
    switch (effect.type) {
      case 'publish':
        for (const other of others) this.#send(pbx.tag, other, { type: 'change', entries: effect.entries });
        return;
      case 'alive':
        for (const other of others) this.#send(pbx.tag, other, { type: 'alive' });
        return;
      case 'snapshot':
        return this.#snapshot(pbx.tag, effect.link, effect.entries);
      case 'setLamp': {
        const state = effect.state as DeviceState;
        const before = pbx.lamps.get(effect.lamp);
        pbx.lamps.set(effect.lamp, state);
        pbx.unanswered.push({ id: effect.id, ok: true });
        const status = { device: lampDevice(effect.lamp), state };
        if (before !== effect.state) this.feed(pbx.tag, { type: 'deviceChanged', status });
        return;
      }
      case 'dropLink':
        for (const other of others) {
          if (this.#links.get(key(pbx.tag, other))?.id === effect.link) this.dropLink(pbx.tag, other);
        }
        return;
      case 'note':
        pbx.notes.push(effect.note);
        return;
      case 'relist':
        return this.relist(pbx.tag);
    }
  }

  #snapshot(from: string, link: number, entries: readonly Entry[]): void {
    for (const to of this.pbxs.keys()) {
      const pipe = this.#links.get(key(from, to))?.id === link ? this.pipe(from, to) : undefined;
      if (pipe === undefined) continue;
      pipe.served = true;
      for (let i = 0; i === 0 || i < entries.length; i += PART) {
        const last = i + PART >= entries.length;
        this.#send(from, to, { type: 'snapshot', entries: entries.slice(i, i + PART), last });
      }
    }
  }

  #send(from: string, to: string, message: Message): void {
    const pipe = this.pipe(from, to);
    if (!pipe?.served) return;
    pipe.seq += 1;
    pipe.frames.push({ seq: pipe.seq, message });
  }

  #list(pbx: Pbx, type: 'asteriskUp' | 'asteriskRelisted'): void {
    const own = Array.from(pbx.hints, ([extension, state]) => ({
      context: 'local',
      extension,
      hint: `PJSIP/${extension}`,
      status: STATUS[state] ?? 0,
    }));
    const watched = Array.from(pbx.watched, (name) => this.#lampHint(name));
    const devices = Array.from(pbx.lamps, ([name, state]) => ({ device: lampDevice(name), state }));
    this.feed(pbx.tag, {
      type,
      listing: { hints: [...own, ...watched], devices, channels: [], presences: [], mailboxes: [] },
    });
  }

  #lampHint(name: string): { context: string; extension: string; hint: string; status: number } {
    return { context: 'blf', extension: name, hint: lampDevice(name), status: 0 };
  }
}

function key(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

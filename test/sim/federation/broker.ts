/**
 * One run of one broker: a real core, wired to the simulated edges as src/broker.ts wires the real ones. Owns the order
 * of inputs and effects, the ticks, and what a process does that is frozen, killed or stopped.
 */
import type { Effect, Federation, FederationOptions, Input } from '../../../src/core/federation.ts';
import type { Entry } from '../../../src/core/message.ts';
import type { WritableState } from '../../../src/core/state.ts';
import type { Agenda, Timer } from './agenda.ts';
import { Ami } from './ami.ts';
import type { AmiPacket, AmiSession } from './ami-session.ts';
import { optionsOf } from './config.ts';
import type { ConfigPlan, NetPlan } from './history.ts';
import { Laws } from './laws/laws.ts';
import { ofDevice } from './laws/words.ts';
import { Mesh } from './mesh.ts';
import type { Connection, View } from './wire.ts';

const TICK_MS = 100;
/** How long a stop waits for the answers to writes. */
const DRAIN_MS = 1_000;

/** The core under test: that of src/, or a mutated copy of it. */
export interface CoreModule {
  readonly Federation: new (options: FederationOptions, now: number) => Federation;
}

export interface BrokerHandlers {
  readonly core: CoreModule;
  readonly agenda: Agenda;
  readonly net: NetPlan;
  /** Every tag that ever was a peer; kept beside the broker. */
  readonly remembered: Set<string>;
  connect(tag: string): Connection;
  asterisk(receive: (packet: AmiPacket) => void): AmiSession | undefined;
  /** After an input: whatever is to hold for the site as a whole. */
  looked(laws: Laws): void;
  ended(): void;
  count(what: string): void;
  say(text: () => string): void;
}

export class Broker {
  readonly tag: string;
  readonly epoch: string;
  readonly core: Federation;
  readonly laws: Laws;
  readonly mesh: Mesh;
  readonly ami: Ami;
  config: ConfigPlan;
  readonly #handlers: BrokerHandlers;
  readonly #inputs: { readonly input: Input; readonly view: View | undefined }[] = [];
  #feeding = false;
  /** What was published in this turn of the event loop. */
  #gathered: Entry[] = [];
  #flushes = false;
  /** What waits while the process is frozen. */
  #backlog: { readonly work: () => void; readonly anyway: boolean }[] | undefined;
  #wakes = false;
  #thaws = false;
  #state: 'running' | 'draining' | 'over' = 'running';

  constructor(tag: string, epoch: string, config: ConfigPlan, handlers: BrokerHandlers) {
    const { agenda, net } = handlers;
    this.tag = tag;
    this.epoch = epoch;
    this.config = config;
    this.#handlers = handlers;
    this.#remember();
    const options = optionsOf(tag, config, handlers.remembered);
    this.core = new handlers.core.Federation(options, agenda.now);
    this.laws = new Laws(this.core, options, config, agenda.now);
    const count = (what: string): void => handlers.count(what);
    const now = (): number => agenda.now;
    const timer = (ms: number, run: () => void): Timer => this.#timer(ms, run);
    this.mesh = new Mesh(
      {
        tag,
        epoch,
        net,
        now,
        timer,
        count,
        connect: (peer) => handlers.connect(peer),
        admits: (peer, other) => this.#admits(peer, other),
        linkUp: (peer, link, other) => this.feed({ type: 'linkUp', peer, link, epoch: other }),
        heard: (peer, link, { seq, message, view }) =>
          this.feed({ type: 'heard', peer, link, seq, message }, view),
        linkDown: (peer, link) => this.feed({ type: 'linkDown', peer, link }),
      },
      config.timing,
    );
    this.ami = new Ami(
      {
        now,
        timer,
        connect: (receive) => handlers.asterisk((packet) => this.post(() => receive(packet))),
        toAsk: (listed) => {
          this.laws.own.asked();
          return this.core.toAsk(listed);
        },
        up: (listing) => this.feed({ type: 'asteriskUp', listing }),
        relisted: (listing) => this.feed({ type: 'asteriskRelisted', listing }),
        down: () => this.feed({ type: 'asteriskDown' }),
        hintChanged: (status) => this.feed({ type: 'hintChanged', status }),
        deviceChanged: (status) => this.feed({ type: 'deviceChanged', status }),
        channelChanged: (change) => this.feed({ type: 'channelChanged', change }),
        answered: () => this.feed({ type: 'asteriskAnswered' }),
      },
      this.#intervals(),
    );
    this.mesh.setPeers(config.peers, config.timing);
    this.ami.start();
    this.#tick();
  }

  get isFrozen(): boolean {
    return this.#backlog !== undefined;
  }

  get isStopping(): boolean {
    return this.#state !== 'running';
  }

  /** Done by the process as soon as it runs; `anyway`: when it is over, by the kernel. */
  post(work: () => void, anyway = false): void {
    if (this.#state === 'over') {
      if (anyway) work();
    } else if (this.#backlog) this.#backlog.push({ work, anyway });
    else work();
  }

  /** SIGSTOP, swapped out, a virtual machine that is moved. */
  freeze(): void {
    this.#backlog ??= [];
  }

  /** Everything that waited comes at once. */
  thaw(): void {
    const backlog = this.#backlog;
    this.#backlog = undefined;
    this.#thaws = true;
    for (const { work, anyway } of backlog ?? []) this.post(work, anyway);
    this.#thaws = false;
  }

  /** kill -9. `told`: the kernel closes its connections. */
  kill(told: boolean): void {
    this.#state = 'over';
    this.mesh.die(told);
    this.ami.close();
    this.#handlers.ended();
    this.thaw();
  }

  /** A clean stop: bye, then what is owed is written, then over. */
  stop(final: boolean): void {
    if (this.#state !== 'running') return;
    this.#flush();
    this.mesh.leave(final);
    this.#state = 'draining';
    this.#timer(DRAIN_MS, () => this.#drained(true));
    this.#drained(false);
  }

  configure(config: ConfigPlan): void {
    if (this.#state !== 'running') return;
    this.config = config;
    this.#remember();
    this.feed({ type: 'configured', options: optionsOf(this.tag, config, this.#handlers.remembered) });
    this.mesh.setPeers(config.peers, config.timing);
    this.ami.reconfigure(this.#intervals());
  }

  /** An edge may speak while the effects of its last word are carried out: then the new one waits its turn. */
  feed(input: Input, view?: View): void {
    this.#inputs.push({ input, view });
    if (this.#feeding) return;
    this.#feeding = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      if (this.#state !== 'over') this.#take(next.input, next.view);
    }
    this.#feeding = false;
    this.#wakeForWrites();
    this.#drained(false);
  }

  #take(input: Input, view: View | undefined): void {
    const { now } = this.#handlers.agenda;
    this.laws.before(input, now, this.config, view);
    const effects = this.core.input(input, now);
    this.#handlers.say(() => `  ${JSON.stringify(input)}`);
    for (const effect of effects) this.#handlers.say(() => `    → ${JSON.stringify(effect)}`);
    const isWorthALook = this.laws.after(input, effects, now);
    for (const effect of effects) this.#carryOut(effect);
    if (isWorthALook && this.ami.isInTouch && !this.#thaws) this.#handlers.looked(this.laws);
  }

  #carryOut(effect: Effect): void {
    const { view } = this.laws.own;
    switch (effect.type) {
      case 'publish':
        this.#gathered.push(...effect.entries);
        if (this.#flushes) return;
        this.#flushes = true;
        this.#handlers.agenda.after(0, () => this.post(() => this.#flush()));
        return;
      case 'snapshot':
        this.#flush();
        return this.mesh.snapshot(effect.link, effect.entries, view);
      case 'alive':
        this.#flush();
        return this.mesh.alive();
      case 'dropLink':
        return this.mesh.drop(effect.link);
      case 'relist':
        return this.ami.relist();
      case 'setLamp': {
        const { id, lamp, state } = effect;
        return this.ami.set(lamp, ofDevice<WritableState>(state), (ok) =>
          this.feed({ type: 'writeDone', id, ok }),
        );
      }
      case 'note':
        return this.#handlers.count(`notes: ${wordsOf(effect)}`);
    }
  }

  #flush(): void {
    this.#flushes = false;
    const entries = this.#gathered;
    this.#gathered = [];
    if (entries.length > 0) this.mesh.changes(entries, this.laws.own.view);
  }

  #tick(): void {
    this.feed({ type: 'tick' });
    this.#timer(TICK_MS, () => this.#tick());
  }

  /** A write that waits for a token goes as soon as there is one, not at the next tick. */
  #wakeForWrites(): void {
    if (this.#wakes || this.#state === 'over') return;
    const { now } = this.#handlers.agenda;
    const at = this.core.wakeAt(now);
    this.laws.lamps.wake(at, now);
    if (at === undefined || at - now >= TICK_MS) return;
    this.#wakes = true;
    this.#timer(Math.max(1, Math.ceil(at - now)), () => {
      this.#wakes = false;
      this.feed({ type: 'tick' });
    });
  }

  #drained(late: boolean): void {
    if (this.#state !== 'draining') return;
    const { asteriskUp, owed, unanswered } = this.core.status(this.#handlers.agenda.now);
    if (asteriskUp && owed + unanswered > 0 && !late) return;
    this.#state = 'over';
    this.ami.close();
    this.#handlers.ended();
  }

  #admits(peer: string, epoch: string): boolean {
    const said = this.core.admits(peer, epoch);
    this.laws.admitted(peer, epoch, said);
    return said;
  }

  #timer(ms: number, run: () => void): Timer {
    let cancelled = false;
    const timer = this.#handlers.agenda.after(ms, () => this.post(() => cancelled || run()));
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #remember(): void {
    for (const { tag } of this.config.peers) this.#handlers.remembered.add(tag);
  }

  #intervals(): { pingEveryMs: number; relistEveryMs: number; channels: boolean } {
    const { timing, exports } = this.config;
    const channels = exports.some(({ source }) => source === 'channels');
    return { pingEveryMs: timing.alive, relistEveryMs: timing.relist, channels };
  }
}

function wordsOf({ note }: Extract<Effect, { type: 'note' }>): string {
  return note.kind === 'belief' ? `${note.from} → ${note.to}` : note.kind;
}

/**
 * The only wiring: what an edge says becomes an input of the federation, and its effects are carried out at
 * the edges, in order. Owns the one tick and the order of things; decides nothing itself.
 */
import { randomUUID } from 'node:crypto';
import { createAsterisk } from './ami/asterisk.ts';
import type { AmiOptions, Asterisk, WriteResult } from './ami/contract.ts';
import { amiHandlers } from './ami-handlers.ts';
import { type Around, type BrokerOptions, federationOptions, meshPeers } from './broker-options.ts';
import type { PassingCode, ToldCode } from './conditions.ts';
import { type Effect, Federation, type Input } from './core/federation.ts';
import { lampDevice, lampPresentity, splitLampName } from './core/names.ts';
import { isPresence } from './core/presence.ts';
import { ALL } from './core/views.ts';
import type { Writable } from './core/write.ts';
import { Health } from './health.ts';
import type { Reloaded, Served, StateRow, Status, WatchEvent } from './http/contract.ts';
import { Metrics } from './http/metrics.ts';
import { StatusServer } from './http/server.ts';
import { Mesh } from './mesh/mesh.ts';
import { TcpTransport } from './mesh/tcp.ts';
import { Meter } from './meter.ts';
import { ofCondition, ofLinkEnd, ofMeshNote, ofNote, type Report } from './report.ts';
import { conditionRow, type Snapshot, shown, stateRows, stateText, statusOf } from './status.ts';

export type { Around, BrokerOptions } from './broker-options.ts';
export type { Report } from './report.ts';

/** Beliefs, retries and `alive` are looked after this often; token waits are timed by themselves. */
export const TICK_MS = 100;
/** How long a stop waits for the answers to writes. */
export const DRAIN_MS = 1_000;

export class Broker implements Served {
  #options: BrokerOptions;
  readonly #report: (report: Report) => void;
  readonly #around: Around;
  readonly #epoch: string;
  readonly #lease: NonNullable<AmiOptions['lease']>;
  readonly #startedAt = performance.now();
  #federation: Federation;
  readonly #mesh: Mesh;
  readonly #transport: TcpTransport;
  readonly #health = new Health(performance.now());
  readonly #metrics: Metrics;
  readonly #meter: Meter;
  readonly #server: StatusServer | undefined;
  readonly #watchers = new Set<(event: WatchEvent) => void>();
  readonly #asterisk: Asterisk;
  /** Of the session that is up, or why there is none. */
  #about: { version?: string; why?: string } = {};
  /** We are the one that works beside our Asterisk: before that nothing ticks, and no link is made. */
  #works = false;
  /** Another broker with our tag does. */
  #standsBy = false;
  /** Inputs that came while effects of another were being carried out. */
  readonly #inputs: Input[] = [];
  #feeding = false;
  readonly #reloads = { done: 0, refused: 0 };
  #tick: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;
  #drained: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: BrokerOptions, report: (report: Report) => void, around: Around) {
    this.#options = options;
    this.#epoch = options.epoch ?? randomUUID();
    const { tag, formerEpoch: former } = options;
    this.#lease = { tag, epoch: this.#epoch, ...(former !== undefined && { former }) };
    this.#report = report;
    this.#around = around;
    this.#federation = this.#newFederation();
    this.#transport = new TcpTransport(options.tcp);
    this.#mesh = this.#newMesh();
    this.#asterisk = this.#newAsterisk();
    this.#metrics = new Metrics(this);
    this.#meter = new Meter(this.#metrics);
    if (options.http) this.#server = new StatusServer(options.http, this, this.#metrics);
  }

  /** Where peers can dial us, as bound. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#transport.address;
  }

  /** Where status and metrics are served, as bound. */
  get httpAddress(): { readonly host: string; readonly port: number } | undefined {
    return this.#server?.address;
  }

  /** Rejects when it cannot listen; Asterisk and peers that are not there are no errors, but waited for. */
  async start(): Promise<void> {
    await this.#server?.start();
    await this.#mesh.start(true);
    if (this.#closed) return;
    this.#asterisk.start();
    this.#tick = setInterval(() => this.#ticked(), TICK_MS);
    const { tag, peers } = this.#options;
    const [listen, http] = [this.address, this.httpAddress].map((at) => at && `${at.host}:${at.port}`);
    const text = `hintmesh ${tag} runs${listen ? `, listens on ${listen}` : ''}; peers: ${peers.map((peer) => peer.tag).join(', ') || 'none'}`;
    this.#report({
      level: 'info',
      event: 'started',
      text,
      fields: { tag, listen, http, peers: peers.length },
    });
  }

  /**
   * Says bye, so that the peers hold our lamps through a restart (`final`: so that they do not), waits for what
   * was written, and lets go of everything. Idempotent.
   */
  close(final = false): Promise<void> {
    this.#closed ??= this.#close(final);
    return this.#closed;
  }

  /**
   * Another config, while everything runs: what did not change goes on untouched. Tag, `tcp` and `http` stay as
   * they are.
   */
  reconfigure(options: BrokerOptions): void {
    if (this.#closed) return;
    this.#options = options;
    this.#reloads.done += 1;
    // The core first: it must know new peers before they are dialled, and lamps of old ones are written first.
    this.#feed({ type: 'configured', options: federationOptions(options) });
    this.#mesh.setPeers(meshPeers(options), options.redial);
    this.#asterisk.reconfigure(this.#amiOptions());
  }

  /** Told by the process around: `undefined`, it is over. */
  tell(code: ToldCode, text: string | undefined): void {
    if (code === 'reload-refused' && text !== undefined) this.#reloads.refused += 1;
    this.#health.tell(code, text);
  }

  /** Told by the process around. */
  happened(code: PassingCode, text: string): void {
    this.#health.happened(code, text, performance.now());
  }

  status(): Status {
    return statusOf(this.#snapshot());
  }

  states(): StateRow[] {
    return stateRows(this.#options.tag, this.#federation);
  }

  watch(listener: (event: WatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  reload(): Promise<Reloaded> {
    return this.#around.reload();
  }

  leave(): void {
    this.#around.leave();
  }

  async #close(final: boolean): Promise<void> {
    this.#mesh.bye(final);
    await this.#mesh.close();
    await this.#drain();
    clearInterval(this.#tick);
    clearTimeout(this.#wake);
    await Promise.all([this.#asterisk.close(), this.#server?.close()]);
    this.#metrics.close();
    this.#report({
      level: 'info',
      event: 'stopped',
      text: `hintmesh ${this.#options.tag} stopped${final ? ' and left for good' : ''}`,
      fields: { final },
    });
  }

  /** Resolves when every write is answered, after DRAIN_MS at the latest. */
  async #drain(): Promise<void> {
    if (this.#isDrained()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #isDrained(): boolean {
    const { asteriskUp, isLit, owed, unanswered } = this.#federation.status(performance.now());
    return !asteriskUp || (isLit && owed + unanswered === 0);
  }

  /** First sync and all begin now, not when the process did: without Asterisk nobody could be dialled. */
  #begin(): void {
    this.#works = true;
    this.#standsBy = false;
    this.#federation = this.#newFederation();
    this.#mesh.resume();
  }

  /** Another broker took our place. What we believed until now will be old when it is our turn again. */
  #rest(): void {
    this.#works = false;
    this.#mesh.rest('this broker stands by');
    this.#federation = this.#newFederation();
    this.#health.awaitAll();
  }

  #newFederation(): Federation {
    return new Federation(federationOptions(this.#options), performance.now());
  }

  #newMesh(): Mesh {
    const { tag, redial } = this.#options;
    const options = {
      tag,
      epoch: this.#epoch,
      peers: meshPeers(this.#options),
      redialMinMs: redial.minMs,
      redialMaxMs: redial.maxMs,
    };
    return new Mesh(options, this.#transport, {
      admit: (peer, epoch) => (this.#federation.admits(peer, epoch) ? 'yes' : 'tag-in-use'),
      linkUp: (peer, link, epoch, transport) => {
        const text = `link to ${peer} is up, over ${transport}`;
        this.#report({ level: 'info', event: 'link-up', text, fields: { peer, link, transport } });
        this.#feed({ type: 'linkUp', peer, link, epoch });
      },
      heard: (peer, link, seq, message) => this.#feed({ type: 'heard', peer, link, seq, message }),
      linkDown: (peer, link, why) => {
        this.#report(ofLinkEnd(peer, why));
        this.#feed({ type: 'linkDown', peer, link });
      },
      note: (note) => this.#report(ofMeshNote(note)),
    });
  }

  #newAsterisk(): Asterisk {
    return createAsterisk(
      this.#amiOptions(),
      amiHandlers({
        toAsk: (listed) => this.#federation.toAsk(listed),
        feed: (input) => this.#feed(input),
        report: (report) => this.#report(report),
        asteriskUp: (version) => {
          this.#about = { version };
          if (!this.#works) this.#begin();
        },
        asteriskDown: (why) => {
          // One that we ended ourselves to begin another is nothing to raise, unless that fails.
          this.#about = why.reason === 'reconfigured' ? {} : { why: why.text };
        },
        asteriskFailed: (why) => {
          this.#about = { why: why.text };
        },
        stoodBy: () => {
          this.#about = {};
          this.#standsBy = true;
          if (this.#works) this.#rest();
        },
        echo: (status) => this.#meter.seen(status, performance.now()),
      }),
    );
  }

  #amiOptions(): AmiOptions {
    return { ...this.#options.ami, lease: this.#lease };
  }

  /** An edge may speak while the effects of its last word are carried out: then the new one waits its turn. */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const effect of this.#federation.input(next, performance.now())) this.#carryOut(effect);
      }
    } finally {
      this.#feeding = false;
    }
    this.#wakeForWrites();
    if (this.#drained && this.#isDrained()) this.#drained();
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
        if (this.#watchers.size > 0 && effect.view === ALL) {
          for (const entry of effect.entries) this.#show({ type: 'export', ...shown(entry) });
        }
        return this.#mesh.publish(effect.view, effect.entries);
      case 'snapshot':
        return this.#mesh.snapshot(effect.link, effect.view, effect.entries);
      case 'alive':
        return this.#mesh.alive();
      case 'dropLink':
        return this.#mesh.drop(effect.link, effect.why);
      case 'relist':
        return this.#asterisk.relist();
      case 'note':
        return this.#noted(effect.note);
      case 'setLamp':
        return this.#write(effect);
    }
  }

  #noted(note: Extract<Effect, { type: 'note' }>['note']): void {
    this.#report(ofNote(note));
    if (note.kind === 'belief') {
      const { peer, from, to } = note;
      this.#show({ type: 'belief', peer, from, to });
      // A broker that was killed and is back was refused until now, as a clone would be.
      if (to === 'suspect') this.#mesh.hurry(peer);
    }
    if (note.kind === 'drift') this.happened('lamp-drift', `lamp ${note.lamp} was changed by somebody else`);
  }

  #write({ id, kind, lamp, state, since }: Extract<Effect, { type: 'setLamp' }>): void {
    const text = stateText(state);
    const what = kind === 'device' ? lamp : `${kind} of ${lamp}`;
    const fields = { lamp, kind, state: text };
    this.#report({ level: 'debug', event: 'lamp', text: `${what} = ${text}`, fields });
    if (this.#watchers.size > 0) {
      const { extension = lamp, tag: pbx = '' } = splitLampName(lamp) ?? {};
      this.#show({ type: 'lamp', kind, pbx, extension, name: lamp, state: text });
    }
    const sentAt = performance.now();
    this.#meter.sent(lamp, state, sentAt);
    void this.#asked(lamp, state).then((result) => {
      this.#meter.answered(sentAt, since, result.ok, performance.now());
      this.#feed({ type: 'writeDone', id, ...result });
    });
  }

  #asked(lamp: string, state: Writable): Promise<WriteResult> {
    return isPresence(state)
      ? this.#asterisk.setPresence(lampPresentity(lamp), state)
      : this.#asterisk.setDeviceState(lampDevice(lamp), state);
  }

  #show(event: WatchEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }

  #ticked(): void {
    if (this.#works) this.#feed({ type: 'tick' });
    const now = performance.now();
    if (!this.#health.isDue(now, TICK_MS)) return;
    for (const change of this.#health.update(this.#snapshot(), now)) {
      this.#report(ofCondition(change.type, change.condition, now));
      this.#show({ type: change.type, condition: conditionRow(change.condition, now) });
    }
  }

  #snapshot(): Snapshot {
    const now = performance.now();
    const federation = this.#federation.status(now);
    return {
      now,
      startedAt: this.#startedAt,
      pbx: this.#options.tag,
      version: this.#options.version,
      epoch: this.#epoch,
      waitingFor: this.#health.awaited(federation),
      federation,
      mesh: this.#mesh.status(),
      asterisk: { ...this.#about, standsBy: this.#standsBy, ...this.#asterisk.status() },
      writesPerSecond: this.#options.pacing.writesPerSecond,
      redialMaxMs: this.#options.redial.maxMs,
      conditions: this.#health.conditions,
      reloads: this.#reloads,
    };
  }

  /** A write that waits for a token goes as soon as there is one, not at the next tick. */
  #wakeForWrites(): void {
    if (this.#wake !== undefined) return;
    const now = performance.now();
    const at = this.#federation.wakeAt(now);
    if (at === undefined || at - now >= TICK_MS) return;
    this.#wake = setTimeout(
      () => {
        this.#wake = undefined;
        this.#feed({ type: 'tick' });
      },
      Math.max(1, Math.ceil(at - now)),
    );
  }
}

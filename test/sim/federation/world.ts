/**
 * Everything in one run: the sites, the network between them, the clock. Owns how each step of a history is done; what
 * must hold in the end is end.ts, what must hold all along are the laws.
 */
import { Agenda } from './agenda.ts';
import { Asterisk } from './asterisk.ts';
import { Broker, type CoreModule } from './broker.ts';
import type { ConfigPlan, History, SitePlan, Step } from './history.ts';
import type { Laws } from './laws/laws.ts';
import { Connection, type Host, Path } from './wire.ts';

/** How often things happened: a run that meets no faults proves nothing. */
export type Counts = Map<string, number>;

export interface WorldOptions {
  readonly core: CoreModule;
  readonly counts?: Counts;
  /** Told everything that happens, for a trace. */
  readonly say?: (text: string) => void;
}

/** One PBX: its Asterisk, its broker if one runs, and what the disk keeps. */
export class Site implements Host {
  readonly key: string;
  readonly tag: string;
  readonly plan: SitePlan;
  readonly asterisk: Asterisk;
  broker: Broker | undefined;
  config: ConfigPlan;
  hasVanished = false;
  readonly remembered = new Set<string>();
  /** Lamps that somebody else wrote and that were not written anew since. */
  readonly touched = new Set<string>();
  /** When a run of its broker last ended. */
  endedAt = Number.NEGATIVE_INFINITY;
  /** When its broker last was frozen: until then it may believe what was true long ago. */
  thawedAt = Number.NEGATIVE_INFINITY;

  constructor(plan: SitePlan, asterisk: Asterisk) {
    this.key = plan.key;
    this.tag = plan.tag;
    this.plan = plan;
    this.asterisk = asterisk;
    this.config = plan.config;
  }

  post(work: () => void): void {
    if (this.broker === undefined) work();
    else this.broker.post(work, true);
  }

  /** The broker looks at its lamps, and so do we. */
  looked(laws: Laws): void {
    if (this.asterisk.isBooted) laws.lamps.settled(this.asterisk.pbx.astdb, this.touched);
  }
}

export class World {
  readonly agenda = new Agenda();
  readonly history: History;
  readonly sites = new Map<string, Site>();
  readonly connections = new Set<Connection>();
  readonly #options: WorldOptions;
  readonly #paths = new Map<string, Path>();
  #epochs = 0;

  constructor(history: History, options: WorldOptions) {
    this.history = history;
    this.#options = options;
    for (const plan of history.sites) {
      const site: Site = new Site(
        plan,
        this.#asterisk(plan, () => site),
      );
      this.sites.set(plan.key, site);
      site.asterisk.start();
    }
    for (const site of this.sites.values()) if (!site.plan.clone) this.startBroker(site);
  }

  site(key: string): Site {
    const site = this.sites.get(key);
    if (site === undefined) throw new Error(`no site ${key}`);
    return site;
  }

  path(from: string, to: string): Path {
    const key = `${from}>${to}`;
    const known = this.#paths.get(key);
    if (known) return known;
    const path = new Path(this.history.net.latencyMs);
    this.#paths.set(key, path);
    return path;
  }

  paths(): Iterable<Path> {
    return this.#paths.values();
  }

  count(what: string): void {
    const { counts } = this.#options;
    counts?.set(what, (counts.get(what) ?? 0) + 1);
  }

  say(text: () => string): void {
    this.#options.say?.(`${String(this.agenda.now).padStart(7)} ${text()}`);
  }

  pass(ms: number): void {
    this.agenda.runUntil(this.agenda.now + ms);
  }

  do(step: Step): void {
    this.pass(step.after);
    this.say(() => `STEP ${JSON.stringify(step)}`);
    this.count(`steps: ${'do' in step ? `${step.op} ${step.do}` : step.op}`);
    if (step.op === 'wait' || step.op === 'partition' || step.op === 'healAll') this.#network(step);
    else if ('to' in step && step.op !== 'call') this.#between(step);
    else this.#at(this.site(step.site), step);
  }

  startBroker(site: Site): void {
    if (site.broker !== undefined) return;
    this.#epochs += 1;
    site.hasVanished = false;
    const { core } = this.#options;
    const epoch = `${site.key}-${this.#epochs}`;
    const broker: Broker = new Broker(site.tag, epoch, site.config, {
      core,
      agenda: this.agenda,
      net: this.history.net,
      remembered: site.remembered,
      connect: (tag) => this.#connect(site, tag),
      asterisk: (receive) => site.asterisk.connect(receive),
      looked: (laws) => site.looked(laws),
      ended: () => {
        if (site.broker === broker) site.broker = undefined;
        site.endedAt = this.agenda.now;
      },
      count: (what) => this.count(what),
      say: (text) => this.say(() => `${site.key} ${text()}`),
    });
    site.broker = broker;
  }

  thaw(site: Site, broker = site.broker): void {
    if (broker?.isFrozen) site.thawedAt = this.agenda.now;
    broker?.thaw();
  }

  #asterisk(plan: SitePlan, site: () => Site): Asterisk {
    return new Asterisk(this.agenda, plan.asterisk, {
      lampSet: (lamp, ours) => {
        this.say(
          () =>
            `${plan.key}   lamp ${lamp} = ${site().asterisk.pbx.astdb.get(lamp)}${ours ? '' : ' (not ours)'}`,
        );
        if (ours) site().touched.delete(lamp);
        else site().touched.add(lamp);
      },
      count: (what) => this.count(what),
    });
  }

  /** Whoever is known under a tag is dialled at the site of that name; a clone has only the key. */
  #connect(from: Site, tag: string): Connection {
    const connection = new Connection(
      this.agenda,
      from,
      this.site(tag),
      (a, b) => this.path(a.key, b.key),
      (knocking) => {
        const { broker } = this.site(tag);
        if (!broker?.mesh.inbound(from.tag, knocking)) knocking.flow('acceptor').send({ kind: 'end' });
      },
    );
    this.connections.add(connection);
    return connection;
  }

  #network(step: Extract<Step, { op: 'wait' | 'partition' | 'healAll' }>): void {
    if (step.op === 'healAll') for (const path of this.#paths.values()) path.heal();
    if (step.op !== 'partition') return;
    for (const a of step.sites) {
      for (const b of this.sites.keys()) {
        if (step.sites.includes(b)) continue;
        this.path(a, b).open = false;
        this.path(b, a).open = false;
      }
    }
  }

  #between(step: Extract<Step, { to: string; site: string }>): void {
    if (step.op === 'call' || step.site === step.to) return;
    const path = this.path(step.site, step.to);
    const link = this.site(step.site).broker?.mesh.link(this.site(step.to).tag);
    switch (step.op) {
      case 'cut':
        path.open = false;
        return;
      case 'heal':
        return path.heal();
      case 'latency':
        return path.pace(step.ms, path.frameMs);
      case 'slow':
        return path.pace(path.latencyMs, step.frameMs);
      case 'lose':
      case 'repeat':
      case 'swap':
        return link?.spoil(step.op);
      case 'drop':
        return link?.close('dropped', step.told);
      case 'dial':
        return this.site(step.site).broker?.mesh.dialAgain(this.site(step.to).tag);
    }
  }

  #at(site: Site, step: Extract<Step, { site: string }>): void {
    const { asterisk, broker } = site;
    const { pbx } = asterisk;
    switch (step.op) {
      case 'device':
        return asterisk.whenAwake(() => pbx.setDevice(step.device, step.state));
      case 'call':
        return asterisk.startCall(step.id, step.from, step.to);
      case 'act':
        return asterisk.act(step.id, step.act, step.by);
      case 'hint':
        if (step.text === null) return pbx.removeHint(step.name);
        return pbx.addHint(step.name, step.text);
      case 'reload':
        return asterisk.reload(step.event);
      case 'watch':
        return asterisk.watch(step.lamp);
      case 'meddle':
        return asterisk.meddle(step.lamp, step.state);
      case 'asterisk':
        return this.#asteriskStep(site, step.do);
      case 'vanish':
        return asterisk.kill(true);
      case 'session':
        return broker?.ami.cut(step.lost);
      case 'relist':
        return broker?.ami.relist();
      case 'pace':
        asterisk.answerMs = step.answerMs;
        asterisk.workMs = step.workMs;
        return;
      case 'refuse':
        return asterisk.refuse(step.lamp, step.forMs, step.times);
      case 'forge':
        return this.#forge(site, step.as, step.over);
      case 'broker':
        if (step.do === 'start') return this.startBroker(site);
        return step.do === 'kill' ? broker?.kill(true) : broker?.post(() => broker.stop(step.do === 'leave'));
      case 'powerCut':
        site.hasVanished = broker !== undefined;
        return broker?.kill(false);
      case 'freeze':
        broker?.freeze();
        this.agenda.after(step.ms, () => this.thaw(site, broker));
        return;
      case 'configure':
        site.config = { ...site.config, ...step.change };
        return broker?.post(() => broker.configure(site.config));
    }
  }

  #asteriskStep(site: Site, what: Extract<Step, { op: 'asterisk' }>['do']): void {
    const { asterisk } = site;
    if (what === 'mute') return asterisk.mute();
    if (what === 'unmute') return asterisk.unmute();
    if (what === 'start') return asterisk.start();
    asterisk.kill();
    if (what === 'wipe') asterisk.pbx.astdb.clear();
  }

  /** A state of `as` that comes over the link of `over`. */
  #forge(site: Site, as: string, over: string): void {
    const link = site.broker?.mesh.link(over);
    if (link === undefined || as === over) return;
    const entries = [{ kind: 'device', extension: '1', state: 'NOT_INUSE' }] as const;
    const message = { type: 'snapshot', entries, last: true } as const;
    site.broker?.post(() => site.broker?.feed({ type: 'heard', peer: as, link: link.id, seq: 1, message }));
  }
}

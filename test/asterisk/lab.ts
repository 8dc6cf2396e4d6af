// One scenario's PBXs, phones, hosts and brokers. Owns that all of them are gone when it ends, however it
// ends, and that a failure shows what they logged.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Asterisk, type AsteriskOptions } from './asterisk.ts';
import { BlfPhone, type Package } from './blf-phone.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { Hosts } from './net.ts';
import { OptionsProbe } from './options-probe.ts';
import { SippPhone } from './sipp.ts';
import { Softphone } from './softphone.ts';

/** Lines of a log shown when a scenario fails. */
const SHOWN_LINES = 30;

interface Closable {
  close(): Promise<void>;
}

export class Lab {
  readonly folder: string;
  readonly pbxs: Asterisk[] = [];
  readonly brokers: Broker[] = [];
  #open: Closable[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Something that is to be gone when the scenario ends. */
  keep(thing: Closable): void {
    this.#open.push(thing);
  }

  /** A booted PBX. */
  async pbx(options: AsteriskOptions): Promise<Asterisk> {
    const pbx = await Asterisk.create(options);
    this.#open.push(pbx);
    this.pbxs.push(pbx);
    await pbx.start();
    return pbx;
  }

  /** A phone with lamps. */
  async blf(pbx: Asterisk, user: string): Promise<BlfPhone> {
    return this.#phone(BlfPhone.dialog(pbx, user));
  }

  /** A phone whose lamps are subscriptions to something else. */
  async presencePhone<State extends string>(
    pbx: Asterisk,
    user: string,
    read: Package<State>,
  ): Promise<BlfPhone<State>> {
    return this.#phone(new BlfPhone(pbx, user, read));
  }

  async #phone<Phone extends Closable & { open(): Promise<void> }>(phone: Phone): Promise<Phone> {
    this.#open.push(phone);
    await phone.open();
    return phone;
  }

  /** A registered phone that can call and be called. */
  async sipp(pbx: Asterisk, user: string): Promise<SippPhone> {
    const phone = new SippPhone(pbx, user, this.folder);
    this.#open.push(phone);
    await phone.open();
    return phone;
  }

  /** A registered phone that can have several calls at a time. */
  async softphone(pbx: Asterisk, user: string): Promise<Softphone> {
    const phone = new Softphone(pbx, user);
    this.#open.push(phone);
    await phone.open();
    return phone;
  }

  /** A probe that asks already. */
  async probe(pbx: Asterisk, user: string, everyMs?: number): Promise<OptionsProbe> {
    const probe = await OptionsProbe.start(pbx, user, everyMs);
    this.#open.push(probe);
    return probe;
  }

  /** Hosts whose lines can be cut. */
  async hosts(count: number): Promise<Hosts> {
    const hosts = new Hosts(count);
    this.#open.push(hosts);
    await hosts.open();
    return hosts;
  }

  /** A broker that is not started yet. */
  async broker(options: Omit<BrokerOptions, 'folder'>): Promise<Broker> {
    const broker = await Broker.create({ ...options, folder: this.folder });
    this.#open.push(broker);
    this.brokers.push(broker);
    return broker;
  }

  /** Keeps the logs in a folder of their own and returns what they say, for the error. */
  async failure(): Promise<string> {
    const kept = await mkdtemp(join(tmpdir(), 'hintmesh-failed-'));
    for (const pbx of this.pbxs) await pbx.keep(kept);
    for (const broker of this.brokers) await broker.keep(kept);
    const parts = [
      ...this.pbxs.map((pbx) => [`Asterisk ${pbx.name}, errors:`, ...pbx.errors().slice(-SHOWN_LINES)]),
      ...this.brokers.map((broker) => [`broker ${broker.tag}:`, ...broker.lines().slice(-SHOWN_LINES)]),
    ];
    return [...parts.flat(), `logs are kept in ${kept}`].join('\n  ');
  }

  async close(): Promise<void> {
    const failed: unknown[] = [];
    for (const thing of this.#open.reverse()) await thing.close().catch((error) => failed.push(error));
    await rm(this.folder, { recursive: true, force: true });
    if (failed.length > 0) throw new AggregateError(failed, 'the lab could not be cleared away');
  }
}

/** Runs `scenario` in a new lab. */
export async function inLab(scenario: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = new Lab(await mkdtemp(join(tmpdir(), 'hintmesh-lab-')));
  try {
    await scenario(lab);
  } catch (error) {
    const text = await lab.failure();
    if (error instanceof Error) error.message += `\n  ${text}`;
    throw error;
  } finally {
    await lab.close();
  }
}

// One real Asterisk: its own directories and ports inside a shared root. Owns its life from configuration to
// clean-up; what it is told and asked while it runs goes through `ami()` and `cli()`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../until.ts';
import { TestAmi } from './ami.ts';
import {
  type AsteriskSpec,
  asteriskFiles,
  BROKER_USER,
  CONTEXT,
  type Extras,
  TESTER_USER,
} from './asterisk-files.ts';
import { type Child, type Exit, FIRST, LOWEST, run, start } from './child.ts';
import type { Namespace } from './net.ts';
import { freeTcpPort, freeUdpPort } from './ports.ts';
import type { Root } from './provision.ts';

/** Booting takes about a second; a loaded machine is given this long. */
const BOOT_TIMEOUT_MS = 30_000;
/** Folders of instances carry the pid of the test process that owns them, so that orphans can be told. */
const FOLDER = /^hintmesh-(\d+)-/;

let instances = 0;

export interface AsteriskOptions extends Extras {
  readonly root: Root;
  /** For messages and folder names; need not be unique. */
  readonly name: string;
  /** Where it lives on the network; absent: loopback. */
  readonly namespace?: Namespace;
  readonly phones?: readonly string[];
  readonly dialplan: string;
  readonly manager?: string;
  /** It must not take processor time from the others: as if it were another machine. */
  readonly elsewhere?: boolean;
  /** It takes processor time before the rest. */
  readonly undisturbed?: boolean;
}

export class Asterisk {
  readonly name: string;
  readonly root: Root;
  readonly host: string;
  readonly sipPort: number;
  readonly amiPort: number;
  readonly broker = BROKER_USER;
  /** How long the last boot took until FullyBooted, ms. */
  bootMs = 0;
  #spec: AsteriskSpec;
  #enter: readonly string[];
  #child: Child | undefined;
  #amis: TestAmi[] = [];

  constructor(options: AsteriskOptions, spec: AsteriskSpec) {
    this.name = options.name;
    this.root = options.root;
    this.host = spec.host;
    this.sipPort = spec.sipPort;
    this.amiPort = spec.amiPort;
    this.#spec = spec;
    const nice = options.elsewhere ? LOWEST : options.undisturbed ? FIRST : [];
    this.#enter = [...nice, ...(options.namespace?.enter ?? [])];
  }

  /** Writes a new instance's files; `start()` boots it. */
  static async create(options: AsteriskOptions): Promise<Asterisk> {
    instances += 1;
    const host = options.namespace?.address ?? '127.0.0.1';
    const asterisk = new Asterisk(options, {
      folder: `/tmp/hintmesh-${process.pid}-${instances}-${options.name}`,
      entityId: `02:00:00:00:${(instances >> 8).toString(16)}:${(instances & 255).toString(16)}`,
      host,
      // In a namespace of its own every port is free.
      sipPort: options.namespace ? 5060 : await freeUdpPort(host),
      amiPort: options.namespace ? 5038 : await freeTcpPort(host),
      phones: options.phones ?? [],
      dialplan: options.dialplan,
      ...(options.manager === undefined ? {} : { manager: options.manager }),
      modules: options.modules ?? [],
      files: options.files ?? {},
      pjsip: options.pjsip ?? '',
    });
    await removeOrphans(options.root);
    for (const sub of ['etc', 'spool', 'db', 'run', 'log']) {
      await mkdir(asterisk.#path(sub), { recursive: true });
    }
    for (const [file, text] of Object.entries(asteriskFiles(asterisk.#spec))) {
      await writeFile(asterisk.#path('etc', file), text);
    }
    return asterisk;
  }

  /** A path outside the root. */
  #path(...parts: string[]): string {
    return join(this.root.path, this.#spec.folder, ...parts);
  }

  #command(...args: string[]): string[] {
    const conf = `${this.#spec.folder}/etc/asterisk.conf`;
    return [...this.#enter, 'chroot', this.root.path, 'asterisk', '-C', conf, ...args];
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error(`${this.name} was not started`);
    return this.#child.pid;
  }

  /** Boots it, with the AstDB it left, and returns when it is fully booted. */
  async start(): Promise<void> {
    const begun = performance.now();
    const child = start(this.#command('-f', '-n'));
    this.#child = child;
    const ami = await until(
      () => `${this.name} answers AMI\n${this.errors().join('\n')}`,
      async () => {
        if (!child.running) throw new Error(`${this.name} did not start\n${this.errors().join('\n')}`);
        return this.ami().catch(() => undefined);
      },
      BOOT_TIMEOUT_MS,
    );
    await ami.event('FullyBooted', BOOT_TIMEOUT_MS);
    this.bootMs = performance.now() - begun;
    await ami.close();
  }

  /** Waits until AstDB is on disk: it is written once a second (main/db.c), and `kill()` loses what is not. */
  async saved(): Promise<void> {
    const journal = this.#path('db', 'astdb.sqlite3-journal');
    await until(`AstDB of ${this.name} is written`, () => !existsSync(journal));
  }

  /** Removes AstDB, of an instance that is down: devices, subscriptions and registrations are forgotten. */
  async wipe(): Promise<void> {
    await rm(this.#path('db'), { recursive: true, force: true });
    await mkdir(this.#path('db'));
  }

  /** A graceful stop. */
  async stop(): Promise<Exit | undefined> {
    return this.#child?.stop('SIGTERM');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#child?.stop('SIGKILL');
  }

  /** SIGSTOP; returns when every thread stands still, which is some time after the signal. */
  async freeze(): Promise<void> {
    await this.#child?.freeze();
  }

  thaw(): void {
    this.#child?.signal('SIGCONT');
  }

  /** What a rasterisk prints for `command`. */
  cli(command: string): Promise<string> {
    return run(this.#command('-rx', command));
  }

  /** A new AMI session with every right; closed with the instance at the latest. */
  async ami(): Promise<TestAmi> {
    return this.loginAs(TESTER_USER);
  }

  async loginAs(user: { username: string; secret: string }): Promise<TestAmi> {
    const ami = await TestAmi.login({ host: this.host, port: this.amiPort, ...user });
    this.#amis.push(ami);
    return ami;
  }

  /** Replaces extensions.conf; `dialplan reload` makes it so. */
  writeDialplan(text: string): Promise<void> {
    return this.writeConfig('extensions.conf', text);
  }

  /** Replaces a configuration file; for the next start, or a reload. */
  async writeConfig(file: string, text: string): Promise<void> {
    await writeFile(this.#path('etc', file), text);
  }

  /** SIP URI of an extension of this PBX. */
  uri(extension: string): string {
    return `sip:${extension.replaceAll('#', '%23')}@${this.host}:${this.sipPort}`;
  }

  /** Where its phones call and subscribe. */
  get context(): string {
    return CONTEXT;
  }

  #log(): string {
    const file = this.#path('log', 'full');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** The log's ERROR lines, of all runs of this instance. */
  errors(): string[] {
    return this.#log()
      .split('\n')
      .filter((line) => line.includes('ERROR['));
  }

  /** Copies the log and the configuration to `folder`. */
  async keep(folder: string): Promise<void> {
    for (const sub of ['log', 'etc']) {
      await cp(this.#path(sub), join(folder, this.name, sub), { recursive: true });
    }
  }

  /** Kills it and removes everything it had. */
  async close(): Promise<void> {
    await Promise.all(this.#amis.map((ami) => ami.close()));
    await this.kill();
    await rm(this.#path(), { recursive: true, force: true });
  }
}

/** Removes what killed test runs left in the root. */
async function removeOrphans(root: Root): Promise<void> {
  for (const name of readdirSync(join(root.path, 'tmp'))) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(root.path, 'tmp', name), { recursive: true, force: true });
  }
}

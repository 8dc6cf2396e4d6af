/**
 * A simulated Asterisk on a real TCP port: the model of pbx.ts behind an AMI server, its boot, and the faults
 * a test or a demo can make. What it keeps of the real one, and where it differs: docs/simulated-asterisk.md.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { DeviceState } from '../../src/core/state.ts';
import type { Call } from './calls.ts';
import type { Messages } from './mailboxes.ts';
import { type Fields, type PbxEvent, packet } from './message.ts';
import { Pbx, type PbxOptions } from './pbx.ts';
import { type AmiUser, Session, type SessionHost } from './session.ts';

export interface SimulatedAsteriskOptions extends PbxOptions {
  /** For messages of tests; not on the wire. */
  readonly name?: string;
  /** 0 or absent: any free port, kept over restarts. */
  readonly port?: number;
  /** Absent: one user `hintmesh` / `dummy-secret`, read=call,system, write=call,reporting. */
  readonly users?: readonly AmiUser[];
  /** From the first possible login to FullyBooted, milliseconds; about 530 in real life. */
  readonly bootMs?: number;
  /** `writetimeout` of manager.conf, milliseconds. */
  readonly writeTimeoutMs?: number;
  /** How long a refused login is kept waiting, milliseconds. */
  readonly refusalMs?: number;
  /** false: res_manager_devicestate is not loaded: no DeviceStateChange, no DeviceStateList. */
  readonly deviceStateModule?: boolean;
  /** false: res_manager_presencestate is not loaded: no PresenceStateChange, no PresenceStateList. */
  readonly presenceStateModule?: boolean;
}

export const DEFAULT_USER: AmiUser = {
  username: 'hintmesh',
  secret: 'dummy-secret',
  read: 'call,system',
  write: 'call,reporting',
};

const DEFAULT_BOOT_MS = 530;
const DEFAULT_WRITE_TIMEOUT_MS = 100;
const DEFAULT_REFUSAL_MS = 1000;
/** Part of the boot after which modules are there (DEVICE_STATE exists) but hints are not. */
const MODULES_AT = 0.5;
/** What `module reload` finds; only the first and the last do anything here. */
const MODULES = ['pbx_config', 'res_pjsip', 'res_manager_devicestate', 'app_voicemail'];

export class SimulatedAsterisk {
  /** The model: devices, AstDB, hints, phones, without the AMI side. */
  readonly pbx: Pbx;
  readonly name: string;
  /** Told every Setvar of a DEVICE_STATE or a PRESENCE_STATE, refused ones too. */
  onSetvar: (name: string, value: string, ok: boolean) => void = () => {};
  readonly #options: SimulatedAsteriskOptions;
  /** What the sessions see of it, and its state. */
  readonly #host: { -readonly [key in keyof SessionHost]: SessionHost[key] };
  readonly #sessions = new Set<Session>();
  #server: Server | undefined;
  #port = 0;
  #timers: NodeJS.Timeout[] = [];
  #working = false;
  #muted: { until: Promise<void>; end: () => void } | undefined;
  #refuseSetvar: (name: string, value: string) => boolean = () => false;
  #refuseLogins = false;
  #onBooted: (() => void)[] = [];

  constructor(options: SimulatedAsteriskOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'pbx';
    this.pbx = new Pbx(options);
    this.#host = {
      pbx: this.pbx,
      globals: new Map(),
      deviceStateModule: options.deviceStateModule !== false,
      presenceStateModule: options.presenceStateModule !== false,
      writeTimeoutMs: options.writeTimeoutMs ?? DEFAULT_WRITE_TIMEOUT_MS,
      refusalMs: options.refusalMs ?? DEFAULT_REFUSAL_MS,
      delayMs: 0,
      startedAt: new Date(),
      reloadedAt: new Date(),
      functionsLoaded: false,
      booted: false,
      awake: () => this.#muted?.until ?? Promise.resolve(),
      user: (name) => this.#user(name),
      inUse: (name) => [...this.#sessions].some((session) => session.user?.username === name),
      setvar: (device, word) => this.#set(device, word, () => this.pbx.writeCustom(device, word)),
      setPresence: (who, value) => this.#set(who, value, () => this.pbx.writePresence(who, value)),
      dialplanReload: () => this.dialplanReload(),
      moduleReload: (module) => this.moduleReload(module),
      fullyBooted: () => this.#fullyBooted(),
    };
  }

  get port(): number {
    return this.#port;
  }

  get booted(): boolean {
    return this.#host.booted;
  }

  /** AMI sessions that are logged in. */
  get sessions(): number {
    return [...this.#sessions].filter((session) => session.user).length;
  }

  /** Global variables of the dialplan. */
  get globals(): Map<string, string> {
    return this.#host.globals;
  }

  // ---- life

  /** Resolves when logins are possible; `whenBooted()` when FullyBooted was said. */
  async start(): Promise<void> {
    this.pbx.onEvent = (event) => this.#raise(event);
    this.pbx.onWork = () => this.#work();
    const server = createServer((socket) => this.#accept(socket));
    server.listen(this.#port || (this.#options.port ?? 0), '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#host.startedAt = new Date();
    this.#host.reloadedAt = this.#host.startedAt;
    const bootMs = this.#options.bootMs ?? DEFAULT_BOOT_MS;
    this.#timers = [
      setTimeout(() => this.#loadModules(), bootMs * MODULES_AT),
      setTimeout(() => this.#finishBoot(), bootMs),
    ];
  }

  /** Resolves once FullyBooted was said. */
  whenBooted(): Promise<void> {
    if (this.#host.booted) return Promise.resolve();
    return new Promise((resolve) => this.#onBooted.push(resolve));
  }

  /** The process ends (as by kill -9); the phones' lamps freeze. AstDB stays for the next start, unless wiped. */
  async stop(how: { readonly wipe?: boolean } = {}): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const server = this.#server;
    this.#server = undefined;
    this.#host.booted = false;
    this.#host.functionsLoaded = false;
    for (const session of this.#sessions) session.destroy();
    this.pbx.forget();
    this.#host.globals.clear();
    this.unmute();
    if (server) {
      server.close();
      await once(server, 'close');
    }
    if (!how.wipe) return;
    this.pbx.astdb.clear();
    this.pbx.presences.astdb.clear();
  }

  #loadModules(): void {
    this.#host.functionsLoaded = true;
    this.pbx.loadModules();
  }

  #finishBoot(): void {
    this.pbx.dialplanReload();
    this.pbx.loadVoicemail();
    this.#host.booted = true;
    this.#raise({
      name: 'FullyBooted',
      class: 'system',
      fields: [['Status', 'Fully Booted'], ...(this.pbx.shape.since13 ? sinceBoot('0', '0') : [])],
    });
    this.pbx.resubscribe();
    for (const resolve of this.#onBooted.splice(0)) resolve();
  }

  // ---- the PBX

  setDevice(device: string, state: DeviceState): void {
    this.pbx.setDevice(device, state);
  }

  /** A scripted call between two devices, or extensions of PJSIP devices. */
  call(from: string, to: string): Call {
    return this.pbx.call(from, to);
  }

  addHint(name: string, app: string): void {
    this.pbx.addHint(name, app);
  }

  removeHint(name: string): void {
    this.pbx.removeHint(name);
  }

  /** The CLI's `dialplan reload`: hints tell, but there is no Reload event, nor a new CoreReloadTime. */
  dialplanReload(): void {
    this.pbx.dialplanReload();
  }

  /** `module reload MODULE`, or `core reload` for `All`: a Reload event comes last. False: no such module. */
  moduleReload(module = 'All'): boolean {
    const known = module === 'All' || MODULES.includes(module.replace(/\.so$/, ''));
    if (module === 'All' || module.startsWith('pbx_config')) this.dialplanReload();
    if (known && module.startsWith('app_voicemail')) this.pbx.voicemail.reload();
    if (known) this.#host.reloadedAt = new Date();
    if (!this.pbx.shape.since13) return known;
    this.#raise({
      name: 'Reload',
      class: 'system',
      fields: [
        ['Module', module],
        ['Status', known ? '0' : '2'],
      ],
    });
    return known;
  }

  /** A mailbox has so many messages now, and app_voicemail has noticed. */
  setMessages(mailbox: string, messages: Messages): void {
    this.pbx.voicemail.set(mailbox, messages);
    this.pbx.voicemail.tell(mailbox);
  }

  /** A caller leaves a message. */
  leaveMessage(mailbox: string): void {
    this.pbx.leaveMessage(mailbox);
  }

  hintState(extension: string, context?: string): DeviceState | undefined {
    return this.pbx.hintState(extension, context);
  }

  /** A phone watches that hint from now on; false: no such hint (404). */
  subscribe(extension: string, context?: string): boolean {
    return this.pbx.subscribe(extension, context);
  }

  /** What the phone that watches shows now. */
  lamp(extension: string, context?: string): DeviceState | undefined {
    return this.pbx.lamp(extension, context);
  }

  /** Called with what a watching phone is shown, at each change; `undefined`: the lamp goes dark. */
  onHint(told: (extension: string, state: DeviceState | undefined) => void): void {
    this.pbx.onLamp = told;
  }

  // ---- faults

  /** Like SIGSTOP: connections stay, new ones are accepted by the kernel, nothing is answered. */
  mute(): void {
    if (this.#muted) return;
    let end = () => {};
    const until = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#muted = { until, end };
    this.pbx.frozen = true;
  }

  unmute(): void {
    this.#muted?.end();
    this.#muted = undefined;
    this.pbx.frozen = false;
    this.#work();
  }

  /**
   * Cuts every AMI session in the middle of a packet: now, or once it has written that many more bytes (the
   * way to cut a list in two).
   */
  drop(afterBytes?: number): void {
    for (const session of this.#sessions) {
      if (afterBytes !== undefined) session.budget = afterBytes;
      else {
        session.inject('Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevi');
        session.cut();
      }
    }
  }

  /** Bytes that no Asterisk would send, to every session. */
  inject(bytes: string | Uint8Array): void {
    for (const session of this.#sessions) session.inject(bytes);
  }

  /** Setvar answers "Variable not set" where `predicate` says so; without one, no longer. */
  refuseSetvar(predicate: (name: string, value: string) => boolean = () => false): void {
    this.#refuseSetvar = predicate;
  }

  refuseLogins(refuse = true): void {
    this.#refuseLogins = refuse;
  }

  /** Every answer comes that much later, one after the other. */
  delayResponses(ms: number): void {
    this.#host.delayMs = ms;
  }

  // ---- inside

  #raise(event: PbxEvent): void {
    if (event.name === 'DeviceStateChange' && !this.#host.deviceStateModule) return;
    if (event.name === 'PresenceStateChange' && !this.#host.presenceStateModule) return;
    for (const session of this.#sessions) session.event(event);
  }

  /** Lets the model's other threads run, a little each turn of the event loop. */
  #work(): void {
    if (this.#working || this.pbx.frozen || !this.pbx.busy) return;
    this.#working = true;
    setImmediate(() => {
      this.#working = false;
      this.pbx.settle();
    });
  }

  #accept(socket: Socket): void {
    const session = new Session(socket, this.#host);
    this.#sessions.add(session);
    session
      .run()
      .catch(() => session.destroy())
      .finally(() => this.#sessions.delete(session));
  }

  #user(name: string): AmiUser | undefined {
    if (this.#refuseLogins) return undefined;
    return (this.#options.users ?? [DEFAULT_USER]).find((user) => user.username === name);
  }

  #set(name: string, value: string, write: () => boolean): boolean {
    const ok = !this.#refuseSetvar(name, value) && write();
    this.onSetvar(name, value, ok);
    return ok;
  }

  /** The copy said right after a login has its fields in another order than the event. */
  #fullyBooted(): string {
    const since = (at: Date) => String(Math.round((Date.now() - at.getTime()) / 1000));
    const { startedAt, reloadedAt } = this.#host;
    return packet([
      ['Event', 'FullyBooted'],
      ['Privilege', 'system,all'],
      ...(this.pbx.shape.since13 ? sinceBoot(since(startedAt), since(reloadedAt)) : []),
      ['Status', 'Fully Booted'],
    ]);
  }
}

function sinceBoot(uptime: string, lastReload: string): Fields {
  return [
    ['Uptime', uptime],
    ['LastReload', lastReload],
  ];
}

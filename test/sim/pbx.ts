/**
 * The model of one Asterisk as far as lamps go: devices, presence and mailboxes, hints, phones that watch hints, and the
 * events all that raises. No sockets, no clock: work that Asterisk does in other threads waits in lanes until `step()`
 * or `settle()`. The AMI side is asterisk.ts; what each part holds, and how versions differ, is in the files beside.
 */
import type { DeviceState } from '../../src/core/state.ts';
import { Call } from './calls.ts';
import { Channels } from './channels.ts';
import { Devices } from './devices.ts';
import { seededRandom } from './dialplan.ts';
import { type HintRow, Hints } from './hints.ts';
import { Lanes } from './lanes.ts';
import type { MailboxOptions } from './mailboxes.ts';
import type { Fields, PbxEvent } from './message.ts';
import { Phones } from './phones.ts';
import { escapeC, Presences, type Said } from './presences.ts';
import { SHAPES, type Shape, type ShapeName } from './shape.ts';
import { Voicemail } from './voicemail.ts';

export type { PbxEvent } from './message.ts';

export interface PbxOptions {
  readonly seed?: number;
  /** Which Asterisk it is like; absent: 22.10. */
  readonly shape?: ShapeName;
  /** extensions.conf: extension or `_pattern`, perhaps `@context`, → hint: `{'1001': 'PJSIP/1001'}`. */
  readonly hints?: Readonly<Record<string, string>>;
  /** Context of the names above that say none. */
  readonly context?: string;
  /** Devices that exist, with their states at rest: `{'PJSIP/1001': 'NOT_INUSE'}`. */
  readonly devices?: Readonly<Record<string, DeviceState>>;
  /** voicemail.conf: `{'1001@default': { fresh: 1 }}`; absent: app_voicemail is not loaded. */
  readonly mailboxes?: Readonly<Record<string, MailboxOptions>>;
  /** Channels are renamed when one takes the place of another, and Hold has a Status; absent: as the shape has it. */
  readonly renames?: boolean;
}

const DEFAULT_CONTEXT = 'ext-local';
/** Threads of Asterisk: of device events, of what a changed device means for its hints, of channels, and so on. */
const [DEVICES, HINTS, CHANNELS, PRESENCES, PRESENCE_HINTS, MAILBOXES] = [0, 1, 2, 3, 4, 5];
const LANES = 6;

export class Pbx {
  readonly shape: Shape;
  readonly context: string;
  readonly random: () => number;
  readonly presences = new Presences();
  readonly voicemail: Voicemail;
  /** Every event raised, in order. */
  onEvent: (event: PbxEvent) => void = () => {};
  /** Work was put into the lanes. */
  onWork: () => void = () => {};

  readonly #devices = new Devices();
  readonly #phones = new Phones();
  readonly #hints: Hints;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  /** Modules are loaded and nobody has killed it. */
  #running = false;

  constructor(options: PbxOptions = {}) {
    this.shape = SHAPES[options.shape ?? '22.10'];
    this.context = options.context ?? DEFAULT_CONTEXT;
    this.random = seededRandom(options.seed ?? 1);
    this.#lanes = new Lanes(LANES, this.random);
    const sources = {
      device: (device: string) => this.#devices.state(device),
      presence: (providers: string) => this.presences.of(providers),
    };
    const raise = (event: PbxEvent) => this.onEvent(event);
    this.#hints = new Hints(this.shape, this.context, sources, this.#phones, raise);
    this.#channels = new Channels(this.context, options.renames ?? this.shape.renames, !this.shape.since13);
    for (const [name, app] of Object.entries(options.hints ?? {})) this.#hints.add(name, app);
    for (const [device, state] of Object.entries(options.devices ?? {})) this.#devices.rest(device, state);
    this.#channels.onDevice = (device, state) => this.#publish(device, state ?? this.#devices.atRest(device));
    this.#channels.onEvent = (event) => this.#later(CHANNELS, () => this.onEvent(event));
    const ears = {
      event: (event: PbxEvent) => this.#later(MAILBOXES, () => this.onEvent(event)),
      device: (device: string, state: DeviceState) => this.#publish(device, state),
    };
    this.voicemail = new Voicemail(this.shape, this.#channels, ears, options.mailboxes);
  }

  /** AstDB, family CustomDevstate: key → value, both as written. Survives `loadModules`. */
  get astdb(): Map<string, string> {
    return this.#devices.astdb;
  }

  /** A watching phone is told a state; `undefined`: its hint is gone, the lamp goes dark. */
  set onLamp(told: (extension: string, state: DeviceState | undefined) => void) {
    this.#phones.onLamp = told;
  }

  // ---- boot, in the order of the real one (asterisk.ts calls these)

  /** The process is gone: calls, cache and hints with it. AstDB, the file, messages and the phones (as lit) stay. */
  forget(): void {
    this.#running = false;
    this.#channels.clear();
    this.#devices.forget();
    this.presences.forget();
    this.#hints.forget();
    this.#lanes.clear();
  }

  /** Modules load: what AstDB has comes back. No event tells: nobody is there yet to forward it. */
  loadModules(): void {
    this.#running = true;
    this.#channels.clear(); // calls that a script made of a process that was not there
    this.#devices.restore();
    if (this.shape.since13) this.presences.restore();
  }

  /** app_voicemail loads, after the hints; no device event tells. */
  loadVoicemail(): void {
    const device = (name: string, state: DeviceState) => {
      this.#devices.set(name, state);
      this.#hints.deviceChanged(name);
    };
    this.voicemail.load({ event: (event) => this.onEvent(event), device });
  }

  /** Phones whose subscriptions were kept subscribe again, once Asterisk is up. */
  resubscribe(): void {
    for (const [, { extension, context }] of this.#phones.all()) this.subscribe(extension, context);
  }

  // ---- devices

  /** A device of the PBX itself is now so; what it is after a restart changes too. */
  setDevice(device: string, state: DeviceState): void {
    this.#devices.rest(device, state === 'UNAVAILABLE' || state === 'INVALID' ? state : 'NOT_INUSE');
    this.#publish(device, state);
  }

  /** `DEVICE_STATE(device)=word`; false: refused. An event tells only a change. */
  writeCustom(device: string, word: string): boolean {
    const written = this.#devices.write(device, word);
    if (written) this.#publish(written.device, written.state);
    return written !== undefined;
  }

  deviceState(device: string): DeviceState {
    return this.#devices.state(device);
  }

  /** What DeviceStateList lists: cached devices only. */
  devices(): ReadonlyMap<string, DeviceState> {
    return this.#devices.cached();
  }

  #publish(fullName: string, state: DeviceState): void {
    if (!this.#running) return;
    const device = this.#devices.set(fullName, state);
    if (device === undefined) return;
    const fields: Fields = [
      ['Device', device],
      ['State', state],
    ];
    if (this.shape.since13) {
      this.#lanes.put(DEVICES, () => this.onEvent({ name: 'DeviceStateChange', class: 'call', fields }));
    }
    this.#lanes.put(HINTS, () => this.#hints.deviceChanged(device));
    this.#mayWork();
  }

  // ---- presence

  /** `PRESENCE_STATE(presentity)=value`; false: refused. Every write is told, whether it changes anything or not. */
  writePresence(presentity: string, value: string): boolean {
    const said = this.shape.since13 ? this.presences.write(presentity, value) : undefined;
    if (!said) return false;
    const fields = presenceFields(presentity, said);
    this.#lanes.put(PRESENCES, () => this.onEvent({ name: 'PresenceStateChange', class: 'call', fields }));
    this.#lanes.put(PRESENCE_HINTS, () => this.#hints.presenceChanged(presentity, said));
    this.#mayWork();
    return true;
  }

  /** A caller leaves a message; what else happens to a mailbox is `voicemail`'s. */
  leaveMessage(mailbox: string): void {
    this.voicemail.leave(mailbox);
  }

  // ---- the other threads

  #later(lane: number, work: () => void): void {
    if (!this.#running) return;
    this.#lanes.put(lane, work);
    this.onWork();
  }

  /** Sometimes the other threads are quicker than the next change, so that not all bursts coalesce. */
  #mayWork(): void {
    while (this.random() < 0.6 && this.step());
    if (this.busy) this.onWork();
  }

  get busy(): boolean {
    return this.#lanes.busy;
  }

  /** Stopped as by SIGSTOP. */
  get frozen(): boolean {
    return this.#lanes.frozen;
  }

  set frozen(frozen: boolean) {
    this.#lanes.frozen = frozen;
  }

  /** One piece of work of a thread chosen by chance: hint, device and channel events come in any order. */
  step(): boolean {
    return this.#lanes.step();
  }

  settle(): void {
    this.#lanes.settle();
  }

  // ---- hints and phones

  /**
   * Writes a hint at the end of extensions.conf; `dialplanReload()` puts it in force. `name`: `1001`,
   * `_1XXX`, `1001@other-context`.
   */
  addHint(name: string, app: string): void {
    this.#hints.add(name, app);
  }

  removeHint(name: string): void {
    this.#hints.remove(name);
  }

  dialplanReload(): void {
    this.#hints.reload();
  }

  /** Hints there are, patterns among them. */
  get hintCount(): number {
    return this.#hints.count;
  }

  /** What ExtensionStateList lists. */
  hintRows(): HintRow[] {
    return this.#hints.rows();
  }

  /** ExtensionState. */
  askHint(extension: string, context = this.context): HintRow {
    return this.#hints.ask(extension, context);
  }

  /** The state of a hint as it stands, creating nothing; `undefined`: there is no such hint. */
  hintState(extension: string, context = this.context): DeviceState | undefined {
    return this.#hints.state(extension, context);
  }

  /** A phone subscribes; false: 404, no such hint. It is told the state at once, and each change after. */
  subscribe(extension: string, context = this.context): boolean {
    const hint = this.#hints.findOrCreate(extension, context);
    const key = this.#hints.key(extension, context);
    if (!hint) {
      this.#phones.goDark(key);
      return false;
    }
    this.#phones.watch(key, extension, context);
    this.#phones.light(key, this.#hints.evaluateHint(hint));
    return true;
  }

  /** What the watching phone shows; `undefined`: nothing watches, or its hint is gone. */
  lamp(extension: string, context = this.context): DeviceState | undefined {
    return this.#phones.lamp(this.#hints.key(extension, context));
  }

  // ---- calls

  /** A scripted call between two devices, or extensions of PJSIP devices. */
  call(from: string, to: string): Call {
    return new Call(this.#channels, () => this.settle(), from, to);
  }

  /** What CoreShowChannels lists. */
  channelRows(): Fields[] {
    return this.#channels.rows();
  }

  /** What Status lists. */
  statusRows(): Fields[] {
    return this.#channels.statusRows();
  }
}

/** Escaped since 13.5 (main/presencestate.c, `presence_state_to_ami`), other than in PresenceStatus. */
export function presenceFields(presentity: string, { word, subtype, message }: Said): Fields {
  return [
    ['Presentity', presentity],
    ['Status', word],
    ['Subtype', escapeC(subtype)],
    ['Message', escapeC(message)],
  ];
}

/**
 * The model of one Asterisk (16 to 22.10) as far as lamps go: devices and their cache, AstDB, hints, phones
 * that watch hints, and the events all that raises. No sockets, no clock: work that Asterisk does in other
 * threads waits in lanes until `step()` or `settle()`. The AMI side is asterisk.ts, calls are calls.ts.
 */
import { aggregate, type DeviceState, fromExtensionStatus, parseDeviceState } from '../../src/core/state.ts';
import { Call } from './calls.ts';
import { Channels } from './channels.ts';
import {
  expandHint,
  hintDevices,
  patternMatches,
  STATUS,
  seededRandom,
  statusText,
  withoutDashes,
} from './dialplan.ts';
import { Lanes } from './lanes.ts';
import type { Fields } from './message.ts';

/** An AMI event before it is text; `class` is what a reader must have in its `read` mask. */
export interface PbxEvent {
  readonly name: string;
  readonly class: 'call' | 'system';
  readonly fields: Fields;
}

/** A row of ExtensionStateList, and the answer to ExtensionState. */
export interface HintRow {
  readonly extension: string;
  readonly context: string;
  readonly hint: string;
  readonly status: number;
}

export interface PbxOptions {
  readonly seed?: number;
  /** extensions.conf: extension or `_pattern`, perhaps `@context`, → hint: `{'1001': 'PJSIP/1001'}`. */
  readonly hints?: Readonly<Record<string, string>>;
  /** Context of the names above that say none. */
  readonly context?: string;
  /** Devices that exist, with their states at rest: `{'PJSIP/1001': 'NOT_INUSE'}`. */
  readonly devices?: Readonly<Record<string, DeviceState>>;
  /** Channels are renamed when one takes the place of another, and Hold has a Status, as up to Asterisk 11. */
  readonly renames?: boolean;
}

interface Hint {
  readonly extension: string;
  readonly context: string;
  readonly app: string;
  /** What ExtensionStateList says, and what a change is compared with. */
  laststate: number;
}

/** `ast_devstate_changed` formats the name into 80 bytes (main/devicestate.c). */
const MAX_DEVICE_NAME = 79;
/** A hint in an event is cut (`manager_state_cb` asks `ast_get_hint` for 512 bytes); a list gives all of it. */
const MAX_EVENT_HINT = 511;
const DEFAULT_CONTEXT = 'ext-local';
/** Threads of Asterisk: of device events, of what a changed device means for its hints, of channel events. */
const [DEVICES, HINTS, CHANNELS] = [0, 1, 2];

export class Pbx {
  readonly context: string;
  readonly random: () => number;
  /** Family CustomDevstate: key → value, both as written. Survives `boot`. */
  readonly astdb = new Map<string, string>();
  /** Every event raised, in order. */
  onEvent: (event: PbxEvent) => void = () => {};
  /** A watching phone is told a state; `undefined`: its hint is gone, the lamp goes dark. */
  onLamp: (extension: string, state: DeviceState | undefined) => void = () => {};
  /** Work was put into the lanes. */
  onWork: () => void = () => {};

  /** What extensions.conf says; in force from the next reload. */
  readonly #file = new Map<string, { extension: string; context: string; app: string }>();
  readonly #atRest = new Map<string, DeviceState>();
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #cache = new Map<string, DeviceState>();
  readonly #watched = new Map<string, { extension: string; context: string; shown: number | undefined }>();
  #hints = new Map<string, Hint>();
  #byDevice = new Map<string, Set<Hint>>();
  /** Modules are loaded and nobody has killed it. */
  #running = false;

  constructor(options: PbxOptions = {}) {
    this.context = options.context ?? DEFAULT_CONTEXT;
    this.random = seededRandom(options.seed ?? 1);
    this.#lanes = new Lanes(3, this.random);
    this.#channels = new Channels(this.context, options.renames === true);
    for (const [name, app] of Object.entries(options.hints ?? {})) this.addHint(name, app);
    for (const [device, state] of Object.entries(options.devices ?? {})) this.#atRest.set(device, state);
    this.#channels.onDevice = (device, state) =>
      this.#publish(device, state ?? this.#atRest.get(device) ?? 'NOT_INUSE');
    this.#channels.onEvent = (event) => {
      if (!this.#running) return;
      this.#lanes.put(CHANNELS, () => this.onEvent(event));
      this.onWork();
    };
  }

  // ---- boot, in the order of the real one (asterisk.ts calls these)

  /** The process is gone: calls, cache and hints with it. AstDB, the file and the phones (as lit) stay. */
  forget(): void {
    this.#running = false;
    this.#channels.clear();
    this.#cache.clear();
    this.#hints = new Map();
    this.#byDevice = new Map();
    this.#lanes.clear();
  }

  /**
   * Modules load: Custom states come back from AstDB, named by what stands after the LAST `/` of their key
   * (`load_module`, funcs/func_devstate.c). No event tells: nobody is there yet to forward it.
   */
  loadModules(): void {
    this.#running = true;
    this.#channels.clear(); // calls that a script made of a process that was not there
    for (const [device, state] of this.#atRest) this.#cache.set(device, state);
    for (const [key, value] of this.astdb) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      if (name !== '') this.#cache.set(`Custom:${name}`.slice(0, MAX_DEVICE_NAME), parseDeviceState(value));
    }
  }

  /** Phones whose subscriptions were kept subscribe again, once Asterisk is up. */
  resubscribe(): void {
    for (const { extension, context } of [...this.#watched.values()]) this.subscribe(extension, context);
  }

  // ---- devices

  /** A device of the PBX itself is now so; what it is after a restart changes too. */
  setDevice(device: string, state: DeviceState): void {
    this.#atRest.set(device, state === 'UNAVAILABLE' || state === 'INVALID' ? state : 'NOT_INUSE');
    this.#publish(device, state);
  }

  /**
   * `DEVICE_STATE(device)=word`; false: refused (`devstate_write`, funcs/func_devstate.c). AstDB gets the full
   * name and the word as they came, the cache the name cut at 79 characters, and an event tells only a change.
   */
  writeCustom(device: string, word: string): boolean {
    if (!/^custom:./i.test(device)) return false;
    const state = parseDeviceState(word);
    if (state === 'UNKNOWN') return false;
    const name = device.slice('Custom:'.length);
    this.astdb.set(name, word);
    this.#publish(`Custom:${name}`, state);
    return true;
  }

  /** `ast_device_state`: the cache, else whoever provides such devices. */
  deviceState(device: string): DeviceState {
    const cached = this.#cache.get(device);
    if (cached !== undefined && cached !== 'UNKNOWN') return cached;
    // A `/` makes it a channel's name, of a technology nobody has, Custom or not.
    if (device.includes('/')) return cached ?? 'INVALID';
    // Never written: UNKNOWN, which a hint shows as idle.
    if (/^custom:/i.test(device)) return parseDeviceState(this.astdb.get(device.slice(7)) ?? 'UNKNOWN');
    return cached ?? 'INVALID';
  }

  /** What DeviceStateList lists: cached devices only. */
  devices(): ReadonlyMap<string, DeviceState> {
    return this.#cache;
  }

  #publish(fullName: string, state: DeviceState): void {
    const device = fullName.slice(0, MAX_DEVICE_NAME);
    if (!this.#running) return;
    if (this.#cache.get(device) === state) return;
    this.#cache.set(device, state);
    const fields: Fields = [
      ['Device', device],
      ['State', state],
    ];
    this.#lanes.put(DEVICES, () => this.onEvent({ name: 'DeviceStateChange', class: 'call', fields }));
    this.#lanes.put(HINTS, () => this.#lookAtHints(device));
    // Sometimes the other threads are quicker than the next change, so that not all bursts coalesce.
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

  // ---- hints

  /**
   * Writes a hint at the end of extensions.conf; `dialplanReload()` puts it in force. `name`: `1001`,
   * `_1XXX`, `1001@other-context`.
   */
  addHint(name: string, app: string): void {
    const { extension, context } = this.#split(name);
    this.removeHint(name);
    this.#file.set(this.#key(extension, context), { extension, context, app });
  }

  removeHint(name: string): void {
    const { extension, context } = this.#split(name);
    this.#file.delete(this.#key(extension, context));
  }

  /**
   * `ast_merge_contexts_and_delete` (main/pbx.c): every hint is made anew and raises one event, whose `Hint:`
   * is still looked up in the OLD dialplan (so it is empty for a new hint). Hints made from patterns are gone
   * unless a phone watches them. Watched hints keep their old `laststate`. Removed ones raise nothing.
   */
  dialplanReload(): void {
    const old = this.#hints;
    this.#hints = new Map();
    this.#byDevice = new Map();
    for (const { extension, context, app } of this.#file.values()) {
      const before = find(old, this.#key(extension, context), extension, context);
      this.#create(extension, context, app, before?.app ?? '');
    }
    for (const [key, watch] of [...this.#watched]) {
      const before = old.get(key);
      if (!before) continue; // the first load after a boot: phones come back later
      const hint = this.#findOrCreate(watch.extension, watch.context);
      if (hint) hint.laststate = before.laststate;
      else this.#goDark(key);
    }
  }

  /** ExtensionStateList: no patterns; the status is the one last told. */
  hintRows(): HintRow[] {
    return [...this.#hints.values()]
      .filter((hint) => !hint.extension.startsWith('_'))
      .map(({ extension, context, app, laststate }) => ({
        extension,
        context,
        hint: app,
        status: laststate,
      }));
  }

  /** ExtensionState: evaluated now; a hint that only a pattern gives comes to life by the asking. */
  askHint(extension: string, context = this.context): HintRow {
    const hint = this.#findOrCreate(extension, context);
    return { extension, context, hint: hint?.app ?? '', status: hint ? this.#evaluate(hint.app) : -1 };
  }

  /** The state of a hint as it stands, creating nothing; `undefined`: there is no such hint. */
  hintState(extension: string, context = this.context): DeviceState | undefined {
    const hint = find(this.#hints, this.#key(extension, context), extension, context);
    return hint && fromExtensionStatus(this.#evaluate(expandHint(hint.app, extension)));
  }

  // ---- phones

  /** A phone subscribes; false: 404, no such hint. It is told the state at once, and each change after. */
  subscribe(extension: string, context = this.context): boolean {
    const hint = this.#findOrCreate(extension, context);
    const key = this.#key(extension, context);
    if (!hint) {
      this.#goDark(key);
      return false;
    }
    if (!this.#watched.has(key)) this.#watched.set(key, { extension, context, shown: undefined });
    this.#light(key, this.#evaluate(hint.app));
    return true;
  }

  /** What the watching phone shows; `undefined`: nothing watches, or its hint is gone. */
  lamp(extension: string, context = this.context): DeviceState | undefined {
    const shown = this.#watched.get(this.#key(extension, context))?.shown;
    return shown === undefined ? undefined : fromExtensionStatus(shown);
  }

  #light(key: string, status: number): void {
    const watch = this.#watched.get(key);
    if (!watch || watch.shown === status) return;
    watch.shown = status;
    this.onLamp(watch.extension, fromExtensionStatus(status));
  }

  #goDark(key: string): void {
    const watch = this.#watched.get(key);
    if (watch && this.#watched.delete(key)) this.onLamp(watch.extension, undefined);
  }

  #findOrCreate(extension: string, context: string): Hint | undefined {
    const key = this.#key(extension, context);
    const hint = find(this.#hints, key, extension, context);
    if (!hint?.extension.startsWith('_') || hint.extension === extension) return hint;
    return this.#create(extension, context, expandHint(hint.app, extension));
  }

  #create(extension: string, context: string, app: string, toldHint = app): Hint {
    const dynamic = extension.startsWith('_') && app.includes('${');
    const hint: Hint = { extension, context, app, laststate: dynamic ? 4 : this.#evaluate(app) };
    this.#hints.set(this.#key(extension, context), hint);
    for (const device of hintDevices(app)) {
      const name = device.toLowerCase(); // up to 22.10 a device finds its hints whatever the case
      const hints = this.#byDevice.get(name) ?? new Set();
      this.#byDevice.set(name, hints.add(hint));
    }
    if (!dynamic) this.#raiseHint(hint, toldHint);
    return hint;
  }

  #lookAtHints(device: string): void {
    for (const hint of this.#byDevice.get(device.toLowerCase()) ?? []) {
      const status = this.#evaluate(hint.app);
      if (status === hint.laststate) continue;
      hint.laststate = status;
      this.#raiseHint(hint, hint.app);
      this.#light(this.#key(hint.extension, hint.context), status);
    }
  }

  #evaluate(app: string): number {
    return STATUS[aggregate(hintDevices(app).map((device) => this.deviceState(device)))];
  }

  #raiseHint(hint: Hint, toldHint: string): void {
    this.onEvent({
      name: 'ExtensionStatus',
      class: 'call',
      fields: [
        ['Exten', hint.extension],
        ['Context', hint.context],
        ['Hint', toldHint.slice(0, MAX_EVENT_HINT)],
        ['Status', String(hint.laststate)],
        ['StatusText', statusText(hint.laststate)],
      ],
    });
  }

  #split(name: string): { extension: string; context: string } {
    const at = name.lastIndexOf('@');
    return at < 0
      ? { extension: name, context: this.context }
      : { extension: name.slice(0, at), context: name.slice(at + 1) };
  }

  #key(extension: string, context: string): string {
    return `${extension.startsWith('_') ? extension : withoutDashes(extension)}@${context}`;
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
}

/** The hint of exactly that extension, else the first pattern that matches it. */
function find(
  hints: ReadonlyMap<string, Hint>,
  key: string,
  extension: string,
  context: string,
): Hint | undefined {
  const exact = hints.get(key);
  if (exact) return exact;
  for (const hint of hints.values()) {
    if (!hint.extension.startsWith('_') || hint.context !== context) continue;
    if (patternMatches(hint.extension, extension)) return hint;
  }
  return undefined;
}

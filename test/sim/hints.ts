/**
 * The hints of the simulated Asterisk: the file, what is in force, what a reload, a question and a change of a device or
 * a presence do, and which events that raises, in each of three engines (shape.ts). No threads: the caller says when.
 */
import { aggregate, type DeviceState, fromExtensionStatus } from '../../src/core/state.ts';
import {
  expandHint,
  hintDevices,
  hintPresence,
  patternMatches,
  STATUS,
  statusText,
  withoutDashes,
} from './dialplan.ts';
import type { PbxEvent } from './message.ts';
import type { Phones } from './phones.ts';
import type { Said } from './presences.ts';
import type { Shape } from './shape.ts';

/** A row of ExtensionStateList, and the answer to ExtensionState. */
export interface HintRow {
  readonly extension: string;
  readonly context: string;
  readonly hint: string;
  readonly status: number;
}

interface Written {
  readonly extension: string;
  readonly context: string;
  readonly app: string;
}

interface Hint extends Written {
  /** What ExtensionStateList says, and what a change is compared with. */
  laststate: number;
  /** The presence that was told last; `undefined`: equal to none. */
  presence: string | undefined;
}

/** What hints are made of. */
export interface Sources {
  device(device: string): DeviceState;
  presence(providers: string): Said | undefined;
}

/** A hint in an event is cut (`manager_state_cb` asks `ast_get_hint` for 512 bytes); a list gives all of it. */
const MAX_EVENT_HINT = 511;
const UNAVAILABLE = 4;
const RINGING = 8;
/** AST_EXTENSION_REMOVED. */
const REMOVED = -2;

export class Hints {
  readonly #shape: Shape;
  readonly #context: string;
  readonly #sources: Sources;
  readonly #phones: Phones;
  readonly #raise: (event: PbxEvent) => void;
  /** What extensions.conf says; in force from the next reload. */
  readonly #file = new Map<string, Written>();
  #hints = new Map<string, Hint>();
  #byDevice = new Map<string, Set<Hint>>();

  constructor(
    shape: Shape,
    context: string,
    sources: Sources,
    phones: Phones,
    raise: (event: PbxEvent) => void,
  ) {
    this.#shape = shape;
    this.#context = context;
    this.#sources = sources;
    this.#phones = phones;
    this.#raise = raise;
  }

  add(name: string, app: string): void {
    const { extension, context } = this.#split(name);
    this.remove(name);
    this.#file.set(this.key(extension, context), { extension, context, app });
  }

  remove(name: string): void {
    const { extension, context } = this.#split(name);
    this.#file.delete(this.key(extension, context));
  }

  forget(): void {
    this.#hints = new Map();
    this.#byDevice = new Map();
  }

  reload(): void {
    if (this.#shape.hints === 'kept') this.#keep();
    else this.#renew();
  }

  /** Patterns among them. */
  get count(): number {
    return this.#hints.size;
  }

  /** No patterns; the status is the one last told. */
  rows(): HintRow[] {
    const rows = [...this.#hints.values()]
      .filter((hint) => !hint.extension.startsWith('_'))
      .map(({ extension, context, app, laststate }) => ({
        extension,
        context,
        hint: app,
        status: laststate,
      }));
    if (this.#shape.hints !== 'kept') return rows;
    const name = (row: HintRow) => `${row.extension}@${row.context}`;
    return rows.sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }

  /** Evaluated now; a hint that only a pattern gives comes to life by the asking. */
  ask(extension: string, context: string): HintRow {
    const hint = this.findOrCreate(extension, context);
    return { extension, context, hint: hint?.app ?? '', status: hint ? this.#evaluate(hint.app) : -1 };
  }

  /** As it stands, creating nothing; `undefined`: there is no such hint. */
  state(extension: string, context: string): DeviceState | undefined {
    const hint = find(this.#hints, this.key(extension, context), extension, context);
    return hint && fromExtensionStatus(this.#evaluate(expandHint(hint.app, extension)));
  }

  findOrCreate(extension: string, context: string): Hint | undefined {
    const key = this.key(extension, context);
    const hint = find(this.#hints, key, extension, context);
    if (!hint?.extension.startsWith('_')) return hint;
    if (hint.extension === extension) return this.#shape.hints === 'kept' ? undefined : hint;
    return this.#create(extension, context, expandHint(hint.app, extension));
  }

  /** A device has another state. */
  deviceChanged(device: string): void {
    for (const hint of this.#byDevice.get(this.#deviceKey(device)) ?? []) {
      const status = this.#evaluate(hint.app);
      // From 22.11 on, one more phone that rings is told again (`extension_state_device_state_cb`).
      const again = this.#shape.hints === 'kept' && (status & RINGING) !== 0;
      if (status === hint.laststate && !again) continue;
      hint.laststate = status;
      this.#raiseHint(hint, hint.app);
      this.#phones.light(this.key(hint.extension, hint.context), status);
    }
  }

  /** Up to 22.10 a hint says what the last of its presentities said; from 22.11 on, what they are together. */
  presenceChanged(presentity: string, said: Said): void {
    for (const hint of this.#hints.values()) {
      const providers = this.#presenceOf(hint);
      const names = providers.toLowerCase().split('&');
      if (providers === '' || !names.includes(presentity.toLowerCase())) continue;
      const now = this.#shape.hints === 'kept' ? this.#sources.presence(providers) : said;
      if (now) this.#tellPresence(hint, now);
    }
  }

  evaluateHint(hint: Hint): number {
    return this.#evaluate(hint.app);
  }

  key(extension: string, context: string): string {
    return `${extension.startsWith('_') ? extension : withoutDashes(extension)}@${context}`;
  }

  /**
   * `ast_merge_contexts_and_delete` (main/pbx.c) up to 22.10: every hint is made anew and, since 13, raises one event,
   * whose `Hint:` is still looked up in the OLD dialplan (so it is empty for a new hint). Hints made from patterns are
   * gone unless a phone watches them. Watched hints keep what was told last. Removed ones raise nothing.
   */
  #renew(): void {
    const old = this.#hints;
    this.forget();
    for (const { extension, context, app } of this.#file.values()) {
      const before = find(old, this.key(extension, context), extension, context);
      this.#create(extension, context, app, before?.app ?? '');
    }
    for (const [key, watch] of this.#phones.all()) {
      const before = old.get(key);
      if (!before) continue; // the first load after a boot: phones come back later
      const hint = this.findOrCreate(watch.extension, watch.context);
      if (!hint) this.#phones.goDark(key);
      else {
        hint.laststate = before.laststate;
        hint.presence = before.presence;
      }
    }
  }

  /** From 22.11 on: what is still there tells a change only, and what is not tells its end. */
  #keep(): void {
    const old = this.#hints;
    this.forget();
    for (const { extension, context, app } of this.#file.values()) {
      this.#carryOver(old, extension, context, app);
    }
    for (const { extension, context } of [...old.values()]) {
      if (extension.startsWith('_')) continue;
      const pattern = find(this.#hints, this.key(extension, context), extension, context);
      if (pattern) this.#carryOver(old, extension, context, expandHint(pattern.app, extension));
    }
    for (const gone of old.values()) {
      if (gone.extension.startsWith('_')) continue;
      gone.laststate = REMOVED;
      this.#raiseHint(gone, '');
      this.#phones.goDark(this.key(gone.extension, gone.context));
    }
  }

  /** Takes it out of `old`. */
  #carryOver(old: Map<string, Hint>, extension: string, context: string, app: string): void {
    const key = this.key(extension, context);
    const before = old.get(key);
    if (!before || extension.startsWith('_')) {
      old.delete(key);
      this.#create(extension, context, app);
      return;
    }
    old.delete(key);
    const hint: Hint = { ...before, app };
    this.#keepIn(hint);
    const status = this.#evaluate(app);
    if (status === hint.laststate) return;
    hint.laststate = status;
    this.#raiseHint(hint, app);
    this.#phones.light(key, status);
  }

  #create(extension: string, context: string, app: string, toldHint = app): Hint {
    const isKept = this.#shape.hints === 'kept';
    const mute = extension.startsWith('_') && (isKept || app.includes('${'));
    const hint: Hint = {
      extension,
      context,
      app,
      laststate: mute ? UNAVAILABLE : this.#evaluate(app),
      presence: undefined,
    };
    this.#keepIn(hint);
    const providers = this.#presenceOf(hint);
    const said = providers === '' || mute ? undefined : this.#sources.presence(providers);
    // Up to 22.10 a text that is not there differs from an empty one, and only those of the event are empty ones.
    if (said && (isKept || (said.subtype !== '' && said.message !== '')))
      hint.presence = JSON.stringify(said);
    const isTold = this.#shape.hints === 'told' || (isKept && hint.laststate !== UNAVAILABLE);
    if (isTold && !mute) this.#raiseHint(hint, toldHint);
    return hint;
  }

  #keepIn(hint: Hint): void {
    this.#hints.set(this.key(hint.extension, hint.context), hint);
    for (const device of this.#devicesOf(hint.app)) {
      const name = this.#deviceKey(device);
      const hints = this.#byDevice.get(name) ?? new Set();
      this.#byDevice.set(name, hints.add(hint));
    }
  }

  /** Up to 22.10 a device finds its hints whatever the case. */
  #deviceKey(device: string): string {
    return this.#shape.hints === 'kept' ? device : device.toLowerCase();
  }

  /** Before 11 there was no presence, and a comma was part of a device's name (`ast_extension_state3`). */
  #devicesOf(app: string): string[] {
    return this.#shape.since13 ? hintDevices(app) : app.split('&');
  }

  #presenceOf(hint: Hint): string {
    return this.#shape.since13 ? hintPresence(hint.app) : '';
  }

  #evaluate(app: string): number {
    return STATUS[aggregate(this.#devicesOf(app).map((device) => this.#sources.device(device)))];
  }

  #tellPresence(hint: Hint, said: Said): void {
    const text = JSON.stringify(said);
    if (hint.presence === text) return;
    hint.presence = text;
    this.#raise({
      name: 'PresenceStatus',
      class: 'call',
      fields: [
        ['Exten', hint.extension],
        ['Context', hint.context],
        ['Hint', hint.app.slice(0, MAX_EVENT_HINT)],
        ['Status', said.word],
        ['Subtype', said.subtype],
        ['Message', said.message],
      ],
    });
  }

  #raiseHint(hint: Hint, toldHint: string): void {
    const status = String(hint.laststate);
    this.#raise({
      name: 'ExtensionStatus',
      class: 'call',
      fields: [
        ['Exten', hint.extension],
        ['Context', hint.context],
        ['Hint', toldHint.slice(0, MAX_EVENT_HINT)],
        ['Status', status],
        ...(this.#shape.since13 ? ([['StatusText', statusText(hint.laststate)]] as const) : []),
      ],
    });
  }

  #split(name: string): { extension: string; context: string } {
    const at = name.lastIndexOf('@');
    return at < 0
      ? { extension: name, context: this.#context }
      : { extension: name.slice(0, at), context: name.slice(at + 1) };
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

/**
 * What the stream of events tells besides its content. Owns what is known of each hint in one session, for
 * three conclusions: the dialplan was reloaded, hints that were asked for have been forgotten, and events do
 * not reach us at all. No I/O, no clock; times are milliseconds of one monotonic clock.
 */
import { devicesOfHint } from '../core/names.ts';
import type { DeviceStatus, HintKey, HintStatus, Listing } from '../core/source.ts';
import { aggregate, type DeviceState, fromExtensionStatus } from '../core/state.ts';
import { HINT_FOLLOWS_DEVICE_MS, MAX_LISTED } from './limits.ts';
import { hintKey } from './merge.ts';

/** The bit of a hint's status (include/asterisk/pbx.h, `AST_EXTENSION_RINGING`). */
const RINGING = 8;

const NONE: readonly string[] = [];

export class Watch {
  /** Every hint's status, by its key. */
  readonly #hints = new Map<string, number>();
  /** Asked for in this session, at any time; bounded by what is listed. */
  #asked: ReadonlySet<string> = new Set();
  /** The devices each hint names, the hints that name each device, and the states of those. */
  readonly #devicesOf = new Map<string, readonly string[]>();
  readonly #hintsOf = new Map<string, string[]>();
  readonly #states = new Map<string, DeviceState>();
  /** Hints whose devices say otherwise than they do, since when. */
  readonly #behind = new Map<string, number>();
  /** All devices and hints of the last listing, until an event was heard. */
  #before:
    | { readonly devices: ReadonlyMap<string, DeviceState>; readonly hints: ReadonlyMap<string, number> }
    | undefined;
  #heard = false;

  /** No event about states was ever heard in this session. */
  get isDeaf(): boolean {
    return !this.#heard;
  }

  /**
   * Everything was read. True when the state of a device, or of a hint that is still the same one, differs from the reading
   * before although no event has ever been heard: then events are missing, unless one is just about to arrive.
   */
  listed({ hints, devices }: Listing, asked: readonly HintKey[]): boolean {
    const everAsked = new Set([...this.#asked, ...asked.map(hintKey)]);
    this.#asked = new Set(hints.map(hintKey).filter((key) => everAsked.has(key)));
    for (const map of [this.#hints, this.#devicesOf, this.#hintsOf, this.#states, this.#behind]) map.clear();
    for (const hint of hints) {
      const key = hintKey(hint);
      this.#hints.set(key, hint.status);
      if (hint.status < 0) continue;
      const named = devicesOfHint(hint.hint);
      this.#devicesOf.set(key, named);
      for (const device of named) {
        const others = this.#hintsOf.get(device);
        if (others === undefined) this.#hintsOf.set(device, [key]);
        else others.push(key);
      }
    }
    for (const { device, state } of devices) if (this.#hintsOf.has(device)) this.#states.set(device, state);
    if (this.#heard) return false;
    const before = this.#before;
    // What a hint names may have become something else; and one that goes says nothing up to 22.10.
    const told = hints.filter(({ status }) => status >= 0);
    this.#before = {
      devices: new Map(devices.map(({ device, state }) => [device, state])),
      hints: new Map(told.map((hint) => [textOf(hint), hint.status])),
    };
    return (
      devices.some(({ device, state }) => (before?.devices.get(device) ?? state) !== state) ||
      told.some((hint) => (before?.hints.get(textOf(hint)) ?? hint.status) !== hint.status)
    );
  }

  device({ device, state }: DeviceStatus, now: number): void {
    this.#hear();
    const keys = this.#hintsOf.get(device);
    if (keys === undefined) return;
    this.#states.set(device, state);
    for (const key of keys) {
      if (this.#agrees(key)) this.#behind.delete(key);
      else if (!this.#behind.has(key)) this.#behind.set(key, now);
    }
  }

  /**
   * A hint's event, and whether it calls for reading everything again: `undescribed`, it is new and does not tell
   * its devices; `repeated`, it says what was known. A dialplan reload repeats the state of every hint up to
   * 22.10 and forgets those that were asked for, without another sign (main/pbx.c, `ast_merge_contexts_and_delete`).
   * From 22.11 on a reload repeats nothing, but a hint that rings does, whenever another of its devices changes
   * (main/extension_state.c).
   */
  hint(status: HintStatus): 'undescribed' | 'repeated' | undefined {
    this.#hear();
    const key = hintKey(status);
    const before = this.#hints.get(key);
    if (before !== undefined || this.#hints.size < MAX_LISTED) this.#hints.set(key, status.status);
    if (this.#agrees(key)) this.#behind.delete(key);
    if (before === undefined) return status.hint === '' ? 'undescribed' : undefined;
    // Asking for a hint makes it, and that raises an event which repeats the answer.
    if (before !== status.status || this.#asked.has(key)) return undefined;
    const mayRingAgain = status.status > 0 && (status.status & RINGING) !== 0;
    return mayRingAgain && (this.#devicesOf.get(key)?.length ?? 0) > 1 ? undefined : 'repeated';
  }

  /** A device changed and a hint that names it did not follow: a reload made Asterisk forget that hint. */
  isForgotten(now: number): boolean {
    for (const since of this.#behind.values()) if (now - since >= HINT_FOLLOWS_DEVICE_MS) return true;
    return false;
  }

  #hear(): void {
    this.#heard = true;
    this.#before = undefined;
  }

  #agrees(key: string): boolean {
    const states: DeviceState[] = [];
    for (const device of this.#devicesOf.get(key) ?? NONE) {
      const state = this.#states.get(device);
      if (state === undefined) return true;
      states.push(state);
    }
    const [only] = states;
    if (only === undefined) return true;
    const state = states.length === 1 ? only : aggregate(states);
    return shown(state) === fromExtensionStatus(this.#hints.get(key) ?? -1);
  }
}

/** A hint as it is, without its state. */
function textOf(hint: HintStatus): string {
  return `${hintKey(hint)}\n${hint.hint}`;
}

/** A hint does not tell these apart (main/pbx.c, `ast_devstate_to_extenstate`). */
function shown(state: DeviceState): DeviceState {
  if (state === 'UNKNOWN') return 'NOT_INUSE';
  return state === 'INVALID' ? 'UNAVAILABLE' : state;
}

// A simulated PBX of the soak: extensions whose states change, and lamps of the others. Owns the truth about its
// extensions, now and lately, so that of a lamp that is wrong it can be told for how long.
import type { DeviceState } from '../../src/core/state.ts';
import { SimulatedAsterisk } from '../sim/asterisk.ts';

/** Each has a hint and a phone. */
export const EXTENSIONS = 200;
const FIRST = 1_000;
/** Those that change most: the first so many. Of the others a lamp that stays wrong is seen for long. */
const BUSY_ONES = 30;
const BUSY_PART = 0.9;
const STATES: readonly DeviceState[] = ['NOT_INUSE', 'RINGING', 'INUSE', 'ONHOLD', 'BUSY'];

export interface WrongLamp {
  readonly lamp: string;
  readonly at: string;
  readonly shows: string;
  readonly should: string;
  /** For how long. */
  readonly ms: number;
}

export class SoakPbx {
  readonly tag: string;
  readonly asterisk: SimulatedAsterisk;
  readonly extensions: readonly string[];
  readonly #random: () => number;
  readonly #removed = new Set<string>();
  /** Until when an extension was in a state it is not in any more, by extension. */
  readonly #past = new Map<string, Map<string, number>>();
  /** Until when each lamp here was as its extension is, or was then. */
  readonly #wasRight = new Map<string, number>();
  /** Since when the process is up, or since the start of the run. */
  #bootedAt = 0;

  /** `tags`: of all PBXs. */
  constructor(tag: string, tags: readonly string[], random: () => number) {
    this.tag = tag;
    this.#random = random;
    this.extensions = Array.from({ length: EXTENSIONS }, (_, i) => String(FIRST + i));
    const lamps = tags.filter((other) => other !== tag).map((other) => [`_XXXX*${other}`, 'Custom:${EXTEN}']);
    this.asterisk = new SimulatedAsterisk({
      name: tag,
      hints: Object.fromEntries([...this.extensions.map((each) => [each, device(each)]), ...lamps]),
      devices: Object.fromEntries(this.extensions.map((each) => [device(each), 'NOT_INUSE'])),
    });
  }

  async boot(): Promise<void> {
    await this.asterisk.start();
    await this.asterisk.whenBooted();
    this.#bootedAt = performance.now();
  }

  /** kill -9, and up again. */
  async restart(): Promise<void> {
    await this.asterisk.stop();
    // Who was in a call is in none after it.
    this.#past.clear();
    await this.boot();
  }

  /** Some extension changes. */
  change(): void {
    const among = this.#random() < BUSY_PART ? BUSY_ONES : EXTENSIONS;
    const extension = this.extensions[Math.floor(this.#random() * among)] ?? '';
    const before = this.asterisk.pbx.deviceState(device(extension));
    const others = STATES.filter((state) => state !== before);
    const state = others[Math.floor(this.#random() * others.length)] ?? 'NOT_INUSE';
    if (!this.#removed.has(extension)) this.#remember(extension, before);
    this.asterisk.setDevice(device(extension), state);
  }

  /** The hint of its last extension goes, and its phones' lamps elsewhere must. */
  remove(): void {
    const extension = this.extensions.at(-1) ?? '';
    this.#remember(extension, this.#truth(extension));
    this.#removed.add(extension);
    this.asterisk.removeHint(extension);
    this.asterisk.dialplanReload();
  }

  restore(): void {
    for (const extension of this.#removed) {
      this.#remember(extension, 'INVALID');
      this.asterisk.addHint(extension, device(extension));
    }
    this.#removed.clear();
    this.asterisk.dialplanReload();
  }

  /** The lamps of `origin` here that are wrong; none while either PBX is down. To be asked often. */
  wrong(origin: SoakPbx): WrongLamp[] {
    if (!this.asterisk.booted || !origin.asterisk.booted) return [];
    const now = performance.now();
    const wrong: WrongLamp[] = [];
    for (const extension of origin.extensions) {
      const lamp = `${extension}*${origin.tag}`;
      const shows = this.asterisk.pbx.astdb.get(lamp) ?? '';
      const should = origin.#truth(extension);
      const wasRight = shows === should ? now : origin.#past.get(extension)?.get(shows);
      // What the extension never was, such as the gone-state, is wrong since it was first seen.
      if (wasRight !== undefined) this.#wasRight.set(lamp, wasRight);
      if (shows === should) continue;
      const since = Math.max(this.#wasRight.get(lamp) ?? 0, this.#bootedAt, origin.#bootedAt);
      wrong.push({ lamp, at: this.tag, shows, should, ms: now - since });
    }
    return wrong;
  }

  #truth(extension: string): string {
    return this.#removed.has(extension) ? 'INVALID' : this.asterisk.pbx.deviceState(device(extension));
  }

  #remember(extension: string, state: string): void {
    const past = this.#past.get(extension) ?? new Map<string, number>();
    this.#past.set(extension, past.set(state, performance.now()));
  }
}

function device(extension: string): string {
  return `PJSIP/${extension}`;
}

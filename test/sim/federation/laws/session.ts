/**
 * One AMI session as the broker must see it: what each lamp was written as or found, which writes are unanswered, what
 * was refused, and where Asterisk said otherwise (law 6). Owns that model only; what follows from it is lamps.ts.
 */
import type { Input } from '../../../../src/core/federation.ts';
import type { DeviceStatus, Listing } from '../../../../src/core/source.ts';
import type { DeviceState } from '../../../../src/core/state.ts';
import type { Knowledge } from './knowledge.ts';
import { lampsNamed, splitLamp } from './words.ts';

const DRIFT_SETTLE_MS = 1_000;

export interface Lamp {
  /** Last sent, or found; undefined: not known. */
  written: DeviceState | undefined;
  inFlight: number;
  answeredAt: number;
  /** Asterisk said otherwise since it was written. */
  otherAt: number | undefined;
  repairedAt: number;
  /** `news`: how much had been heard until then. */
  refused: { readonly state: DeviceState; readonly at: number; readonly news: number } | undefined;
  /** Nobody vouches for it, under `hold`, and it was written UNAVAILABLE when this was what it was told. */
  dark: { readonly told: DeviceState | undefined } | undefined;
}

/** Asterisk says otherwise than was written, and no echo that is on its way can be the reason. */
export function lastsOtherwise({ otherAt, answeredAt }: Lamp, now: number): boolean {
  return otherAt !== undefined && now - Math.max(otherAt, answeredAt) >= DRIFT_SETTLE_MS;
}

export class SessionModel {
  isUp = false;
  /** Lamps that hints name, as far as this broker was told in this session. */
  readonly named = new Set<string>();
  readonly #knowledge: Knowledge;
  readonly #lamps = new Map<string, Lamp>();
  readonly #unanswered = new Map<number, { readonly lamp: string; readonly state: DeviceState }>();

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  get inFlight(): number {
    return this.#unanswered.size;
  }

  take(input: Input, now: number, news: number): void {
    switch (input.type) {
      case 'asteriskUp':
        return this.#begin(input.listing);
      case 'asteriskDown':
        return this.#end();
      case 'asteriskRelisted':
        for (const status of this.isUp ? input.listing.devices : []) this.#seen(status, now);
        return this.#name(this.isUp ? input.listing.hints : []);
      case 'deviceChanged':
        return this.#seen(input.status, now);
      case 'hintChanged':
        return this.#name([input.status]);
      case 'writeDone':
        return this.#answered(input.id, input.ok, now, news);
    }
  }

  sent(id: number, name: string, state: DeviceState): void {
    this.#unanswered.set(id, { lamp: name, state });
    const lamp = this.lamp(name);
    lamp.written = state;
    lamp.otherAt = undefined;
    lamp.inFlight += 1;
  }

  written(name: string): DeviceState | undefined {
    return this.#lamps.get(name)?.written;
  }

  lamp(name: string): Lamp {
    const known = this.#lamps.get(name);
    if (known) return known;
    const lamp: Lamp = {
      written: undefined,
      inFlight: 0,
      answeredAt: Number.NEGATIVE_INFINITY,
      otherAt: undefined,
      repairedAt: Number.NEGATIVE_INFINITY,
      refused: undefined,
      dark: undefined,
    };
    this.#lamps.set(name, lamp);
    return lamp;
  }

  #begin(listing: Listing): void {
    this.#end();
    this.isUp = true;
    // What this Asterisk does not have and no origin tells is a lamp no more.
    this.named.clear();
    for (const { lamps, told } of this.#knowledge.origins.values()) {
      lamps.clear();
      for (const extension of told.keys()) lamps.add(extension);
    }
    for (const { device, state } of listing.devices) {
      const name = this.#ours(device);
      if (name !== undefined) this.lamp(name).written = state;
    }
    this.#name(listing.hints);
  }

  #end(): void {
    this.isUp = false;
    this.#lamps.clear();
    this.#unanswered.clear();
  }

  #answered(id: number, ok: boolean, now: number, news: number): void {
    const write = this.#unanswered.get(id);
    if (write === undefined) return;
    this.#unanswered.delete(id);
    const lamp = this.lamp(write.lamp);
    lamp.inFlight -= 1;
    lamp.answeredAt = now;
    if (ok) lamp.refused = undefined;
    else if (lamp.inFlight === 0) {
      // A later value on its way may still land; only when none is, nobody knows what Asterisk holds.
      lamp.written = undefined;
      lamp.refused = { state: write.state, at: now, news };
    }
  }

  #seen({ device, state }: DeviceStatus, now: number): void {
    const name = this.#ours(device);
    if (name === undefined) return;
    const lamp = this.lamp(name);
    if (lamp.written === undefined && lamp.inFlight === 0 && lamp.refused === undefined) lamp.written = state;
    if (state !== lamp.written) lamp.otherAt ??= now;
    // What has lasted is owed a repair, also if it comes right by itself before that is its turn.
    else if (!lastsOtherwise(lamp, now)) lamp.otherAt = undefined;
  }

  /** The lamp that a device is, of an origin that is known; it is one of its lamps from now on. */
  #ours(device: string): string | undefined {
    if (!device.startsWith('Custom:')) return undefined;
    const name = device.slice('Custom:'.length);
    const lamp = splitLamp(name);
    const known = lamp && this.#knowledge.origins.get(lamp.tag);
    if (lamp === undefined || known === undefined) return undefined;
    known.lamps.add(lamp.extension);
    return name;
  }

  /** A lamp of a tag that is known only later is looked at by the next reading. */
  #name(hints: readonly { readonly hint: string }[]): void {
    for (const { hint } of hints) {
      for (const name of lampsNamed(hint))
        if (this.#ours(`Custom:${name}`) !== undefined) this.named.add(name);
    }
  }
}

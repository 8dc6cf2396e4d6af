/**
 * Scripted calls: which legs a device has and what state they give it. No media, no signalling, no time; the
 * one who answers, holds or hangs up is the script.
 */
import { aggregate, type DeviceState } from '../../src/core/state.ts';

export interface Call {
  answer(): void;
  /** The called one holds. */
  hold(): void;
  resume(): void;
  hangup(): void;
}

export class Calls {
  /** A device has a new state by its legs; `undefined`: no leg is left. */
  onDevice: (device: string, state: DeviceState | undefined) => void = () => {};
  /** Device → call → state of its leg. */
  readonly #legs = new Map<string, Map<number, DeviceState>>();
  #last = 0;

  /** `from` rings `to`: devices, or extensions of PJSIP devices. */
  begin(from: string, to: string): Call {
    const id = ++this.#last;
    const both = (caller: DeviceState | undefined, callee: DeviceState | undefined) => {
      this.#leg(id, from, caller);
      this.#leg(id, to, callee);
    };
    both('INUSE', 'RINGING');
    return {
      answer: () => both('INUSE', 'INUSE'),
      hold: () => both('INUSE', 'ONHOLD'),
      resume: () => both('INUSE', 'INUSE'),
      hangup: () => both(undefined, undefined),
    };
  }

  /** All calls end without a word, as when the process dies. */
  clear(): void {
    this.#legs.clear();
  }

  #leg(id: number, name: string, state: DeviceState | undefined): void {
    const device = name.includes('/') ? name : `PJSIP/${name}`;
    const legs = this.#legs.get(device) ?? new Map<number, DeviceState>();
    this.#legs.set(device, legs);
    if (state === undefined) legs.delete(id);
    else legs.set(id, state);
    this.onDevice(device, legs.size === 0 ? undefined : aggregate(legs.values()));
  }
}

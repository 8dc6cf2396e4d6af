/**
 * The phones that watch hints of the simulated Asterisk: what each was shown last. They outlive a restart, as lit.
 */
import { type DeviceState, fromExtensionStatus } from '../../src/core/state.ts';

export interface Watch {
  readonly extension: string;
  readonly context: string;
  shown: number | undefined;
}

export class Phones {
  /** A watching phone is told a state; `undefined`: its hint is gone, the lamp goes dark. */
  onLamp: (extension: string, state: DeviceState | undefined) => void = () => {};
  readonly #watched = new Map<string, Watch>();

  /** One more watches, or the same again. */
  watch(key: string, extension: string, context: string): void {
    if (!this.#watched.has(key)) this.#watched.set(key, { extension, context, shown: undefined });
  }

  /** As they are now: what changes meanwhile is not seen. */
  all(): [key: string, watch: Watch][] {
    return [...this.#watched];
  }

  /** What it shows; `undefined`: nothing watches, or its hint is gone. */
  lamp(key: string): DeviceState | undefined {
    const shown = this.#watched.get(key)?.shown;
    return shown === undefined ? undefined : fromExtensionStatus(shown);
  }

  light(key: string, status: number): void {
    const watch = this.#watched.get(key);
    if (!watch || watch.shown === status) return;
    watch.shown = status;
    this.onLamp(watch.extension, fromExtensionStatus(status));
  }

  goDark(key: string): void {
    const watch = this.#watched.get(key);
    if (watch && this.#watched.delete(key)) this.onLamp(watch.extension, undefined);
  }
}

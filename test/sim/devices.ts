/**
 * The devices of the simulated Asterisk: those of its own at rest, the cache, and Custom ones with their AstDB
 * (main/devicestate.c, funcs/func_devstate.c). Raises nothing itself.
 */
import { type DeviceState, parseDeviceState } from '../../src/core/state.ts';

/** `ast_devstate_changed` formats the name into 80 bytes (main/devicestate.c). */
const MAX_DEVICE_NAME = 79;

export class Devices {
  /** Family CustomDevstate: key → value, both as written. Survives a restart. */
  readonly astdb = new Map<string, string>();
  readonly #atRest = new Map<string, DeviceState>();
  readonly #cache = new Map<string, DeviceState>();

  /** What a device of the PBX itself is when nothing uses it, and after a restart. */
  rest(device: string, state: DeviceState): void {
    this.#atRest.set(device, state);
  }

  atRest(device: string): DeviceState {
    return this.#atRest.get(device) ?? 'NOT_INUSE';
  }

  forget(): void {
    this.#cache.clear();
  }

  /**
   * Custom states come back from AstDB, named by what stands after the LAST `/` of their key (`load_module`,
   * funcs/func_devstate.c).
   */
  restore(): void {
    for (const [device, state] of this.#atRest) this.#cache.set(device, state);
    for (const [key, value] of this.astdb) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      if (name !== '') this.set(`Custom:${name}`, parseDeviceState(value));
    }
  }

  /**
   * `DEVICE_STATE(device)=word` (`devstate_write`); `undefined`: refused. AstDB gets the full name and the word as they
   * came.
   */
  write(device: string, word: string): { readonly device: string; readonly state: DeviceState } | undefined {
    if (!/^custom:./i.test(device)) return undefined;
    const state = parseDeviceState(word);
    if (state === 'UNKNOWN') return undefined;
    const name = device.slice('Custom:'.length);
    this.astdb.set(name, word);
    return { device: `Custom:${name}`, state };
  }

  /** Into the cache, where names are cut; the name there, or `undefined` when the device was so already. */
  set(fullName: string, state: DeviceState): string | undefined {
    const device = fullName.slice(0, MAX_DEVICE_NAME);
    if (this.#cache.get(device) === state) return undefined;
    this.#cache.set(device, state);
    return device;
  }

  /** `ast_device_state`: the cache, else whoever provides such devices. */
  state(device: string): DeviceState {
    const cached = this.#cache.get(device);
    if (cached !== undefined && cached !== 'UNKNOWN') return cached;
    // A `/` makes it a channel's name, of a technology nobody has, Custom or not.
    if (device.includes('/')) return cached ?? 'INVALID';
    // Never written: UNKNOWN, which a hint shows as idle.
    if (/^custom:/i.test(device)) return parseDeviceState(this.astdb.get(device.slice(7)) ?? 'UNKNOWN');
    return cached ?? 'INVALID';
  }

  cached(): ReadonlyMap<string, DeviceState> {
    return this.#cache;
  }
}

/**
 * Which devices make which extension, both ways, by the templates of the export rules. Owns the placeholder and
 * the refusal to take a lamp for a device (law 4).
 */
import { enumerate, type Match, matches } from './match.ts';
import { isExtension, lampOfDevice } from './names.ts';

/** Stands for the extension in a device template. */
export const EXT_PLACEHOLDER = '{ext}';

export interface DeviceRule {
  /** Device names; one with `{ext}` stands for many. One without stands only beside a match of one extension. */
  readonly devices: readonly string[];
  readonly match: Match;
}

export class DeviceMap {
  readonly #rules: readonly DeviceRule[];
  /** Templates without a placeholder: device → extension. */
  readonly #fixed = new Map<string, string[]>();
  readonly #templates: { readonly prefix: string; readonly suffix: string; readonly match: Match }[] = [];

  constructor(rules: readonly DeviceRule[]) {
    this.#rules = rules;
    for (const { devices, match } of rules) {
      for (const device of devices) {
        const at = device.indexOf(EXT_PLACEHOLDER);
        if (at >= 0) {
          const suffix = device.slice(at + EXT_PLACEHOLDER.length);
          this.#templates.push({ prefix: device.slice(0, at), suffix, match });
        } else {
          this.#fixed.set(device, [...(this.#fixed.get(device) ?? []), ...enumerate(match)]);
        }
      }
    }
  }

  /** Never any for a lamp, whatever a template would make of it. */
  extensions(device: string): string[] {
    if (lampOfDevice(device) !== undefined) return [];
    const found = [...(this.#fixed.get(device) ?? [])];
    for (const { prefix, suffix, match } of this.#templates) {
      if (device.length <= prefix.length + suffix.length) continue;
      if (!device.startsWith(prefix) || !device.endsWith(suffix)) continue;
      const extension = device.slice(prefix.length, device.length - suffix.length);
      if (isExtension(extension) && matches(match, extension)) found.push(extension);
    }
    return found;
  }

  devices(extension: string): string[] {
    return this.#rules
      .filter(({ match }) => matches(match, extension))
      .flatMap(({ devices }) => devices.map((device) => device.replace(EXT_PLACEHOLDER, () => extension)));
  }
}

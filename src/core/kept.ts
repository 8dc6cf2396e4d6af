/**
 * Which lamps there are here, and whose: for each extension of a peer its lamp `EXT*tag`, and the plain one if the
 * config gives it one. Owns their names both ways; what a lamp shows is decided elsewhere.
 */
import { isPlainName, plainName } from './imports.ts';
import { entryKey, type Kind, type State } from './message.ts';
import { lampName, MAX_LAMP_NAME, MAX_PRESENCE_NAME, splitLampName } from './names.ts';
import type { Origin } from './origin.ts';
import { NOT_SET } from './presence.ts';

export interface Kept {
  readonly origin: Origin;
  readonly kind: Kind;
  /** `1001*spb`; a plain lamp's is without the star and tag. */
  readonly name: string;
  /** Of the origin; `undefined`: a plain lamp that was found in Asterisk, of an extension that is not told. */
  readonly extension: string | undefined;
  /** It was a plain lamp until a reload. */
  readonly dropped: boolean;
}

/** Characters of a lamp's name. */
export function maxNameOf(kind: Kind): number {
  return kind === 'device' ? MAX_LAMP_NAME : MAX_PRESENCE_NAME;
}

export class KeptLamps {
  readonly #origins: ReadonlyMap<string, Origin>;
  readonly #lamps = new Map<string, Kept>();

  constructor(origins: ReadonlyMap<string, Origin>) {
    this.#origins = origins;
  }

  get(key: string): Kept | undefined {
    return this.#lamps.get(key);
  }

  *of(origin: Origin): Generator<Kept> {
    for (const key of origin.lamps) {
      const kept = this.#lamps.get(key);
      if (kept !== undefined) yield kept;
    }
  }

  /** Whose lamp it is, by its key; '' when it is nobody's. */
  originOf(key: string): string {
    return this.#lamps.get(key)?.origin.tag ?? '';
  }

  /** The lamp `EXT*tag`. `too-long`: Asterisk cannot hold such a name; `too-many`: the origin has as many as it may. */
  tagged(origin: Origin, kind: Kind, extension: string): Kept | 'too-long' | 'too-many' {
    const name = lampName(extension, origin.tag);
    if (name === undefined || name.length > maxNameOf(kind)) return 'too-long';
    return this.#keep(origin, kind, name, extension) ?? 'too-many';
  }

  /** The plain lamp, where the config gives this extension one. `too-many`: there is no room for it. */
  plain(origin: Origin, kind: Kind, extension: string): Kept | 'too-many' | undefined {
    const name = plainName(origin.plain, extension);
    if (name === undefined || name.length > maxNameOf(kind)) return undefined;
    const kept = this.#keep(origin, kind, name, extension);
    return kept ?? (this.#isOthers(origin, kind, name) ? undefined : 'too-many');
  }

  /** The lamp of this name, kept from now on if it is one of an origin's that has room for it. */
  named(kind: Kind, name: string): Kept | undefined {
    const known = this.#lamps.get(entryKey(kind, name));
    if ((known !== undefined && !known.dropped) || name.length > maxNameOf(kind)) return known;
    const { extension, tag } = splitLampName(name) ?? {};
    const origin = tag === undefined ? undefined : this.#origins.get(tag);
    if (origin !== undefined && extension !== undefined) return this.#keep(origin, kind, name, extension);
    for (const owner of this.#origins.values()) {
      if (isPlainName(owner.plain, name)) return this.#keep(owner, kind, name, undefined);
    }
    return known;
  }

  /** Plain lamps that are none any more. */
  *dropped(): Generator<Kept> {
    for (const kept of this.#lamps.values()) if (kept.dropped) yield kept;
  }

  /** A plain lamp that was dropped and that the rules of another origin name is that one's from now on. */
  rehome(): void {
    for (const { kind, name } of [...this.dropped()]) this.named(kind, name);
  }

  /** Asterisk has it no more, and nobody tells it. */
  forget({ origin, kind, name }: Kept): void {
    const key = entryKey(kind, name);
    origin.forget(key);
    this.#lamps.delete(key);
  }

  /** Other rules: a lamp whose name no rule gives its extension any more is dropped, and the other way round. */
  reconfigured(origin: Origin): void {
    for (const kept of [...this.of(origin)]) {
      const { kind, name, extension } = kept;
      if (extension !== undefined && lampName(extension, origin.tag) === name) continue;
      const isPlain =
        extension === undefined
          ? isPlainName(origin.plain, name)
          : plainName(origin.plain, extension) === name;
      if (kept.dropped === isPlain) this.#lamps.set(entryKey(kind, name), { ...kept, dropped: !isPlain });
    }
  }

  #isOthers(origin: Origin, kind: Kind, name: string): boolean {
    const known = this.#lamps.get(entryKey(kind, name));
    return known !== undefined && known.origin !== origin;
  }

  #keep(origin: Origin, kind: Kind, name: string, extension: string | undefined): Kept | undefined {
    const key = entryKey(kind, name);
    const known = this.#lamps.get(key);
    if (known !== undefined && known.origin !== origin && !known.dropped) return undefined;
    if (
      known?.origin === origin &&
      (extension === undefined || known.extension === extension) &&
      !known.dropped
    ) {
      return known;
    }
    const isTagged = extension !== undefined && lampName(extension, origin.tag) === name;
    if (!origin.keep(key, kind !== 'device' || !isTagged)) return undefined;
    if (known !== undefined && known.origin !== origin) known.origin.forget(key);
    const kept = { origin, kind, name, extension, dropped: false };
    this.#lamps.set(key, kept);
    return kept;
  }
}

/** What a lamp shows that is none any more: the neutral element of each kind. */
export const NOTHING = { device: 'INVALID', presence: NOT_SET } as const;

/** Of a lamp that may be none. */
export function keyOf(kept: Kept | undefined): string | undefined {
  return kept && entryKey(kept.kind, kept.name);
}

/** What its origin says that it is. */
export function toldOf({ origin, kind, extension }: Kept): State | undefined {
  return extension === undefined ? undefined : origin.replica.get(extension, kind);
}

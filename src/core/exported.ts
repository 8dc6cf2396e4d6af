/**
 * What the peers were told, or will be: each exported extension's state, under the name it is published by. Owns those
 * names, the bound on how many there are, and which peers may see which.
 */
import type { ExportRule, Source } from './export-rules.ts';
import { type Entry, entryKey, type Kind, type State } from './message.ts';
import { renumber } from './renumber.ts';

/** An entry, and who may see it; absent: every peer. */
export type Told = Entry & { readonly to?: readonly string[] };

interface Row {
  readonly source: Source;
  readonly told: Told;
}

export class Exported {
  readonly #most: number;
  readonly #rows = new Map<string, Row>();
  #extensions = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Extensions with a device state. */
  get size(): number {
    return this.#extensions;
  }

  told(): Told[] {
    return Array.from(this.#rows.values(), ({ told }) => told);
  }

  keys(): string[] {
    return [...this.#rows.keys()];
  }

  /** The key under which a source is published; `undefined`: its name cannot be an extension. */
  keyOf(source: Source): string | undefined {
    const name = nameOf(source);
    return name === undefined ? undefined : entryKey(kindOf(source.rule), name);
  }

  /** Its news, `undefined` when it is what was told; `full`: there are as many as there may be. */
  set(source: Source, state: State | undefined): Told | 'full' | undefined {
    const name = nameOf(source);
    if (name === undefined) return undefined;
    const { rule } = source;
    const kind = kindOf(rule);
    const key = entryKey(kind, name);
    if (this.#rows.get(key)?.told.state === state) return undefined;
    if (state === undefined) return this.remove(key);
    if (this.#rows.size >= this.#most && !this.#rows.has(key)) return 'full';
    const told = toldOf({ kind, extension: name, state } as Entry, rule);
    if (kind === 'device' && !this.#rows.has(key)) this.#extensions += 1;
    this.#rows.set(key, { source, told });
    return told;
  }

  remove(key: string): Told | undefined {
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    this.#rows.delete(key);
    if (row.told.kind === 'device') this.#extensions -= 1;
    return { ...row.told, state: null };
  }

  /** Other rules: what none of them means, or another name, goes and is returned; the rest is seen by whom they say. */
  reconfigured(ruleOf: (source: Source) => ExportRule | undefined): Told[] {
    const gone: Told[] = [];
    for (const [key, { source, told }] of [...this.#rows]) {
      const rule = ruleOf(source);
      const next = rule && { ...source, rule };
      if (next === undefined || this.keyOf(next) !== key) gone.push(this.remove(key) ?? told);
      else this.#rows.set(key, { source: next, told: toldOf(told, next.rule) });
    }
    return gone;
  }
}

function kindOf({ source }: ExportRule): Kind {
  return source === 'presence' ? 'presence' : 'device';
}

function nameOf({ rule, of }: Source): string | undefined {
  return renumber(rule.as, rule.source === 'mailbox' ? of.slice(0, of.lastIndexOf('@')) : of);
}

function toldOf({ kind, extension, state }: Entry, { to }: ExportRule): Told {
  return { kind, extension, state, ...(to !== undefined && { to }) } as Told;
}

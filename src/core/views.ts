/**
 * Which peer may see what we export. Peers that see the same share a view, so that what is published is encoded once for
 * all of them. Owns the names of the views and who is in which.
 */
import type { ExportRule } from './export-rules.ts';
import type { Told } from './exported.ts';
import { type Entry, entryKey } from './message.ts';

/** The view of everything; it is published also when no peer is in it, for those who watch us. */
export const ALL = 'all';

export class Views {
  readonly #ofPeer = new Map<string, string>();
  /** The other views → one of the peers in each. */
  readonly #limited = new Map<string, string>();

  constructor(rules: readonly ExportRule[], peers: Iterable<string>) {
    const limited = rules.map(({ to }) => to).filter((to) => to !== undefined);
    for (const peer of peers) {
      const seen = limited.map((to) => to.includes(peer));
      const view = seen.every(Boolean) ? ALL : `lines ${seen.map(Number).join('')}`;
      this.#ofPeer.set(peer, view);
      if (view !== ALL && !this.#limited.has(view)) this.#limited.set(view, peer);
    }
  }

  /** `undefined`: no peer of ours. */
  of(peer: string): string | undefined {
    return this.#ofPeer.get(peer);
  }

  /** What there is to publish, by view. */
  *split(told: readonly Told[]): Generator<[view: string, entries: Entry[]]> {
    if (told.length > 0) yield [ALL, told.map(withoutTo)];
    for (const [view, peer] of this.#limited) {
      const entries = seenBy(peer, told);
      if (entries.length > 0) yield [view, entries];
    }
  }
}

type To = Told['to'];

export function maySee(peer: string, to: To): boolean {
  return to === undefined || to.includes(peer);
}

/** What one peer may see. */
export function seenBy(peer: string, told: readonly Told[]): Entry[] {
  return told.filter(({ to }) => maySee(peer, to)).map(withoutTo);
}

/** Who could see entries before, and who can now, where that is not the same; each such pair once. */
export function movedBetween(before: readonly Told[], now: readonly Told[]): (readonly [was: To, is: To])[] {
  const was = new Map(before.map((told) => [entryKey(told.kind, told.extension), told.to]));
  const moved = new Map<string, readonly [To, To]>();
  const seen = new Map<To, Set<To>>();
  for (const { kind, extension, to } of now) {
    const key = entryKey(kind, extension);
    const old = was.get(key);
    if (!was.has(key) || old === to || seen.get(old)?.has(to)) continue;
    seen.set(old, (seen.get(old) ?? new Set()).add(to));
    moved.set(JSON.stringify([old, to]), [old, to]);
  }
  return [...moved.values()];
}

function withoutTo(told: Told): Entry {
  if (told.to === undefined) return told;
  const { kind, extension, state } = told;
  return { kind, extension, state } as Entry;
}

/**
 * Extensions that are called like another one's key with the pickup prefix before it: `**2001`, where 2001 rings too.
 * Owns which of them are left out, so that no PBX spoils what is printed by a name, and when a prefix is refused.
 */
import { type Group, type Key, overlap, placesOf, type Sorted, sortKeys } from './dialplan-names.ts';

/** It cannot be written; the message says why. */
export class Unwritable extends Error {}

export interface Settled extends Sorted {
  /** Names, and patterns of samples, that stand nowhere now. */
  readonly leftOut: readonly string[];
}

/** What the keys are sorted for. */
interface About {
  /** What phones dial before a key to take a call; absent: nothing. */
  readonly pickup: string | undefined;
  readonly tag: string;
  /** As in {@link sortKeys}. */
  readonly narrow?: boolean;
}

/**
 * The keys by pattern, less those that mean a pickup. Of a pattern that could mean one, all other names are written
 * out.
 *
 * @throws Unwritable where the samples alone cannot stand beside the prefix: both are the admin's.
 */
export function settle(
  keys: readonly Key[],
  samples: readonly string[],
  { pickup, tag, narrow = false }: About,
): Settled {
  if (pickup === undefined) return { ...sortKeys(keys, samples, narrow), leftOut: [] };
  refuseClash(sortKeys([], samples, narrow).groups, tag, pickup);
  const leftOut = new Set<string>();
  const broken = new Set<string>();
  // What is written out, or no longer there, may change what the others share.
  for (;;) {
    const kept = keys.filter(({ name }) => !leftOut.has(name));
    const sorted = sortKeys(kept, samples, narrow, broken);
    const known = leftOut.size + broken.size;
    const patterns = sorted.groups.filter(rings).map(({ places }) => [...pickup, ...places]);
    const names = new Set(sorted.explicit.filter(ringsAlone).map(({ name }) => pickup + name));
    const isTaken = (places: readonly string[]) => patterns.some((taken) => overlap(taken, places));
    for (const { places } of sorted.groups) if (isTaken(places)) broken.add(places.join(''));
    for (const { name } of kept) {
      if (name.startsWith(pickup) && (names.has(name) || isTaken(placesOf(name)))) leftOut.add(name);
    }
    if (leftOut.size + broken.size > known) continue;
    const lost = sortKeys([], samples, narrow).groups.map(({ places }) => places.join(''));
    return { ...sorted, leftOut: [...leftOut, ...lost.filter((pattern) => broken.has(pattern))] };
  }
}

/** A prefix of digits can make a key's name look like another one's. */
function refuseClash(groups: readonly Group[], tag: string, pickup: string): void {
  for (const group of groups.filter(rings)) {
    const taken = [...pickup, ...group.places];
    const other = groups.find(({ places }) => overlap(places, taken));
    if (other === undefined) continue;
    throw new Unwritable(
      `--pickup ${pickup}: ${taken.join('')} is also an extension of ${tag} by itself (${other.places.join('')}); choose another prefix, or --no-pickup`,
    );
  }
}

/** Codes like `*761001` have lamps, and nothing that rings. */
export function rings({ places, mailbox }: Group): boolean {
  return ringsBy(places[0] ?? '', mailbox);
}

export function ringsBy(name: string, mailbox: boolean): boolean {
  return !mailbox && !isCode(name);
}

/** What is written out rings by its name or its number. */
function ringsAlone({ name, number, mailbox }: Key): boolean {
  return number !== undefined && (ringsBy(name, mailbox) || ringsBy(number, mailbox));
}

export function isCode(number: string): boolean {
  return /^[*#]/.test(number);
}

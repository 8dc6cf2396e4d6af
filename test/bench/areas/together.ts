// Several contestants started at once. Owns that none is left half started when another one fails: whoever clears away
// must know of all of them.
import { CannotRun } from '../sites/prosody-root.ts';

/** In the order of `keys`. Who cannot run on this machine is left out; the bench has said so already. */
export async function together<Key, Thing>(
  keys: readonly Key[],
  start: (key: Key) => Promise<Thing>,
): Promise<Map<Key, Thing>> {
  const started = await Promise.allSettled(
    keys.map(async (key): Promise<[Key, Thing]> => [key, await start(key)]),
  );
  const all = new Map<Key, Thing>();
  for (const each of started) {
    if (each.status === 'fulfilled') all.set(...each.value);
    else if (!(each.reason instanceof CannotRun)) throw each.reason;
  }
  return all;
}

/** The tags that lines of other lists may name. Owns why one is refused there. */
import { closest } from './closest.ts';
import type { Findings } from './findings.ts';
import type { Values } from './values.ts';

/** Tags that a message lists. */
const MAX_LISTED = 8;

/** The peers' tags; `undefined` when the list has mistakes, so that nothing can be concluded from it. */
export function knownPeers({ peers }: Values, findings: Findings): string[] | undefined {
  return findings.fine('peers') ? peers.map(({ tag }) => tag) : undefined;
}

/** As the end of a sentence. */
export function whyNotPeer(
  tag: string,
  own: string | undefined,
  peers: readonly string[] | undefined,
): string | undefined {
  if (tag === own) return 'is our own tag; write the tag of a peer';
  if (peers === undefined || peers.includes(tag)) return undefined;
  const meant = closest(tag, peers);
  if (meant !== undefined) return `is no peer of this config; did you mean "${meant}"?`;
  if (peers.length === 0) return 'is no peer of this config, which has none yet';
  const more = peers.length > MAX_LISTED ? ' …' : '';
  return `is no peer of this config; its peers are ${peers.slice(0, MAX_LISTED).join(', ')}${more}`;
}

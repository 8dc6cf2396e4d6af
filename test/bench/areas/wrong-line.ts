// A line that is cut by something that says so: a firewall between two hosts that was started anew and has forgotten
// every connection. Owns its rules, which are in the hosts themselves; a line that is silent is `Hosts.cut`.
import { run } from '../../asterisk/child.ts';
import type { Namespace } from '../../asterisk/net.ts';

const TABLE = 'forgetful';

/**
 * Whatever of TCP arrives from the other side is answered with a reset, and everything else is dropped. Resets pass, as
 * both sides are to hear them.
 */
export async function reset(one: Namespace, other: Namespace): Promise<void> {
  for (const [at, from] of bothWays(one, other)) {
    const rules = [
      `add table ip ${TABLE}`,
      `add chain ip ${TABLE} input { type filter hook input priority 0; }`,
      `add rule ip ${TABLE} input ip saddr ${from} tcp flags & rst == rst accept`,
      `add rule ip ${TABLE} input ip saddr ${from} meta l4proto tcp reject with tcp reset`,
      `add rule ip ${TABLE} input ip saddr ${from} drop`,
    ];
    await run([...at.enter, 'nft', rules.join('; ')]);
  }
}

/** As `reset` found it. */
export async function unreset(one: Namespace, other: Namespace): Promise<void> {
  for (const [at] of bothWays(one, other)) await run([...at.enter, 'nft', `delete table ip ${TABLE}`]);
}

function bothWays(one: Namespace, other: Namespace): (readonly [Namespace, string])[] {
  return [
    [one, other.peerAddress],
    [other, one.peerAddress],
  ];
}

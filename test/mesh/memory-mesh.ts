// Meshes on the transport in memory, linked and in sync.
import assert from 'node:assert/strict';
import type { MeshOptions } from '../../src/mesh/mesh.ts';
import { Broker } from './broker.ts';
import { MemoryNetwork } from './memory.ts';
import { until } from './until.ts';

export const FAST = { redialMinMs: 10, redialMaxMs: 40, pingEveryMs: 50, helloTimeoutMs: 400 };

/** `msk` dials `site0`, `site1` and so on. All are linked, and each has the snapshot of the others. */
export async function star(count: number, options: Partial<MeshOptions> = {}) {
  const network = new MemoryNetwork();
  const all = { ...FAST, ...options };
  const tags = Array.from({ length: count }, (_, n) => `site${n}`);
  const others = await Promise.all(
    tags.map((tag) => new Broker(tag, network.transport(tag), [network.peer('msk', false)], all).start()),
  );
  const peers = tags.map((tag) => network.peer(tag));
  const msk = await new Broker('msk', network.transport('msk'), peers, all).start();
  await until(() => others.every((other) => other.messages('msk', 'snapshot').length === 1), 'all in sync');
  return { network, msk, others };
}

export async function pair(options: Partial<MeshOptions> = {}) {
  const network = new MemoryNetwork();
  const all = { ...FAST, ...options };
  const aa = await new Broker('aa', network.transport('aa'), [network.peer('bb')], all).start();
  const bb = await new Broker('bb', network.transport('bb'), [network.peer('aa', false)], all).start();
  await until(() => aa.up.size + bb.up.size === 2, 'linked');
  return { network, aa, bb };
}

/** The end of the channel at `at` that leads to `to`. */
export function end(network: MemoryNetwork, at: string, to: string) {
  const found = network.ends.findLast((one) => one.owner.tag === at && one.peer === to && one.open);
  assert.ok(found, `${at} has no channel to ${to}`);
  return found;
}

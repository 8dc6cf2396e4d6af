// What a peer said, said again by somebody who listened on the way. Owns this one scenario, which is the same for each
// transport; how a peer is dialled is the transport's.
import assert from 'node:assert/strict';
import type { Channel } from '../../src/mesh/contract.ts';
import { Relay } from './relay.ts';
import { type listener, tcpTo } from './tcp-ends.ts';
import { until } from './until.ts';

/** It is worth nothing, and the peer goes on. `bytes`: what a handshake and a message have at least. */
export async function replayIsWorthNothing(
  far: Awaited<ReturnType<typeof listener>>,
  dial: (port: number) => Promise<Channel>,
  bytes: number,
): Promise<void> {
  const relay = await Relay.to(far.port);
  const near = await dial(relay.port);
  near.send('once');
  await until(() => far.seen.got.length === 1, 'heard');
  const recorded = relay.said;
  assert.ok(recorded.length > bytes, 'a handshake and a message');
  const thief = await tcpTo(far.port);
  thief.write(recorded);
  thief.resume();
  await until(() => thief.closed && far.refusals.length > 0, 'cut and told');
  assert.equal(far.refusals[0]?.reason, 'bad-handshake');
  near.send('twice');
  await until(() => far.seen.got.length > 1, 'the peer goes on');
  assert.deepEqual([far.seen.got, far.channels.length, far.seen.closed], [['once', 'twice'], 1, []]);
}

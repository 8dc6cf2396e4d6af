// The traps of libzmq and of its sockets in Node, and that each has a guard.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type Channel, CLOSE_TIMEOUT_MS, HIGH_WATER_BYTES } from '../../src/mesh/contract.ts';
import { OFFER_AGAIN_MS } from '../../src/mesh/zeromq-socket.ts';
import { Relay } from './relay.ts';
import { closeAll, dialler } from './tcp-ends.ts';
import { settle, until } from './until.ts';
import { connected, dialled, rawPeer, zeromqListener } from './zeromq-ends.ts';

afterEach(closeAll);

/** A channel whose network can stop. */
async function relayed() {
  const far = await zeromqListener();
  const relay = await Relay.to(far.port);
  const transport = dialler();
  return { far, relay, transport, ...(await dialled(transport, far, relay.port)) };
}

/** Sends until nothing goes out any more and far more waits; each message begins with its number. */
async function fill(channel: Channel): Promise<number> {
  let sent = 0;
  for (let before = -1; before !== channel.buffered; await settle(300)) {
    while (channel.buffered < HIGH_WATER_BYTES * 4) {
      channel.send(`${sent} ${'x'.repeat(100_000)}`);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    before = channel.buffered;
  }
  return sent;
}

function numbers(texts: readonly string[]): number[] {
  return texts.map((text) => Number.parseInt(text, 10));
}

describe('sends', () => {
  test('a thousand in one turn, both ways: libzmq is given one at a time, and all arrive in order', async () => {
    const { near, accepted, far, seen } = await connected();
    const all = Array.from({ length: 1_000 }, (_, n) => n);
    for (const n of all) {
      near.send(`${n}`);
      accepted.send(`${n}`);
    }
    await until(() => far.seen.got.length === 1_000 && seen.got.length === 1_000, 'all arrived');
    assert.deepEqual(numbers(far.seen.got), all);
    assert.deepEqual(numbers(seen.got), all);
  });

  test('a reader that stops for a while loses nothing, and the order stays', async () => {
    const { far, relay, near, seen } = await relayed();
    relay.stop();
    const sent = await fill(near);
    for (let n = sent; n < sent + 5_000; n++) near.send(`${n}`);
    await settle(3 * OFFER_AGAIN_MS);
    assert.ok(near.buffered > HIGH_WATER_BYTES, 'it waits');
    relay.go();
    await until(() => far.seen.got.length === sent + 5_000, 'all arrived', 20_000);
    assert.deepEqual(
      numbers(far.seen.got),
      Array.from({ length: sent + 5_000 }, (_, n) => n),
    );
    assert.deepEqual([seen.closed, far.seen.closed], [[], []]);
    await until(() => near.buffered === 0 && seen.drained > 0, 'all is out');
  });

  test('a peer that does not read: buffered stays, close gives up after its time, terminate at once', async () => {
    for (const how of ['close', 'terminate'] as const) {
      const { relay, near, seen } = await relayed();
      relay.stop();
      await fill(near);
      const since = performance.now();
      near[how]('enough');
      await until(() => seen.closed.length === 1, 'closed');
      const took = performance.now() - since;
      assert.deepEqual(seen.closed, [['enough', undefined]]);
      if (how === 'terminate') assert.ok(took < CLOSE_TIMEOUT_MS / 2, `took ${took} ms`);
      else assert.ok(took >= CLOSE_TIMEOUT_MS - 20 && took < CLOSE_TIMEOUT_MS * 3, `took ${took} ms`);
    }
  });

  test('transport.close does not wait for a peer that does not read', async () => {
    const { far, relay, near, transport } = await relayed();
    relay.stop();
    await fill(near);
    const since = performance.now();
    await transport.close();
    await far.transport.close();
    assert.ok(performance.now() - since < CLOSE_TIMEOUT_MS);
  });
});

describe('hearing', () => {
  test('goes on while our own sends wait for room: libzmq tells of a message only once', async () => {
    const { port, channels, seen } = await zeromqListener();
    // It never reads.
    const { socket } = await rawPeer(port, { receiveHighWaterMark: 1, receiveBufferSize: 4_096 });
    await until(() => channels.length === 1, 'accepted');
    const [channel] = channels;
    assert.ok(channel);
    await fill(channel);
    for (let n = 0; n < 300; n++) {
      await socket.send(`${n}`);
      await until(() => seen.got.length === n + 1, `message ${n} is heard`, 2_000);
      // So that some come just when a send of ours is tried again.
      await settle((n * 7) % 5);
    }
    assert.ok(channel.buffered > HIGH_WATER_BYTES, 'and nobody has read meanwhile');
  });

  test('a handler may end the channel: nothing more is heard of it', async () => {
    for (const how of ['close', 'terminate'] as const) {
      const { near, accepted, far } = await connected();
      const got: string[] = [];
      accepted.onMessage = (text) => {
        got.push(text);
        accepted[how]('enough');
        accepted.send('too late');
      };
      for (let n = 0; n < 200; n++) near.send(`${n}`);
      await until(() => far.seen.closed.length === 1, 'closed');
      await settle(30);
      assert.deepEqual([got, far.seen.closed], [['0'], [['enough', undefined]]]);
    }
  });

  test('a channel that is ended in the turn in which it was given is ended once, with that reason', async () => {
    for (const how of ['close', 'terminate'] as const) {
      const far = await zeromqListener();
      const { near, seen } = await dialled(dialler(), far);
      near[how]('on second thoughts');
      near.terminate('again');
      await until(() => seen.closed.length === 1 && far.seen.closed.length === 1, 'closed at both ends');
      await settle(30);
      assert.deepEqual([seen.closed, far.seen.closed.length], [[['on second thoughts', undefined]], 1]);
    }
  });
});

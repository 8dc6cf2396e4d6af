// What somebody can hold of us over ZeroMQ: connections, sockets, descriptors, memory, time.
import assert from 'node:assert/strict';
import type net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as zeromq from 'zeromq';
import { MESSAGES_A_TURN } from '../../src/mesh/zeromq-channel.ts';
import { ZeroMqSocket } from '../../src/mesh/zeromq-socket.ts';
import { bb, closeAll, dialler, refusal, stranger, tcpTo } from './tcp-ends.ts';
import { never, settle, until } from './until.ts';
import {
  connected,
  curveOf,
  descriptors,
  dialled,
  rawPeer,
  tcpPair,
  there,
  zeromqListener,
} from './zeromq-ends.ts';

afterEach(closeAll);

/** Connections that have said that they speak ZeroMQ, and then nothing. */
async function silent(port: number, count: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  for (let n = 0; n < count; n++) {
    const socket = await tcpTo(port);
    socket.write(Buffer.from([0xff]));
    socket.resume();
    sockets.push(socket);
  }
  return sockets;
}

describe('bounds on those who have not proved who they are', () => {
  test('too many: the oldest goes, so that a flood cannot lock a peer out', async () => {
    const far = await zeromqListener({ maxUnproved: 3 });
    const idle = await silent(far.port, 3);
    await dialled(dialler(), far);
    await until(() => idle[0]?.closed === true, 'the oldest is gone');
    assert.deepEqual([idle[1]?.closed, idle[2]?.closed], [false, false]);
    assert.deepEqual(
      far.refusals.map(({ reason, remote }) => [reason, remote]),
      [['too-many-connections', '127.0.0.1']],
    );
  });

  test('a peer gets in while a hundred a second come and say nothing', async () => {
    const far = await zeromqListener({ maxUnproved: 20, maxPerAddress: 1_000 });
    const transport = dialler();
    let flooding = true;
    const flood = (async () => {
      while (flooding) {
        await silent(far.port, 5);
        await settle(20);
      }
    })();
    await until(() => far.refusals.length > 20, 'more come than are taken');
    await until(async () => {
      await transport.dial(there(far.port), never()).catch(() => {});
      return far.channels.length >= 5;
    }, 'five times');
    flooding = false;
    await flood;
  });

  test('too many of one address are refused; places are given back', async () => {
    const far = await zeromqListener({ maxPerAddress: 3 });
    const idle = await silent(far.port, 3);
    const refused = await refusal(dialler().dial(there(far.port), never()));
    assert.match(refused.text, /hung up on ZeroMQ/);
    assert.deepEqual(
      far.refusals.map(({ reason }) => reason),
      ['too-many-connections'],
    );
    for (const socket of idle) socket.destroy();
    const transport = dialler();
    // The listener hears of it when it does.
    await until(async () => {
      await transport.dial(there(far.port), never()).catch(() => {});
      return far.channels.length === 1;
    }, 'accepted again');
  });

  test('those who are proved do not count as unproved, but do count for their address', async () => {
    const far = await zeromqListener({ maxUnproved: 1, maxPerAddress: 4 });
    for (let n = 0; n < 4; n++) await dialled(dialler(), far);
    await refusal(dialler().dial(there(far.port), never()));
    assert.deepEqual([far.channels.length, far.seen.closed], [4, []]);
  });
});

describe('descriptors, sockets and memory come back', () => {
  /** Runs it often; what is open before and after is the same. */
  async function comesBack(once: () => Promise<void>): Promise<void> {
    // The first ones load the library and make the context.
    for (let n = 0; n < 3; n++) await once();
    await settle(50);
    const before = descriptors();
    const { rss } = process.memoryUsage();
    for (let n = 0; n < 200; n++) await once();
    await until(() => descriptors() <= before, `${before} descriptors were open before`);
    const grown = process.memoryUsage().rss - rss;
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes more`);
  }

  test('after 200 connections of strangers', async () => {
    const far = await zeromqListener();
    const transport = dialler({ identity: stranger });
    await comesBack(async () => {
      await refusal(transport.dial(there(far.port), never()));
    });
    assert.equal(far.refusals.length, 203);
  });

  test('after 200 connections that stop half way', async () => {
    const far = await zeromqListener();
    await comesBack(async () => {
      for (const socket of await silent(far.port, 1)) socket.destroy();
    });
    assert.deepEqual(far.channels, []);
  });

  test('after 200 links of a good peer', async () => {
    const far = await zeromqListener();
    const transport = dialler();
    await comesBack(async () => {
      const { near, seen } = await dialled(transport, far);
      near.send('hello');
      near.close('that was all');
      await until(() => seen.closed.length === 1, 'closed');
    });
    assert.deepEqual([far.seen.got.length, far.seen.closed.length], [203, 203]);
  });

  test('without a socket left for one more: that one fails with the reason, and leaves nothing behind', async () => {
    // Three sockets whole, and one more without its monitor.
    const context = new zeromq.Context({ maxSockets: 10 });
    const { secretKey } = curveOf(bb);
    // The first one makes what the context itself needs.
    new zeromq.Dealer({ context, linger: 0 }).close();
    const made: ZeroMqSocket[] = [];
    const before = descriptors();
    let failed = 0;
    for (let n = 0; n < 8; n++) {
      const { near } = await tcpPair();
      try {
        made.push(new ZeroMqSocket(zeromq, context, near, { secretKey, zapDomain: 'x' }));
      } catch (error) {
        assert.match(String(error), /Too many open/);
        failed += 1;
        near.destroy();
      }
    }
    assert.ok(made.length >= 2 && failed >= 4, `${made.length} made, ${failed} failed`);
    for (const socket of made) {
      socket.close();
      await socket.over;
    }
    await closeAll();
    await until(() => descriptors() <= before, 'all are gone');
  });
});

describe('a peer that floods', () => {
  test('is heard, but never more than so many messages in one turn of the event loop', async () => {
    const { port, seen } = await zeromqListener();
    const { socket } = await rawPeer(port, { sendHighWaterMark: 100_000 });
    const total = 20_000;
    let [turns, most, before] = [0, 0, 0];
    void (async () => {
      for (let n = 0; n < total; n++) await socket.send('x');
    })();
    while (seen.got.length < total) {
      await nextTurn();
      turns += 1;
      most = Math.max(most, seen.got.length - before);
      before = seen.got.length;
    }
    assert.ok(most <= 2 * MESSAGES_A_TURN, `${most} in one turn`);
    assert.ok(turns >= total / (2 * MESSAGES_A_TURN));
  });

  test('takes turns with our own sends', async () => {
    const { near, accepted, far, seen } = await connected();
    for (let n = 0; n < 5_000; n++) {
      near.send(`near ${n}`);
      accepted.send(`far ${n}`);
    }
    let turns = 0;
    while (far.seen.got.length < 5_000 || seen.got.length < 5_000) {
      await nextTurn();
      turns += 1;
    }
    assert.ok(turns > 5_000 / (2 * MESSAGES_A_TURN), `only ${turns} turns`);
    assert.deepEqual([far.seen.got.at(-1), seen.got.at(-1)], ['near 4999', 'far 4999']);
  });
});

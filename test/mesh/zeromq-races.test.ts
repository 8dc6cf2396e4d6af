// Endings at every step of a connection over ZeroMQ: nothing is left behind, and nobody else notices.
import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import * as zeromq from 'zeromq';
import { type Channel, DialError } from '../../src/mesh/contract.ts';
import { ZeroMqSocket } from '../../src/mesh/zeromq-socket.ts';
import { Relay } from './relay.ts';
import { aa, bb, closeAll, dialler, served, stranger, tcpTo } from './tcp-ends.ts';
import { never, settle, until } from './until.ts';
import { connected, curveOf, descriptors, dialled, tcpPair, there, zeromqListener } from './zeromq-ends.ts';

afterEach(closeAll);

/** What was open before is what is open after. */
async function leavesNothing(body: () => Promise<void>): Promise<void> {
  const before = descriptors();
  await body();
  await until(() => descriptors() <= before, `${before} descriptors were open before`);
}

function asDialError(error: unknown): DialError {
  assert.ok(error instanceof DialError, String(error));
  return error;
}

function ended(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.onClose = () => resolve();
  });
}

describe('a dial that is given up', () => {
  test('at whatever moment: it rejects, or the channel that came of it closes', async () => {
    const far = await zeromqListener();
    const mute = await served(net.createServer((socket) => socket.resume()));
    const transport = dialler();
    const strange = dialler({ identity: stranger });
    await dialled(transport, far);
    await strange.dial(there(far.port), never()).catch(() => {});
    let [given, gotThrough] = [0, 0];
    await leavesNothing(async () => {
      for (let n = 0; gotThrough < 10; n++) {
        assert.ok(n < 1_000, 'hardly any got through');
        const abort = new AbortController();
        const from = n % 5 === 0 ? strange : transport;
        const attempt = from.dial(there(n % 7 === 0 ? mute : far.port), abort.signal).catch(asDialError);
        // Microtasks, then turns, then tenths of milliseconds.
        if (n < 20) for (let turn = 0; turn < n; turn++) await Promise.resolve();
        else if (n < 50) {
          for (let turn = 20; turn < n; turn++) await new Promise((resolve) => setImmediate(resolve));
        } else await settle((n - 50) / 8);
        abort.abort();
        const result = await attempt;
        if (result instanceof DialError) given += 1;
        else {
          gotThrough += 1;
          result.terminate('too late');
        }
      }
    });
    assert.ok(given > 50, `${given} given up`);
    await until(() => far.seen.closed.length === far.channels.length - 1, 'all but the first are closed');
  });

  test('by closing the transport, at whatever moment', async () => {
    const far = await zeromqListener();
    await dialled(dialler(), far);
    // Each transport that spoke ZeroMQ keeps the two threads of its context, and their descriptors, to the end.
    const results = [];
    for (let n = 0; n < 30; n++) {
      const transport = dialler();
      const attempt = transport.dial(there(far.port), never()).catch(asDialError);
      if (n > 0) await settle(n / 2);
      await transport.close();
      const result = await attempt;
      if (result instanceof DialError) assert.equal(result.refusal.reason, 'unreachable', String(result));
      results.push(result instanceof DialError);
    }
    assert.equal(results[0], true);
    await until(() => far.seen.closed.length === far.channels.length - 1, 'all but the first are closed');
  });
});

describe('a guest that goes', () => {
  test('after any number of bytes: it is forgotten, and a peer goes on', async () => {
    const far = await zeromqListener();
    const relay = await Relay.to(far.port);
    const { near } = await dialled(dialler(), far, relay.port);
    near.send('x'.repeat(500));
    await until(() => far.seen.got.length === 1, 'heard');
    const { said } = relay;
    await leavesNothing(async () => {
      for (let n = 1; n <= said.length; n += n < 80 ? 3 : 29) {
        const socket = await tcpTo(far.port);
        socket.write(said.subarray(0, n));
        if (n % 2 === 0) await settle((n % 16) / 4);
        if (n % 3 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }
    });
    near.send('still here');
    await until(() => far.seen.got.length === 2, 'heard');
    assert.deepEqual([far.channels.length, far.seen.closed], [1, []]);
  });

  test('while the listener closes, at whatever moment', async () => {
    for (let n = 0; n < 20; n++) {
      const far = await zeromqListener();
      const sockets: net.Socket[] = [];
      for (const bytes of [0, 1, 40]) {
        const socket = await tcpTo(far.port);
        socket.write(Buffer.alloc(bytes, 0xff));
        socket.resume();
        sockets.push(socket);
      }
      // In the turn in which it is there: it may close before this test looks at it.
      const over = dialler().dial(there(far.port), never()).then(ended, asDialError);
      await settle(n / 2);
      await far.transport.close();
      await far.transport.close();
      await until(() => sockets.every((socket) => socket.closed), 'all are cut');
      await over;
      await closeAll();
    }
  });
});

test('a listener that hangs up after any number of bytes: the dial says so, in words, and leaves nothing', async () => {
  const far = await zeromqListener();
  let [cutAfter, passed] = [0, 0];
  const between = net.createServer((dialling) => {
    const listening = net.connect(far.port, '127.0.0.1');
    listening.on('error', () => {});
    dialling.pipe(listening);
    passed = 0;
    listening.on('data', (piece: Buffer) => {
      const left = piece.subarray(0, cutAfter - passed);
      passed += left.length;
      dialling.write(left);
      if (passed >= cutAfter) dialling.destroy();
    });
    dialling.on('close', () => listening.destroy());
    listening.on('close', () => dialling.destroy());
  });
  const port = await served(between);
  const transport = dialler();
  await dialled(transport, far);
  const reasons = new Set<string>();
  await leavesNothing(async () => {
    for (cutAfter = 1; cutAfter < 300; cutAfter += cutAfter < 70 ? 9 : 23) {
      const result = await transport.dial(there(port), never()).catch(asDialError);
      if (result instanceof DialError) {
        reasons.add(result.refusal.reason);
        assert.match(result.refusal.text, /hung up/);
      } else {
        await ended(result);
      }
    }
  });
  assert.deepEqual([...reasons].sort(), ['bad-handshake', 'wrong-key']);
});

test('a peer taken out of the list in the turn in which it comes in loses its channel', async () => {
  const { far, near, accepted, seen } = await connected();
  assert.equal(accepted.peer, 'aa');
  far.transport.setPeers([]);
  await until(() => seen.closed.length === 1 && far.seen.closed.length === 1, 'closed at both ends');
  near.send('too late');
  assert.deepEqual(far.seen.got, []);
});

test('a connection that ends before its socket has begun takes the socket with it', async () => {
  const { near } = await tcpPair();
  const role = { ...curveOf(aa), serverKey: curveOf(bb).publicKey };
  const socket = new ZeroMqSocket(zeromq, new zeromq.Context(), near, role);
  near.destroy();
  await socket.over;
  await socket.start();
  assert.deepEqual([(await socket.handshake).result, socket.closed], ['lost', true]);
  await assert.rejects(socket.send(['too late']), /closed/);
  await assert.rejects(socket.receive());
});

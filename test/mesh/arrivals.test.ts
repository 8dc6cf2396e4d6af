// How often somebody may connect, whoever it is: before TLS, before CURVE, before a byte is read.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { Arrivals, CONNECT_BURST, CONNECTS_PER_SECOND, MAX_REMEMBERED } from '../../src/mesh/arrivals.ts';
import { REDIAL_MAX_MS, REDIAL_MIN_MS } from '../../src/mesh/mesh.ts';
import { MAX_PER_ADDRESS } from '../../src/mesh/tcp.ts';
import { bb, closeAll, dialler, listener, refusal, toClose } from './tcp-ends.ts';
import { never, until } from './until.ts';

afterEach(closeAll);

function limited(limits: ConstructorParameters<typeof Arrivals>[0]) {
  const clock = { now: 0 };
  const arrivals = new Arrivals(limits, () => clock.now);
  /** How many of so many may. */
  const come = (network: string, times: number): number => {
    let admitted = 0;
    for (let n = 0; n < times; n++) if (arrivals.admit(network)) admitted += 1;
    return admitted;
  };
  return { clock, arrivals, come };
}

describe('how often an address may connect', () => {
  test('a burst, then so many a second, and no more after a long pause than a burst', () => {
    const { clock, come } = limited({ burst: 5, perSecond: 10 });
    assert.equal(come('a', 100), 5);
    clock.now = 99;
    assert.equal(come('a', 100), 0);
    clock.now = 1_000;
    assert.equal(come('a', 100), 5, 'the 10 of a second are more than a burst');
    clock.now = 1_200;
    assert.equal(come('a', 100), 2);
    clock.now = 1e9;
    assert.equal(come('a', 100), 5);
  });

  test('whoever is refused does not wait longer for that', () => {
    const { clock, come } = limited({ burst: 1, perSecond: 1 });
    let admitted = 0;
    for (; clock.now < 60_000; clock.now += 10) admitted += come('a', 1);
    assert.equal(admitted, 60);
  });

  test('one who comes too often costs nobody else anything', () => {
    const { come } = limited({ burst: 5, perSecond: 1 });
    assert.equal(come('a', 1_000), 5);
    assert.equal(come('b', 5), 5);
  });

  test('what is remembered is bounded, and who is forgotten was quiet the longest', () => {
    const { arrivals, come } = limited({ burst: 2, perSecond: 1, maxRemembered: 3 });
    for (const network of ['a', 'b', 'c']) assert.equal(come(network, 3), 2);
    come('a', 1);
    come('d', 1);
    assert.equal(arrivals.size, 3);
    assert.deepEqual([come('a', 1), come('c', 1)], [0, 0], 'still remembered');
    assert.equal(come('b', 3), 2, 'it was forgotten: nobody is locked out by a crowd of others');
    const { arrivals: crowd } = limited({ burst: 1, perSecond: 1 });
    for (let n = 0; n < MAX_REMEMBERED + 1_000; n++) crowd.admit(`10.${n}`);
    assert.equal(crowd.size, MAX_REMEMBERED);
  });

  test('as many peers as an address may have, all refused, in the quickest rhythm there is: none comes too often', () => {
    const { clock, arrivals } = limited({ burst: CONNECT_BURST, perSecond: CONNECTS_PER_SECOND });
    // As dialer.ts, with the shortest of all delays each time, and attempts that take no time.
    const peers = Array.from({ length: MAX_PER_ADDRESS }, () => ({ at: 0, delay: 0 }));
    let dials = 0;
    for (; clock.now < 120_000; clock.now += 10) {
      for (const peer of peers) {
        if (clock.now < peer.at) continue;
        assert.ok(arrivals.admit('nat'), `at ${clock.now} ms, dial ${dials}`);
        dials += 1;
        peer.delay = Math.min(REDIAL_MAX_MS, Math.max(REDIAL_MIN_MS, peer.delay * 2));
        peer.at = clock.now + peer.delay / 2;
      }
    }
    assert.ok(dials > 100 * MAX_PER_ADDRESS);
  });
});

describe('a listener', () => {
  /** One connection, and what was said to it. */
  async function knock(port: number): Promise<{ socket: net.Socket; said: () => string }> {
    const socket = net.connect(port, '127.0.0.1');
    toClose.push(() => socket.destroy());
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    await once(socket, 'connect').catch(() => {});
    return { socket, said: () => text };
  }

  test('resets who comes too often before a byte, and tells why; others are not touched', async () => {
    const { port, refusals, channels } = await listener({ arrivals: { burst: 3, perSecond: 0.001 } });
    const kept = [await knock(port), await knock(port)];
    const to = { tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${port}` };
    await dialler().dial(to, never());
    await until(() => channels.length === 1, 'the third gets in');
    const late = [await knock(port), await knock(port)];
    await until(() => late.every(({ socket }) => socket.closed), 'both are cut');
    assert.deepEqual(
      late.map(({ said }) => said()),
      ['', ''],
    );
    assert.deepEqual(
      refusals,
      late.map(() => ({
        reason: 'too-often',
        remote: '127.0.0.1',
        text: 'more than 0.001 connections a second of 127.0.0.1',
      })),
    );
    assert.ok(kept.every(({ socket }) => !socket.closed));
    const refused = await refusal(dialler().dial(to, never()));
    assert.match(refused.text, /hung up before TLS: too many connections of our address/);
  });

  test('counts those who are refused otherwise, and peers, as all others', async () => {
    const { port, refusals } = await listener({ maxPerAddress: 1, arrivals: { burst: 3, perSecond: 0.001 } });
    for (let n = 0; n < 5; n++) await knock(port);
    await until(() => refusals.length === 4, 'told');
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      ['too-many-connections', 'too-many-connections', 'too-often', 'too-often'],
    );
  });

  test('a whole IPv6 /64 is one who comes, an IPv4 address is one, also in IPv6 dress', async (t) => {
    // Loopback has one address of each: here every connection is made to look as if it came from elsewhere.
    let [address, n] = [(_: number) => '', 0];
    const sockets = net.Socket.prototype as unknown as {
      _getpeername(): { port?: number; address?: string };
    };
    const real = sockets._getpeername;
    const named = new WeakMap<object, string>();
    t.mock.method(sockets, '_getpeername', function (this: net.Socket) {
      const { port, ...rest } = real.call(this);
      if (port === undefined) return rest;
      const known = named.get(this) ?? address(n++);
      named.set(this, known);
      return { ...rest, port, address: known };
    });
    for (const [from, admitted] of [
      [(i: number) => `2001:db8::${i.toString(16)}`, 2],
      [(i: number) => `2001:db8:0:${i.toString(16)}::7`, 6],
      [(i: number) => (i % 2 === 0 ? '192.0.2.7' : '::ffff:192.0.2.7'), 2],
      [(i: number) => `192.0.2.${i + 1}`, 6],
    ] as const) {
      const { port, refusals } = await listener({ arrivals: { burst: 2, perSecond: 0.001 } });
      [address, n] = [from, 0];
      for (let i = 0; i < 6; i++) await knock(port);
      await until(() => n >= 6 && refusals.length === 6 - admitted, 'all have come');
      assert.ok(refusals.every(({ reason }) => reason === 'too-often'));
      await closeAll();
    }
  });

  test('a flood costs it no TLS: of hundreds that begin a handshake only the burst gets an answer', async () => {
    const burst = 20;
    const { port, refusals } = await listener({ maxPerAddress: 1e6, arrivals: { burst, perSecond: 0.001 } });
    const attempts = 500;
    let [secured, ended] = [0, 0];
    for (let n = 0; n < attempts; n++) {
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      toClose.push(() => socket.destroy());
      socket.once('secureConnect', () => {
        secured += 1;
      });
      socket.on('error', () => {});
      socket.once('close', () => {
        ended += 1;
      });
    }
    await until(() => ended === attempts, 'all are refused, with or without TLS', 20_000);
    assert.equal(secured, burst);
    assert.equal(refusals.filter(({ reason }) => reason === 'too-often').length, attempts - burst);
  });
});

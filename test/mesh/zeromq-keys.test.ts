// That only a key which was asked for and answered gets in: the ZAP handler, and what libzmq does without it.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as zeromq from 'zeromq';
import { Listener } from '../../src/mesh/listener.ts';
import type { Proof } from '../../src/mesh/trust.ts';
import { ZeroMq } from '../../src/mesh/zeromq.ts';
import { CurveKeys } from '../../src/mesh/zeromq-keys.ts';
import { ZeroMqSocket } from '../../src/mesh/zeromq-socket.ts';
import { aa, bb, closeAll, dialler, OFTEN, stranger, toClose } from './tcp-ends.ts';
import { identityOf } from './tcp-world.ts';
import { never, settle, until } from './until.ts';
import { curveOf, entry, tcpPair, there } from './zeromq-ends.ts';

afterEach(closeAll);

const cc = await identityOf('cc');
const ENDPOINT = 'inproc://zeromq.zap.01';
const AA: Proof = { ok: true, peer: entry('aa', aa) };
const NOBODY: Proof = { ok: false, reason: 'unknown-key', text: 'nobody' };

function onlyAa(key: string): Proof {
  return key === curveOf(aa).publicKey ? AA : NOBODY;
}

async function handler(context: zeromq.Context, prove = onlyAa): Promise<CurveKeys> {
  const keys = new CurveKeys(zeromq, context, prove);
  toClose.push(() => keys.close());
  await keys.start();
  return keys;
}

/** A client with the key of `identity` meets a socket of `bb` with that domain. */
async function pair(context: zeromq.Context, zapDomain: string, identity = aa) {
  const { near, far } = await tcpPair();
  const { secretKey } = curveOf(bb);
  const ends = [
    new ZeroMqSocket(zeromq, context, far, { secretKey, zapDomain }),
    new ZeroMqSocket(zeromq, new zeromq.Context(), near, {
      ...curveOf(identity),
      serverKey: curveOf(bb).publicKey,
    }),
  ];
  for (const end of ends) {
    toClose.push(() => end.close());
    await end.start();
  }
  return ends;
}

/** Resolves to how it went for both. */
async function meet(context: zeromq.Context, zapDomain: string, identity = aa) {
  const ends = await pair(context, zapDomain, identity);
  const [theirs, ours] = await Promise.all(ends.map(async (end) => (await end.handshake).result));
  return { theirs, ours };
}

describe('ZAP', () => {
  test('a key that is answered gets in, another one does not', async () => {
    const context = new zeromq.Context();
    const keys = await handler(context);
    const [first, second] = [keys.seat(), keys.seat()];
    assert.deepEqual(await meet(context, first.domain), { theirs: 'done', ours: 'done' });
    assert.deepEqual([first.proof, first.key], [AA, curveOf(aa).publicKey]);
    const refused = await meet(context, second.domain, stranger);
    assert.deepEqual(refused, { theirs: 'refused', ours: 'refused' });
    assert.deepEqual([second.proof, second.key], [NOBODY, curveOf(stranger).publicKey]);
  });

  test('a domain that nobody knows, or that was left, lets nobody in', async () => {
    const context = new zeromq.Context();
    const keys = await handler(context);
    assert.equal((await meet(context, 'nobody-knows-it')).theirs, 'refused');
    const seat = keys.seat();
    keys.leave(seat);
    assert.equal((await meet(context, seat.domain)).theirs, 'refused');
    assert.equal(seat.proof, undefined);
  });

  test('one seat, one connection: the second is refused, whoever it is', async () => {
    const context = new zeromq.Context();
    const keys = await handler(context, () => AA);
    const seat = keys.seat();
    assert.equal((await meet(context, seat.domain, cc)).theirs, 'done');
    assert.equal((await meet(context, seat.domain, aa)).theirs, 'refused');
    assert.equal((await meet(context, seat.domain, cc)).theirs, 'refused');
    assert.equal(seat.key, curveOf(cc).publicKey, 'the first stays');
  });

  test('without a handler that answers nobody is let in: libzmq alone would take every key', async () => {
    const results: string[] = [];
    for (const end of await pair(new zeromq.Context(), 'hintmesh-1')) {
      void end.handshake.then(({ result }) => results.push(result));
    }
    await settle(300);
    assert.ok(!results.includes('done'), results.join());
  });

  test('only CURVE, and only a whole key, is answered with yes', async () => {
    const context = new zeromq.Context();
    const keys = await handler(context, () => AA);
    const asks = new zeromq.Request({ context, linger: 0 });
    toClose.push(() => asks.close());
    asks.connect(ENDPOINT);
    const key = Buffer.alloc(32, 7);
    for (const [rest, status] of [
      [['NULL'], '400'],
      [['PLAIN', 'aa', 'aa'], '400'],
      [['CURVE'], '400'],
      [['CURVE', key.subarray(1)], '400'],
      [['CURVE', Buffer.concat([key, key])], '400'],
      [['CURVE', key], '200'],
      [['CURVE', key], '400'],
    ] as const) {
      const domain = status === '200' || rest.length > 1 ? seatOf(keys) : keys.seat().domain;
      await asks.send(['1.0', 'id', domain, '192.0.2.1', 'aa', ...rest]);
      const [version, id, code, , user] = await asks.receive();
      assert.deepEqual([version, id, code, user].map(String), ['1.0', 'id', status, ''], rest.join());
    }
  });
});

const seats = new WeakMap<CurveKeys, string>();
/** The same one each time. */
function seatOf(keys: CurveKeys): string {
  const known = seats.get(keys) ?? keys.seat().domain;
  seats.set(keys, known);
  return known;
}

test('a key that is taken out of the list between the proof and the end of the handshake does not get in', async () => {
  let asked = 0;
  const proved: unknown[] = [];
  const refusals: unknown[] = [];
  const ends = new ZeroMq(curveOf(bb), 1_000, {
    prove: () => {
      asked += 1;
      return asked === 1 ? AA : NOBODY;
    },
    proved: (socket) => proved.push(socket),
  });
  const bounds = { handshakeTimeoutMs: 1_000, maxUnproved: 9, maxPerAddress: 9, arrivals: OFTEN };
  const listener = new Listener(
    { host: '127.0.0.1', port: 0, ...bounds },
    {
      websocket: () => {},
      zeromq: (guest) => void ends.take(guest),
      refused: ({ reason }) => refusals.push(reason),
    },
  );
  await listener.start();
  toClose.push(async () => {
    await listener.close();
    await ends.close();
  });
  const channel = await dialler()
    .dial(there(listener.address?.port ?? 0), never())
    .catch(() => undefined);
  // It may have seen the handshake end well.
  const closed: string[] = [];
  if (channel !== undefined) channel.onClose = (why) => closed.push(why);
  await until(() => refusals.length > 0 && (channel === undefined || closed.length > 0), 'it is cut');
  await settle(30);
  assert.deepEqual([asked, proved, refusals], [2, [], ['unknown-key']]);
});

// The zeromq package is optional: what is said where it cannot be had, and that it is tried again.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { DialError, type Refusal } from '../../src/mesh/contract.ts';
import { Listener } from '../../src/mesh/listener.ts';
import { ZeroMq } from '../../src/mesh/zeromq.ts';
import { type ZeroMqLibrary as Library, loadZeroMq } from '../../src/mesh/zeromq-library.ts';
import { aa, closeAll, dialler, OFTEN, refusal, tcpTo, toClose } from './tcp-ends.ts';
import { never, until } from './until.ts';
import { curveOf, entry, there, zeromqListener } from './zeromq-ends.ts';

afterEach(closeAll);

/** Somebody who is not there, with Node's own error. */
const MISSING = 'zeromq-that-is-not-installed';
const missing = () => import(MISSING) as Promise<Library>;
const NOT_INSTALLED = /zeromq is not installed; .*, or set transport: websocket$/;

// First of all: once it is loaded, it stays so.
test('each of the two ways to fail has its own words and its own cure, and a later success counts', async () => {
  await assert.rejects(loadZeroMq(missing), (error: Error) => {
    assert.match(error.message, NOT_INSTALLED);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ERR_MODULE_NOT_FOUND');
    return true;
  });
  const broken = () =>
    Promise.reject(new Error("libm.so.6: version `GLIBC_2.38' not found\nRequire stack:\n- somewhere"));
  await assert.rejects(loadZeroMq(broken), (error: Error) => {
    assert.match(error.message, /cannot be loaded here \(libm\.so\.6: version `GLIBC_2\.38' not found\)/);
    assert.match(error.message, /"npm rebuild zeromq"/);
    assert.ok(!error.message.includes('Require stack'));
    return true;
  });
  const loaded = await loadZeroMq();
  assert.equal(typeof loaded.Dealer, 'function');
  assert.equal(await loadZeroMq(missing), loaded, 'it is not loaded twice');
});

describe('a broker whose zeromq cannot be loaded', () => {
  /** Fails so often, then loads. */
  function failing(times: number): () => Promise<Library> {
    let left = times;
    return () => {
      left -= 1;
      return left >= 0 ? Promise.reject(new Error('zeromq is not installed; install it')) : loadZeroMq();
    };
  }

  async function broken(times: number) {
    const refusals: Refusal[] = [];
    const proved: string[] = [];
    const ends = new ZeroMq(
      curveOf(aa),
      1_000,
      {
        prove: () => ({ ok: true, peer: entry('cc', aa) }),
        proved: (socket, { tag }) => {
          proved.push(tag);
          toClose.push(() => socket.close());
        },
      },
      failing(times),
    );
    const listener = new Listener(
      {
        host: '127.0.0.1',
        port: 0,
        handshakeTimeoutMs: 1_000,
        maxUnproved: 9,
        maxPerAddress: 9,
        arrivals: OFTEN,
      },
      {
        websocket: () => {},
        zeromq: (guest) => void ends.take(guest),
        refused: (refused) => refusals.push(refused),
      },
    );
    await listener.start();
    toClose.push(async () => {
      await listener.close();
      await ends.close();
    });
    return { ends, port: listener.address?.port ?? 0, refusals, proved };
  }

  test('cannot dial, and says why; when it is installed, the next attempt works', async () => {
    const { ends } = await broken(2);
    const far = await zeromqListener();
    for (let n = 0; n < 2; n++) {
      const refused = await refusal(ends.dial(there(far.port), [never()]));
      assert.deepEqual([refused.reason, refused.remote], ['unreachable', 'bb']);
      assert.equal(refused.text, `${there(far.port).url}: zeromq is not installed; install it`);
    }
    const { socket } = await ends.dial(there(far.port), [never()]);
    toClose.push(() => socket.close());
    await until(() => far.channels.length === 1, 'it is there');
  });

  test('refuses guests and says why; when it is installed, the next guest gets in', async () => {
    const { port, refusals, proved } = await broken(2);
    const guest = await tcpTo(port);
    guest.write(Buffer.from([0xff]));
    guest.resume();
    await until(() => guest.closed, 'it is cut');
    const transport = dialler();
    const refused = await refusal(transport.dial(there(port), never()));
    assert.match(refused.text, /hung up on ZeroMQ/);
    assert.deepEqual(
      refusals.map(({ reason, remote, text }) => [reason, remote, text]),
      Array(2).fill(['bad-handshake', '127.0.0.1', 'ZeroMQ, but zeromq is not installed; install it']),
    );
    const channel = await transport.dial(there(port, { curveKey: curveOf(aa).publicKey }), never());
    await until(() => proved.length === 1, 'in');
    channel.terminate('enough');
  });

  test('can be closed while it loads', async () => {
    let loaded: (library: Library) => void = () => {};
    const ends = new ZeroMq(
      curveOf(aa),
      1_000,
      { prove: () => assert.fail('nobody comes'), proved: () => assert.fail('nobody comes') },
      () =>
        new Promise((resolve) => {
          loaded = resolve;
        }),
    );
    const giveUp = new AbortController();
    const far = await zeromqListener();
    const attempt = ends.dial(there(far.port), [giveUp.signal]).catch((error: unknown) => error);
    giveUp.abort();
    const closed = ends.close();
    loaded(await loadZeroMq());
    await closed;
    const result = await attempt;
    assert.ok(result instanceof DialError, String(result));
    assert.match(result.message, /given up/);
    assert.deepEqual(far.channels, []);
  });
});

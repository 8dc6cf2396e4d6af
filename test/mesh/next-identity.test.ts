// A peer that changes its identity: for a while both the old keys and the next ones prove it, whoever dials.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import { generateIdentity, type Identity, loadIdentity } from '../../src/mesh/identity.ts';
import { aa, bb, closeAll, dialler, listener, refusal, stranger } from './tcp-ends.ts';
import { until } from './until.ts';

afterEach(closeAll);

/** Of the same tags. */
const nextAa = loadIdentity(await generateIdentity('aa'));
const nextBb = loadIdentity(await generateIdentity('bb'));
const forever = new AbortController().signal;

for (const transport of ['websocket', 'zeromq'] as const) {
  const entry = (tag: string, now: Identity, next?: Identity): PeerAddress => ({
    tag,
    transport,
    fingerprint: now.fingerprint,
    curveKey: now.curve?.publicKey ?? '',
    ...(next && { next: { fingerprint: next.fingerprint, curveKey: next.curve?.publicKey ?? '' } }),
  });

  describe(`a peer that changes its identity, ${transport}`, () => {
    test('gets in with either, and a stranger does not', async () => {
      const { port, channels } = await listener({}, [entry('aa', aa, nextAa)]);
      const url = `wss://127.0.0.1:${port}`;
      for (const [i, identity] of [aa, nextAa].entries()) {
        await dialler({ identity }).dial({ ...entry('bb', bb), url }, forever);
        await until(() => channels.length === i + 1, 'it is in');
        assert.equal(channels[i]?.peer, 'aa');
      }
      const attempt = dialler({ identity: stranger }).dial({ ...entry('bb', bb), url }, forever);
      assert.equal((await refusal(attempt)).reason, 'refused-by-peer');
    });

    test('is found with either when it is dialled, at the second attempt at the latest', async () => {
      for (const identity of [bb, nextBb, bb]) {
        const { port, transport: there } = await listener({ identity }, [entry('aa', aa)]);
        const from = dialler();
        const to = { ...entry('bb', bb, nextBb), url: `wss://127.0.0.1:${port}` };
        const channel = await from.dial(to, forever).catch(() => from.dial(to, forever));
        assert.equal(channel.peer, 'bb');
        await there.close();
      }
    });

    test('is not taken for one with another key, however often', async () => {
      const { port } = await listener({ identity: stranger }, [entry('aa', aa)]);
      const from = dialler();
      const to = { ...entry('bb', bb, nextBb), url: `wss://127.0.0.1:${port}` };
      for (let i = 0; i < 3; i += 1) await refusal(from.dial(to, forever));
    });

    test('loses its link when neither key is that of its entry any more', async () => {
      const { port, channels, seen, transport: there } = await listener({}, [entry('aa', aa, nextAa)]);
      const to = { ...entry('bb', bb), url: `wss://127.0.0.1:${port}` };
      await dialler().dial(to, forever);
      await until(() => channels.length === 1, 'it is in');
      there.setPeers([entry('aa', nextAa)]);
      await until(() => seen.closed.length === 1, 'it is closed');
    });
  });
}

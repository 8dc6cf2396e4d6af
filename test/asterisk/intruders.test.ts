// Who must not get in, or misbehaves once in, beside real PBXs: refused, told once with the reason, and nobody
// else notices.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { Identity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import type { Broker, LogLine } from './broker.ts';
import { inLab } from './lab.ts';
import { lampsAre, type Pair, setDevices, startPair } from './pair.ts';
import { newIdentity, RawPeer } from './raw-peer.ts';

const asterisks = await available();

/** Each intruder comes so often, and is told of once. */
const ATTEMPTS = 3;
const OVERSIZED = 300 * 1024;

type Misdeed = (peer: RawPeer) => void;

/** What an authenticated peer may do wrong once its link is up, and the reason it is refused with. */
const MISDEEDS: Readonly<Record<string, { reason: string; deed: Misdeed }>> = {
  'text that is no JSON': { reason: 'bad-frame', deed: (peer) => peer.sendText('\u0000\u0001 garbage') },
  'a binary message': { reason: 'not-text', deed: (peer) => peer.sendBinary(Buffer.alloc(64, 255)) },
  'an extension that would end an AMI line': {
    reason: 'bad-frame',
    deed: (peer) =>
      peer.say({
        type: 'snapshot',
        entries: [['device', '1\r\nAction: Command', 'INUSE']],
        last: true,
      }),
  },
  'a frame larger than allowed': {
    reason: 'oversize',
    deed: (peer) => peer.sendText(`{"type":"alive","seq":1,"pad":"${'x'.repeat(OVERSIZED)}"}`),
  },
};

/** A link of `kzn` that is up: the broker has answered hello. */
async function link(url: string, identity: Identity, tag = 'kzn', peer = 'spb'): Promise<RawPeer> {
  const raw = new RawPeer(url, identity);
  assert.equal(await raw.opened(), true);
  raw.hello(tag, peer);
  return raw;
}

function refusals(broker: Broker, reason: string): LogLine[] {
  return broker.events('link-refused').filter((line) => line['reason'] === reason);
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  describe(title, { skip: asterisks.skip }, () => {
    test('intruders are refused, told once with the reason, and the good link does not notice', () =>
      inLab(async (lab) => {
        const kzn = await newIdentity('kzn');
        const stranger = await newIdentity('msk'); // claims to be msk, with another key
        const pair = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          spbPeers: [{ tag: 'kzn', fingerprint: kzn.fingerprint }],
        });
        const { url } = pair.spbBroker;
        let round = 0;
        /** A change still passes, and msk's link never went. */
        const undisturbed = async (): Promise<void> => {
          round += 1;
          const state = round % 2 === 0 ? 'NOT_INUSE' : 'INUSE';
          await setDevices(pair.msk, { l2001: state });
          await lampsAre(pair.spb, { '2001*msk': state }, 3_000);
          const down = pair.spbBroker.events('link-down').filter((line) => line['peer'] === 'msk');
          assert.deepEqual(down, []);
        };
        const toldOnce = async (reason: string): Promise<void> => {
          await until(`${reason} is told`, () => refusals(pair.spbBroker, reason).length > 0);
          const told = refusals(pair.spbBroker, reason);
          assert.equal(told.length, 1, `${reason} is told once: ${JSON.stringify(told)}`);
          assert.match(String(told[0]?.msg), /\w \w+ \w/, 'with a sentence for the admin');
        };

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = new RawPeer(url);
          assert.equal(await raw.opened(), false, 'no certificate');
          await raw.close();
        }
        await toldOnce('no-certificate');
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = new RawPeer(url, stranger);
          assert.equal(await raw.opened(), false, 'unknown key');
          await raw.close();
        }
        await toldOnce('unknown-key');
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) await rawBytes(pair);
        await toldOnce('bad-handshake');
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = await link(url, kzn, 'msk');
          await raw.over();
          assert.equal(raw.of('refuse')[0]?.code, 'wrong-tag');
        }
        await toldOnce('wrong-tag');
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = await link(url, kzn, 'kzn', 'nsk');
          await raw.over();
          assert.equal(raw.of('refuse')[0]?.code, 'wrong-peer');
        }
        await toldOnce('wrong-peer');
        await undisturbed();
      }));

    for (const [what, { reason, deed }] of Object.entries(MISDEEDS)) {
      test(`an authenticated peer that sends ${what} loses its link, and nobody else notices`, () =>
        inLab(async (lab) => {
          const kzn = await newIdentity('kzn');
          const { msk, spb, spbBroker } = await startPair(lab, {
            msk: origin(),
            spb: receiver(),
            spbPeers: [{ tag: 'kzn', fingerprint: kzn.fingerprint }],
          });
          const raw = await link(spbBroker.url, kzn);
          await until('hello is answered', () => raw.of('hello').length === 1);
          deed(raw);
          await raw.over();
          await spbBroker.logs(reason, (line) => line['reason'] === reason);
          await setDevices(msk, { l2001: 'INUSE' });
          await lampsAre(spb, { '2001*msk': 'INUSE' }, 3_000);
          assert.deepEqual(
            spbBroker.events('link-down').filter((line) => line['peer'] === 'msk'),
            [],
          );
          // A peer that mends its ways is welcome again.
          const again = await link(spbBroker.url, kzn);
          await until('hello is answered', () => again.of('hello').length === 1);
          again.say({ type: 'snapshot', entries: [['device', '3001', 'INUSE']], last: true });
          again.say({ type: 'alive' });
          await lampsAre(spb, { '3001*kzn': 'INUSE', '2001*msk': 'INUSE' }, 3_000);
          await again.close();
        }));
    }

    test('a dialled host that has another key is not believed, told once, and dialled again', () =>
      inLab(async (lab) => {
        const kzn = await newIdentity('kzn');
        const pair = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          // msk takes spb's address for kzn's.
          mskPeers: (spb) => [
            { tag: 'kzn', fingerprint: kzn.fingerprint, url: spb.url.replace('127.0.0.1', 'localhost') },
          ],
        });
        await until('wrong-key is told', () =>
          pair.mskBroker.log().some((line) => line['reason'] === 'wrong-key'),
        );
        await setDevices(pair.msk, { l2001: 'INUSE' });
        await lampsAre(pair.spb, { '2001*msk': 'INUSE' }, 3_000);
        assert.equal(pair.mskBroker.log().filter((line) => line['reason'] === 'wrong-key').length, 1);
        assert.deepEqual(
          pair.mskBroker.events('link-down').filter((line) => line['peer'] === 'spb'),
          [],
        );
      }));
  });
}

/** Bytes that are no TLS. */
function rawBytes({ spbBroker }: Pair): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(spbBroker.port, spbBroker.host, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}

// Who must not get in, or misbehaves once in, beside real PBXs: refused, told once with the reason, and nobody
// else notices.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { Identity } from '../../src/mesh/identity.ts';
import { MAX_TEXTS } from '../../src/mesh/refusals.ts';
import { until } from '../until.ts';
import { available, eachPairing } from './available.ts';
import { type Broker, type LogLine, overTransport, peerEntry, TRANSPORTS, type Transport } from './broker.ts';
import { inLab } from './lab.ts';
import { lampsAre, type PairOptions, setDevices, startPair } from './pair.ts';
import { newIdentity, type RawPeer, RawWebSocket } from './raw-peer.ts';
import { RawZeroMq } from './raw-zeromq.ts';

const asterisks = await available();

/** Each intruder comes so often, and is told of once. */
const ATTEMPTS = 3;
const OVERSIZED = 300 * 1024;
/** Intruders that are told of with the same reason come from addresses of their own. */
const [HOME, ELSEWHERE] = ['127.0.0.1', '127.0.0.2'];
/** Most of the time is spent waiting: several scenarios fit on two cores. */
const AT_ONCE = 3;

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

/** Only over ZeroMQ there are messages of several parts. */
const PARTS: (typeof MISDEEDS)[string] = {
  reason: 'not-text',
  deed: (peer) => (peer as RawZeroMq).sendParts(['{"type":"alive","seq":1}', 'and more']),
};

/** No TLS; no ZeroMQ beyond its first byte; ZeroMQ without CURVE; and nonsense where CURVE begins. */
const GARBAGE: Readonly<Record<Transport, readonly Buffer[]>> = {
  websocket: [Buffer.from('GET / HTTP/1.0\r\n\r\n')],
  zeromq: [
    Buffer.alloc(256, 0xff),
    greeting('NULL'),
    Buffer.concat([greeting('CURVE'), Buffer.alloc(300, 7)]),
  ],
};

/** ZMTP 3.1 (rfc.zeromq.org/spec/37). */
function greeting(mechanism: string): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01', 'latin1');
  bytes.write(mechanism, 12);
  return bytes;
}

/** A peer made by hand that dials `to`; without identity it shows no key at all. */
function dial(transport: Transport, to: Broker, identity?: Identity): RawPeer {
  if (transport === 'websocket') return new RawWebSocket(to.url, identity);
  return new RawZeroMq(to.url, to.identity.curve?.publicKey ?? '', identity);
}

/** A link of `kzn` that is up: the broker has answered hello. */
async function link(
  transport: Transport,
  to: Broker,
  identity: Identity,
  tag = 'kzn',
  peer = 'spb',
): Promise<RawPeer> {
  const raw = dial(transport, to, identity);
  assert.equal(await raw.opened(), true);
  raw.hello(tag, peer);
  return raw;
}

/** Bytes that are no peer's, from `address`; returns when the broker has hung up. */
function rawBytes({ port, host }: Broker, bytes: Buffer, address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, localAddress: address }, () => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve());
  });
}

function told(broker: Broker, reason: string, who = HOME): LogLine[] {
  const refused = broker.events('link-refused');
  return refused.filter((line) => line['reason'] === reason && line['who'] === who);
}

/** `reason` was counted `times` times in all, and each thing there is to say of `who` was told once. */
async function toldOnce(broker: Broker, reason: string, times: number, who = HOME): Promise<void> {
  const metric = `hintmesh_link_refusals_total{reason="${reason}"} `;
  let counted: string | undefined;
  await until(
    () => `${reason} is counted ${times} times, and not ${counted}`,
    async () => {
      const lines = (await (await fetch(`${broker.httpUrl}/metrics`)).text()).split('\n');
      counted = lines.find((line) => line.startsWith(metric))?.slice(metric.length);
      return counted === String(times);
    },
  );
  const lines = told(broker, reason, who);
  const texts = lines.map(({ msg }) => msg);
  assert.ok(lines.length > 0 && lines.length <= MAX_TEXTS, `${reason} is told: ${JSON.stringify(lines)}`);
  assert.equal(new Set(texts).size, texts.length, `nothing is told twice: ${JSON.stringify(lines)}`);
  assert.match(String(lines[0]?.msg), /\w \w+ \w/, 'with a sentence for the admin');
}

function lostLinks(broker: Broker, peer: string): LogLine[] {
  return broker.events('link-down').filter((line) => line['peer'] === peer);
}

const SUITES = eachPairing(asterisks).flatMap((pairing, turn) =>
  TRANSPORTS.map((transport) => ({ ...pairing, transport, turn })),
);

for (const { title, origin, receiver, transport, turn } of SUITES) {
  const pair = (): PairOptions => ({ msk: origin(), spb: receiver(), transport });
  let asked = 0;
  /** Over WebSocket in both pairings; over ZeroMQ in one, turn about. */
  const scenario = (what: string, run: () => Promise<void>): void => {
    asked += 1;
    if (transport === 'websocket' || asked % 2 === turn) test(what, run);
  };

  describe(`${title}, ${transport}`, { skip: asterisks.skip, concurrency: AT_ONCE }, () => {
    scenario('intruders are refused, told once with the reason, and the good link does not notice', () =>
      inLab(async (lab) => {
        const kzn = await newIdentity('kzn');
        const nsk = await newIdentity('nsk'); // a peer, without `transport: zeromq`
        const stranger = await newIdentity('msk'); // claims to be msk, with another key
        const pbxs = await startPair(lab, {
          ...pair(),
          spbPeers: [overTransport(transport, peerEntry('kzn', kzn)), peerEntry('nsk', nsk)],
        });
        const { spbBroker } = pbxs;
        let round = 0;
        /** A change still passes, and msk's link never went. */
        const undisturbed = async (): Promise<void> => {
          round += 1;
          const state = round % 2 === 0 ? 'NOT_INUSE' : 'INUSE';
          await setDevices(pbxs.msk, { l2001: state });
          await lampsAre(pbxs.spb, { '2001*msk': state }, 3_000);
          assert.deepEqual(lostLinks(spbBroker, 'msk'), []);
        };

        for (const [i, bytes] of GARBAGE[transport].entries()) {
          for (let n = 0; n < ATTEMPTS; n += 1) await rawBytes(spbBroker, bytes, ELSEWHERE);
          await toldOnce(spbBroker, 'bad-handshake', ATTEMPTS * (i + 1), ELSEWHERE);
        }
        await undisturbed();

        const noKey = async (): Promise<void> => {
          for (let i = 0; i < ATTEMPTS; i += 1) {
            const raw = dial(transport, spbBroker);
            assert.equal(await raw.opened(), false, 'no key');
            await raw.close();
          }
        };
        if (transport === 'websocket') {
          await noKey();
          await toldOnce(spbBroker, 'no-certificate', ATTEMPTS);
        } else {
          // libzmq may see by itself that it is wrong here, and has hung up before the broker could refuse it.
          await until('a client without CURVE is told of', async () => {
            await noKey();
            return told(spbBroker, 'bad-handshake').length > 0;
          });
          assert.equal(told(spbBroker, 'bad-handshake').length, 1);
        }
        await undisturbed();

        const unknown = transport === 'zeromq' ? [stranger, nsk] : [stranger];
        for (const identity of unknown) {
          for (let i = 0; i < ATTEMPTS; i += 1) {
            const raw = dial(transport, spbBroker, identity);
            assert.equal(await raw.opened(), false, 'unknown key');
            await raw.close();
          }
        }
        await toldOnce(spbBroker, 'unknown-key', ATTEMPTS * unknown.length);
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = await link(transport, spbBroker, kzn, 'msk');
          await raw.over();
          assert.equal(raw.of('refuse')[0]?.code, 'wrong-tag');
        }
        await toldOnce(spbBroker, 'wrong-tag', ATTEMPTS, 'kzn');
        await undisturbed();

        for (let i = 0; i < ATTEMPTS; i += 1) {
          const raw = await link(transport, spbBroker, kzn, 'kzn', 'nsk');
          await raw.over();
          assert.equal(raw.of('refuse')[0]?.code, 'wrong-peer');
        }
        await toldOnce(spbBroker, 'wrong-peer', ATTEMPTS, 'kzn');
        await undisturbed();
      }),
    );

    const misdeeds = transport === 'zeromq' ? { ...MISDEEDS, 'a message of several parts': PARTS } : MISDEEDS;
    for (const [what, { reason, deed }] of Object.entries(misdeeds)) {
      scenario(`an authenticated peer that sends ${what} loses its link, and nobody else notices`, () =>
        inLab(async (lab) => {
          const kzn = await newIdentity('kzn');
          const { msk, spb, spbBroker } = await startPair(lab, {
            ...pair(),
            spbPeers: [overTransport(transport, peerEntry('kzn', kzn))],
          });
          const raw = await link(transport, spbBroker, kzn);
          await until('hello is answered', () => raw.of('hello').length === 1);
          deed(raw);
          await raw.over();
          await spbBroker.logs(reason, (line) => line['reason'] === reason);
          await setDevices(msk, { l2001: 'INUSE' });
          await lampsAre(spb, { '2001*msk': 'INUSE' }, 3_000);
          assert.deepEqual(lostLinks(spbBroker, 'msk'), []);
          // A peer that mends its ways is welcome again.
          const again = await link(transport, spbBroker, kzn);
          await until('hello is answered', () => again.of('hello').length === 1);
          again.say({ type: 'snapshot', entries: [['device', '3001', 'INUSE']], last: true });
          again.say({ type: 'alive' });
          await lampsAre(spb, { '3001*kzn': 'INUSE', '2001*msk': 'INUSE' }, 3_000);
          await again.close();
        }),
      );
    }

    scenario('a dialled host that has another key is not believed, told once, and dialled again', () =>
      inLab(async (lab) => {
        const kzn = await newIdentity('kzn');
        const { msk, spb, mskBroker } = await startPair(lab, {
          ...pair(),
          // msk takes spb's address for kzn's.
          mskPeers: ({ url }) => {
            const entry = peerEntry('kzn', kzn, url.replace('127.0.0.1', 'localhost'));
            return [overTransport(transport, entry)];
          },
        });
        await until('wrong-key is told', () =>
          mskBroker.log().some((line) => line['reason'] === 'wrong-key'),
        );
        await setDevices(msk, { l2001: 'INUSE' });
        await lampsAre(spb, { '2001*msk': 'INUSE' }, 3_000);
        assert.equal(mskBroker.log().filter((line) => line['reason'] === 'wrong-key').length, 1);
        assert.deepEqual(lostLinks(mskBroker, 'spb'), []);
      }),
    );
  });
}

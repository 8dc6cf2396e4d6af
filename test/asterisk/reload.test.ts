// Dialplan reloads: up to 22.10 Asterisk repeats every hint's state then, and forgets hints made from patterns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../until.ts';
import { available, eachPairing, eachRoot } from './available.ts';
import { peerEntry } from './broker.ts';
import { inLab } from './lab.ts';
import { hints, lampsAre, setDevices, startPair } from './pair.ts';
import { newIdentity, RawWebSocket } from './raw-peer.ts';

const asterisks = await available();

const MANY = 4_000;
const FIRST = 3_000;
const manyHints = (count: number): string =>
  Array.from({ length: count }, (_, i) => `exten => ${FIRST + i},hint,Custom:l${FIRST + i}\n`).join('');

for (const { title, root } of eachRoot(asterisks)) {
  test(
    `${title}: ${MANY} hints and a dialplan reload put no frame on the wire`,
    { skip: asterisks.skip },
    () =>
      inLab(async (lab) => {
        const spy = await newIdentity('spy');
        const pbx = await lab.pbx({ root: root(), name: 'msk', dialplan: hints(manyHints(MANY)) });
        const broker = await lab.broker({ tag: 'msk', pbx });
        broker.peers.push(peerEntry('spy', spy));
        await broker.start();
        // Before that it takes no links.
        await broker.logs('that Asterisk is up', ({ event }) => event === 'asterisk-up');
        const peer = new RawWebSocket(broker.url, spy);
        try {
          assert.equal(await peer.opened(), true);
          peer.hello('spy', 'msk');
          const parts = await until('the snapshot is whole', () =>
            peer.of('snapshot').at(-1)?.last === true ? peer.of('snapshot') : undefined,
          );
          const entries = parts.reduce((sum, part) => sum + (part.entries?.length ?? 0), 0);
          assert.equal(entries, MANY + 102);

          const ami = await pbx.ami();
          await ami.command('dialplan reload');
          // A hint that changes after the reload: when it has come over, the reload's events are through.
          await until('the reload is through', async () => {
            await ami.setCustom('l2001', 'INUSE');
            return peer.changes().includes('2001=INUSE');
          });
          const repeated = ami.events.filter((event) => event['event'] === 'ExtensionStatus').length;
          console.log(`# ${title}: the reload raised ${repeated} ExtensionStatus events`);

          // A hint that goes raises no event: only reading the whole list again finds it, so that was done too.
          await pbx.writeDialplan(hints(manyHints(MANY - 1)));
          await ami.command('dialplan reload');
          await until(
            'the relist was done',
            () => peer.changes().includes(`${FIRST + MANY - 1}=null`),
            30_000,
          );
          assert.deepEqual(peer.changes(), ['2001=INUSE', `${FIRST + MANY - 1}=null`]);
          assert.equal(peer.of('snapshot').length, parts.length);
        } finally {
          await peer.close();
        }
      }),
  );
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: a pattern hint that nobody watches at home lights its remote lamp, also after a reload`,
    {
      skip: asterisks.skip,
    },
    () =>
      inLab(async (lab) => {
        const { msk, spb } = await startPair(lab, {
          msk: origin(),
          spb: receiver(),
          dialplan: `exten => _5XXX,hint,Custom:l\${EXTEN}\n`,
          mskBroker: { exports: [{ context: 'phones', match: ['_20XX', '5000-5009'] }] },
        });
        await lampsAre(spb, { '5001*msk': 'NOT_INUSE', '5009*msk': 'NOT_INUSE' });
        await setDevices(msk, { l5001: 'INUSE' });
        await lampsAre(spb, { '5001*msk': 'INUSE' });
        const ami = await msk.ami();
        await ami.command('dialplan reload');
        await setDevices(msk, { l5001: 'RINGING', l5009: 'BUSY' });
        await lampsAre(spb, { '5001*msk': 'RINGING', '5009*msk': 'BUSY' });
        await setDevices(msk, { l5001: 'NOT_INUSE' });
        await lampsAre(spb, { '5001*msk': 'NOT_INUSE', '5009*msk': 'BUSY' });
      }),
  );
}

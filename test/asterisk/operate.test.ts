// What an admin does with a broker that runs, beside real Asterisks: reloads that matter, the commands, the stop and
// the leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateRow, Status } from '../../src/http/contract.ts';
import { available, eachPairing } from './available.ts';
import type { Broker } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import { believes, lampsAre, type Pair, setDevices, startPair, WATCHER } from './pair.ts';

const asterisks = await available();

/** SIGTERM to the end of the process. */
const STOP_MS = 5_000;

/** An open call from 1001 to 1002 on `msk`: its lamps are lit, and nothing ends it. */
async function inCall(lab: Lab, { msk, spb }: Pair): Promise<void> {
  const [caller, callee] = [await lab.sipp(msk, '1001'), await lab.sipp(msk, '1002')];
  await callee.takeCall({ ringMs: 100 });
  await caller.call('1002', { talkMs: 50_000 });
  await lampsAre(spb, { '1001*msk': 'INUSE', '1002*msk': 'INUSE' });
}

async function reloads(lab: Lab, pair: Pair): Promise<void> {
  const { spb, spbBroker } = pair;
  const links = spbBroker.events('link-down').length;
  const phone = await lab.blf(spb, WATCHER);
  await phone.subscribe('1001*msk');
  await phone.shows('1001*msk', 'confirmed');
  const before = phone.total;

  // What needs a restart, and what is no config at all, change nothing and say why.
  const text = spbBroker.configText();
  const moved = { ...JSON.parse(text), listen: { enabled: false }, lamps: { burst: 20 } };
  moved.peers = moved.peers.map((peer: object) => ({ url: 'wss://127.0.0.1:9', ...peer }));
  const refused = await spbBroker.reloadText(JSON.stringify(moved));
  assert.equal(refused.event, 'reload-refused');
  assert.match(String(refused.msg), /listen\.enabled.* needs a restart/);
  assert.equal((await spbBroker.reloadText('tag: [')).event, 'reload-refused');
  await spbBroker.logs(
    'the condition',
    ({ event, code }) => event === 'condition-raised' && code === 'reload-refused',
  );
  // Where it answers cannot be read in such a file.
  assert.match((await spbBroker.command('status', '--url', spbBroker.httpUrl)).out, /reload-refused/);
  assert.equal((await spbBroker.reloadText(text)).event, 'reloaded');
  assert.equal(phone.total, before, 'no phone heard of it');
  assert.equal(spbBroker.events('link-down').length, links);

  // A peer that is taken out: its lamps are nobody's any more. Taken back, they are true again.
  const peers = spbBroker.peers.splice(0);
  assert.equal((await spbBroker.reload()).event, 'reloaded');
  await lampsAre(spb, { '1001*msk': 'UNAVAILABLE', '1002*msk': 'UNAVAILABLE' });
  spbBroker.peers.push(...peers);
  assert.equal((await spbBroker.reload()).event, 'reloaded');
  await lampsAre(spb, { '1001*msk': 'INUSE', '1002*msk': 'INUSE' });
}

async function commands({ msk, spb, mskBroker, spbBroker }: Pair): Promise<void> {
  const json = async <T>(broker: Broker, ...args: string[]): Promise<T> => {
    const { code, out } = await broker.command(...args, '--json');
    assert.equal(code, 0, out);
    return JSON.parse(out) as T;
  };
  const status = await json<Status>(spbBroker, 'status', '--check');
  assert.ok(status.asterisk.version?.startsWith(spb.root.version));
  const [peer] = status.peers;
  assert.deepEqual([peer?.peer, peer?.belief, peer?.link?.transport], ['msk', 'live', 'websocket']);
  assert.ok((peer?.extensions ?? 0) >= 102);
  const states = await json<StateRow[]>(spbBroker, 'states', '1002', '--pbx', 'msk');
  assert.deepEqual(states, [
    {
      pbx: 'msk',
      extension: '1002',
      state: 'INUSE',
      kind: 'device',
      lamp: { name: '1002*msk', desired: 'INUSE', written: 'INUSE' },
    },
  ]);
  assert.match((await spbBroker.command('reload')).out, /nothing/);

  const watching = spbBroker.begin('watch', '--json');
  // However long the command takes to start: something changes until it says so.
  for (let on = true; watching.said() === ''; on = !on) {
    await setDevices(msk, { l2001: on ? 'RINGING' : 'NOT_INUSE' });
    await lampsAre(spb, { '2001*msk': on ? 'RINGING' : 'NOT_INUSE' });
  }
  await setDevices(msk, { l2001: 'ONHOLD' });
  await lampsAre(spb, { '2001*msk': 'ONHOLD' });
  const begun = performance.now();
  const exit = await spbBroker.stop();
  assert.equal(exit?.code, 0);
  assert.ok(performance.now() - begun < STOP_MS);
  const { code, out } = await watching.ended;
  assert.equal(code, 1, 'the broker ended');
  const seen = out.split('\n').filter((line) => line.startsWith('{'));
  assert.ok(
    seen.some((line) => /"type":"lamp",.*"name":"2001\*msk","state":"ONHOLD"/.test(line)),
    out,
  );
  assert.match((await spbBroker.command('status')).out, /no broker answers/);
  await spbBroker.start();
  await believes(spbBroker, 'msk', 'live');
  await lampsAre(spb, { '1001*msk': 'INUSE', '2001*msk': 'ONHOLD' });

  // It does not come back: at once, and not after the grace, its lamps are nobody's.
  const left = await mskBroker.command('leave', '--yes');
  assert.equal(left.code, 0, left.out);
  assert.equal((await mskBroker.exited)?.code, 0);
  await lampsAre(spb, { '1001*msk': 'UNAVAILABLE', '2001*msk': 'UNAVAILABLE' }, 10_000);
  const gone = await json<Status>(spbBroker, 'status');
  assert.match(gone.conditions.find(({ code: is }) => is === 'peer-gone')?.text ?? '', /left for good/);
}

for (const { title, origin, receiver } of eachPairing(asterisks)) {
  test(
    `${title}: reloads that matter, the commands, the stop and the leave, with calls up`,
    { skip: asterisks.skip },
    () =>
      inLab(async (lab) => {
        const pair = await startPair(lab, { msk: origin(), spb: receiver() });
        await inCall(lab, pair);
        await reloads(lab, pair);
        await commands(pair);
        assert.deepEqual([...pair.msk.errors(), ...pair.spb.errors()], []);
      }),
  );
}

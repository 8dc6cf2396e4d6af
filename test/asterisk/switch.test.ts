// Two sites go from WebSocket to ZeroMQ and back with a call up, by one line in each config and a SIGHUP, one after
// the other: no lamp moves but for the call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../until.ts';
import type { TestAmi } from './ami.ts';
import { available, eachPairing } from './available.ts';
import { type Broker, type LogLine, overTransport, type Transport } from './broker.ts';
import { inLab } from './lab.ts';
import { lampsAre, linkedOver, MSK, type Pair, SPB, startPair, WATCHER } from './pair.ts';

const asterisks = await available();

const CALLING = `1001*${MSK}`;
const CALLED = `1002*${MSK}`;
const LINE = '"transport": "zeromq",';

/** The lines of `text` that `other` does not have, but for how far they are indented. */
function extra(text: string, other: string): string[] {
  const known = new Set(other.split('\n').map((line) => line.trim()));
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !known.has(line));
}

/** What an admin does: one line more, or less, and a reload. */
async function choose(broker: Broker, transport: Transport): Promise<void> {
  const before = broker.configText();
  const [entry] = broker.peers;
  assert.ok(entry);
  broker.peers[0] = overTransport(transport, entry);
  const { event, changes } = await broker.reload();
  const after = broker.configText();
  const [less, more] = transport === 'zeromq' ? [before, after] : [after, before];
  assert.deepEqual([extra(more, less), extra(less, more)], [[LINE], []]);
  const words = transport === 'zeromq' ? 'websocket → zeromq' : 'zeromq → websocket';
  assert.deepEqual([event, changes], ['reloaded', [`peer ${entry.tag}: transport ${words}`]]);
}

function linked({ mskBroker, spbBroker }: Pair, transport: Transport): Promise<unknown> {
  return until(
    `both are linked over ${transport}`,
    async () =>
      (await linkedOver(mskBroker, SPB)) === transport && (await linkedOver(spbBroker, MSK)) === transport,
  );
}

/** The dialling side cannot get in with what the other does not take yet: it says so. */
async function waitsForTheOther({ spbBroker }: Pair): Promise<void> {
  await until('it is told why the link is down', async () => {
    const { peers } = await spbBroker.status();
    return peers.some(
      ({ link, problem }) => link === undefined && /transport: zeromq/.test(problem?.text ?? ''),
    );
  });
}

/** All that Asterisk told of other PBXs' lamps. */
function lampChanges(ami: TestAmi): string[] {
  return ami.events
    .filter((event) => event['event'] === 'DeviceStateChange' && /\*(msk|spb)$/.test(event['device'] ?? ''))
    .map((event) => `${event['device']} ${event['state']}`);
}

/** The lamps of a PBX's Custom devices, of which none was ever set. */
function devices(tag: string): Record<string, string> {
  const lamps = Array.from({ length: 100 }, (_, i) => `${2000 + i}*${tag}`);
  return Object.fromEntries(lamps.map((lamp) => [lamp, 'NOT_INUSE']));
}

/** For how long the link was down, each time. */
function gaps(broker: Broker): number[] {
  const at = (line: LogLine): number => Date.parse(String(line['time']));
  const links = broker.log().filter(({ event }) => event === 'link-down' || event === 'link-up');
  return links.flatMap((line, i) => {
    const next = links[i + 1];
    return line.event === 'link-down' && next !== undefined ? [at(next) - at(line)] : [];
  });
}

/** Who dials whom decides which of the two orders is the smooth one: the side that is dialled goes first. */
const ORDERS = ['the side that is dialled', 'the side that dials'] as const;

for (const [turn, { title, origin, receiver }] of eachPairing(asterisks).entries()) {
  const first = ORDERS[turn];
  test(
    `${title}: websocket → zeromq → websocket by reloads during a call, ${first} first`,
    {
      skip: asterisks.skip,
    },
    (t) =>
      inLab(async (lab) => {
        const pair = await startPair(lab, { msk: origin(), spb: receiver() });
        const { msk, spb, mskBroker, spbBroker } = pair;
        // `spb` dials. Whoever has the line takes WebSocket too; whoever has it not takes no ZeroMQ.
        const smooth = first === 'the side that is dialled';
        const [one, other] = smooth ? [mskBroker, spbBroker] : [spbBroker, mskBroker];
        const halfway = () => (smooth ? linked(pair, 'websocket') : waitsForTheOther(pair));
        const phone = await lab.blf(spb, WATCHER);
        for (const lamp of [CALLING, CALLED]) await phone.subscribe(lamp);
        const caller = await lab.softphone(msk, '1001');
        const callee = await lab.softphone(msk, '1002');
        // So many lamps take a second to write.
        await lampsAre(spb, { ...devices(MSK), [CALLING]: 'NOT_INUSE', [CALLED]: 'NOT_INUSE' });
        await lampsAre(msk, { ...devices(SPB), '1001*spb': 'UNAVAILABLE', '1002*spb': 'UNAVAILABLE' });
        const [atSpb, atMsk] = [await (await spb.ami()).fromNow(), await (await msk.ami()).fromNow()];
        const before = phone.total;

        const call = caller.call('1002');
        const taken = await callee.ringing();
        await lampsAre(spb, { [CALLING]: 'INUSE', [CALLED]: 'RINGING' });

        await choose(one, 'zeromq');
        await halfway();
        await choose(other, 'zeromq');
        await linked(pair, 'zeromq');
        taken.answer();
        await lampsAre(spb, { [CALLING]: 'INUSE', [CALLED]: 'INUSE' });

        await choose(other, 'websocket');
        await halfway();
        await choose(one, 'websocket');
        await linked(pair, 'websocket');
        await call.hangUp();
        await lampsAre(spb, { [CALLING]: 'NOT_INUSE', [CALLED]: 'NOT_INUSE' });
        await phone.shows(CALLED, 'terminated');
        await phone.shows(CALLING, 'terminated');

        for (const ami of [atSpb, atMsk]) {
          await ami.setCustom('end', 'INUSE');
          await until('all that happened is told', () => ami.changesOf('Custom:end').length > 0);
        }
        assert.deepEqual(atSpb.changesOf(`Custom:${CALLING}`), ['INUSE', 'NOT_INUSE']);
        assert.deepEqual(atSpb.changesOf(`Custom:${CALLED}`), ['RINGING', 'INUSE', 'NOT_INUSE']);
        assert.equal(lampChanges(atSpb).length, 5, lampChanges(atSpb).join(', '));
        assert.deepEqual(lampChanges(atMsk), []);
        assert.deepEqual(phone.shown(CALLED), ['terminated', 'early', 'confirmed', 'terminated']);
        // Three for the called phone and two for the calling one.
        assert.equal(phone.total - before, 5);
        assert.deepEqual([...msk.errors(), ...spb.errors()], []);
        t.diagnostic(`the link was down for ${gaps(spbBroker).join(', ')} ms`);
      }),
  );
}

// A second broker beside one Asterisk, and the same when that Asterisk is not there yet. What takes a real one is in
// test/asterisk/standby.test.ts.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Broker } from '../../src/broker.ts';
import { until } from '../until.ts';
import { ALONE, type Site, startSites } from './sites.ts';

let sites: Site[] = [];
const seconds: Broker[] = [];

afterEach(async () => {
  await Promise.all(seconds.splice(0).map((broker) => broker.close()));
  await Promise.all(sites.map((site) => site.stop()));
});

async function start(): Promise<readonly [Site, Site, Broker]> {
  const asterisk = {
    bootMs: 20,
    hints: { '1001': 'PJSIP/1001' },
    devices: { 'PJSIP/1001': 'INUSE' },
  } as const;
  sites = await startSites({ msk: { asterisk }, spb: { asterisk } });
  const [msk, spb] = sites as [Site, Site];
  await until('the first one works', () => msk.broker?.status().asterisk.up === true);
  await until('they are linked', () => spb.broker?.status().peers[0]?.belief === 'live');
  const { tcp, ...options } = msk.brokerOptions([spb]);
  const second = new Broker({ ...options, tcp: { tag: 'msk', identity: msk.identity } }, () => {}, ALONE);
  seconds.push(second);
  return [msk, spb, second];
}

const conditions = (broker: Broker) => broker.status().conditions.map(({ code }) => code);

test('it stands by, is not ready, and says nothing else when Asterisk was away', async () => {
  const [msk, spb, second] = await start();
  await second.start();
  await until('it stands by', () => second.status().asterisk.standsBy);
  await msk.asterisk.stop();
  await until('both miss Asterisk', () => conditions(second).includes('asterisk-down'), 20_000);
  await msk.asterisk.start();
  await until('the first is back', () => msk.broker?.status().asterisk.up === true);
  await until('nothing but standby', () => conditions(second).join() === 'standby');
  const { ready, peers } = second.status();
  assert.deepEqual([ready, peers.map(({ link }) => link)], [false, [undefined]]);
  assert.equal(spb.reports.filter(({ event }) => event === 'link-refused').length, 0);
});

test('without Asterisk none of the two has links, so they are not in each other’s way', async () => {
  const [msk, spb, second] = await start();
  await msk.broker?.close();
  await msk.asterisk.stop();
  await until('the link is down', () => spb.broker?.status().peers[0]?.link === undefined);
  const ups = () => spb.broker?.status().peers[0]?.linksUp;
  const before = ups();
  await second.start();
  await msk.startBroker([spb]);
  await until('both have tried', () =>
    [second, msk.broker].every((one) => conditions(one as Broker).length > 0),
  );
  assert.equal(ups(), before);
  await msk.asterisk.start();
  await until('one of them works', () => spb.broker?.status().peers[0]?.belief === 'live');
  assert.equal(ups(), (before ?? 0) + 1);
});

// What a whole broker serves over HTTP: the same truth in the status, the metrics and the stream of changes.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { afterEach, test } from 'node:test';
import type { ConditionRow, PeerRow, StateRow, Status, WatchEvent } from '../../src/http/contract.ts';
import { until } from '../until.ts';
import { HOST, type Site, startSites } from './sites.ts';

const ASTERISK = {
  bootMs: 20,
  hints: { '1001': 'PJSIP/1001', '_XXXX*msk': 'Custom:${EXTEN}', '_XXXX*spb': 'Custom:${EXTEN}' },
  devices: { 'PJSIP/1001': 'NOT_INUSE' },
} as const;
const HTTP = { host: HOST, port: 0, token: 'a-token-of-tests' };

let sites: Site[] = [];

afterEach(async () => {
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
});

async function two(): Promise<[Site, Site]> {
  const options = { asterisk: ASTERISK, broker: { http: HTTP } };
  sites = await startSites({ msk: options, spb: options });
  const [msk, spb] = sites;
  assert.ok(msk && spb);
  for (const site of sites) await until(`${site.tag} is ready`, () => site.broker?.status().ready === true);
  return [msk, spb];
}

async function ask(site: Site, path: string): Promise<{ status: number; text: string }> {
  const { host, port } = site.broker?.httpAddress ?? { host: '', port: 0 };
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
  });
}

async function json<T>(site: Site, path: string): Promise<T> {
  return JSON.parse((await ask(site, path)).text) as T;
}

/** The value of one series; `undefined` when there is none. */
async function metric(site: Site, series: string): Promise<number | undefined> {
  const { text } = await ask(site, '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('a call is seen in the states and the counters, and its latency is measured at every stage', async () => {
  const [msk, spb] = await two();
  const measured = async (what: string): Promise<boolean> =>
    ((await metric(spb, `hintmesh_${what}_latency_seconds_count`)) ?? 0) > 0;
  // The first changes may come before the clocks were compared.
  let on = false;
  await until('write, echo and lamp latency are measured', async () => {
    on = !on;
    msk.asterisk.setDevice('PJSIP/1001', on ? 'INUSE' : 'NOT_INUSE');
    return (await measured('write')) && (await measured('echo')) && (await measured('lamp'));
  });
  msk.asterisk.setDevice('PJSIP/1001', 'RINGING');
  spb.asterisk.subscribe('1001*msk');
  await until('the lamp rings', () => spb.asterisk.lamp('1001*msk') === 'RINGING');
  const rows = await json<StateRow[]>(spb, '/api/states');
  assert.deepEqual(
    rows.find(({ pbx }) => pbx === 'msk'),
    {
      pbx: 'msk',
      kind: 'device',
      extension: '1001',
      state: 'RINGING',
      lamp: { name: '1001*msk', desired: 'RINGING', written: 'RINGING' },
    },
  );
  const { counters } = await json<Status>(spb, '/api/status');
  assert.ok(counters.changesIn > 0 && counters.writesSent > 0);
  assert.equal(await metric(spb, 'hintmesh_peer_link_up{peer="msk"}'), 1);
});

test('what changes is streamed as it happens', async () => {
  const [msk, spb] = await two();
  const events: WatchEvent[] = [];
  const stops = [spb, msk].map((site) => site.broker?.watch((event) => events.push(event)));
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  await until('the lamp was written', () => events.some(({ type }) => type === 'lamp'));
  for (const stop of stops) stop?.();
  assert.deepEqual(events, [
    { type: 'export', kind: 'device', extension: '1001', state: 'INUSE' },
    { type: 'lamp', kind: 'device', pbx: 'msk', extension: '1001', name: '1001*msk', state: 'INUSE' },
  ]);
  msk.asterisk.setDevice('PJSIP/1001', 'RINGING');
  await until('it rings', () => spb.asterisk.pbx.astdb.get('1001*msk') === 'RINGING');
  assert.equal(events.length, 2, 'nothing is heard after the stop');
});

test('a condition is the same in readiness, API, metrics and log, and clears everywhere', async () => {
  const [, spb] = await two();
  assert.equal((await ask(spb, '/readyz')).status, 200);
  await spb.asterisk.stop();
  await until('it is not ready', async () => (await ask(spb, '/readyz')).status === 503);
  const [condition] = await json<ConditionRow[]>(spb, '/api/conditions');
  assert.equal(condition?.code, 'asterisk-down');
  const series = 'hintmesh_condition{code="asterisk-down",severity="error",subject=""}';
  assert.equal(await metric(spb, series), 1);
  const logged = (event: string): unknown[] =>
    spb.reports.filter((report) => report.event === event).map(({ fields }) => fields['code']);
  assert.deepEqual(logged('condition-raised'), ['asterisk-down']);
  await spb.asterisk.start();
  await spb.asterisk.whenBooted();
  await until('it is ready again', async () => (await ask(spb, '/readyz')).status === 200);
  assert.equal(await metric(spb, series), 0);
  assert.deepEqual(logged('condition-cleared'), ['asterisk-down']);
  assert.equal((await ask(spb, '/healthz')).status, 200);
});

test('a peer without a link shows why the last one ended', async () => {
  const [msk, spb] = await two();
  await msk.broker?.close();
  const row = (): PeerRow | undefined => spb.broker?.status().peers[0];
  await until('the link is down', () => row()?.link === undefined);
  assert.ok(row()?.problem, 'said at once');
  assert.match(row()?.problem?.text ?? '', /closed|stops/);
});

test('a peer that leaves for good is told apart from one that is lost', async () => {
  const [msk, spb] = await two();
  await msk.broker?.close(true);
  const gone = (): ConditionRow | undefined =>
    spb.broker?.status().conditions.find(({ code }) => code === 'peer-gone');
  await until('it is gone', () => gone() !== undefined);
  assert.match(gone()?.text ?? '', /left for good/);
  await msk.startBroker([spb]);
  await until('it is back', () => spb.broker?.status().conditions.length === 0);
});

test('a broker waits for its Asterisk and its peers before it is ready, and says for what', async () => {
  const [msk, spb] = await two();
  await Promise.all([msk.stop(), spb.stop()]);
  await spb.startBroker([msk]);
  const waits = async (): Promise<string> => (await json<Status>(spb, '/api/status')).waitingFor.join();
  assert.equal(await waits(), 'asterisk,first-sync');
  await spb.asterisk.start();
  await spb.asterisk.whenBooted();
  await until('only the peer is waited for', async () => (await waits()) === 'first-sync');
  assert.equal((await ask(spb, '/readyz')).status, 503);
  await msk.asterisk.start();
  await msk.asterisk.whenBooted();
  await msk.startBroker([spb]);
  await until('it is ready', async () => (await ask(spb, '/readyz')).status === 200);
});

test('a broker that stops still gets the answers to what it wrote', async () => {
  const [msk, spb] = await two();
  const answered: string[] = [];
  spb.asterisk.onSetvar = (_device, word) => answered.push(word);
  msk.asterisk.setDevice('PJSIP/1001', 'BUSY');
  await until(
    'it was told',
    () => spb.broker?.status().counters.changesIn === 2 || answered.includes('BUSY'),
  );
  await spb.broker?.close();
  assert.equal(spb.asterisk.pbx.astdb.get('1001*msk'), 'BUSY');
  assert.equal(spb.broker?.status().lamps.unanswered, 0);
});

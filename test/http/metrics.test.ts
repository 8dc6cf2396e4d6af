// What is scraped: names, types, values, which series there are and which not, and what the docs say of them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { register } from 'prom-client';
import { CONDITIONS } from '../../src/conditions.ts';
import type { ConditionRow, Status } from '../../src/http/contract.ts';
import { METRICS, Metrics } from '../../src/http/metrics.ts';
import { tool } from '../deploy/tools.ts';
import { type Family, parseExposition, valueIn } from './exposition.ts';
import { FakeServed, peerRow, STATUS } from './served.ts';

function metricsOf(t: TestContext, now: Status = STATUS): { metrics: Metrics; served: FakeServed } {
  const served = new FakeServed();
  served.now = now;
  const metrics = new Metrics(served);
  t.after(() => metrics.close());
  return { metrics, served };
}

async function scrape(metrics: Metrics): Promise<Map<string, Family>> {
  return parseExposition(await metrics.text());
}

function condition(code: ConditionRow['code'], subject: string): ConditionRow {
  return { code, subject, text: 'text', forSeconds: 1, ...CONDITIONS[code] };
}

test('the registry has every metric of the list with its type and help, and no other of ours', async (t) => {
  const families = await scrape(metricsOf(t).metrics);
  const ours = [...families.values()].filter(({ name }) => name.startsWith('hintmesh_'));
  assert.deepEqual(
    ours.map(({ name, type, help }) => `${name} ${type} ${help}`).sort(),
    METRICS.map(({ name, type, help }) => `${name} ${type} ${help}.`).sort(),
  );
  for (const { name, labels, type } of METRICS) {
    for (const sample of families.get(name)?.samples ?? []) {
      const has = Object.keys(sample.labels).filter((label) => type !== 'histogram' || label !== 'le');
      assert.deepEqual(has.sort(), [...labels].sort(), name);
    }
  }
});

test('names and units are as Prometheus wants them, and no label can have a value for each extension', () => {
  const few = ['peer', 'belief', 'reason', 'code', 'severity', 'subject', 'version', 'pbx', 'asterisk'];
  for (const { name, type, labels, help } of METRICS) {
    assert.match(name, /^hintmesh_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(
      name,
      /_(ms|milliseconds|minutes|kilobytes|kb|percent|count|sum|bucket|gauge|counter|histogram)(_|$)/,
    );
    if (type === 'histogram') assert.match(name, /_seconds$/);
    for (const label of labels) {
      assert.match(label, /^[a-z]+$/);
      assert.ok(few.includes(label), `${name} ${label}`);
    }
    assert.match(help, /^[A-Z0-9].*[^.]$/, name);
  }
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
});

const promtool = await tool('promtool');

test('promtool finds nothing to mend in a scrape', { skip: promtool.skip }, async (t) => {
  const { metrics } = metricsOf(t, { ...STATUS, conditions: [condition('peer-gone', 'nsk')] });
  metrics.observeWrite(3);
  const input = await metrics.text();
  const { status, stdout, stderr } = spawnSync(promtool.path, ['check', 'metrics'], {
    input,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

test('each value is the one that stands in the status, in seconds where it is a time', async (t) => {
  const families = await scrape(metricsOf(t).metrics);
  const value = (name: string, labels = {}): number | undefined =>
    valueIn(families, `hintmesh_${name}`, labels);
  const spb = { peer: 'spb' };
  assert.deepEqual(
    {
      build: value('build_info', { version: '1.2.3' }),
      pbx: value('pbx_info', { pbx: 'msk', asterisk: '22.10.1' }),
      ready: value('ready'),
      up: value('asterisk_up'),
      answers: value('asterisk_answers'),
      sessions: value('asterisk_sessions_total'),
      relists: value('asterisk_relists_total'),
      exports: value('exports'),
      sent: value('changes_sent_total'),
      received: value('changes_received_total'),
      lamps: value('lamps'),
      owed: value('lamps_owed'),
      unanswered: value('writes_unanswered'),
      writes: value('writes_total'),
      refused: value('writes_refused_total'),
      coalesced: value('writes_coalesced_total'),
      repairs: value('lamp_drift_repairs_total'),
      linkUp: value('peer_link_up', spb),
      links: value('peer_links_total', spb),
      drops: value('peer_link_drops_total', { ...spb, reason: 'silence' }),
      roundTrip: value('peer_round_trip_seconds', spb),
      queue: value('peer_queue_bytes', spb),
      heard: value('peer_heard_age_seconds', spb),
      extensions: value('peer_extensions', spb),
      peerLamps: value('peer_lamps', spb),
      peerOwed: value('peer_lamps_owed', spb),
      framesIn: value('peer_frames_received_total', spb),
      framesOut: value('peer_frames_sent_total', spb),
      refusals: value('link_refusals_total', { reason: 'unreachable' }),
      encoded: value('frames_encoded_total'),
      skipped: value('frames_skipped_total'),
      queued: value('states_coalesced_total'),
      reloads: value('reloads_total'),
      reloadsRefused: value('reloads_refused_total'),
    },
    {
      build: 1,
      pbx: 1,
      ready: 1,
      up: 1,
      answers: 1,
      sessions: 108,
      relists: 107,
      exports: 17,
      sent: 101,
      received: 102,
      lamps: 58,
      owed: 4,
      unanswered: 1,
      writes: 103,
      refused: 104,
      coalesced: 105,
      repairs: 106,
      linkUp: 1,
      links: 3,
      drops: 1,
      roundTrip: 0.0015,
      queue: 42,
      heard: 0.25,
      extensions: 30,
      peerLamps: 29,
      peerOwed: 2,
      framesIn: 1_000,
      framesOut: 900,
      refusals: 7,
      encoded: 109,
      skipped: 111,
      queued: 110,
      reloads: 112,
      reloadsRefused: 113,
    },
  );
});

test('a belief is a set of states: one of the four is 1 for each peer', async (t) => {
  const families = await scrape(metricsOf(t).metrics);
  const of = (peer: string): (number | undefined)[] =>
    ['unheard', 'live', 'suspect', 'gone'].map((belief) =>
      valueIn(families, 'hintmesh_peer_belief', { peer, belief }),
    );
  assert.deepEqual(
    [of('spb'), of('nsk')],
    [
      [0, 1, 0, 0],
      [0, 0, 0, 1],
    ],
  );
});

test('a peer without a link or never heard says 0 or nothing, not something old', async (t) => {
  const { metrics, served } = metricsOf(t);
  await metrics.text();
  const { link: _, heardAgoSeconds: __, ...without } = peerRow('spb');
  served.now = { ...STATUS, peers: [without] };
  const families = await scrape(metrics);
  const spb = { peer: 'spb' };
  assert.equal(valueIn(families, 'hintmesh_peer_link_up', spb), 0);
  assert.equal(valueIn(families, 'hintmesh_peer_queue_bytes', spb), 0);
  assert.equal(valueIn(families, 'hintmesh_peer_round_trip_seconds', spb), undefined);
  assert.equal(valueIn(families, 'hintmesh_peer_heard_age_seconds', spb), undefined);
});

test('every condition is there: 0 with an empty subject while absent, 1 for each subject while present', async (t) => {
  const { metrics, served } = metricsOf(t);
  const present = async (): Promise<string[]> =>
    ((await scrape(metrics)).get('hintmesh_condition')?.samples ?? [])
      .filter(({ value }) => value === 1)
      .map(({ labels }) => `${labels['code']} ${labels['severity']} ${labels['subject']}`);
  const all = async (): Promise<string[]> =>
    ((await scrape(metrics)).get('hintmesh_condition')?.samples ?? [])
      .filter(({ labels }) => labels['subject'] === '')
      .map(({ labels }) => `${labels['code']} ${labels['severity']}`);
  const codes = Object.entries(CONDITIONS).map(([code, { severity }]) => `${code} ${severity}`);
  assert.deepEqual(await present(), []);
  assert.deepEqual(await all(), codes);
  served.now = {
    ...STATUS,
    conditions: [
      condition('asterisk-down', ''),
      condition('peer-gone', 'nsk'),
      condition('peer-gone', 'spb'),
    ],
  };
  assert.deepEqual(await present(), [
    'asterisk-down error ',
    'peer-gone warning nsk',
    'peer-gone warning spb',
  ]);
  assert.deepEqual(await all(), codes);
  served.now = STATUS;
  assert.deepEqual(await present(), []);
  assert.deepEqual(await all(), codes);
});

test('a peer that a reload takes out has no series any more, also while its lamps are kept', async (t) => {
  const { metrics, served } = metricsOf(t);
  assert.match(await metrics.text(), /peer="nsk"/);
  served.now = { ...STATUS, peers: [peerRow('spb'), peerRow('nsk', { former: true, belief: 'gone' })] };
  const kept = await metrics.text();
  assert.doesNotMatch(kept, /"nsk"/);
  assert.match(kept, /peer="spb"/);
  served.now = { ...STATUS, peers: [] };
  assert.doesNotMatch(await metrics.text(), /peer="/);
});

test('the three latencies are histograms in seconds, from 0.5 ms to 10 s', async (t) => {
  const { metrics } = metricsOf(t);
  const figures = async (name: string): Promise<(number | undefined)[]> => {
    const families = await scrape(metrics);
    const bucket = (le: string): number | undefined =>
      valueIn(families, `hintmesh_${name}_seconds_bucket`, { le });
    const part = (of: string): number | undefined => valueIn(families, `hintmesh_${name}_seconds_${of}`);
    return [bucket('0.0005'), bucket('0.25'), bucket('10'), bucket('+Inf'), part('count'), part('sum')];
  };
  for (const name of ['write_latency', 'echo_latency', 'lamp_latency']) {
    assert.deepEqual(await figures(name), [0, 0, 0, 0, 0, 0], name);
  }
  metrics.observeWrite(0.5);
  metrics.observeWrite(200);
  metrics.observeEcho(20_000);
  // Clocks compared over a network: a little before the cause.
  metrics.observeLamp(-3);
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY]) {
    metrics.observeWrite(none);
    metrics.observeEcho(none);
    metrics.observeLamp(none);
  }
  assert.deepEqual(await figures('write_latency'), [1, 2, 2, 2, 2, 0.2005]);
  assert.deepEqual(await figures('echo_latency'), [0, 0, 0, 1, 1, 20]);
  assert.deepEqual(await figures('lamp_latency'), [1, 1, 1, 1, 1, 0]);
});

test('several brokers in one process count apart, and leave the registry of the package alone', async (t) => {
  const [a, b] = [metricsOf(t).metrics, metricsOf(t, { ...STATUS, exports: 99 }).metrics];
  a.observeWrite(1);
  const [ofA, ofB] = [await scrape(a), await scrape(b)];
  assert.deepEqual([valueIn(ofA, 'hintmesh_exports'), valueIn(ofB, 'hintmesh_exports')], [17, 99]);
  const count = 'hintmesh_write_latency_seconds_count';
  assert.deepEqual([valueIn(ofA, count), valueIn(ofB, count)], [1, 0]);
  a.close();
  assert.equal(valueIn(await scrape(b), 'hintmesh_exports'), 99);
  assert.deepEqual(register.getMetricsAsArray(), []);
});

test('the process tells of itself: start, memory, processor time, event-loop lag', async (t) => {
  const families = await scrape(metricsOf(t).metrics);
  for (const name of [
    'process_start_time_seconds',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_open_fds',
    'nodejs_eventloop_lag_seconds',
    'nodejs_eventloop_lag_max_seconds',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_gc_duration_seconds',
    'nodejs_version_info',
  ]) {
    assert.ok(families.has(name), name);
  }
});

test('one scrape reads the status once, and so do scrapes that run at the same time', async (t) => {
  const { metrics, served } = metricsOf(t);
  await metrics.text();
  assert.equal(served.statusCalls, 1);
  const texts = await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
  assert.equal(new Set(texts).size, 1);
  assert.equal(served.statusCalls, 2);
});

test('a scrape that fails rejects, and the next one works', async (t) => {
  const { metrics, served } = metricsOf(t);
  const status = served.status.bind(served);
  served.status = () => {
    throw new Error('not now');
  };
  await assert.rejects(metrics.text(), /not now/);
  served.status = status;
  assert.match(await metrics.text(), /^hintmesh_ready 1$/m);
});

test('a label is written so that it cannot forge another series', async (t) => {
  const version = 'a"} 1\nhintmesh_ready 0\\';
  const families = await scrape(metricsOf(t, { ...STATUS, version }).metrics);
  assert.equal(valueIn(families, 'hintmesh_ready'), 1);
  assert.equal(valueIn(families, 'hintmesh_build_info', { version }), 1);
});

test('docs/operations.md lists every metric of ours with its type and labels, and no other', () => {
  const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const rows = [...docs.matchAll(/^\| `(hintmesh_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$/gm)];
  const listed = rows.map(([, name, type, labels = '']) => {
    return `${name} ${type} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join()}`;
  });
  assert.deepEqual(
    listed.sort(),
    METRICS.map(({ name, type, labels }) => `${name} ${type} ${labels.join()}`).sort(),
  );
});

// The shipped alerts against the broker's own list of conditions, and against promtool: each fires for its
// condition alone, after its time, and clears.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { CONDITIONS, type ConditionCode } from '../../src/conditions.ts';
import { runSync } from '../asterisk/child.ts';
import { alertOf } from '../asterisk/prometheus.ts';
import { tool } from './tools.ts';

const ALERTS = 'deploy/prometheus/alerts.yml';
const PROMETHEUS = 'deploy/prometheus/prometheus.yml';
const MINUTE_S = 60;
const STEP_S = 15;
/** In the unit tests a fault begins after this and lasts this. */
const BEGINS_S = 60;
const LASTS_S = 600;

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly cure: string };
}

const promtool = await tool('promtool');
const rules = (parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const CODES = Object.keys(CONDITIONS) as ConditionCode[];

function seconds(wait = '0m'): number {
  const minutes = /^(\d)m$/.exec(wait)?.[1];
  assert.ok(minutes, `for: ${wait}`);
  return Number(minutes) * MINUTE_S;
}

/** Its unit test: silent before the fault, while it is young and after it; said in between, in full. */
function unitTest(rule: Rule, labels: Record<string, string>, series: readonly [string, string][]): unknown {
  const render = (text: string): string =>
    text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '');
  const { severity } = rule.labels;
  const said = {
    exp_labels: { ...labels, severity },
    exp_annotations: { summary: render(rule.annotations.summary), cure: rule.annotations.cure },
  };
  const at = (time: number, alerts: readonly unknown[]) => ({
    eval_time: `${time}s`,
    alertname: rule.alert,
    exp_alerts: alerts,
  });
  const wait = seconds(rule.for);
  return {
    interval: `${STEP_S}s`,
    input_series: series.map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      at(BEGINS_S - STEP_S, []),
      ...(wait > 0 ? [at(BEGINS_S + wait - STEP_S, [])] : []),
      at(BEGINS_S + wait + STEP_S, [said]),
      at(BEGINS_S + LASTS_S - STEP_S, [said]),
      at(BEGINS_S + LASTS_S + STEP_S, []),
    ],
  };
}

/** `before`, then `during` the fault, then `before` again; `_`: no such series. */
function values(before: string, during: string): string {
  const [ahead, long] = [BEGINS_S / STEP_S, LASTS_S / STEP_S];
  const part = (value: string, steps: number): string => Array(steps).fill(value).join(' ');
  // A series that goes is stale at once: Prometheus says so when a scrape lacks it.
  const end = before === '_' ? `stale ${part('_', ahead)}` : part(before, ahead);
  return `${part(before, ahead)} ${part(during, long)} ${end}`;
}

describe('deploy/prometheus/alerts.yml', () => {
  test('there is one alert for each condition, in its order, and one for a broker that does not answer', () => {
    assert.deepEqual(
      rules.map((rule) => rule.alert),
      ['HintmeshDown', ...CODES.map(alertOf)],
    );
  });

  test('the alert of each condition has its code, its severity and its cure', () => {
    for (const code of CODES) {
      const rule = rules.find(({ alert }) => alert === alertOf(code));
      assert.equal(rule?.expr, `hintmesh_condition{code="${code}"} == 1`);
      assert.equal(rule.labels.severity, CONDITIONS[code].severity, code);
      assert.equal(rule.annotations.cure, CONDITIONS[code].cure, code);
    }
  });

  test('HintmeshDown asks for the job that the example of Prometheus has', () => {
    const { scrape_configs } = parse(readFileSync(PROMETHEUS, 'utf8')) as {
      scrape_configs: { job_name: string }[];
    };
    const down = rules.find(({ alert }) => alert === 'HintmeshDown');
    assert.equal(down?.expr, `up{job="${scrape_configs[0]?.job_name}"} == 0`);
  });

  test('promtool finds no mistake in the rules and in the example', { skip: promtool.skip }, () => {
    for (const argv of [
      ['check', 'rules', ALERTS],
      ['check', 'config', PROMETHEUS],
    ]) {
      const { ok, out } = runSync([promtool.path, ...argv]);
      assert.ok(ok, out);
    }
  });

  test('each alert fires for its condition alone, after its time, and clears', {
    skip: promtool.skip,
  }, () => {
    const where = { instance: 'pbx:7441', job: 'hintmesh' };
    const label = (labels: Record<string, string>): string =>
      Object.entries(labels)
        .map(([name, value]) => `${name}="${value}"`)
        .join(',');
    const tests = rules.map((rule) => {
      const code = CODES.find((each) => alertOf(each) === rule.alert);
      if (code === undefined) return unitTest(rule, where, [[`up{${label(where)}}`, values('1', '0')]]);
      const about = (each: string, subject: string) => ({
        ...where,
        code: each,
        severity: rule.labels.severity,
        subject,
      });
      const others = CODES.filter((each) => each !== code);
      return unitTest(rule, about(code, 'spb'), [
        [`hintmesh_condition{${label(about(code, ''))}}`, values('0', '0')],
        [`hintmesh_condition{${label(about(code, 'spb'))}}`, values('_', '1')],
        ...others.map((each): [string, string] => [
          `hintmesh_condition{${label(about(each, ''))}}`,
          values('0', '0'),
        ]),
      ]);
    });
    const folder = mkdtempSync(join(tmpdir(), 'hintmesh-alerts-'));
    try {
      const file = join(folder, 'tests.json');
      // JSON is YAML.
      writeFileSync(
        file,
        JSON.stringify({ rule_files: [resolve(ALERTS)], evaluation_interval: '15s', tests }),
      );
      const { ok, out } = runSync([promtool.path, 'test', 'rules', file]);
      assert.ok(ok, out);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

// Reads the text format of Prometheus, strictly: what is not as the format says fails the test.
// https://prometheus.io/docs/instrumenting/exposition_formats/
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;

/** By name. Fails on a line that is none, a sample outside its family, a series or family that stands twice. */
export function parseExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line has its end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: readonly [string, string] | undefined;
  let family: Family | undefined;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      help = [name, rest];
    } else if (kind === 'TYPE') {
      assert.equal(help?.[0], name, 'HELP and TYPE go together');
      assert.ok(!families.has(name), `${name} stands twice`);
      family = { name, type: rest, help: help?.[1] ?? '', samples: [] };
      families.set(name, family);
    } else {
      const sample = parseSample(line);
      assert.ok(family && belongs(sample.name, family), `${line} is not of the family above it`);
      const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      assert.ok(!seen.has(series), `${line} stands twice`);
      seen.add(series);
      family.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): Sample {
  const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  assert.ok(!Number.isNaN(value) || /^nan$/i.test(number), `no number: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', raw = '']) => {
    return [
      label,
      raw.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ] as const;
  });
  return { name, labels: Object.fromEntries(pairs), value };
}

function belongs(sample: string, { name, type }: Family): boolean {
  return sample === name || (type === 'histogram' && /^_(bucket|sum|count)$/.test(sample.slice(name.length)));
}

/** Of the one series with exactly these labels; `undefined`: there is none. */
export function valueIn(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return family?.samples.find(
    (sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  )?.value;
}

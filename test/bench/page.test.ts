import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Area, Results } from './contract.ts';
import { BEGIN, END, page, unfit, verdicts, writePage } from './page.ts';
import { ratios, spread, values } from './statistics.ts';

const FRAME = `# Performance\n\nBy hand: $& $1.\n\n${BEGIN}\nold figures\n${END}\n\n## What was tried\n\nBy hand too.\n`;

const speed: Area = {
  name: 'speed',
  measure: async () => {},
  section: (results) => {
    const mine = ratios(results, 'rate', 'hintmesh', 'floor');
    return {
      title: 'Speed',
      text: 'Measured in *this* way.',
      tables: [
        {
          title: 'Rates',
          head: ['', 'rate | s'],
          rows: [['ours', spread(values(results, 'rate', 'hintmesh'))]],
        },
      ],
      plots: [
        {
          file: 'speed',
          title: 'Speed [of all]',
          x: 'round',
          y: 'rate',
          lines: [{ name: 'ours', points: values(results, 'rate', 'hintmesh').map((y, x) => ({ x, y })) }],
        },
      ],
      goals: [
        { text: 'at least 0.9 × floor', figure: spread(mine), met: mine.every((ratio) => ratio >= 0.9) },
        { text: 'at least 2 × floor', figure: spread(mine), met: false, why: 'Asterisk is the limit.' },
      ],
    };
  },
};
const other: Area = {
  ...speed,
  name: 'other',
  section: (results) => ({ ...speed.section(results), title: 'Other' }),
};

const RAN = { date: '2026-01-02', seconds: 12.3 };
const RESULTS: Results = {
  date: '2026-01-02',
  quick: false,
  machine: { CPU: 'some | CPU', cores: '2' },
  areas: { speed: RAN },
  samples: [0, 1].flatMap((round) => [
    { area: 'speed', measure: 'rate', of: 'hintmesh', round, value: 95 + round },
    { area: 'speed', measure: 'rate', of: 'floor', round, value: 100 },
  ]),
};

test('what is written by hand stays, whatever stands between the markers goes', () => {
  const { text } = page(FRAME, RESULTS, [speed]);
  assert.ok(text.startsWith(FRAME.slice(0, FRAME.indexOf(BEGIN))));
  assert.ok(text.endsWith(FRAME.slice(FRAME.indexOf(END))));
  assert.doesNotMatch(text, /old figures/);
  assert.equal(page(text, RESULTS, [speed]).text, text, 'the page made anew of itself is the same');
});

test('markers that are missing, twice or in the wrong order are refused', () => {
  for (const frame of ['', BEGIN, `${END}${BEGIN}`, `${FRAME}${BEGIN}`, `${FRAME}${END}`]) {
    assert.throws(() => page(frame, RESULTS, [speed]), /markers/);
  }
});

test('machine, goals, then each area with its tables and plots', () => {
  const { text, plots } = page(FRAME, RESULTS, [speed]);
  assert.match(text, /\| measured \| 2026-01-02 \|\n\| CPU \| some \\\| CPU \|/);
  assert.match(text, /\| speed \| at least 0.9 × floor \| 0.955 \(0.95-0.96\) \| yes \|/);
  assert.match(text, /\n\| {2}\| rate \\\| s \|\n\| --- \| --- \|\n\| ours \| 95.5 \(95-96\) \|/);
  assert.match(
    text,
    /### Goals[\s\S]*### Speed\n\nMeasured in \*this\* way\.\n\nMeasured in 2 rounds, 12 s, 2026-01-02\./,
  );
  assert.match(text, /!\[Speed of all\]\(performance\/speed\.svg\)/);
  assert.deepEqual([...plots.keys()], ['speed.svg']);
});

test('a goal that was not met stands there with its why', () => {
  const { text } = page(FRAME, RESULTS, [speed]);
  assert.match(text, /\| speed \| at least 2 × floor \| [^|]* \| \*\*no\*\* \|/);
  assert.match(
    text,
    /Not met:\n\n- speed, at least 2 × floor: 0.955 \(0.95-0.96\)\. Asterisk is the limit\./,
  );
});

test('an area without samples says so, and its goals are neither met nor missed', () => {
  const { text, plots } = page(FRAME, RESULTS, [other, speed]);
  assert.match(text, /### Other\n\nNot measured\.\n/);
  assert.match(text, /\| other \| at least 0.9 × floor \| - \| not measured \|/);
  assert.equal(plots.size, 1);
  assert.deepEqual(
    verdicts(RESULTS, [other]).map(({ met }) => met),
    [undefined, undefined],
  );
});

test('a contestant that was not run, an area that was not finished and a quick run are told', () => {
  const { text } = page(
    FRAME,
    {
      ...RESULTS,
      quick: true,
      areas: { speed: { ...RAN, failed: 'it broke\n  and left a long log' } },
      notRun: { xmpp: 'no prosody' },
    },
    [speed],
  );
  assert.match(text, /- xmpp was not run: no prosody/);
  assert.match(text, /\*\*Not finished\*\*: it broke\n/);
  assert.doesNotMatch(text, /long log/);
  assert.match(text, /quick run/);
});

test('two plots of one name, or a name that is no file name, are refused', () => {
  const both = {
    ...RESULTS,
    samples: [...RESULTS.samples, ...RESULTS.samples.map((one) => ({ ...one, area: 'other' }))],
  };
  assert.throws(() => page(FRAME, both, [speed, other]), /no name for a plot: speed/);
  const [plot] = speed.section(RESULTS).plots;
  assert.ok(plot);
  const bad = {
    ...speed,
    section: () => ({ ...speed.section(RESULTS), plots: [{ ...plot, file: '../speed' }] }),
  };
  assert.throws(() => page(FRAME, RESULTS, [bad]), /no name for a plot/);
});

test('rough, failed and partial results do not take the place of what stands there', () => {
  assert.equal(unfit(RESULTS, [speed]), undefined);
  assert.match(unfit({ ...RESULTS, quick: true }, [speed]) ?? '', /quick/);
  assert.match(unfit(RESULTS, [speed, other]) ?? '', /not measured: other/);
  assert.match(unfit({ ...RESULTS, areas: { speed: { ...RAN, failed: 'x' } } }, [speed]) ?? '', /speed/);
});

test('plots that the page no longer shows are taken away', () => {
  const docs = mkdtempSync(join(tmpdir(), 'hintmesh-bench-test-'));
  try {
    writeFileSync(join(docs, 'performance.md'), FRAME);
    mkdirSync(join(docs, 'performance'));
    writeFileSync(join(docs, 'performance', 'old.svg'), '');
    writeFileSync(join(docs, 'performance', 'notes.txt'), '');
    writePage(docs, RESULTS, [speed]);
    assert.deepEqual(readdirSync(join(docs, 'performance')).sort(), ['notes.txt', 'speed.svg']);
    assert.match(readFileSync(join(docs, 'performance.md'), 'utf8'), /### Speed/);
  } finally {
    rmSync(docs, { recursive: true });
  }
});

test('the page of this project has its markers, and the plots it shows are there', () => {
  const docs = fileURLToPath(new URL('../../docs', import.meta.url));
  const text = readFileSync(join(docs, 'performance.md'), 'utf8');
  assert.doesNotThrow(() => page(text, RESULTS, [speed]));
  const shown = [...text.matchAll(/\(performance\/([^)]+)\)/g)].map(([, name]) => name ?? '');
  const there = new Set(shown.length > 0 ? readdirSync(join(docs, 'performance')) : []);
  assert.deepEqual(
    shown.filter((name) => !there.has(name)),
    [],
  );
});

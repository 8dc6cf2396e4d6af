import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Line, Plot } from './contract.ts';
import { drawable, escaped, looksOf, svg } from './plot.ts';
import { axis, linearTicks, logTicks } from './plot-axis.ts';

const line = (name: string, ...points: Line['points'][number][]): Line => ({ name, points });
const plot = (more: Partial<Plot>): Plot => ({
  file: 'f',
  title: 'T',
  x: 'peers',
  y: 'ms',
  lines: [],
  ...more,
});
const count = (text: string, part: string): number => text.split(part).length - 1;

test('ticks of a linear axis are round, begin at zero and hold all values', () => {
  assert.deepEqual(linearTicks([3, 197]), [0, 50, 100, 150, 200]);
  assert.deepEqual(linearTicks([0.31]), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(linearTicks([-5, 5]), [-6, -4, -2, 0, 2, 4, 6]);
});

test('a linear axis without values, or with zeros alone, has ticks that differ', () => {
  for (const values of [[], [0, 0]]) {
    const ticks = linearTicks(values);
    assert.ok(ticks.length >= 2 && ticks.every(Number.isFinite), `${ticks}`);
  }
});

test('ticks of a logarithmic axis: finer over few decades, and around a single value', () => {
  assert.deepEqual(logTicks([1, 200]), [1, 2, 5, 10, 20, 50, 100, 200]);
  assert.deepEqual(logTicks([0.5, 30_000]), [0.1, 1, 10, 100, 1_000, 10_000, 100_000]);
  assert.deepEqual(logTicks([10]), [10, 20]);
  assert.deepEqual(logTicks([7]), [5, 10]);
  assert.deepEqual(logTicks([1_000]), [1_000, 2_000]);
});

test('values stand between the ends of an axis in their order', () => {
  const linear = axis([0, 100], 10, 110);
  assert.equal(linear.place(50), 60);
  const log = axis([1, 100], 300, 100, true);
  assert.equal(log.place(10), 200);
  assert.deepEqual([log.ticks[0]?.at, log.ticks.at(-1)?.at], [300, 100]);
});

test('each line has a course, a marker for each point, a name and a band where it has a spread', () => {
  const drawing = svg(
    plot({
      lines: [
        line('ours', { x: 1, y: 2, low: 1, high: 3 }, { x: 2, y: 4, low: 3, high: 6 }),
        line('theirs', { x: 1, y: 9 }, { x: 2, y: 9 }),
      ],
    }),
  );
  assert.equal(count(drawing, '<polyline'), 2);
  assert.equal(count(drawing, '<polygon'), 1);
  // Two points and one in the legend.
  assert.equal(count(drawing, '<circle'), 3);
  assert.match(drawing, />ours<\/text>[\s\S]*>theirs<\/text>/);
  assert.match(drawing, /<rect width="800" height="\d+" fill="#ffffff"\/>/);
  assert.doesNotMatch(drawing, /NaN|undefined|Infinity/);
});

test('the axis has room for the spread', () => {
  const drawing = svg(plot({ lines: [line('ours', { x: 1, y: 2, low: 1, high: 90 })] }));
  assert.match(drawing, />100<\/text>/);
});

test('text cannot become markup', () => {
  assert.equal(escaped(`<a b="c">&'`), '&lt;a b=&quot;c&quot;&gt;&amp;&#39;');
  const drawing = svg(plot({ title: '<T>', x: 'a & b', y: '"y"', lines: [line('<l>', { x: 1, y: 1 })] }));
  assert.doesNotMatch(drawing, /<T>|<l>|a & b|"y"/);
});

test('points that an axis cannot show are left out, and a plot may be empty', () => {
  const odd = plot({
    logY: true,
    lines: [line('a', { x: 1, y: 0 }, { x: 2, y: Number.NaN }), line('b', { x: 1, y: 1, low: 0, high: 2 })],
  });
  assert.deepEqual(
    drawable(odd).map(({ name }) => name),
    ['b'],
  );
  for (const each of [odd, plot({}), plot({ logX: true, logY: true })]) {
    assert.doesNotMatch(svg(each), /NaN|undefined|Infinity/);
  }
});

test('the same plot gives the same bytes', () => {
  const once = (): string =>
    svg(plot({ lines: [line('a', { x: 1, y: 1 / 3, low: 0.1, high: 2 / 3 }, { x: 7, y: 2 })] }));
  assert.equal(once(), once());
});

test('a contestant looks the same in every plot, and no two lines of one plot look alike', () => {
  assert.deepEqual(looksOf(['PJSIP publish', 'Hintmesh']), [1, 0]);
  assert.deepEqual(looksOf(['Hintmesh', 'Hintmesh, ZeroMQ', 'XMPP', 'floor']), [0, 6, 2, 4]);
  for (const names of [
    ['Hintmesh, 1 peer', 'Hintmesh, 10 peers', 'x', 'y'],
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
  ]) {
    assert.equal(new Set(looksOf(names)).size, names.length);
  }
  assert.equal(looksOf(Array.from({ length: 20 }, String)).every(Number.isInteger), true);
});

// A plot as SVG, by hand: axes with ticks, lines with markers, the spread as a light band, a legend. Owns how a plot
// looks; the same plot gives the same bytes. The background is white, so that it reads on a dark page as well.
import type { Line, Plot } from './contract.ts';
import { type Axis, axis } from './plot-axis.ts';
import { short } from './statistics.ts';

const WIDTH = 800;
const INNER_HEIGHT = 330;
const LEFT = 84;
const RIGHT = 24;
const BELOW = 58;
const TITLE = 34;
const LEGEND_ROW = 22;
/** What a letter of the legend takes at most, for the fonts that a browser may choose. */
const LETTER = 7;
const INK = '#24292f';
const FAINT = '#d8dee4';
/** Told apart also by those who see no red or green; then the shapes of the markers help. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#6e7781', '#e69f00', '#56b4e9', '#000000'];

/** Contestants look the same in every plot. */
const LOOKS: readonly (readonly [RegExp, number])[] = [
  [/zeromq/i, 6],
  [/hintmesh/i, 0],
  [/publish/i, 1],
  [/xmpp/i, 2],
  [/floor/i, 4],
];

type Point = Line['points'][number];

/** What a plot can show of its lines: points that have a place on both axes. */
export function drawable({ lines, logX, logY }: Plot): readonly Line[] {
  const on = (value: number, log = false): boolean => Number.isFinite(value) && (!log || value > 0);
  return lines
    .map(({ name, points }) => ({ name, points: points.filter(({ x, y }) => on(x, logX) && on(y, logY)) }))
    .filter(({ points }) => points.length > 0);
}

export function svg(plot: Plot): string {
  const lines = drawable(plot);
  const names = lines.map(({ name }) => name);
  const looks = looksOf(names);
  const look = (index: number): number => looks[index] ?? index;
  const legend = legendOf(names, looks);
  const top = TITLE + legend.rows * LEGEND_ROW + 12;
  const bottom = top + INNER_HEIGHT;
  const points = lines.flatMap((line) => line.points);
  const spreads = points.flatMap((point) => [point.y, ...(ends(point, plot.logY) ?? [])]);
  const across = points.map((point) => point.x);
  const x = axis(across, LEFT, WIDTH - RIGHT, plot.logX);
  const y = axis(spreads, bottom, top, plot.logY);
  const height = bottom + BELOW;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, 'DejaVu Sans', Arial, sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escaped(plot.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="600">${escaped(plot.title)}</text>`,
    ...legend.parts,
    ...x.ticks.flatMap(({ at, value }) => [
      faint(`M${n(at)} ${n(bottom)}V${n(top)}`),
      label(at, bottom + 18, 'middle', value),
    ]),
    ...y.ticks.flatMap(({ at, value }) => [
      faint(`M${LEFT} ${n(at)}H${WIDTH - RIGHT}`),
      label(LEFT - 8, at + 4, 'end', value),
    ]),
    `<path d="M${LEFT} ${n(top)}V${n(bottom)}H${WIDTH - RIGHT}" fill="none" stroke="${INK}"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${bottom + 42}" text-anchor="middle">${escaped(plot.x)}</text>`,
    `<text transform="translate(18 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(plot.y)}</text>`,
    // Bands first: a line must not vanish behind the band of another.
    ...lines.flatMap((line, index) => band(line, look(index), x, y, plot.logY)),
    ...lines.flatMap((line, index) => course(line, look(index), x, y)),
    '</svg>',
  ].join('\n')}\n`;
}

function faint(way: string): string {
  return `<path d="${way}" stroke="${FAINT}"/>`;
}

function label(x: number, y: number, anchor: string, value: number): string {
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}">${escaped(short(value))}</text>`;
}

/** Which look each line has: its own if it has one, else the first that is free; no two the same while there are enough. */
export function looksOf(names: readonly string[]): number[] {
  const own = names.map((name) => LOOKS.find(([pattern]) => pattern.test(name))?.[1]);
  const mine = (index: number): boolean => own[index] !== undefined && own.indexOf(own[index]) === index;
  const free = COLOURS.map((_, look) => look).filter((look) => !own.includes(look));
  return names.map((_, index) => (mine(index) ? own[index] : free.shift()) ?? index);
}

/** Names beside each other, as many in a row as fit. */
function legendOf(names: readonly string[], looks: readonly number[]): { parts: string[]; rows: number } {
  let [x, row] = [LEFT, 0];
  const parts = names.flatMap((name, index) => {
    const look = looks[index] ?? index;
    const width = 50 + name.length * LETTER;
    if (x > LEFT && x + width > WIDTH - RIGHT) [x, row] = [LEFT, row + 1];
    const y = TITLE + row * LEGEND_ROW + 12;
    const from = x;
    x += width;
    return [
      `<line x1="${n(from)}" y1="${y}" x2="${n(from + 22)}" y2="${y}" stroke="${colour(look)}" stroke-width="2"/>`,
      marker(from + 11, y, look),
      `<text x="${n(from + 28)}" y="${y + 4}">${escaped(name)}</text>`,
    ];
  });
  return { parts, rows: names.length === 0 ? 0 : row + 1 };
}

/** Where the spread of a point begins and ends, if it has one that the axis can show. */
function ends({ low, high }: Point, log = false): readonly [number, number] | undefined {
  if (low === undefined || high === undefined) return undefined;
  if (!Number.isFinite(low) || !Number.isFinite(high) || (log && low <= 0)) return undefined;
  return [low, high];
}

function band({ points }: Line, look: number, x: Axis, y: Axis, log?: boolean): string[] {
  const spread = points.flatMap((point) => {
    const at = ends(point, log);
    return at === undefined ? [] : [{ x: x.place(point.x), low: y.place(at[0]), high: y.place(at[1]) }];
  });
  const [only] = spread;
  if (only === undefined) return [];
  if (spread.length === 1) {
    const path = `M${n(only.x)} ${n(only.low)}V${n(only.high)}`;
    return [`<path d="${path}" stroke="${colour(look)}" stroke-width="6" opacity="0.25"/>`];
  }
  const way = [
    ...spread.map((point) => `${n(point.x)},${n(point.high)}`),
    ...spread.reverse().map((point) => `${n(point.x)},${n(point.low)}`),
  ];
  return [`<polygon points="${way.join(' ')}" fill="${colour(look)}" opacity="0.15"/>`];
}

function course({ points }: Line, look: number, x: Axis, y: Axis): string[] {
  const places = points.map((point) => [x.place(point.x), y.place(point.y)] as const);
  const way = places.map(([left, down]) => `${n(left)},${n(down)}`).join(' ');
  return [
    `<polyline points="${way}" fill="none" stroke="${colour(look)}" stroke-width="2"/>`,
    ...places.map(([left, down]) => marker(left, down, look)),
  ];
}

function marker(x: number, y: number, look: number): string {
  const fill = `fill="${colour(look)}"`;
  const path = (way: string): string => `<path d="M${n(x)} ${n(y)}${way}z" ${fill}/>`;
  const shapes = [
    () => `<circle cx="${n(x)}" cy="${n(y)}" r="4" ${fill}/>`,
    () => path('m-3.5 -3.5h7v7h-7'),
    () => path('m0 -4.5l4.5 8h-9'),
    () => path('m0 -5l5 5l-5 5l-5 -5'),
  ];
  return shapes[look % shapes.length]?.() ?? '';
}

function colour(look: number): string {
  return COLOURS[look % COLOURS.length] ?? INK;
}

/** A place, to a tenth of a pixel. */
function n(value: number): string {
  return `${Number(value.toFixed(1))}`;
}

export function escaped(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => names[letter] ?? letter);
}

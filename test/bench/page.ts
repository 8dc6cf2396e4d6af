// docs/performance.md and its plots, made of results. Owns what stands between the two markers and the SVG files beside
// the page; the words around them are written by hand and stay as they are.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Area, Goal, Results, Section, Table } from './contract.ts';
import { drawable, svg } from './plot.ts';

export const BEGIN = '<!-- figures begin -->';
export const END = '<!-- figures end -->';
const PLOTS = 'performance';
const FILE_NAME = /^[a-z0-9][a-z0-9-]*$/;

export interface Page {
  readonly text: string;
  /** File → SVG. */
  readonly plots: ReadonlyMap<string, string>;
}

/** One area, with what it says of its results. */
interface Part {
  readonly name: string;
  readonly measured: boolean;
  readonly section: Section;
}

/** Each area sees its own samples alone: two may have a measure of one name. */
function parts(results: Results, areas: readonly Area[]): Part[] {
  return areas.map((area) => {
    const samples = results.samples.filter((sample) => sample.area === area.name);
    const section = area.section({ ...results, samples });
    return { name: area.name, measured: samples.length > 0, section };
  });
}

/** `undefined`: not measured. */
export interface Verdict extends Omit<Goal, 'met'> {
  readonly area: string;
  readonly met: boolean | undefined;
}

export function verdicts(results: Results, areas: readonly Area[]): Verdict[] {
  return parts(results, areas).flatMap(({ name, measured, section }) =>
    section.goals.map((goal) =>
      measured ? { ...goal, area: name } : { area: name, text: goal.text, figure: '-', met: undefined },
    ),
  );
}

/** Why these results may not take the place of those on the page, unless somebody asks for it. */
export function unfit(results: Results, areas: readonly Area[]): string | undefined {
  if (results.quick) return 'the figures of a quick run are rough';
  const failed = areas.filter(({ name }) => results.areas?.[name]?.failed !== undefined);
  if (failed.length > 0) return `not all could be measured: ${names(failed)}`;
  const missing = areas.filter(({ name }) => results.areas?.[name] === undefined);
  return missing.length > 0 ? `not measured: ${names(missing)}` : undefined;
}

const names = (areas: readonly Area[]): string => areas.map(({ name }) => name).join(', ');

/** `frame`: the page as it stands. */
export function page(frame: string, results: Results, areas: readonly Area[]): Page {
  const [before, rest, ...more] = frame.split(BEGIN);
  const [, after, ...others] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error(`the page needs the markers ${BEGIN} and ${END} once each, in this order`);
  }
  const plots = new Map<string, string>();
  const figures = [
    ...machine(results),
    ...goals(verdicts(results, areas)),
    ...parts(results, areas).flatMap((part) => sectionOf(part, results, plots)),
  ].join('\n\n');
  return { text: `${before}${BEGIN}\n\n${figures}\n\n${END}${after}`, plots };
}

/** Writes the page in the folder `docs`, and takes away plots that it no longer shows. */
export function writePage(docs: string, results: Results, areas: readonly Area[]): void {
  const file = join(docs, 'performance.md');
  const { text, plots } = page(readFileSync(file, 'utf8'), results, areas);
  const folder = join(docs, PLOTS);
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder).filter((name) => name.endsWith('.svg') && !plots.has(name))) {
    rmSync(join(folder, old));
  }
  for (const [name, drawing] of plots) writeFileSync(join(folder, name), drawing);
  writeFileSync(file, text);
}

function machine({ date, quick, machine: words, notRun }: Results): string[] {
  const rows = Object.entries(words);
  const table = [['measured', date] as const, ...rows].map((row) => line(row));
  const absent = Object.entries(notRun ?? {}).map(([who, why]) => `- ${who} was not run: ${why}`);
  return [
    ...(quick ? ['**A quick run: few rounds and short ones, so these figures are rough.**'] : []),
    [line(['', '']), line(['---', '---']), ...table].join('\n'),
    ...(absent.length > 0 ? [absent.join('\n')] : []),
  ];
}

function goals(all: readonly Verdict[]): string[] {
  const rows = all.map(({ area, text, figure, met }) => [
    area,
    text,
    figure,
    met === undefined ? 'not measured' : met ? 'yes' : '**no**',
  ]);
  const missed = all.filter(({ met }) => met === false);
  const why = missed.map(({ area, text, figure, why: reason }) =>
    oneLine(`- ${area}, ${text}: ${figure}. ${reason ?? 'Why is not known.'}`),
  );
  return [
    '### Goals',
    grid(['', 'goal', 'measured', 'met'], rows),
    ...(why.length > 0 ? [`Not met:`, why.join('\n')] : []),
  ];
}

function sectionOf(
  { name, measured, section }: Part,
  results: Results,
  plots: Map<string, string>,
): string[] {
  const ran = results.areas?.[name];
  const failed =
    ran?.failed === undefined ? [] : [`**Not finished**: ${oneLine(ran.failed.split('\n')[0] ?? '')}`];
  const title = `### ${oneLine(section.title)}`;
  if (!measured) return [title, ...failed, 'Not measured.'];
  const rounds = new Set(results.samples.flatMap(({ area, round }) => (area === name ? [round] : []))).size;
  const how = `${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${Math.round(ran?.seconds ?? 0)} s, ${ran?.date ?? results.date}`;
  const drawings = section.plots.filter((plot) => drawable(plot).length > 0);
  for (const plot of drawings) {
    const file = `${plot.file}.svg`;
    if (!FILE_NAME.test(plot.file) || plots.has(file))
      throw new Error(`${name}: no name for a plot: ${plot.file}`);
    plots.set(file, svg(plot));
  }
  return [
    title,
    ...failed,
    section.text.trim(),
    `Measured in ${how}.`,
    ...section.tables.flatMap(tableOf),
    ...drawings.map(
      ({ title: text, file }) => `![${oneLine(text).replace(/[[\]]/g, '')}](${PLOTS}/${file}.svg)`,
    ),
  ].filter((text) => text !== '');
}

function tableOf({ title, head, rows }: Table): string[] {
  return rows.length === 0 ? [] : [`**${oneLine(title)}**`, grid(head, rows)];
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => oneLine(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

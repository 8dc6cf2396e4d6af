/**
 * How things look on a terminal: aligned columns, times for people, colours where they can be seen. Owns the
 * form only. Whatever came from a network is made printable here.
 */
import { visible } from '../config/formats.ts';
import type { Io } from './io.ts';

/** `3 s`, `12 min`, `2 d`: one unit, rounded down, so that a minute is shown as 60 s. */
export function duration(seconds: number): string {
  if (seconds < 1) return milliseconds(seconds * 1_000);
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 2 * 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

export interface Column {
  readonly title: string;
  /** Numbers end at the same place; all else begins there. */
  readonly right?: boolean;
}

export type Cell = string | { readonly text: string; readonly colour: Colour | undefined };

const GAP = '  ';

/** Lines: the titles, then the rows, each column as wide as its widest cell. Cells are made printable. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): string[] {
  const titles = columns.map(({ title }) => ({ text: title, colour: undefined }));
  const cells = [titles, ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, at) =>
    cells.reduce((most, row) => Math.max(most, row[at]?.text.length ?? 0), 0),
  );
  const last = columns.length - 1;
  return cells.map((row) => {
    const padded = row.map(({ text, colour }, at) => {
      const blanks = ' '.repeat((widths[at] ?? 0) - text.length);
      const painted = paint(text, colour);
      if (columns[at]?.right) return blanks + painted;
      return at === last ? painted : painted + blanks;
    });
    return padded.join(GAP).trimEnd();
  });
}

function printable(cell: Cell): Exclude<Cell, string> {
  return typeof cell === 'string'
    ? { text: visible(cell), colour: undefined }
    : { text: visible(cell.text), colour: cell.colour };
}

export type Colour = 'red' | 'green' | 'yellow';
/** SGR codes (ECMA-48). */
const SGR: Record<Colour, number> = { red: 31, green: 32, yellow: 33 };

/** Of words that only the broker's version closes: another word has none. */
export const BELIEF_COLOURS: Readonly<Record<string, Colour>> = {
  live: 'green',
  suspect: 'yellow',
  gone: 'red',
};
export const SEVERITY_COLOURS: Readonly<Record<string, Colour>> = { error: 'red', warning: 'yellow' };

/** Colours a text, or leaves it: in a pipe, or where the reader wants none (no-color.org). */
export type Paint = (text: string, colour: Colour | undefined) => string;

export function paintFor({ terminal, env }: Io): Paint {
  const wanted = terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return (text, colour) => (wanted && colour ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text);
}

/** JSON on one line, whose strings no terminal acts on; the same value to whoever parses it. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    // Past the first 65 536 characters JSON writes two of them.
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

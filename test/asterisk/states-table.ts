// The tables of docs/states.md as data, and the three kinds of phones that its columns are about. Owns how a cell is
// written and how a NOTIFY body is read as one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Package } from './blf-phone.ts';

/** What each kind of phone is sent, as a cell of the tables: its words without backticks. */
export type Shown = Readonly<Record<Kind, string>>;
export type Kind = keyof typeof PACKAGES;

export interface Row {
  /** The first cell, as it stands there. */
  readonly what: string;
  readonly written: string;
  readonly shown: Shown;
}

function one(body: string, pattern: RegExp): string | undefined {
  return pattern.exec(body)?.[1];
}

/** `undefined` where a part is missing: then no cell is like it. */
function cell(...words: readonly (string | undefined)[]): string | undefined {
  return words.includes(undefined) ? undefined : words.join(', ');
}

/** By the column's name. */
export const PACKAGES = {
  'dialog-info': {
    event: 'dialog',
    accept: 'application/dialog-info+xml',
    read: (body) => {
      const rendering = one(body, /pname="\+sip\.rendering" pvalue="(\w+)"/);
      const more = rendering === undefined ? [] : [`+sip.rendering ${rendering}`];
      return cell(one(body, /<state>(\w+)<\/state>/), ...more);
    },
  },
  PIDF: {
    event: 'presence',
    accept: 'application/pidf+xml',
    read: (body) => cell(one(body, /<basic>(\w+)<\/basic>/), one(body, /<note>([^<]+)<\/note>/)),
  },
  XPIDF: {
    event: 'presence',
    accept: 'application/xpidf+xml',
    read: (body) => cell(one(body, /<status status="(\w+)"/), one(body, /substatus="(\w+)"/)),
  },
} as const satisfies Record<string, Package<string>>;

/** The rows of the one table whose first column is `column`. */
export function tableOf(column: string): Row[] {
  const text = readFileSync(new URL('../../docs/states.md', import.meta.url), 'utf8');
  const kinds = Object.keys(PACKAGES) as Kind[];
  const [, table] = text.split(`| ${column} | written | ${kinds.join(' | ')} |\n`);
  assert.ok(table, `docs/states.md has a table of each ${column}`);
  const lines = table.slice(0, table.indexOf('\n\n')).split('\n').slice(1);
  return lines.map((line) => {
    const [what = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim().replaceAll('`', ''));
    const [written = '', ...shown] = cells;
    assert.equal(shown.length, kinds.length, line);
    return { what, written, shown: Object.fromEntries(kinds.map((kind, i) => [kind, shown[i]])) as Shown };
  });
}

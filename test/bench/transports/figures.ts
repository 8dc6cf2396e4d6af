// What was measured, as samples by name and transport, and the table of it. Owns the arithmetic; measures nothing.
import { quantile as quantileOf, short } from '../statistics.ts';

export type Protocol = 'websocket' | 'zeromq';
export const PROTOCOLS: readonly Protocol[] = ['websocket', 'zeromq'];

/** One line of the table: what is made of the samples of one name. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  /** Which samples. */
  readonly of: string;
  /** 0.5 is the median. */
  readonly quantile?: number;
}

export class Figures {
  readonly #samples = new Map<string, number[]>();

  add(name: string, protocol: Protocol, ...samples: readonly number[]): void {
    const key = `${name} ${protocol}`;
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), ...samples]);
  }

  /** Rows without samples are left out. */
  table(rows: readonly Row[]): string {
    const lines = [['', 'unit', 'WebSocket', 'ZeroMQ', 'ZeroMQ ÷ WebSocket', 'samples']];
    for (const { what, unit, of, quantile = 0.5 } of rows) {
      const [a, b] = PROTOCOLS.map((protocol) => this.#samples.get(`${of} ${protocol}`) ?? []);
      if (!a?.length || !b?.length) continue;
      const [websocket, zeromq] = [quantileOf(a, quantile), quantileOf(b, quantile)];
      const ratio = websocket > 0 ? (zeromq / websocket).toFixed(2) : '-';
      lines.push([what, unit, short(websocket), short(zeromq), ratio, `${a.length}`]);
    }
    return aligned(lines);
  }
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** By a clock that all processes of this machine share, ms. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

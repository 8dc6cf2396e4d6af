/**
 * A long list as JSON without holding up the event loop: some rows a turn, and no more than the client takes. Owns
 * the pace; the rows are the caller's.
 */
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ROWS_PER_TURN } from './limits.ts';
import { begin, JSON_TYPE } from './reply.ts';

/** Resolves when all is written or the client is gone. One row a line, so that `grep` works on it. */
export async function sendList(response: ServerResponse, rows: readonly unknown[]): Promise<void> {
  begin(response, JSON_TYPE);
  let before = '[\n';
  for (let from = 0; from < rows.length && !response.destroyed; from += ROWS_PER_TURN) {
    const part = rows.slice(from, from + ROWS_PER_TURN).map((row) => JSON.stringify(row));
    const room = response.write(before + part.join(',\n'));
    before = ',\n';
    if (!room) await drained(response);
    // A reader that is quick drains within the same turn.
    await nextTurn();
  }
  if (!response.destroyed) response.end(rows.length === 0 ? '[]\n' : '\n]\n');
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/**
 * Whoever reads `GET /api/watch`: one JSON with its time a line, a blank line as heartbeat. Owns their number, what waits for each,
 * and the one subscription behind them. A watcher that is cut gets `{error}` as its last line, if it still reads.
 */
import type { ServerResponse } from 'node:http';
import type { Served, WatchEvent, WatchLine } from './contract.ts';
import { CUT_LINGER_MS, HEARTBEAT_MS, MAX_WATCHER_BYTES, MAX_WATCHERS } from './limits.ts';
import { begin, errorLine, NDJSON_TYPE } from './reply.ts';

export interface WatchBounds {
  readonly heartbeatMs: number;
  readonly maxBytes: number;
  readonly lingerMs: number;
}

export const WATCH_BOUNDS: WatchBounds = {
  heartbeatMs: HEARTBEAT_MS,
  maxBytes: MAX_WATCHER_BYTES,
  lingerMs: CUT_LINGER_MS,
};

export class Watchers {
  readonly #served: Pick<Served, 'watch'>;
  readonly #bounds: WatchBounds;
  readonly #responses = new Set<ServerResponse>();
  /** While there is anybody. */
  #unsubscribe: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(served: Pick<Served, 'watch'>, bounds: WatchBounds = WATCH_BOUNDS) {
    this.#served = served;
    this.#bounds = bounds;
  }

  get full(): boolean {
    return this.#responses.size >= MAX_WATCHERS;
  }

  /** Writes events to it until it goes. Everything from now on is told: the header is the client's sign. */
  add(response: ServerResponse): void {
    this.#responses.add(response);
    response.once('close', () => this.#remove(response));
    this.#unsubscribe ??= this.#served.watch((event) => this.#write(lineOf(event)));
    this.#heartbeat ??= setInterval(() => this.#write('\n'), this.#bounds.heartbeatMs);
    begin(response, NDJSON_TYPE);
  }

  /** Ends them all, in good order. */
  close(): void {
    for (const response of this.#responses) {
      this.#remove(response);
      response.end();
    }
  }

  #write(line: string): void {
    for (const response of this.#responses) {
      if (response.writableLength + line.length > this.#bounds.maxBytes) this.#cut(response);
      else response.write(line);
    }
  }

  #cut(response: ServerResponse): void {
    this.#remove(response);
    response.end(errorLine('cut off: events came faster than they were read; ask again'));
    const linger = setTimeout(() => response.destroy(), this.#bounds.lingerMs);
    response.once('close', () => clearTimeout(linger));
  }

  #remove(response: ServerResponse): void {
    this.#responses.delete(response);
    if (this.#responses.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}

function lineOf(event: WatchEvent): string {
  const line: WatchLine = { at: new Date().toISOString(), ...event };
  return `${JSON.stringify(line)}\n`;
}

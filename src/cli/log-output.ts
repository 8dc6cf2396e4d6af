/**
 * Where log lines go: a stream that may be full, stuck or gone while the broker goes on. Owns the bound on what
 * waits for a reader, and the count of what was lost. Never throws, never blocks, never keeps the process from
 * ending: a broker that nobody listens to still serves its peers.
 */
import type { Writable } from 'node:stream';

/** Bytes that wait for a reader at most; a line that would go past it is dropped. */
export const MAX_LOG_BACKLOG_BYTES = 1024 * 1024;

export class LogOutput {
  readonly #stream: Writable;
  readonly #lost: (count: number) => void;
  readonly #losing: () => void;
  #dropped = 0;
  #saying = false;
  /** The count that the line being written tells: if that line is lost too, the count must not be. */
  #telling = 0;

  /**
   * `lost` logs how many lines were dropped; called when lines arrive again. `losing` is called at each that is
   * dropped; a line that it logs itself is dropped unsaid, so that nothing goes round for ever.
   */
  constructor(stream: Writable, lost: (count: number) => void, losing: () => void) {
    this.#stream = stream;
    this.#lost = lost;
    this.#losing = losing;
    // Each write is told its own error; without a listener the stream would throw it at the process.
    stream.on('error', () => {});
  }

  write(line: string): void {
    const worth = Math.max(1, this.#telling);
    if (this.#stream.writableLength + Buffer.byteLength(line) > MAX_LOG_BACKLOG_BYTES) {
      this.#drop(worth);
      return;
    }
    this.#stream.write(line, (error) => {
      if (error) this.#drop(worth);
      else if (this.#dropped > 0 && this.#stream.writableLength === 0) this.#tell();
    });
  }

  #drop(worth: number): void {
    this.#dropped += worth;
    if (this.#saying) return;
    this.#saying = true;
    this.#losing();
    this.#saying = false;
  }

  #tell(): void {
    this.#telling = this.#dropped;
    this.#dropped = 0;
    this.#lost(this.#telling);
    this.#telling = 0;
  }
}

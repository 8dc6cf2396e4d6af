/**
 * What commands print, on its way to a stream that may be slow, full or gone. Owns the difference between a
 * reader that wants no more and output that was lost. The broker's log has its own way: log-output.ts.
 */
import type { Writable } from 'node:stream';

export class Printer {
  readonly #stream: Writable;
  readonly #failed: (code: string) => void;
  #waiting = 0;
  #over = false;
  #idle: (() => void)[] = [];

  /** `failed` is called once, when something cannot be written although there is a reader. */
  constructor(stream: Writable, failed: (code: string) => void) {
    this.#stream = stream;
    this.#failed = failed;
    // Each write is told its own error; without a listener it would be thrown as well.
    stream.on('error', () => {});
  }

  print(text: string): void {
    this.#waiting++;
    this.#stream.write(`${text}\n`, (error) => {
      this.#waiting--;
      if (error) this.#end((error as NodeJS.ErrnoException).code ?? 'unknown error');
      if (this.#waiting > 0) return;
      for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  /** When the stream has taken all of it; false: it takes no more. */
  async flushed(): Promise<boolean> {
    if (this.#waiting > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    return !this.#over;
  }

  /**
   * A reader that went away (EPIPE: `| head`) wants no more, which is no failure. Anything else (a full disk) is
   * one: what was asked for did not arrive.
   */
  #end(code: string): void {
    if (this.#over) return;
    this.#over = true;
    if (code !== 'EPIPE') this.#failed(code);
  }
}

// A process that does what it is asked: the asking side of answer.ts. Owns the process, and that no question waits for
// ever.
import type { StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Child, start } from '../../asterisk/child.ts';
import type { Answer, Asked, Commands } from './answer.ts';

/** No answer takes longer than that, ms: many peers may have to be made, or many lamps to become right. */
const ANSWER_WITHIN_MS = 90_000;

type Result<C extends Commands, K extends keyof C> = Awaited<ReturnType<C[K]>>;

export class Helper<C extends Commands> {
  readonly child: Child;
  readonly #name: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  /** `argv` runs a process that calls `answerTo`. */
  constructor(name: string, argv: readonly string[], output: 'inherit' | number = 'inherit') {
    const stdio: StdioOptions = ['ignore', output, output, 'ipc'];
    this.#name = name;
    this.child = start(argv, { stdio });
    this.child.process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    void this.child.exited.then(({ code, signal }) => {
      for (const [id, tell] of this.#waiting) tell({ id, error: `the process ended (${signal ?? code})` });
    });
  }

  /** A module beside this one. */
  static of<C extends Commands>(module: string): Helper<C> {
    const file = fileURLToPath(new URL(`./${module}.ts`, import.meta.url));
    return new Helper<C>(module, [process.execPath, '--import', 'tsx', file]);
  }

  get pid(): number {
    return this.child.process.pid ?? 0;
  }

  async ask<K extends keyof C & string>(name: K, ...args: Parameters<C[K]>): Promise<Result<C, K>> {
    const what = `${this.#name}, ${name}`;
    if (!this.child.running) throw new Error(`${what}: the process has ended`);
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const late = setTimeout(() => {
      this.#waiting.get(id)?.({ id, error: `no answer within ${ANSWER_WITHIN_MS} ms` });
    }, ANSWER_WITHIN_MS);
    this.child.process.send({ id, name, args } satisfies Asked, () => {}); // one that has just ended: `exited` tells
    const { result, error } = await answered;
    clearTimeout(late);
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${what}: ${error}`);
    return result as Result<C, K>;
  }

  async close(): Promise<void> {
    await this.child.stop('SIGKILL');
  }
}

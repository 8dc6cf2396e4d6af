// Two ends, each a process of its own, that can reach each other: `near` dials, `far` listens. Owns the processes and
// the asking; what can be asked is end.ts's.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Commands } from './end.ts';
import type { Protocol } from './figures.ts';

const END = fileURLToPath(new URL('./end.ts', import.meta.url));
/** No answer takes longer than that, ms. */
const ANSWER_WITHIN_MS = 60_000;

type Result<K extends keyof Commands> = Awaited<ReturnType<Commands[K]>>;

export class End {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor() {
    this.#process = fork(END, { execArgv: ['--import', 'tsx', '--expose-gc'] });
    this.#process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#process.once('exit', (code, signal) => {
      for (const [id, tell] of this.#waiting) tell({ id, error: `the process ended (${signal ?? code})` });
    });
  }

  async ask<K extends keyof Commands>(name: K, ...args: Parameters<Commands[K]>): Promise<Result<K>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const late = setTimeout(() => {
      this.#waiting.get(id)?.({ id, error: `no answer within ${ANSWER_WITHIN_MS} ms` });
    }, ANSWER_WITHIN_MS);
    this.#process.send({ id, name, args });
    const { result, error } = await answered;
    clearTimeout(late);
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return result as Result<K>;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}

export class Pair {
  readonly protocol: Protocol;
  readonly near: End;
  readonly far: End;
  static readonly #all = new Set<Pair>();

  private constructor(protocol: Protocol) {
    this.protocol = protocol;
    this.near = new End();
    this.far = new End();
    Pair.#all.add(this);
  }

  /** Their transports, without a link yet. */
  static open(protocol: Protocol, pingEveryMs: number): Promise<Pair> {
    return Pair.#make(protocol, (end, other) => end.ask('open', other, pingEveryMs));
  }

  /** A mesh at each end, linked. */
  static async mesh(protocol: Protocol): Promise<Pair> {
    const pair = await Pair.#make(protocol, (end, other) => end.ask('openMesh', other));
    await pair.near.ask('up', 0);
    return pair;
  }

  static async #make(
    protocol: Protocol,
    open: (end: End, other: Result<'make'>) => Promise<string>,
  ): Promise<Pair> {
    const pair = new Pair(protocol);
    const near = await pair.near.ask('make', 'near', protocol, false);
    const far = await pair.far.ask('make', 'far', protocol, true);
    const url = await open(pair.far, near);
    await open(pair.near, { ...far, url });
    return pair;
  }

  async close(): Promise<void> {
    await Promise.all([this.near.kill(), this.far.kill()]);
    Pair.#all.delete(this);
  }

  /** Nothing is left running, whatever happened. */
  static async closeAll(): Promise<void> {
    await Promise.all([...Pair.#all].map((pair) => pair.close()));
  }
}

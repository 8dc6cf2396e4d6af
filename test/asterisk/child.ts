// Child processes that cannot outlive this one. Owns how a process is started, watched and ended by its pid;
// knows nothing of what it runs.
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../until.ts';

/** How long a process may take to end after a polite signal before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** Before a command: it gets what processor time the others leave, as if it ran on another machine. */
export const LOWEST = ['nice', '-n', '19'] as const;
/** What in real life has a machine of its own goes before the rest. */
export const FIRST = ['nice', '-n', '-10'] as const;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Child {
  readonly argv: readonly string[];
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;

  constructor(argv: readonly string[], process: ChildProcess) {
    this.argv = argv;
    this.process = process;
    this.exited = new Promise((resolve) => {
      const done = (exit: Exit): void => {
        this.exit ??= exit;
        resolve(this.exit);
      };
      process.once('exit', (code, signal) => done({ code, signal }));
      process.once('error', () => done({ code: 127, signal: null }));
    });
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  /** Of the program itself: what stands before it execs. */
  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`${this.argv.join(' ')} did not start`);
    return pid;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.process.kill(signal);
  }

  /** SIGSTOP; returns when every thread stands still, which is some time after the signal. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    const tasks = `/proc/${this.process.pid}/task`;
    // The state is the first field after the program's name in parentheses (proc(5)).
    const stands = (id: string): boolean => /\) [Tt] /.test(readFileSync(`${tasks}/${id}/stat`, 'utf8'));
    await until('the process stands still', () => readdirSync(tasks).every(stands));
  }

  /** Ends it with `signal`, and with SIGKILL when that does not help; returns how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    // A stopped process takes no signal but these two.
    this.signal('SIGCONT');
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Starts `argv`. The kernel kills the child when this process dies, however it dies, so a test run that is
 * killed leaves no Asterisk behind. `ip netns exec` and `chroot` in `argv` exec: the pid is the real program's.
 */
export function start(
  argv: readonly string[],
  options: { stdio?: StdioOptions; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Child {
  const process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: options.stdio ?? 'ignore',
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  return new Child(argv, process);
}

/** Runs `argv` to its end and returns its output; fails with its error output when it fails. */
export async function run(argv: readonly string[], timeoutMs = 10_000): Promise<string> {
  const child = start(argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const closed = new Promise((resolve) => child.process.once('close', resolve));
  const timer = setTimeout(() => child.signal('SIGKILL'), timeoutMs);
  const exit = await child.exited;
  await closed;
  clearTimeout(timer);
  if (exit.code === 0) return out;
  throw new Error(`${argv.join(' ')}: ${exit.signal ?? `exit ${exit.code}`}: ${(err || out).trim()}`);
}

/** The same, at once; `ok: false` also when the program does not exist. */
export function runSync(argv: readonly string[]): { ok: boolean; out: string } {
  const [program = '', ...args] = argv;
  const result = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { ok: result.status === 0, out: `${result.stdout ?? ''}${result.stderr ?? ''}`.trim() };
}

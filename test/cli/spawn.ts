// The command line as a process of its own. Owns the start, what it prints, and that none outlives a test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** tsx compiles first, on a machine that may be busy. */
const DEADLINE_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stdout holds `words`; rejects when the process ends, or takes too long, before that. */
  says(words: string): Promise<void>;
}

/** `main`: of another copy of the sources. */
export function start(args: readonly string[], env: Record<string, string> = {}, main = MAIN): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  after(() => child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const ended = once(child, 'close').then(([code]) => {
    clearTimeout(deadline);
    return { code: code as number | null, ...said };
  });
  return {
    child,
    ended,
    says: async (words) => {
      const stop = ended.then(() => {
        if (!said.out.includes(words)) throw new Error(`ended without "${words}":\n${said.out}${said.err}`);
      });
      while (!said.out.includes(words)) await Promise.race([once(child.stdout, 'data'), stop]);
    },
  };
}

export function run(args: readonly string[], env?: Record<string, string>, main?: string): Promise<Ended> {
  return start(args, env, main).ended;
}

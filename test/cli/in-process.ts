// The command line in this process: what it prints where, and its exit code. Owns the Io that commands get.
import assert from 'node:assert/strict';
import { runCli } from '../../src/cli/program.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly env?: Record<string, string>;
  readonly terminal?: boolean;
  /** What is typed at a question; absent: nobody is there. */
  readonly typed?: (question: string) => string;
  /** Aborted by the test: SIGINT. */
  readonly stop?: AbortSignal;
  /** Called with each text for stdout; false: its reader is gone. */
  readonly read?: (text: string) => boolean;
  /** Its reader's pace; absent: it takes all at once. */
  readonly flushed?: () => Promise<boolean>;
}

/** Runs one command to its end. */
export async function hintmeshIn(around: Around, ...args: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  let reads = true;
  const code = await runCli(args, {
    env: around.env ?? {},
    terminal: around.terminal ?? false,
    out: (text) => {
      said.out += `${text}\n`;
      reads = around.read?.(text) ?? true;
    },
    err: (text) => {
      said.err += `${text}\n`;
    },
    flushed: around.flushed ?? (async () => reads),
    ask: async (question) => around.typed?.(question),
    takeSignals: () => around.stop ?? assert.fail('this command takes no signals'),
    onHangup: () => assert.fail('only run takes SIGHUP'),
  });
  return { code, ...said };
}

export function hintmesh(...args: string[]): Promise<Said> {
  return hintmeshIn({}, ...args);
}

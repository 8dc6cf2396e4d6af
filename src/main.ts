#!/usr/bin/env node
/** The process: argv in, exit code out, and signals. The only file that may end the process; decides nothing else. */
import { FAILED } from './cli/io.ts';
import { runCli } from './cli/program.ts';

/** What a command leaves open may keep the process up this long after it ended. */
const EXIT_GRACE_MS = 2_000;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

function takeSignals(): AbortSignal {
  const stop = new AbortController();
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The first asks for a stop in good order; whoever sends a second does not want to wait for it.
      if (stop.signal.aborted) process.exit(128 + number);
      stop.abort();
    });
  }
  return stop.signal;
}

/**
 * A reader that went away (EPIPE: `| head`) wants no more, which is no failure. Anything else (a full disk) is
 * one: what was asked for did not arrive.
 */
function print(stream: NodeJS.WriteStream, name: string, text: string): void {
  stream.write(`${text}\n`, (error) => {
    const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
    if (!error || code === 'EPIPE' || outputFailed) return;
    outputFailed = true;
    process.exitCode = FAILED;
    process.stderr.write(`cannot write to ${name}: ${code ?? 'unknown error'}\n`);
  });
}

let outputFailed = false;
// Each write is told its own error; without listeners it would be thrown as well.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => print(process.stdout, 'standard output', text),
  err: (text) => print(process.stderr, 'standard error', text),
  takeSignals,
  onHangup: (heard) => process.on('SIGHUP', heard),
});
// Not exit(): what was printed must arrive first. A write that failed has set its own code.
process.exitCode ||= code;
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();

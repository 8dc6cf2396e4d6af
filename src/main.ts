#!/usr/bin/env node
/** The process: argv in, exit code out, and signals. The only file that may end the process; decides nothing else. */
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

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  takeSignals,
});
// Not exit(): what was printed must arrive first.
process.exitCode = code;
setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref();

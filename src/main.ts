#!/usr/bin/env node
/** The process: argv in, exit code out, and signals. The only file that may end the process; decides nothing else. */

/** What a command leaves open may keep the process up this long after it ended. */
const EXIT_GRACE_MS = 400;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Whoever hears the next SIGHUP; before that, whether one came. */
let hangup: { heard: () => void } | undefined;
let hangups = 0;
const [command] = process.argv.slice(2);
// First of all, for loading the rest takes a while: to the broker a SIGHUP means reload, whenever it comes. To
// the other commands it means that their terminal is gone, and they end by it.
if (command === 'run') {
  process.on('SIGHUP', () => {
    hangups++;
    hangup?.heard();
  });
}
const { FAILED } = await import('./cli/io.ts');
const { Printer } = await import('./cli/printer.ts');
const { runCli } = await import('./cli/program.ts');

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

/** Whoever types must also see the question, which is no output of the command. */
async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { createInterface } = await import('node:readline');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.once('close', () => resolve(undefined));
    terminal.question(question, (answer) => {
      resolve(answer);
      terminal.close();
    });
  });
}

function fail(text: string): void {
  process.exitCode = FAILED;
  stderr.print(text);
}
const stderr = new Printer(process.stderr, () => {
  process.exitCode = FAILED;
});
const stdout = new Printer(process.stdout, (code) => fail(`cannot write to standard output: ${code}`));

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  terminal: process.stdout.isTTY === true,
  out: (text) => stdout.print(text),
  err: (text) => stderr.print(text),
  flushed: () => stdout.flushed(),
  ask,
  takeSignals,
  onHangup: (heard) => {
    hangup = { heard };
    if (hangups > 0) heard();
  },
});
// What was printed must arrive first, however slow its reader. A write that failed has set its own code.
await stdout.flushed();
process.exitCode ||= code;
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();

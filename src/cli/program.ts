/**
 * The command line: which commands there are, their options and help. Owns the exit codes of what commander
 * finds wrong; what a command does is in the file of its name.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { check } from './check.ts';
import { DEFAULT_CONFIG } from './config-file.ts';
import { type FingerprintOptions, fingerprint } from './fingerprint.ts';
import { type Io, OK, USAGE } from './io.ts';
import { type KeygenOptions, keygen } from './keygen.ts';

const EXAMPLES = `
Examples:
  $ hintmesh keygen --tag msk --out /etc/hintmesh/identity.pem --url wss://msk.example.com:7440
  $ hintmesh check -c ${DEFAULT_CONFIG}
  $ hintmesh run -c ${DEFAULT_CONFIG}

Exit codes: 0 done, 1 refused or failed (the reasons are on stderr), 2 not understood.`;

const CONFIG_OPTION = ['-c, --config <file>', 'the config file', DEFAULT_CONFIG] as const;
const URL_OPTION = ['--url <url>', 'where other brokers dial this one, for the line to hand out'] as const;

/** Runs one command; resolves to the exit code. `argv` is without node and script. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let code = OK;
  const program = newProgram(io, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Asked-for help and version end this way too, with 0; no command at all is not understood.
    return error.exitCode === 0 ? OK : USAGE;
  }
}

function newProgram(io: Io, done: (code: number) => void): Command {
  const program = new Command('hintmesh')
    .description("BLF lamps that tell the truth about other Asterisk servers' extensions")
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    // Subcommands take over these two, so they stand before them.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    });
  program
    .command('run')
    .description('run the broker until SIGTERM or SIGINT; JSON log on stdout')
    .option(...CONFIG_OPTION)
    .action(async (options: { config: string }) => {
      // Loaded here: the other commands need no broker and start faster without.
      const { run } = await import('./run.ts');
      done(await run(options, io));
    });
  program
    .command('check')
    .description('check the config and print what it means')
    .option(...CONFIG_OPTION)
    .action((options: { config: string }) => done(check(options, io)));
  program
    .command('keygen')
    .description("make this broker's identity and print the line for the other brokers' peers: lists")
    .requiredOption('--tag <tag>', 'the name of this PBX, as in the config')
    .option('--out <file>', 'the file to write', 'identity.pem')
    .option('--force', 'replace the file if there is one: peers must then be given the new fingerprint')
    .option(...URL_OPTION)
    .action(async (options: KeygenOptions) => done(await keygen(options, io)));
  program
    .command('fingerprint')
    .description('print the tag, fingerprint and line of an identity that was made before')
    .option(...CONFIG_OPTION)
    .option('--identity <file>', 'an identity file, instead of the one the config names')
    .option(...URL_OPTION)
    .action((options: FingerprintOptions) => done(fingerprint(options, io)));
  return program;
}

function version(): string {
  const about: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String((about as { version: unknown }).version);
}

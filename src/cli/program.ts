/**
 * The command line: which commands there are, their options and help. Owns the exit codes of what commander
 * finds wrong; what a command does is in the file of its name, which is loaded when it is asked for.
 */
import { Command, CommanderError } from 'commander';
import { DEFAULT_CONFIG } from './config-file.ts';
import type { DialplanOptions } from './dialplan.ts';
import { Failure, type Io, OK, USAGE } from './io.ts';
import type { KeygenOptions } from './keygen.ts';
import type { LeaveOptions } from './leave.ts';
import type { PruneOptions } from './prune.ts';
import type { StatesOptions } from './states.ts';
import type { StatusOptions } from './status.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples:
  $ hintmesh keygen --tag msk --out /etc/hintmesh/identity.pem --url wss://msk.example.com:7440
  $ hintmesh check -c ${DEFAULT_CONFIG}
  $ hintmesh run -c ${DEFAULT_CONFIG}
  $ hintmesh status

Exit codes: 0 done, 1 refused or failed (the reasons are on stderr), 2 not understood.`;

const STATES_HELP = `
EXTENSION is as its PBX tells it and import: names it. "1001 presence" is what somebody says of herself there, beside the
state of the phone; "2001 (lamp 2001)" is a lamp without a tag, beside 2001*PBX.
STATE is what the PBX of the extension told; "not told": it has no such extension, or was not heard yet.
LAMP is what the Asterisk here was last given for the lamp EXT*PBX:
  INUSE                     this, and it should be this
  should be BUSY; is INUSE  BUSY is still to be written
  stays INUSE               its PBX was not heard yet, or Asterisk is down: it is left as it is
  -                         an extension of this PBX, which has no such lamp here`;

const PRUNE = "show what lamps of former peers and extensions left in Asterisk's database, or remove it";
const PRUNE_HELP = `
Without --apply nothing is changed. Kept are rows of lamps and presences that a hint names, of peers that are not live,
and of tags that were no peers here. Lamps without a tag (plain_lamps:) are left alone unless --plain names them, as under
match: (2001, 2000-2099, _2XXX), and are kept while plain_lamps: gives them or a hint names them. --apply needs a manager
user with write=system, as in deploy/manager-prune.conf: name it with --ami-username, and its secret with --ami-secret-file
or HINTMESH_AMI_SECRET.`;

const DIALPLAN =
  'print the hints and calls for what this broker exports and imports now, for extensions.conf';
const DIALPLAN_HELP = `
Asks the running broker which extensions there are, and reads the config for what they are called. Prints a context
for each PBX (lamps, calls and pickups EXT*tag), one for lamps without a tag, hintmesh-from-peers for the trunks of
the peers, and [hintmesh], the one to include. The same names give the same text: to the byte, whenever it is asked.
  $ hintmesh dialplan > hintmesh.conf.new && mv hintmesh.conf.new /etc/asterisk/hintmesh.conf
  $ hintmesh dialplan --trunk 'PJSIP/{ext}@to-{tag}' --trunk 'spb=IAX2/spb/{ext}'
  $ hintmesh dialplan --check /etc/asterisk/hintmesh.conf || echo make it anew
Each line is explained in dialplan/README.md.`;

const CONFIG_OPTION = ['-c, --config <file>', 'the config file', DEFAULT_CONFIG] as const;
const URL_OPTION = ['--url <url>', 'where other brokers dial this one, for the line to hand out'] as const;

type Done = (code: number) => void;

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
    if (error instanceof Failure) {
      io.err(error.message);
      return error.code;
    }
    if (!(error instanceof CommanderError)) throw error;
    // Asked-for help and version end this way too, with 0; no command at all is not understood.
    return error.exitCode === 0 ? OK : USAGE;
  }
}

function newProgram(io: Io, done: Done): Command {
  const program = new Command('hintmesh')
    .description("BLF lamps that tell the truth about other Asterisk servers' extensions")
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
    // Subcommands take over these two, so they stand before them.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    });
  addFileCommands(program, io, done);
  addBrokerCommands(program, io, done);
  return program;
}

/** Those that need no running broker. */
function addFileCommands(program: Command, io: Io, done: Done): void {
  program
    .command('run')
    .description('run the broker until SIGTERM or SIGINT; SIGHUP reloads the config; JSON log on stdout')
    .option(...CONFIG_OPTION)
    .action(async (options) => done(await (await import('./run.ts')).run(options, io)));
  program
    .command('check')
    .description('check the config and print what it means')
    .option(...CONFIG_OPTION)
    .action(async (options) => done(await (await import('./check.ts')).check(options, io)));
  program
    .command('keygen')
    .description("make this broker's identity and print the line for the other brokers' peers: lists")
    .requiredOption('--tag <tag>', 'the name of this PBX, as in the config')
    .option('--out <file>', 'the file to write', 'identity.pem')
    .option('--force', 'replace the file if there is one: peers must then be given the new line')
    .option(...URL_OPTION)
    .action(async (options: KeygenOptions) => done(await (await import('./keygen.ts')).keygen(options, io)));
  program
    .command('fingerprint')
    .description('print the tag, fingerprint and line of an identity that was made before')
    .option(...CONFIG_OPTION)
    .option('--identity <file>', 'an identity file, instead of the one the config names')
    .option(...URL_OPTION)
    .action(async (options) => done((await import('./fingerprint.ts')).fingerprint(options, io)));
}

/** Those that ask the running broker. */
function addBrokerCommands(program: Command, io: Io, done: Done): void {
  const command = (name: string, description: string, json = "the broker's answer as it is"): Command =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <file>', "the broker's config, which says where it answers", DEFAULT_CONFIG)
      .option('--url <url>', 'where the broker answers, instead: http://HOST:PORT')
      .option('--json', json);
  command('status', 'how the running broker is: Asterisk, peers, what is wrong and its cure')
    .option('--check', 'exit with 1 when it is not ready')
    .option(
      '--wait [seconds]',
      'wait until it is ready, 60 s if not told; exit with 1 when it is not by then',
    )
    .action(async (options: StatusOptions) => done(await (await import('./status.ts')).status(options, io)));
  command('states', 'what the extensions are and what their lamps show')
    .option('--pbx <tag>', 'only the extensions of this PBX')
    .argument('[pattern...]', 'only these, as in match: of the config (1001, 1000-1099, _1XXX), or EXT*tag')
    .addHelpText('after', STATES_HELP)
    .action(async (patterns: string[], options: StatesOptions) =>
      done(await (await import('./states.ts')).states({ ...options, patterns }, io)),
    );
  command('watch', 'print what changes as it changes, until ^C').action(async (options) =>
    done(await (await import('./watch.ts')).watch(options, io)),
  );
  command('reload', 'have the running broker read its config again, and print what changed').action(
    async (options) => done(await (await import('./reload.ts')).reload(options, io)),
  );
  command('leave', 'end the broker for good: its lamps at the peers go to their gone_state at once')
    .option('--yes', 'do not ask')
    .action(async (options: LeaveOptions) => done(await (await import('./leave.ts')).leave(options, io)));
  program
    .command('dialplan')
    .description(DIALPLAN)
    .option('-c, --config <file>', "the broker's config", DEFAULT_CONFIG)
    .option('--url <url>', 'where the broker answers, if not where the config says: http://HOST:PORT')
    .option('--offline', 'ask no broker: all names of the --lengths, at every peer of the config')
    .option('--lengths <digits>', 'also all names of so many digits, like 3-6 or 4,6; alone and after *NN')
    .option('--context <name>', 'where the phones dial (default: from-internal)')
    .option('--trunk <way...>', 'how to call, for Dial (default: PJSIP/{ext}@trunk-{tag}); TAG=WAY: one peer')
    .option('--pickup <prefix>', 'dialled before the name of a key to take what rings there (default: **)')
    .option('--no-pickup', 'no lines for that')
    .option(
      '--voicemail <number>',
      'what the key of a mailbox calls, like *97 or *98{ext}; nothing if not told',
    )
    .option('--hint <hint>', "an extension's hint here, like PJSIP/{ext} (default: its own in --context)")
    .option('--presence', 'a part for presence in every lamp, also where nobody has told any yet')
    .option('--freepbx', 'with the include line for extensions_custom.conf of FreePBX')
    .option('--check <file>', 'print nothing; exit with 1 and the difference if the file is not this')
    .addHelpText('after', DIALPLAN_HELP)
    .action(async (options: DialplanOptions) =>
      done(await (await import('./dialplan.ts')).dialplan(options, io)),
    );
  command('prune', PRUNE, 'the same for programs')
    .option('--apply', 'remove it')
    .option('--tag <tag...>', 'also of these PBXs, which this broker does not remember as peers')
    .option('--plain <name...>', 'also lamps without a tag that have these names')
    .option('--ami-username <name>', "another manager user than the broker's")
    .option('--ami-secret-file <file>', 'the file with the secret of that user')
    .addHelpText('after', PRUNE_HELP)
    .action(async (options: PruneOptions) => done(await (await import('./prune.ts')).prune(options, io)));
}

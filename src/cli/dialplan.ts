/**
 * `hintmesh dialplan`: the hints and calls for what this broker exports and imports now. Owns where the names come
 * from, and when nothing is printed because too little is known.
 */
import type { Config } from '../config/config.ts';
import { readBounded } from '../config/files.ts';
import { visible } from '../config/formats.ts';
import { isTag } from '../core/names.ts';
import type { StateRow, Status } from '../http/contract.ts';
import { statesAnswer, statusAnswer } from './answers.ts';
import { ask } from './api.ts';
import { NoBroker } from './api-failures.ts';
import { brokerAddress } from './broker-address.ts';
import { openConfig, readConfig } from './config-file.ts';
import { differenceLines } from './dialplan-check.ts';
import { Unwritable } from './dialplan-clash.ts';
import {
  checkTrunks,
  commandOf,
  type DialplanOptions,
  mannerOf,
  OFFLINE_LENGTHS,
  samplesOf,
} from './dialplan-options.ts';
import { type Made, planOfBroker, planOfConfig, silentPeers } from './dialplan-plan.ts';
import { dialplanText, type Manner, type Warn } from './dialplan-text.ts';
import { FAILED, Failure, type Io, OK } from './io.ts';

export type { DialplanOptions } from './dialplan-options.ts';

/** Of a file that is held against what would be printed: some 100 000 lines. */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

export async function dialplan(options: DialplanOptions, io: Io): Promise<number> {
  const manner = mannerOf(options);
  const samples = samplesOf(options.lengths ?? (options.offline ? OFFLINE_LENGTHS : undefined));
  const opened = openConfig(readConfig(options.config, io.env), io);
  if (opened === undefined) return FAILED;
  const { config } = opened;
  const made = options.offline ? planOfConfig(config, samples) : await planNow(options, config, samples, io);
  checkTrunks(
    options,
    made.plan.peers.map(({ tag }) => tag),
  );
  const warn = (warning: string) => io.err(visible(`warning: ${warning}`));
  for (const warning of made.warnings) warn(warning);
  const text = written(made, manner, commandOf(options), warn);
  return options.check === undefined ? print(text, io) : compare(text, options.check, io);
}

/** As the running broker has it. */
async function planNow(
  options: DialplanOptions,
  config: Config,
  samples: readonly string[],
  io: Io,
): Promise<Made> {
  const address = brokerAddress(options, io);
  const status = (await ask(address, { path: '/api/status' }, statusAnswer).catch(orOffline)) as Status;
  if (!isTag(status.pbx) || status.pbx !== config.tag) {
    throw new Failure(
      visible(
        `${address.url} is the broker of ${status.pbx}, and ${config.file} is the config of ${config.tag}`,
      ),
    );
  }
  mustKnowAsterisk(status);
  const rows = (await ask(address, { path: '/api/states' }, statesAnswer)) as StateRow[];
  const made = planOfBroker(rows, status, config, samples);
  const silent = silentPeers(made, status);
  if (silent.length > 0 && options.lengths === undefined) {
    throw new Failure(
      `nothing is known of ${visible(silent.join(', '))} yet, so its keys would get no lamps
  wait until it is heard: hintmesh status
  or say how long its extensions are, with --lengths ${OFFLINE_LENGTHS}`,
    );
  }
  return made;
}

/** Else what it exports would be missing. */
function mustKnowAsterisk({ pbx, asterisk, waitingFor }: Status): void {
  if (asterisk.standsBy) {
    throw new Failure(`this broker stands by for another one of ${pbx}; ask that one, with --url`);
  }
  if (!waitingFor.includes('asterisk')) return;
  throw new Failure(
    'the broker had no Asterisk yet since it started, so it does not know what it exports; see hintmesh status',
  );
}

function orOffline(error: unknown): never {
  if (!(error instanceof NoBroker)) throw error;
  throw new Failure(
    `${error.message}\n  or print it from the config alone: hintmesh dialplan --offline`,
    error.code,
  );
}

function written({ plan }: Made, manner: Manner, command: string, warn: Warn): string {
  try {
    return dialplanText(plan, manner, command, warn);
  } catch (error) {
    if (error instanceof Unwritable) throw new Failure(visible(error.message));
    throw error;
  }
}

function print(text: string, io: Io): number {
  io.out(text);
  return OK;
}

function compare(text: string, file: string, io: Io): number {
  const read = readBounded(file, MAX_CHECKED_BYTES);
  if ('why' in read) throw new Failure(visible(`cannot read ${file}: ${read.why}`));
  const lines = differenceLines(read.text, `${text}\n`);
  if (lines.length === 0) {
    io.out(`${visible(file)} is as it should be`);
    return OK;
  }
  io.err(`${visible(file)} is not what would be printed now:`);
  for (const line of lines) io.err(visible(line));
  return FAILED;
}

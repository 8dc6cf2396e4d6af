/**
 * `hintmesh run`: the broker's life from start to signal. Owns the log, the memory of tags, and how a config
 * becomes the broker's options. Everything the broker does is broker.ts's.
 */
import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import { Broker, type BrokerOptions, type Report } from '../broker.ts';
import type { Config } from '../config/config.ts';
import { readTags, rememberTags } from '../config/tags.ts';
import { loadIdentity } from '../mesh/identity.ts';
import { openConfig } from './config-file.ts';
import { FAILED, type Io, OK } from './io.ts';
import { LogOutput } from './log-output.ts';

const NO_RELOAD =
  'SIGHUP: the config is not read again while running; restart to apply changes, lamps hold meanwhile';

export async function run({ config: file }: { readonly config: string }, io: Io): Promise<number> {
  const opened = openConfig(file, io);
  if (opened === undefined) return FAILED;
  const { config, warnings } = opened;
  const stop = io.takeSignals();
  const logger = newLogger(config);
  io.onHangup(() => logger.warn({ event: 'reload-unsupported' }, NO_RELOAD));
  for (const { where, text } of warnings) logger.warn({ event: 'config-warning', where }, text);

  const former = await updateMemory(config, logger);
  const broker = new Broker(toBrokerOptions(config, former), (report) => log(report, logger));
  try {
    await broker.start();
    await aborted(stop);
    return OK;
  } catch (error) {
    logger.error({ event: 'start-failed' }, `cannot start: ${(error as Error).message}`);
    return FAILED;
  } finally {
    await broker.close();
  }
}

/** Config names → broker names; nothing is decided here. `formerTags` may hold present peers: they are no harm. */
export function toBrokerOptions(config: Config, formerTags: readonly string[]): BrokerOptions {
  const { tag, ami, identity, listen, ca, insecure, lamps, timing } = config;
  return {
    tag,
    // `alive` is only said while Asterisk answers, so it is asked as often.
    ami: { ...ami, pingEveryMs: timing.aliveMs, relistEveryMs: timing.relistMs },
    exports: config.export,
    peers: config.peers.map(({ where: _, ...peer }) => peer),
    formerTags,
    goneState: lamps.goneState,
    timing: {
      aliveEveryMs: timing.aliveMs,
      suspectAfterMs: timing.suspectAfterMs,
      goneAfterMs: timing.goneAfterMs,
      firstSyncMs: timing.firstSyncMs,
    },
    pacing: { writesPerSecond: lamps.writesPerSecond, burst: lamps.burst, window: lamps.window },
    redial: { minMs: timing.redialMinMs, maxMs: timing.redialMaxMs },
    websocket: {
      tag,
      insecure,
      ...(identity && { identity: loadIdentity(identity.pem) }),
      ...(listen && { listen }),
      ...(ca !== undefined && { ca }),
    },
  };
}

/** JSON lines on stdout. Only what is put into a line is in it: no config, so no secret. */
function newLogger({ tag, logLevel }: Config): Logger {
  // Not pino's own destination: that retries a full disk for ever, and again when the process ends.
  const output = new LogOutput(process.stdout, (count) => {
    logger.warn({ event: 'log-lines-lost', count }, `${count} log lines were lost: nobody took them`);
  });
  const options: LoggerOptions = {
    level: logLevel,
    base: { pbx: tag },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const logger = pino(options, output);
  return logger;
}

function log({ level, event, text, fields }: Report, logger: Logger): void {
  logger[level]({ ...fields, event }, text);
}

/** The tags remembered until now; those of the present peers are added for the next start. */
async function updateMemory({ stateDir, peers }: Config, logger: Logger): Promise<readonly string[]> {
  const known = readTags(stateDir);
  const { tags, warning } = known;
  if (warning !== undefined) logger.warn({ event: 'state-unreadable' }, warning);
  try {
    const present = peers.map(({ tag }) => tag);
    await rememberTags(stateDir, known, present);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const text = `cannot write to state_dir ${stateDir} (${why}); lamps of peers that leave will not be repaired`;
    logger.warn({ event: 'state-unwritable' }, text);
  }
  return tags;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

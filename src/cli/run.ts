/**
 * `hintmesh run`: the broker's life from start to signal. Owns the order in which things begin and end. Everything
 * the broker does is broker.ts's.
 */
import { Broker, type Report } from '../broker.ts';
import { dialledAt } from '../config/listen.ts';
import type { Status } from '../http/contract.ts';
import { urlOf } from './broker-address.ts';
import { openConfig, readRunnableConfig } from './config-file.ts';
import { ConfigReload } from './config-reload.ts';
import { toBrokerOptions } from './config-to-broker.ts';
import { FAILED, type Io, OK, whenAborted } from './io.ts';
import { type Logger, newLogger } from './log.ts';
import { ServiceManager } from './service-manager.ts';
import { StateDirectory } from './state-directory.ts';
import { closeInTime } from './stop-limit.ts';

/** Why the broker ends. */
type End = 'stopped' | 'left' | 'failed';

export async function run({ config: file }: { readonly config: string }, io: Io): Promise<number> {
  // A SIGHUP that comes before the broker runs is heeded as soon as it does.
  let hungUp = false;
  let onHangup = () => {
    hungUp = true;
  };
  io.onHangup(() => onHangup());
  const opened = openConfig(await readRunnableConfig(file, io.env), io);
  if (opened === undefined) return FAILED;
  const { config, warnings } = opened;
  const stopped = whenAborted(io.takeSignals(), 'stopped' as const);

  let onLosing = () => {};
  const logger = newLogger(config, io.env, () => onLosing());
  for (const { where, text } of warnings) logger.warn({ event: 'config-warning', where }, text);
  const state = new StateDirectory(config.stateDir, logger);
  await state.remember(config.peers);

  let leave = () => {};
  const left = new Promise<End>((resolve) => {
    leave = () => resolve('left');
  });
  const { epoch, formerEpoch } = state;
  const options = {
    ...toBrokerOptions(config, { formerTags: state.tags, token: state.token }),
    epoch,
    ...(formerEpoch !== undefined && { formerEpoch }),
  };
  const broker: Broker = new Broker(options, (report) => log(report, logger), {
    reload: () => reloads.request(),
    leave: () => leave(),
  });
  onLosing = () => broker.happened('log-lines-lost', 'lines of the log are lost: nobody takes them');
  const service = new ServiceManager({
    env: io.env,
    status: () => statusLine(broker.status()),
    failed: (why) => logger.warn({ event: 'notify-failed' }, `systemd is not told how the broker is: ${why}`),
  });
  const load = () => readRunnableConfig(file, io.env);
  const reloads: ConfigReload = new ConfigReload(config, { load, broker, logger, state, service });

  const serve = async (): Promise<End> => {
    // Not before: a broker that cannot start, as another one runs, must not take that one's place here.
    await Promise.race([state.publishToken(commandUrl(broker)), stopped]);
    broker.tell('memory-unwritable', state.trouble);
    service.started();
    onHangup = () => void reloads.request();
    if (hungUp) onHangup();
    return Promise.race([left, stopped]);
  };
  const begun = await Promise.race([start(broker, logger), stopped]);
  const end = begun === 'started' ? await serve() : begun;
  reloads.stop();
  service.stopping();
  const closed = await closeInTime(broker, end === 'left', logger);
  // One that left must not be started again, as a service manager does after a failure.
  return end === 'left' || (closed && end !== 'failed') ? OK : FAILED;
}

async function start(broker: Broker, logger: Logger): Promise<'started' | 'failed'> {
  try {
    await broker.start();
    return 'started';
  } catch (error) {
    logger.error({ event: 'start-failed' }, `cannot start: ${(error as Error).message}`);
    return 'failed';
  }
}

/** Where the commands of this machine find it. */
function commandUrl({ httpAddress: at }: Broker): string | undefined {
  return at && urlOf({ host: dialledAt(at.host), port: at.port });
}

/** For `systemctl status`. */
function statusLine({ ready, waitingFor, peers, asterisk }: Status): string {
  if (asterisk.standsBy) return 'stands by for another broker';
  const present = peers.filter(({ former }) => !former);
  const live = present.filter(({ belief }) => belief === 'live').length;
  const awaited = waitingFor.length > 0 ? `, waits for ${waitingFor.join(' and ')}` : '';
  return `${ready ? 'ready' : `not ready${awaited}`}; peers live ${live}/${present.length}`;
}

function log({ level, event, text, fields }: Report, logger: Logger): void {
  // Each write is a report, and mostly not logged.
  if (logger.isLevelEnabled(level)) logger[level]({ ...fields, event }, text);
}

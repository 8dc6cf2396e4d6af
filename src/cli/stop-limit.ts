/** How long the end of a broker may take, whatever hangs. Owns that bound, and what is said at it. */
import type { Broker } from '../broker.ts';
import type { Logger } from './log.ts';

/**
 * To say bye and let go of everything. The process then ends within 5 s of the signal: main.ts gives what is left
 * open 0.4 s more.
 */
export const STOP_LIMIT_MS = 4_500;

/** Whether it closed in good order, in time; if not, that is in the log. Never rejects. */
export async function closeInTime(
  broker: Pick<Broker, 'close'>,
  final: boolean,
  logger: Pick<Logger, 'error'>,
  limitMs = STOP_LIMIT_MS,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it took more than ${limitMs / 1_000} s`), limitMs);
  });
  const done = broker.close(final).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const why = await Promise.race([done, late]);
  clearTimeout(timer);
  if (why === undefined) return true;
  logger.error({ event: 'stop-forced' }, `the broker did not stop in good order: ${why}`);
  return false;
}

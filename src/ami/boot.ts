/**
 * Whether an Asterisk that took our login but said no FullyBooted is still starting, or will never say it to
 * this manager user. Pure. Right after the login Asterisk writes a FullyBooted of its own, if it is booted and
 * the user may read `system` (main/manager.c, `action_login`); no action tells which of the two is missing.
 */
import type { Message } from './message.ts';

/** Local times of the world are off UTC by whole quarters of an hour, from -12:00 to +14:00. */
const ZONE_STEP_S = 15 * 60;
const ZONE_WEST_S = 12 * 3600;

/**
 * Seconds for which Asterisk has certainly been up, by its own clock. CoreStatus gives its start in local
 * time without a zone, Ping its present time in epoch seconds: their difference is the time up plus an unknown
 * zone, so what remains after whole quarters is the least it can be. `undefined` when either is not told.
 */
export function surelyUpSeconds(coreStatus: Message, pong: Message): number | undefined {
  const now = Number.parseFloat(pong['timestamp'] ?? '');
  const start = Date.parse(`${coreStatus['corestartupdate']}T${coreStatus['corestartuptime']}Z`) / 1000;
  if (!Number.isFinite(now) || !Number.isFinite(start)) return undefined;
  const apart = now - start;
  if (apart >= ZONE_WEST_S) return apart - ZONE_WEST_S;
  return ((apart % ZONE_STEP_S) + ZONE_STEP_S) % ZONE_STEP_S;
}

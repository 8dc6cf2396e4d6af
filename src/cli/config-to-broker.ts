/** How a config becomes the broker's options: config names → broker names. Nothing is decided here. */
import type { BrokerOptions } from '../broker.ts';
import type { Config } from '../config/config.ts';
import type { ExportRule } from '../core/exports.ts';
import { loadIdentity } from '../mesh/identity.ts';
import { VERSION } from './version.ts';

/** What is not in the config. */
export interface Beside {
  /** May hold present peers: they are no harm. */
  readonly formerTags: readonly string[];
  /** Of the HTTP edge, made for this run. */
  readonly token: string;
}

export function toBrokerOptions(config: Config, { formerTags, token }: Beside): BrokerOptions {
  const { tag, ami, identity, listen, ca, insecure, lamps, timing, http } = config;
  const takes = (from: ExportRule['source']) => config.export.some(({ source }) => source === from);
  return {
    tag,
    version: VERSION,
    ami: {
      ...ami,
      // `alive` is only said while Asterisk answers, so it is asked as often.
      pingEveryMs: timing.aliveMs,
      relistEveryMs: timing.relistMs,
      channels: takes('channels'),
      devices: takes('device'),
      presences: takes('presence'),
      mailboxes: takes('mailbox'),
    },
    exports: config.export,
    imports: config.imports,
    plainLamps: config.plainLamps,
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
    tcp: {
      tag,
      insecure,
      ...(identity && { identity: loadIdentity(identity.pem) }),
      ...(listen && { listen }),
      ...(ca !== undefined && { ca }),
    },
    ...(http && { http: { ...http, token } }),
  };
}

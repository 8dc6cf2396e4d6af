// What the native federations have in common: both PBXs have a hint for the same device, whose state the one tells the
// other under the same name. Owns the names, and how one knows that states arrive at all.
import type { Asterisk } from '../../asterisk/asterisk.ts';
import { pause } from '../../until.ts';
import type { Site } from '../contract.ts';
import { device, extension, getsThrough } from './common.ts';

/** Not behind a lamp: to ask with one that is would leave a state there if it did not arrive. */
const MARK = 'arrives';
/** What is sent before the other side listens is lost, so there is more after this long. */
const AGAIN_MS = 200;
/** What was sent to a side that was not there holds up PJSIP's publish for half a minute. */
const ARRIVES_MS = 45_000;

/** The site, once its first and its last lamp have followed a change at `a`. */
export async function sameDevice(site: Pick<Site, 'name' | 'a' | 'b' | 'lamps' | 'carriers'>): Promise<Site> {
  const { lamps } = site;
  const named: Site = {
    ...site,
    device: (n) => device(n, lamps),
    lamp: (n) => extension(n, lamps),
    lampDevice: (n) => `Custom:${device(n, lamps)}`,
  };
  await arrives(site.a, site.b);
  await getsThrough(named);
  return named;
}

/** Changes a device at `from`, again and again, until a change is seen at `to`. */
export async function arrives(from: Asterisk, to: Asterisk): Promise<void> {
  const [origin, receiver] = await Promise.all([from.ami(), to.ami()]);
  try {
    const end = performance.now() + ARRIVES_MS;
    while (receiver.changesOf(`Custom:${MARK}`).length === 0) {
      if (performance.now() > end) throw new Error(`no state of ${from.name} arrives at ${to.name}`);
      // Equal states are not told.
      for (const state of ['INUSE', 'NOT_INUSE']) await origin.setCustom(MARK, state);
      await pause(AGAIN_MS);
    }
  } finally {
    await Promise.all([origin.close(), receiver.close()]);
  }
}

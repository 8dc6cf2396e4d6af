// What all sites have in common: how extensions are numbered, the dialplan of a PBX whose extensions are lit by hand,
// and how one knows that a change gets through. Owns no PBX and no carrier.
import type { Asterisk } from '../../asterisk/asterisk.ts';
import { CONTEXT } from '../../asterisk/asterisk-files.ts';
import { WATCHER } from '../../asterisk/pair.ts';
import { until } from '../../until.ts';
import type { Site, SiteOptions } from '../contract.ts';

/** Four digits have room for so many extensions from 1000 on; more get five. */
const FOUR_DIGITS = 9_000;
/** The first change may come while everything is still starting. */
const THROUGH_MS = 60_000;

/** The extension `n` of a site with so many lamps. */
export function extension(n: number, lamps: number): string {
  return String((lamps > FOUR_DIGITS ? 10_000 : 1_000) + n);
}

/** The pattern that means all of them. */
export function extensions(lamps: number): string {
  return lamps > FOUR_DIGITS ? '_XXXXX' : '_XXXX';
}

/** The Custom device behind it at `a`, without `Custom:`. */
export function device(n: number, lamps: number): string {
  return `l${extension(n, lamps)}`;
}

/** `0 … lamps - 1`. */
export function eachLamp(lamps: number): number[] {
  return Array.from({ length: lamps }, (_, n) => n);
}

/** The context of phones, with these lines first and a hint for each extension. */
export function hinted(lamps: number, more = ''): string {
  const lines = eachLamp(lamps).map((n) => `exten => ${extension(n, lamps)},hint,Custom:${device(n, lamps)}`);
  return `[${CONTEXT}]\n${more}${lines.join('\n')}\n`;
}

/** Endpoints of both PBXs. */
export function endpoints({ phones = [] }: SiteOptions): string[] {
  return [...new Set([WATCHER, ...phones])];
}

/** Waits until a change of the first and of the last extension has been seen at `b`, there and back. */
export async function getsThrough(site: Pick<Site, 'a' | 'b' | 'lamps' | 'device' | 'lamp'>): Promise<void> {
  const [here, there] = await Promise.all([site.a.ami(), site.b.ami()]);
  await Promise.all([here, there].map((ami) => ami.action({ Action: 'Events', EventMask: 'off' })));
  const context = await contextOf(site.b, site.lamp(0));
  try {
    for (const n of new Set([0, site.lamps - 1])) {
      for (const [state, text] of [
        ['INUSE', 'InUse'],
        ['NOT_INUSE', 'Idle'],
      ] as const) {
        await here.setCustom(site.device(n), state);
        await until(
          `${site.b.name} shows ${state} of ${site.lamp(n)}`,
          async () => (await there.hintState(site.lamp(n), context)) === text,
          THROUGH_MS,
        );
      }
    }
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
}

/** The context that the hint of a lamp stands in. */
async function contextOf(pbx: Asterisk, lamp: string): Promise<string> {
  const ami = await pbx.ami();
  try {
    const rows = await ami.list('ExtensionStateList');
    const context = rows.find((row) => row['exten'] === lamp)?.['context'];
    if (context === undefined) throw new Error(`${pbx.name} has no hint ${lamp}`);
    return context;
  } finally {
    await ami.close();
  }
}

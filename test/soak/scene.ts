// What the soak runs on: three PBXs, a broker process beside each, and a cable between every two. Owns that all of it
// is gone at the end, and who dials whom with what.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
import { BrokerProcess } from './broker-process.ts';
import { Cable } from './cable.ts';
import type { Leak } from './inside.ts';
import { SoakPbx, type WrongLamp } from './pbx.ts';
import { build } from './product.ts';

/** The first two are never restarted: what they hold is judged. */
export const STEADY = ['msk', 'spb'];
/** Its broker comes and goes. */
export const RESTARTED = 'ekb';
const TAGS = [...STEADY, RESTARTED];
/** Changes of two PBXs come to the third, and nothing of them is to wait for the pacing. */
const WRITES_PER_CHANGE = 2;
const ALL_RIGHT_WITHIN_MS = 30_000;

/** By hint or by device: both ways of asking Asterisk. */
const EXPORTS = {
  msk: [{ context: 'ext-local', match: '_XXXX' }],
  spb: [{ device: 'PJSIP/{ext}', match: '_XXXX' }],
  ekb: [{ context: 'ext-local', match: '_XXXX' }],
};
/** Those whose exports are hints, which can be taken out of the dialplan. */
export const BY_HINT = ['msk', 'ekb'];
const LINES = [
  { dialler: 'msk', dialled: 'spb', transport: 'websocket' },
  { dialler: 'spb', dialled: 'ekb', transport: 'zeromq' },
  { dialler: 'ekb', dialled: 'msk', transport: 'websocket' },
] as const;

export interface Site {
  readonly pbx: SoakPbx;
  readonly broker: BrokerProcess;
}

export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'hintmesh-soak-'));
  readonly sites = new Map<string, Site>();
  readonly cables: Cable[] = [];

  async start(options: { rate: number; random: () => number; leak?: Leak }): Promise<void> {
    const product = await build(join(this.folder, 'product'));
    for (const tag of TAGS) {
      const pbx = new SoakPbx(tag, TAGS, options.random);
      await pbx.boot();
      const broker = await BrokerProcess.create({
        tag,
        asterisk: pbx.asterisk,
        product,
        folder: join(this.folder, tag),
        exports: EXPORTS[tag as keyof typeof EXPORTS],
        writesPerSecond: Math.max(100, WRITES_PER_CHANGE * options.rate),
        ...(options.leak && tag === STEADY[0] && { leak: options.leak }),
      });
      this.sites.set(tag, { pbx, broker });
    }
    for (const line of LINES) await this.#join(line);
    await Promise.all([...this.sites.values()].map(({ broker }) => broker.start()));
    await this.allRight();
  }

  site(tag: string): Site {
    const site = this.sites.get(tag);
    if (site === undefined) throw new Error(`no site ${tag}`);
    return site;
  }

  /** Every lamp that is wrong. */
  wrong(): WrongLamp[] {
    const sites = [...this.sites.values()];
    return sites.flatMap(({ pbx }) =>
      sites.flatMap(({ pbx: origin }) => (pbx === origin ? [] : pbx.wrong(origin))),
    );
  }

  /** Once nothing changes any more; fails with the lamps that stay wrong. */
  async allRight(): Promise<void> {
    await until(
      () => `all lamps are right; these are not: ${this.wrong().map(wrongLamp).join(', ')}`,
      () => this.wrong().length === 0,
      ALL_RIGHT_WITHIN_MS,
    );
  }

  /** Stops everything. `keep`: leave the logs. */
  async close(keep: boolean): Promise<void> {
    for (const { broker } of this.sites.values()) await broker.stop();
    for (const cable of this.cables) cable.close();
    for (const { pbx } of this.sites.values()) await pbx.asterisk.stop();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  async #join({ dialler, dialled, transport }: (typeof LINES)[number]): Promise<void> {
    const [one, other] = [this.site(dialler).broker, this.site(dialled).broker];
    const cable = await Cable.lay(other.port);
    this.cables.push(cable);
    const entry = ({ tag, identity: { fingerprint, curve } }: BrokerProcess) => ({
      tag,
      fingerprint,
      ...(curve && { curve_key: curve.publicKey }),
      transport,
    });
    one.peers.push({ ...entry(other), url: `wss://127.0.0.1:${cable.port}` });
    other.peers.push(entry(one));
  }
}

export function wrongLamp({ lamp, at, shows, should, ms }: WrongLamp): string {
  return `${lamp} at ${at} shows ${shows}, not ${should}, wrong for ${Math.round(ms)} ms`;
}

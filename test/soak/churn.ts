// What happens to the brokers of a soak, chosen by seed, one thing after another, over and over. Owns the list; each
// is over when its promise is, within some seconds, and leaves nothing behind that grows.
import { seededRandom } from '../sim/dialplan.ts';
import { pause } from '../until.ts';
import { BY_HINT, RESTARTED, type Scene, STEADY } from './scene.ts';
import { knock, watch } from './strangers.ts';

/** From the end of one to the next, at the least; */
const CALM_MS = 1_500;
/** and until no lamp is wrong for so long: on a busy machine each takes its time. */
const SETTLED_MS = 3_000;
/** Shorter than what makes a peer gone. */
const FAULT_MS = 2_500;
/** Of loopback, for strangers: each their own, so that none is in the way of a peer. */
const ADDRESSES = 60_000;

const MOST_SEEDS = 2 ** 31;

type Disturbance = (scene: Scene, random: () => number) => Promise<void>;

/** Somebody who is in the list for a while, and never there. */
const NOBODY = {
  tag: 'nsk',
  fingerprint: `sha256:${'A'.repeat(43)}`,
  url: 'wss://127.0.0.1:9',
};

const pick = <T>(items: readonly T[], random: () => number): T =>
  items[Math.floor(random() * items.length)] as T;
const anySite = (scene: Scene, random: () => number) => scene.site(pick([...scene.sites.keys()], random));

export const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  'a link ends': async (scene, random) => pick(scene.cables, random).cut(),
  'a link is reset': async (scene, random) => pick(scene.cables, random).reset(),
  'a link stands still for a while': async (scene, random) => {
    const cable = pick(scene.cables, random);
    cable.jam();
    await pause(FAULT_MS);
    cable.clear();
  },
  'a link ends again and again': async (scene, random) => {
    const cable = pick(scene.cables, random);
    for (let times = 0; times < 5; times++) {
      cable.cut();
      await pause(FAULT_MS / 5);
    }
  },
  'a broker stops and comes back': async (scene) => {
    const { broker } = scene.site(RESTARTED);
    await broker.stop('SIGTERM');
    await broker.start();
  },
  'a broker is killed and comes back': async (scene) => {
    const { broker } = scene.site(RESTARTED);
    await broker.stop('SIGKILL');
    await broker.start();
  },
  'a config changes and changes back': async (scene, random) => {
    const { broker } = anySite(scene, random);
    broker.peers.push(NOBODY);
    broker.more = { lamps: { burst: 20 }, timing: { redial_max: '1s' }, log: { level: 'warn' } };
    await broker.reload();
    await pause(CALM_MS);
    broker.peers.pop();
    broker.more = {};
    await broker.reload();
  },
  'strangers knock': async (scene, random) => {
    const n = Math.floor(random() * ADDRESSES);
    const from = `127.1.${n >> 8}.${1 + (n % 250)}`;
    await Promise.all([...scene.sites.values()].map(({ broker }) => knock(broker.port, from)));
  },
  'somebody watches': async (scene) => {
    await Promise.all([...scene.sites.values()].map(({ broker }) => watch(broker.httpUrl)));
  },
  'an AMI session is cut': async (scene, random) => anySite(scene, random).pbx.asterisk.drop(),
  'an AMI session is cut while everything is read': async (scene, random) => {
    const { asterisk } = anySite(scene, random).pbx;
    asterisk.drop();
    asterisk.drop(Math.floor(random() * 20_000));
  },
  'an Asterisk stands still for a while': async (scene, random) => {
    const { asterisk } = anySite(scene, random).pbx;
    asterisk.mute();
    await pause(FAULT_MS);
    asterisk.unmute();
  },
  'an Asterisk restarts': async (scene, random) => scene.site(pick(STEADY, random)).pbx.restart(),
  'a dialplan is reloaded': async (scene, random) => anySite(scene, random).pbx.asterisk.dialplanReload(),
  'an extension goes and comes back': async (scene, random) => {
    const { pbx } = scene.site(pick(BY_HINT, random));
    pbx.remove();
    await pause(FAULT_MS);
    pbx.restore();
  },
  'writes are refused for a while': async (scene, random) => {
    const { asterisk } = anySite(scene, random).pbx;
    asterisk.refuseSetvar(() => random() < 0.5);
    await pause(FAULT_MS);
    asterisk.refuseSetvar();
  },
};

export class Churn {
  /** How often each was done. */
  readonly done = new Map<string, number>();
  latest = '';
  /** Rejects when one of them failed. */
  readonly over: Promise<void>;
  #going = true;

  /** All of them once, in any order, and then all of them again. */
  constructor(scene: Scene, random: () => number) {
    this.over = this.#run(scene, random);
    // Whoever stops it hears of it.
    this.over.catch(() => {});
  }

  /** Lets the last one end; fails if one of them did. */
  stop(): Promise<void> {
    this.#going = false;
    return this.over;
  }

  async #run(scene: Scene, random: () => number): Promise<void> {
    let left: string[] = [];
    while (this.#going) {
      if (left.length === 0) left = Object.keys(DISTURBANCES);
      const [name = ''] = left.splice(Math.floor(random() * left.length), 1);
      this.latest = name;
      try {
        // A stream of its own: how often it is asked depends on the time.
        await DISTURBANCES[name]?.(scene, seededRandom(1 + Math.floor(random() * MOST_SEEDS)));
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`);
      }
      this.done.set(name, (this.done.get(name) ?? 0) + 1);
      await pause(CALM_MS);
      while (this.#going && scene.wrong().some(({ ms }) => ms > SETTLED_MS)) await pause(CALM_MS / 5);
    }
  }
}

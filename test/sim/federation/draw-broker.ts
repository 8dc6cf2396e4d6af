/** Draws what happens to a broker: its process, and the config it reads again. */

import type { Scene } from './draw-scene.ts';
import { drawExports, drawPacing, drawPeer } from './draw-sites.ts';
import type { Action, ConfigPlan, TimingPlan } from './history.ts';

export class BrokerDrawer {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  process(): Action[] {
    const random = this.#scene.random;
    const site = this.#scene.site();
    const what = random.pick(['kill', 'kill', 'stop', 'leave', 'power cut'] as const);
    const start: Action = { op: 'broker', site, do: 'start' };
    const end: Action = what === 'power cut' ? { op: 'powerCut', site } : { op: 'broker', site, do: what };
    if (random.chance(0.4)) return [end, start];
    this.#scene.broken.set(`broker ${site}`, start);
    return [end];
  }

  reload(): Action[] {
    const random = this.#scene.random;
    const { key } = random.pick(this.#scene.sites);
    if (random.chance(0.15)) {
      // What is exported changes while nobody hears it.
      const drops = this.#scene.sites.map(
        ({ key: to }): Action => ({ op: 'drop', site: key, to, told: true }),
      );
      return [...drops, this.#scene.configured(key, { exports: drawExports(random) })];
    }
    if (random.chance(0.25)) return this.#reloadWhileRead(key);
    return Array.from({ length: random.pick([1, 1, 2, 4]) }, () =>
      this.#scene.configured(key, this.#change(key)),
    );
  }

  /** The exports change when it was asked already which extensions to ask for. */
  #reloadWhileRead(key: string): Action[] {
    this.#scene.broken.set(`pace ${key}`, { op: 'pace', site: key, answerMs: 0, workMs: 1 });
    return [
      { op: 'pace', site: key, answerMs: 300, workMs: 1 },
      { op: 'asterisk', site: key, do: 'start' },
      { op: 'relist', site: key },
      { op: 'wait' },
      this.#scene.configured(key, { exports: drawExports(this.#scene.random) }),
    ];
  }

  #change(key: string): Partial<ConfigPlan> {
    const random = this.#scene.random;
    const { peers } = this.#scene.config(key);
    const original = this.#scene.sites.find((site) => site.key === key)?.config.peers ?? [];
    return random.weighted<() => Partial<ConfigPlan>>([
      [3, () => ({ exports: drawExports(random) })],
      [1, () => ({ pacing: drawPacing(random) })],
      [1, () => ({ timing: this.#timing(key) })],
      [1, () => ({ formerGone: drawPeer(random, key, true).gone })],
      [2, () => ({ peers: random.some(peers, 0.6) })],
      [2, () => ({ peers: original.map(({ tag, dial }) => drawPeer(random, tag, dial)) })],
    ])();
  }

  /** Never so that a peer which is well looks silent. */
  #timing(key: string): TimingPlan {
    const { timing } = this.#scene.sites.find((site) => site.key === key)?.config ?? this.#scene.config(key);
    const some = (ms: number): number => ms * this.#scene.random.pick([1, 1, 1.5, 3]);
    const alive = this.#scene.random.pick([timing.alive, timing.alive / 2]);
    const [suspect, gone, firstSync] = [timing.suspect, timing.gone, timing.firstSync].map(some);
    return { ...timing, alive, suspect: suspect ?? 0, gone: gone ?? 0, firstSync: firstSync ?? 0 };
  }
}

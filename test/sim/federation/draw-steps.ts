/** Draws what happens, step by step, with an eye on what is broken already, so that it is mended some time. */
import { BrokerDrawer } from './draw-broker.ts';
import { PbxDrawer } from './draw-pbx.ts';
import { Scene } from './draw-scene.ts';
import { STRANGER } from './draw-sites.ts';
import type { Action, SitePlan, Step } from './history.ts';
import type { Random } from './random.ts';

/** Kinds of faults: a run has some of them. */
export const FAULTS = [
  'calls',
  'dialplan',
  'meddling',
  'asterisk',
  'session',
  'slow Asterisk',
  'refusals',
  'cuts',
  'bad frames',
  'slow network',
  'drops',
  'broker',
  'freezes',
  'reloads',
] as const;
export type Fault = (typeof FAULTS)[number];

export class StepDrawer {
  readonly #scene: Scene;
  readonly #kinds: readonly (readonly [number, () => readonly Action[]])[];

  constructor(random: Random, sites: readonly SitePlan[], faults: readonly Fault[]) {
    this.#scene = new Scene(random, sites);
    const [pbx, broker] = [new PbxDrawer(this.#scene), new BrokerDrawer(this.#scene)];
    const drawn: Record<Fault, readonly [number, () => readonly Action[]]> = {
      calls: [10, () => pbx.call()],
      dialplan: [5, () => pbx.dialplan()],
      meddling: [4, () => pbx.meddle()],
      asterisk: [4, () => pbx.asterisk()],
      session: [3, () => [{ op: 'session', site: this.#scene.site(), lost: random.chance(0.5) }]],
      'slow Asterisk': [3, () => pbx.pace()],
      refusals: [4, () => pbx.refuse()],
      cuts: [5, () => this.#cut()],
      'bad frames': [
        7,
        () => this.#scene.pair((site, to) => ({ op: random.pick(['lose', 'repeat', 'swap']), site, to })),
      ],
      'slow network': [8, () => this.#slow()],
      drops: [5, () => this.#drop()],
      broker: [5, () => broker.process()],
      freezes: [
        3,
        () => [{ op: 'freeze', site: this.#scene.site(), ms: random.pick([50, 900, 1_500, 4_000, 20_000]) }],
      ],
      reloads: [4, () => broker.reload()],
    };
    const clones = sites.filter(({ clone }) => clone);
    this.#kinds = [
      [25, () => pbx.device()],
      [4, () => [{ op: 'watch', site: this.#scene.site(), lamp: this.#scene.lamp() }]],
      [2, () => [{ op: 'relist', site: this.#scene.site() }]],
      [6, () => this.#mend()],
      [1, () => this.#forge()],
      [
        clones.length * 5,
        () => [{ op: 'broker', site: clones[0]?.key ?? '', do: random.pick(['start', 'kill']) }],
      ],
      ...faults.map((fault) => drawn[fault]),
    ];
  }

  draw(): Step[] {
    const kinds = this.#kinds.map(([weight, draw]) => [weight, draw] as const);
    const actions = this.#scene.random.weighted(kinds)();
    return actions.map((action, at) => ({ after: this.#afterLast(action, at), ...action }));
  }

  #afterLast({ op }: Action, at: number): number {
    if (op === 'wait') return this.#scene.random.between(1_000, 2_000);
    return at === 0 ? this.#after() : this.#scene.random.pick([0, 0, 1, 20]);
  }

  #after(): number {
    const { random, timing } = { random: this.#scene.random, timing: this.#scene.sites[0]?.config.timing };
    const { suspect = 0, gone = 0 } = timing ?? {};
    return random.weighted([
      [6, () => 0],
      [5, () => random.between(1, 30)],
      [7, () => random.between(30, 500)],
      [1, () => random.between(500, 1_500)],
      [0.7, () => random.between(suspect, 2 * suspect)],
      [0.4, () => random.between(gone, gone + 2 * suspect)],
    ])();
  }

  #cut(): Action[] {
    const random = this.#scene.random;
    this.#scene.broken.set('network', { op: 'healAll' });
    if (random.chance(0.2))
      return [{ op: 'partition', sites: random.some(this.#scene.sites, 0.5).map(({ key }) => key) }];
    return this.#scene.pair((site, to) => ({ op: random.pick(['cut', 'cut', 'heal']), site, to }));
  }

  #slow(): Action[] {
    const random = this.#scene.random;
    return this.#scene.pair((site, to) => {
      this.#scene.broken.set(`slow ${site} ${to}`, { op: 'slow', site, to, frameMs: 0 });
      return random.chance(0.3)
        ? { op: 'latency', site, to, ms: random.pick([0, 20, 200, 1_000]) }
        : { op: 'slow', site, to, frameMs: random.pick([100, 400, 1_000, 4_000]) };
    });
  }

  #drop(): Action[] {
    const random = this.#scene.random;
    return this.#scene.pair((site, to) =>
      random.chance(0.25) ? { op: 'dial', site, to } : { op: 'drop', site, to, told: random.chance(0.6) },
    );
  }

  #forge(): Action[] {
    const tags = [...this.#scene.tags, STRANGER];
    const [as, over] = [this.#scene.random.pick(tags), this.#scene.random.pick(tags)];
    return [{ op: 'forge', site: this.#scene.site(), as, over }];
  }

  /** What was broken first is mended. */
  #mend(): Action[] {
    for (const [what, action] of this.#scene.broken) {
      this.#scene.broken.delete(what);
      return [action];
    }
    return [];
  }
}

/** What the drawing of steps knows of the run so far: who is there, what is broken, how it is configured. */
import { PHONES, STRANGER } from './draw-sites.ts';
import type { Action, ConfigPlan, SitePlan } from './history.ts';
import type { Random } from './random.ts';

export class Scene {
  readonly random: Random;
  readonly sites: readonly SitePlan[];
  /** What was broken and not mended yet: how to mend it. */
  readonly broken = new Map<string, Action>();
  readonly #configs = new Map<string, ConfigPlan>();

  constructor(random: Random, sites: readonly SitePlan[]) {
    this.random = random;
    this.sites = sites;
    for (const { key, config } of sites) this.#configs.set(key, config);
  }

  get tags(): string[] {
    return this.sites.map(({ tag }) => tag);
  }

  site(): string {
    return this.random.pick(this.sites).key;
  }

  lamp(): string {
    return `${this.random.pick(PHONES)}*${this.random.pick([...this.tags, STRANGER])}`;
  }

  /** One way between two sites, if chance gives two. */
  pair(action: (site: string, to: string) => Action): Action[] {
    const [site, to] = [this.site(), this.site()];
    return site === to ? [] : [action(site, to)];
  }

  config(key: string): ConfigPlan {
    const config = this.#configs.get(key);
    if (config === undefined) throw new Error(`no site ${key}`);
    return config;
  }

  configured(site: string, change: Partial<ConfigPlan>): Action {
    this.#configs.set(site, { ...this.config(site), ...change });
    return { op: 'configure', site, change };
  }
}

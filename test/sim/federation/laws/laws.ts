/**
 * The laws of one run of one broker: every input passes here before the core, every effect after it. Nothing here is
 * the core's: what is right is worked out from what the docs promise.
 */
import type { Effect, Federation, FederationOptions, Input } from '../../../../src/core/federation.ts';
import type { ConfigPlan } from '../history.ts';
import type { View } from '../wire.ts';
import { Knowledge } from './knowledge.ts';
import { LampLaws } from './lamps.ts';
import { OwnLaws } from './own.ts';
import { demand } from './words.ts';

/** Of inputs that come all the time and did nothing, one in so many is looked at closely. */
const IDLE_INPUTS = 8;

export class Laws {
  readonly knowledge: Knowledge;
  readonly lamps: LampLaws;
  readonly own: OwnLaws;
  readonly #core: Federation;
  #now: number;
  #idle = 0;

  constructor(core: Federation, options: FederationOptions, config: ConfigPlan, now: number) {
    this.#core = core;
    this.#now = now;
    this.knowledge = new Knowledge(core, options, now);
    this.lamps = new LampLaws(this.knowledge, options, now);
    this.own = new OwnLaws(config);
  }

  before(input: Input, now: number, config: ConfigPlan, view: View | undefined): void {
    demand(now >= this.#now, 'simulation', () => `time goes back from ${this.#now} to ${now}`);
    this.#now = now;
    this.knowledge.before(input, now, view);
    this.lamps.before(input, now);
    this.own.before(input, now, config);
  }

  /** True when it was worth a closer look: something may have changed. */
  after(input: Input, effects: readonly Effect[], now: number): boolean {
    const { mustDrop } = this.knowledge;
    let dropped: number | undefined;
    for (const effect of effects) if (effect.type === 'dropLink') dropped = effect.link;
    demand(
      dropped === mustDrop,
      'law 1 (order)',
      () => `link ${dropped} is dropped, and it must be ${mustDrop}`,
    );
    const isIdle = effects.length === 0 && isRoutine(input);
    this.#idle = isIdle ? this.#idle + 1 : 0;
    const isNews = this.#idle % IDLE_INPUTS === 0;
    this.own.after(input, effects, now, mustDrop);
    const status = isNews || this.lamps.isBusy ? this.#core.status(now) : undefined;
    this.lamps.after(effects, now, status);
    if (isNews && status) this.knowledge.compare(status);
    return isNews;
  }

  admitted(peer: string, epoch: string, said: boolean): void {
    const right = this.knowledge.admits(peer, epoch);
    demand(said === right, 'admission', () => `${peer} (${epoch}) is ${said ? '' : 'not '}admitted`);
  }
}

/** What mostly changes nothing. */
function isRoutine(input: Input): boolean {
  switch (input.type) {
    case 'heard':
      return input.message.type === 'alive';
    case 'writeDone':
      return input.ok;
    default:
      return ROUTINE.has(input.type);
  }
}

const ROUTINE: ReadonlySet<Input['type']> = new Set([
  'tick',
  'asteriskAnswered',
  'deviceChanged',
  'channelChanged',
]);

/** Draws what happens to a PBX: its phones, its dialplan, its Asterisk. */

import type { Scene } from './draw-scene.ts';
import { drawHint, PHONES, STATES } from './draw-sites.ts';
import type { Action, CallAct } from './history.ts';

const ACTS: readonly CallAct[] = ['answer', 'hold', 'resume', 'hangup', 'reject', 'pickUp'];

export class PbxDrawer {
  readonly #scene: Scene;
  #calls = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** A phone; some of its states follow each other at once. */
  device(): Action[] {
    const random = this.#scene.random;
    const site = this.#scene.site();
    const device = random.chance(0.05)
      ? 'SIP/desk'
      : `${random.pick(['PJSIP', 'PJSIP', 'SIP'])}/${random.pick(PHONES)}`;
    return random.chance(0.3)
      ? burst(site, device)
      : [{ op: 'device', site, device, state: random.pick(STATES) }];
  }

  call(): Action[] {
    const random = this.#scene.random;
    const site = this.#scene.site();
    if (this.#calls === 0 || random.chance(0.3)) {
      this.#calls += 1;
      return [{ op: 'call', site, id: this.#calls, from: random.pick(PHONES), to: random.pick(PHONES) }];
    }
    const id = random.between(Math.max(1, this.#calls - 3), this.#calls);
    const act = random.pick(ACTS);
    return this.#scene.sites.map(({ key }) => ({ op: 'act', site: key, id, act, by: random.pick(PHONES) }));
  }

  dialplan(): Action[] {
    const random = this.#scene.random;
    const site = this.#scene.site();
    const name = random.weighted([
      [6, `${random.pick(PHONES)}@local`],
      [1, '_5X@local'],
      [2, `${this.#scene.lamp()}@blf`],
    ]);
    const [extension = ''] = name.split('@');
    const text = name.endsWith('blf')
      ? `Custom:${extension}`
      : name.startsWith('_')
        ? 'PJSIP/${EXTEN}'
        : drawHint(random, extension, this.#scene.tags);
    // A watched hint that a reload points at other devices keeps its old state: known, and left out. So it goes first.
    const remove: Action[] = [
      { op: 'hint', site, name, text: null },
      { op: 'reload', site, event: random.chance(0.5) },
    ];
    const add: Action[] = [
      { op: 'hint', site, name, text },
      { op: 'reload', site, event: random.chance(0.5) },
    ];
    return random.weighted([
      [2, [...remove, ...add]],
      [2, remove],
      [1, [{ op: 'reload', site, event: random.chance(0.5) }] as Action[]],
    ]);
  }

  meddle(): Action[] {
    const state = this.#scene.random.pick(STATES.filter((one) => one !== 'UNKNOWN'));
    return [{ op: 'meddle', site: this.#scene.site(), lamp: this.#scene.lamp(), state }];
  }

  asterisk(): Action[] {
    const site = this.#scene.site();
    const what = this.#scene.random.pick(['kill', 'mute', 'mute', 'vanish', 'wipe'] as const);
    this.#scene.broken.set(`asterisk ${site}`, {
      op: 'asterisk',
      site,
      do: what === 'mute' ? 'unmute' : 'start',
    });
    return [what === 'vanish' ? { op: 'vanish', site } : { op: 'asterisk', site, do: what }];
  }

  pace(): Action[] {
    const site = this.#scene.site();
    this.#scene.broken.set(`pace ${site}`, { op: 'pace', site, answerMs: 0, workMs: 1 });
    return [
      {
        op: 'pace',
        site,
        answerMs: this.#scene.random.pick([0, 50, 300, 3_000]),
        workMs: this.#scene.random.pick([0, 50, 500]),
      },
    ];
  }

  refuse(): Action[] {
    const random = this.#scene.random;
    const [site, origin, phone] = [this.#scene.site(), random.pick(this.#scene.sites), random.pick(PHONES)];
    const lamp = `${phone}*${origin.tag}`;
    // The first of several states is refused while the others are on their way.
    if (random.chance(0.3)) {
      return [{ op: 'refuse', site, lamp, forMs: 30_000, times: 1 }, ...burst(origin.key, `PJSIP/${phone}`)];
    }
    const which = random.chance(0.4) ? null : lamp;
    if (random.chance(0.4))
      return [{ op: 'refuse', site, lamp: which, forMs: 30_000, times: random.pick([1, 2, 5]) }];
    return [{ op: 'refuse', site, lamp: which, forMs: random.pick([10, 500, 3_000, 30_000]) }];
  }
}

function burst(site: string, device: string): Action[] {
  return (['RINGING', 'INUSE', 'NOT_INUSE'] as const).map((state) => ({ op: 'device', site, device, state }));
}

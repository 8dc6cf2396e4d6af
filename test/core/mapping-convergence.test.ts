// Whatever the rules become while states change, links drop and Asterisk restarts: in the end every lamp and presence
// is what the last rules make of what the peers last told, and what they make no lamp any more claims nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Effect, FederationOptions } from '../../src/core/federation.ts';
import { type Entry, entryKey, type State } from '../../src/core/message.ts';
import { isPresence, NOT_SET, presenceOf } from '../../src/core/presence.ts';
import type { DeviceState } from '../../src/core/state.ts';
import { NOTHING, OneCore } from './one-core.ts';
import { as, match } from './rules.ts';

const where = 'test:1:1';
const PEERS = ['spb', 'ekb'] as const;
type Peer = (typeof PEERS)[number];
const EXTENSIONS = ['2001', '2002', '2101', '3001'];

/** Under each: what an extension of a peer is called here, written by hand, and the rules that should say so. */
const VARIANTS: readonly {
  readonly origins: FederationOptions['origins'];
  names(peer: Peer, extension: string): string[];
}[] = [
  {
    origins: PEERS.map((tag) => ({ tag, goneState: 'UNAVAILABLE' })),
    names: (peer, extension) => [`${extension}*${peer}`],
  },
  {
    origins: [
      { tag: 'spb', goneState: 'UNAVAILABLE', plain: [{ from: 'spb', match: match('_2XXX'), where }] },
      { tag: 'ekb', goneState: 'BUSY', plain: [{ from: 'ekb', match: match('_3XXX'), where }] },
    ],
    names: (peer, extension) => {
      const isPlain = extension.startsWith(peer === 'spb' ? '2' : '3');
      return [`${extension}*${peer}`, ...(isPlain ? [extension] : [])];
    },
  },
  {
    origins: [
      {
        tag: 'spb',
        goneState: 'hold',
        imports: [{ from: 'spb', match: match('_20XX'), as: as('8'), where }],
        plain: [{ from: 'spb', match: match('_8XXXX'), as: as('', 1), where }],
      },
      {
        tag: 'ekb',
        goneState: 'UNAVAILABLE',
        plain: [{ from: 'ekb', match: match('_2XXX'), as: as('7'), where }],
      },
    ],
    names: (peer, extension) => {
      if (peer === 'ekb')
        return [`${extension}*ekb`, ...(extension.startsWith('2') ? [`7${extension}`] : [])];
      return extension.startsWith('20') ? [`8${extension}*spb`, extension] : [];
    },
  },
  {
    origins: [
      { tag: 'spb', goneState: 'UNAVAILABLE', imports: [{ match: match('3001'), where }] },
      { tag: 'ekb', goneState: 'INVALID', plain: [{ from: 'ekb', match: match('_2XXX'), where }] },
    ],
    names: (peer, extension) => {
      if (peer === 'ekb') return [`${extension}*ekb`, ...(extension.startsWith('2') ? [extension] : [])];
      return extension === '3001' ? ['3001*spb'] : [];
    },
  },
];

const STATES = ['NOT_INUSE', 'INUSE', 'RINGING', null] as const;
const PRESENCES = [
  presenceOf({ word: 'away', subtype: '', message: 'lunch' }),
  presenceOf({ word: 'dnd', subtype: '', message: '' }),
  null,
] as const;

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant('device' as const),
    extension: fc.constantFrom(...EXTENSIONS),
    state: fc.constantFrom(...STATES),
  }),
  fc.record({
    kind: fc.constant('presence' as const),
    extension: fc.constantFrom(...EXTENSIONS),
    state: fc.constantFrom(...PRESENCES),
  }),
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('change' as const), peer: fc.constantFrom(...PEERS), entry }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('rules' as const),
      variant: fc.nat({ max: VARIANTS.length - 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const), peer: fc.constantFrom(...PEERS) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('asterisk' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(50, 500, 4_000, 20_000) }),
  },
);

/** A core, the database of its Asterisk, and peers that tell all they have as soon as they are linked. */
class World {
  readonly told: Readonly<Record<Peer, Map<string, Entry>>> = { spb: new Map(), ekb: new Map() };
  readonly database = new Map<string, State>();
  readonly #one = new OneCore({ origins: VARIANTS[0]?.origins ?? [] });
  readonly #linked = new Set<Peer>();
  #unanswered: { readonly id: number; readonly ok: boolean }[] = [];
  /** Every write of this many is refused; 0: none. */
  refuses = 0;
  #writes = 0;

  constructor() {
    this.#take(this.#one.up());
  }

  get owed(): number {
    return this.#one.core.status(this.#one.now).owed;
  }

  change(peer: Peer, change: Entry): void {
    const key = entryKey(change.kind, change.extension);
    if (change.state === null) this.told[peer].delete(key);
    else this.told[peer].set(key, change);
    if (this.#linked.has(peer)) this.#take(this.#one.heard(peer, { type: 'change', entries: [change] }));
  }

  rules(variant: number): void {
    this.#take(this.#one.configure({ origins: VARIANTS[variant]?.origins ?? [] }));
  }

  drop(peer: Peer): void {
    if (!this.#linked.delete(peer)) return;
    this.#take(this.#one.input({ type: 'linkDown', peer, link: this.#one.linkOf(peer) }));
  }

  restartAsterisk(): void {
    this.#unanswered = [];
    this.#take(this.#one.input({ type: 'asteriskDown' }));
    const devices = [...this.database].flatMap(([key, state]) => {
      return isPresence(state) ? [] : [{ device: `Custom:${key}`, state: state as DeviceState }];
    });
    const presences = [...this.database].flatMap(([key, presence]) => {
      const presentity = key.replace('presence ', 'CustomPresence:');
      return isPresence(presence) ? [{ presentity, presence }] : [];
    });
    this.#take(this.#one.input({ type: 'asteriskUp', listing: { ...NOTHING, devices, presences } }));
  }

  /** Everybody who is not linked links anew after a while, and says alive every second. */
  wait(ms: number): void {
    for (const end = this.#one.now + ms; this.#one.now < end; ) {
      this.#one.now += 50;
      for (const done of this.#unanswered.splice(0)) {
        this.#take(this.#one.input({ type: 'writeDone', ...done }));
      }
      if (this.#one.now % 1_000 === 0) {
        for (const peer of PEERS) {
          if (this.#linked.has(peer)) this.#take(this.#one.heard(peer, { type: 'alive' }));
          else this.#link(peer);
        }
        this.#take(this.#one.input({ type: 'asteriskAnswered' }));
      }
      this.#take(this.#one.input({ type: 'tick' }));
    }
  }

  #link(peer: Peer): void {
    this.#linked.add(peer);
    this.#take(this.#one.link(peer));
    this.#take(this.#one.told(peer, ...this.told[peer].values()));
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'dropLink') {
        const peer = PEERS.find((tag) => this.#linked.has(tag) && this.#one.linkOf(tag) === effect.link);
        if (peer !== undefined) this.drop(peer);
      }
      if (effect.type !== 'setLamp') continue;
      const { kind, lamp, state, id } = effect;
      const key = entryKey(kind, lamp);
      this.#writes += 1;
      if (this.refuses > 0 && this.#writes % this.refuses === 0) {
        this.#unanswered.push({ id, ok: false });
        continue;
      }
      const isNew = this.database.get(key) !== state;
      this.database.set(key, state);
      this.#unanswered.push({ id, ok: true });
      if (isPresence(state)) {
        const status = { presentity: `CustomPresence:${lamp}`, presence: state };
        this.#take(this.#one.input({ type: 'presenceChanged', status }));
      } else if (isNew) {
        this.#take(this.#one.input({ type: 'deviceChanged', status: { device: `Custom:${lamp}`, state } }));
      }
    }
  }
}

test('in the end every lamp is what the last rules make of what was told, whatever happened before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.nat({ max: VARIANTS.length - 1 }), (steps, last) => {
      const world = new World();
      world.wait(1_000);
      world.refuses = 3;
      for (const next of steps) {
        if (next.op === 'change') world.change(next.peer, next.entry);
        else if (next.op === 'rules') world.rules(next.variant);
        else if (next.op === 'drop') world.drop(next.peer);
        else if (next.op === 'asterisk') world.restartAsterisk();
        else world.wait(next.ms);
      }
      world.rules(last);
      world.refuses = 0;
      world.wait(30_000);
      assert.equal(world.owed, 0);
      const expected = new Map<string, State>();
      for (const peer of PEERS) {
        for (const { kind, extension, state } of world.told[peer].values()) {
          const names = VARIANTS[last]?.names(peer, extension) ?? [];
          if (state !== null) for (const name of names) expected.set(entryKey(kind, name), state);
        }
      }
      for (const key of world.database.keys()) {
        if (!expected.has(key)) expected.set(key, key.startsWith('presence ') ? NOT_SET : 'INVALID');
      }
      const sorted = (map: ReadonlyMap<string, State>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(world.database), sorted(expected));
    }),
    { numRuns: 300 },
  );
});

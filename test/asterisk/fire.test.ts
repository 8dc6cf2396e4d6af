// Configs that change while everything is in use: three PBXs whose phones' states change all the time and a call that
// is up, while peers leave and join, exports come and go, and pacing, times and transports change, reload by reload.
// Owns that proof: no lamp is wrong after it, none is ever free whose extension is not, and who had no part in a
// change notices nothing of it. That a reload of what did not change is silent is sighup.test.ts's.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { pause, until } from '../until.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { available } from './available.ts';
import { type Broker, befriend, overTransport, type Reloadable, type Transport } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import {
  believes,
  brokerUser,
  CONVERGES_MS,
  hints,
  lampsAre,
  lamps as lampsOf,
  setDevices,
  WATCHER,
} from './pair.ts';

const asterisks = await available();

const ROUNDS = 12;
/** Of each PBX. */
const CHANGES_PER_SECOND = 50;
const LOOPBACK = '127.0.0.1';
const TAGS = ['msk', 'spb', 'ekb'] as const;
type Tag = (typeof TAGS)[number];

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
/** All states come and go. */
const LIVELY = range(2000, 2039);
/** They change all the time, too, but nobody of them is ever free. */
const BUSY = range(2040, 2069);
const CHANGING = [...LIVELY, ...BUSY];
/** In use, and nothing happens to them. */
const STILL = range(2070, 2089);
/** The same, but exported in some rounds only: by `msk` and by `spb`. */
const COMING = { msk: range(3000, 3004), spb: range(2090, 2099), ekb: [] };
const STATES = ['NOT_INUSE', 'INUSE', 'RINGING', 'ONHOLD', 'BUSY'];

interface Site {
  readonly tag: Tag;
  readonly pbx: Asterisk;
  readonly broker: Broker;
  /** What its devices are, by extension. */
  readonly truth: Map<string, string>;
}
type Sites = Readonly<Record<Tag, Site>>;

const device = (extension: string): string => `l${extension}`;
const others = (tag: Tag): Tag[] => TAGS.filter((other) => other !== tag);

async function startSite(lab: Lab, tag: Tag): Promise<Site> {
  const { forky: newer, bullseye: older } = asterisks.roots();
  const coming = range(3000, 3004).map((each) => `exten => ${each},hint,Custom:${device(each)}\n`);
  const [first = '', second = ''] = others(tag);
  const pbx = await lab.pbx({
    root: tag === 'spb' ? older : newer,
    name: tag,
    phones: ['1001', '1002', WATCHER],
    dialplan: hints(coming.join('')) + lampsOf(tag, first, second),
    manager: brokerUser(LOOPBACK),
  });
  const broker = await lab.broker({ tag, pbx, ...settings(tag, 0) });
  const truth = new Map([...LIVELY].map((each) => [each, 'NOT_INUSE']));
  for (const each of [...BUSY, ...STILL, ...COMING[tag]]) truth.set(each, 'INUSE');
  await setDevices(pbx, Object.fromEntries([...truth].map(([each, state]) => [device(each), state])));
  return { tag, pbx, broker, truth };
}

/** What the peers may see in that round. */
function exported(tag: Tag, round: number): string[] {
  const coming = round % 2 === 1 || round === 0 ? COMING[tag] : [];
  return [...LIVELY, ...BUSY, ...STILL, ...coming];
}

/** What a config says in that round, but for its peers. */
function settings(tag: Tag, round: number): Reloadable {
  const odd = round % 2 === 1;
  const [own, calls] = [exported(tag, round), ['1001', '1002']];
  // What two rules say in one round is said by one in the next.
  const rules = round % 3 === 0 ? [own, calls] : [[...own, ...calls]];
  return {
    exports: rules.map((match) => ({ context: 'phones', match })),
    lamps: { burst: odd ? 20 : 10, writes_per_second: odd ? 300 : 200, window: odd ? 16 : 32 },
    timing: {
      alive: odd ? '500ms' : '1s',
      suspect_after: odd ? '2500ms' : '3s',
      // Whoever was taken out holds the lamps of the others, and is taken in again before that.
      gone_after: '1m',
      relist: odd ? '4m' : '5m',
      redial_max: odd ? '1s' : '2s',
    },
    logLevel: round % 5 === 4 ? 'debug' : 'info',
  };
}

/** Whether `ekb` is in that round's list of peers of `tag`; at the end in that of `spb` alone. */
function hasEkb(tag: Tag, round: number): boolean {
  if (round === ROUNDS) return tag === 'spb';
  return round % 4 < 2;
}

/** `spb` and `ekb` go to ZeroMQ and back: first `ekb`, which is dialled, and takes both then. */
function transportAt(tag: Tag, round: number): Transport {
  return round % 6 >= (tag === 'ekb' ? 2 : 3) ? 'zeromq' : 'websocket';
}

async function reloadAll(sites: Sites, round: number, entries: ReadonlyMap<Broker, Broker['peers']>) {
  const lines = await Promise.all(
    TAGS.map((tag) => {
      const { broker } = sites[tag];
      const peers = (entries.get(broker) ?? [])
        .filter((peer) => peer.tag !== 'ekb' || hasEkb(tag, round))
        .map((peer) => {
          const between = [tag, peer.tag];
          if (!between.includes('spb') || !between.includes('ekb')) return peer;
          return overTransport(transportAt(tag, round), peer);
        });
      broker.peers.splice(0, broker.peers.length, ...peers);
      return broker.reload(settings(tag, round));
    }),
  );
  for (const line of lines) assert.equal(line.event, 'reloaded', JSON.stringify(line));
}

/** What the lamps of `origin` at `at` are to be, in that round. */
function wanted(
  sites: Sites,
  at: Tag,
  origin: Tag,
  round: number,
  which: (extension: string) => boolean,
): Record<string, string> {
  const shows = (extension: string, state: string): string => {
    if (origin === 'ekb' && !hasEkb(at, round)) return 'UNAVAILABLE';
    return exported(origin, round).includes(extension) ? state : 'INVALID';
  };
  const truth = [...sites[origin].truth].filter(([extension]) => which(extension));
  return Object.fromEntries(truth.map(([each, state]) => [`${each}*${origin}`, shows(each, state)]));
}

/** Waits until these lamps are right; fails with those that are not. */
async function right(ami: TestAmi, at: Tag, all: Readonly<Record<string, string>>): Promise<void> {
  let wrong: string[] = [];
  await until(
    () => `lamps of ${at}: ${wrong.join(', ')}`,
    async () => {
      const states = await Promise.all(
        Object.keys(all).map(async (lamp) => [lamp, await ami.deviceState(`Custom:${lamp}`)] as const),
      );
      wrong = states.flatMap(([lamp, is]) =>
        is === all[lamp] ? [] : [`${lamp} is ${is}, not ${all[lamp]}`],
      );
      return wrong.length === 0;
    },
    CONVERGES_MS,
  );
}

/** Phones of a PBX whose states change until `stop`. */
class Fire {
  changes = 0;
  #going = true;
  readonly #over: Promise<unknown>;

  constructor(sites: Sites) {
    this.#over = Promise.all(TAGS.map((tag) => this.#burn(sites[tag])));
    this.#over.catch(() => {});
  }

  /** Fails if one of them could not be set. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#over;
  }

  async #burn({ pbx, truth }: Site): Promise<void> {
    const ami = await pbx.ami();
    await ami.action({ Action: 'Events', EventMask: 'off' });
    const begun = performance.now();
    for (let n = 0; this.#going; n += 1) {
      const extension = CHANGING[(n * 31) % CHANGING.length] ?? '';
      const choice = BUSY.includes(extension) ? STATES.slice(1) : STATES;
      const next = choice[(choice.indexOf(truth.get(extension) ?? '') + 1 + (n % 2)) % choice.length] ?? '';
      await ami.setCustom(device(extension), next);
      truth.set(extension, next);
      this.changes += 1;
      await pause(Math.max(0, begun + (1_000 * (n + 1)) / CHANGES_PER_SECOND - performance.now()));
    }
    await ami.close();
  }
}

/** What Asterisk told of these lamps, of one origin. */
function told(ami: TestAmi, origin: Tag, extensions: readonly string[]): string[] {
  const devices = new Set(extensions.map((each) => `Custom:${each}*${origin}`));
  return ami.events
    .filter((event) => event['event'] === 'DeviceStateChange' && devices.has(event['device'] ?? ''))
    .map((event) => `${event['device']} ${event['state']}`);
}

test(
  `${ROUNDS} reloads of three brokers while everything changes and a call is up: no lamp is wrong or flashes`,
  { skip: asterisks.skip },
  (t) =>
    inLab(async (lab) => {
      const [msk, spb, ekb] = await Promise.all([
        startSite(lab, 'msk'),
        startSite(lab, 'spb'),
        startSite(lab, 'ekb'),
      ]);
      const sites: Sites = { msk, spb, ekb };
      befriend(spb.broker, msk.broker);
      befriend(spb.broker, ekb.broker);
      befriend(ekb.broker, msk.broker);
      const entries = new Map(TAGS.map((tag) => [sites[tag].broker, [...sites[tag].broker.peers]]));
      await Promise.all(TAGS.map((tag) => sites[tag].broker.start()));
      const pairs = TAGS.flatMap((at) => others(at).map((origin) => ({ at, origin })));
      await Promise.all(pairs.map(({ at, origin }) => believes(sites[at].broker, origin, 'live')));
      const amis = { msk: await msk.pbx.ami(), spb: await spb.pbx.ami(), ekb: await ekb.pbx.ami() };
      const allRight = async (round: number, which: (extension: string) => boolean = () => true) => {
        for (const { at, origin } of pairs) {
          // Who was taken out is told nothing more: it holds the other's lamps until they are nobody's.
          if (at === 'ekb' && !hasEkb(origin, round)) continue;
          await right(amis[at], at, wanted(sites, at, origin, round, which));
        }
      };
      await allRight(0);

      const [caller, callee] = [await lab.sipp(msk.pbx, '1001'), await lab.sipp(msk.pbx, '1002')];
      await callee.takeCall({ ringMs: 100 });
      await caller.call('1002', { talkMs: 120_000 });
      await lampsAre(spb.pbx, { '1001*msk': 'INUSE', '1002*msk': 'INUSE' });
      const phone = await lab.blf(spb.pbx, WATCHER);
      const watched = ['1001', '1002', ...STILL].map((each) => `${each}*msk`);
      for (const lamp of watched) await phone.subscribe(lamp);
      for (const ami of Object.values(amis)) await ami.fromNow();
      const logged = new Map(TAGS.map((tag) => [tag, sites[tag].broker.log().length]));

      const fire = new Fire(sites);
      after(() => fire.stop().catch(() => {}));
      const begun = performance.now();
      for (let round = 1; round <= ROUNDS; round += 1) {
        await reloadAll(sites, round, entries);
        await allRight(round, (extension) => !CHANGING.includes(extension));
      }
      const seconds = (performance.now() - begun) / 1_000;
      await fire.stop();
      await allRight(ROUNDS);
      for (const ami of Object.values(amis)) {
        await ami.setCustom('end', 'INUSE');
        await until('all that happened is told', () => ami.changesOf('Custom:end').length > 0);
      }

      // Whoever watches lamps of whose PBX nothing was changed saw nothing, the call's neither.
      for (const lamp of watched) assert.equal(phone.notifies(lamp).length, 1, `NOTIFYs of ${lamp}`);
      assert.deepEqual(told(amis.spb, 'msk', [...STILL, '1001', '1002']), []);
      assert.deepEqual(told(amis.msk, 'spb', STILL), []);
      assert.deepEqual(told(amis.ekb, 'spb', STILL), []);
      // Nobody was shown free who was not.
      for (const { at, origin } of pairs) {
        const free = told(amis[at], origin, [...BUSY, ...STILL, ...COMING[origin]]).filter((line) =>
          /NOT_INUSE|UNKNOWN/.test(line),
        );
        assert.deepEqual(free, [], `lamps of ${origin} at ${at}`);
      }
      const lines = (tag: Tag) => sites[tag].broker.log().slice(logged.get(tag));
      const links = (tag: Tag, peer: Tag) =>
        lines(tag).filter((line) => /^link-(up|down)$/.test(line.event ?? '') && line['peer'] === peer);
      assert.deepEqual(
        [links('msk', 'spb'), links('spb', 'msk')],
        [[], []],
        'a link of no changed peer moved',
      );
      for (const [tag, peer] of [
        ['msk', 'spb'],
        ['spb', 'msk'],
      ] as const) {
        const beliefs = lines(tag).filter(
          ({ event, ...line }) => event === 'peer-belief' && line['peer'] === peer,
        );
        assert.deepEqual(beliefs, []);
      }
      assert.deepEqual(
        TAGS.flatMap((tag) => sites[tag].pbx.errors()),
        [],
      );
      const rate = Math.round(fire.changes / seconds);
      t.diagnostic(
        `${ROUNDS} reloads in ${seconds.toFixed(1)} s at ${rate} changes/s, of three brokers each`,
      );
    }),
);

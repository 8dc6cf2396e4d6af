// Three PBXs that are busy, and one round of chaos after another. Owns what a round is: faults made and mended while
// everything goes on, then quiet, then how long until every lamp is right.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Random } from '../sim/federation/random.ts';
import { pause, until } from '../until.ts';
import { SmallDisk } from './chaos-disk.ts';
import { type Deaf, drawFault, type Fault, type Stage } from './chaos-faults.ts';
import { GONE, Lamps, type Wrong } from './chaos-lamps.ts';
import { Calls, Changes } from './chaos-load.ts';
import type { PlannedFault, Round } from './chaos-plan.ts';
import type { Lab } from './lab.ts';
import type { Root } from './provision.ts';
import { startTrio, type Trio } from './trio.ts';

const PHONES = ['1001', '1002'] as const;
/** Lamps for each origin; every PBX has those of two. */
const LAMPS = Number(process.env['HINTMESH_CHAOS_LAMPS'] ?? 200);
/** Custom devices behind hints; the phones are lamps too. 2000-2099 are in every PBX's dialplan. */
const DEVICES = Array.from({ length: LAMPS - PHONES.length }, (_, i) => `${2000 + i}`);
const MORE = DEVICES.slice(100).map((device) => `exten => ${device},hint,Custom:l${device}`);

/** From one look at the lamps to the next: what is measured is up to this much too long. */
const LOOK_EVERY_MS = 100;
/** The same while things are broken, where nothing is measured. */
const HOLD_LOOK_EVERY_MS = 400;
/**
 * Later than this is wrong: 3 s until a killed broker is believed dead, 2 s until the next redial, 1 s for `alive`, 8 s
 * for 400 lamps at 50 a second, and 5 s for two cores that start up to three Asterisks and brokers meanwhile.
 */
export const LIMIT_MS = 19_000;
/** Nobody's lamps may show that it is gone earlier than this after the fault was made. */
const HELD_MS = 3_000 + 15_000;
/** As long must all stay right. */
const STAYS_MS = 600;
/** suspect_after + gone_after, one `alive`, and 400 lamps at 50 a second; what is longer is held against this. */
const GONE_MS = 3_000 + 15_000 + 1_000 + 8_000 + 1_000;
/** Wrong lamps that are told of. */
const SHOWN = 5;
/** How long lamps that show that their origin is gone are watched: they must not show anything else. */
const WATCH_MS = 1_000;

export interface Outcome {
  readonly what: string;
  /** When the last fault was gone, as the logs of brokers and Asterisks have it. */
  readonly at: string;
  /** From when the last fault was gone to when every lamp was right. */
  readonly rightMs: number;
  /** From when the broker that was killed said that it runs; undefined: none was. */
  readonly sinceRunsMs?: number;
  /** How long until lamps showed that their origin was gone. */
  readonly goneMs?: number;
}

export class Scene {
  readonly trio: Trio;
  readonly changes: readonly Changes[];
  readonly calls: readonly Calls[];
  #lamps: Lamps;
  #stage: Stage;
  #disks: readonly SmallDisk[];

  private constructor(trio: Trio, disks: ReadonlyMap<string, SmallDisk>, seed: number) {
    const { sites } = trio;
    this.trio = trio;
    this.changes = sites.map(
      ({ pbx }, i) =>
        new Changes(
          pbx,
          DEVICES.map((device) => `l${device}`),
          new Random(seed + i),
        ),
    );
    this.calls = sites.map(({ pbx }, i) => new Calls(pbx, ...PHONES, new Random(seed - i)));
    this.#lamps = new Lamps(sites, [...DEVICES, ...PHONES]);
    this.#disks = [...disks.values()];
    const calls = new Map(sites.map(({ tag }, i) => [tag, this.calls[i] as Calls]));
    this.#stage = { trio, disks, restarted: (tag) => calls.get(tag)?.restart() };
  }

  /** Everything runs, and every lamp is right. */
  static async start(lab: Lab, roots: readonly [Root, Root, Root], seed: number): Promise<Scene> {
    const disks = new Map<string, SmallDisk>();
    try {
      const trio = await startTrio(lab, roots, {
        timing: {},
        dialplan: MORE.join('\n'),
        pbxPlace: async (tag, host) => {
          const disk = await SmallDisk.make(join(lab.folder, `disk-${tag}`));
          disks.set(tag, disk);
          return disk.at(host);
        },
      });
      const scene = new Scene(trio, disks, seed);
      await Promise.all([...scene.changes, ...scene.calls].map((load) => load.begin()));
      await scene.#right(performance.now());
      return scene;
    } catch (error) {
      for (const disk of disks.values()) await disk.close();
      throw error;
    }
  }

  /** Plays one round; fails when a lamp is wrong for too long, or shows what it must never show. */
  async play(round: Round): Promise<Outcome> {
    const faults: Fault[] = [];
    for (const { kind } of round.faults) {
      const taken = faults.flatMap(({ takes }) => takes);
      faults.push(drawFault(this.#stage, round.random, kind, taken));
    }
    const what = faults
      .map((fault, i) => `${fault.kind} ${fault.what}${lasting(fault, round.faults[i] as PlannedFault)}`)
      .join(' + ');
    try {
      return { what, ...(await this.#play(round, faults)) };
    } catch (error) {
      if (error instanceof Error) error.message = `round ${round.number}, ${what}: ${error.message}`;
      throw error;
    }
  }

  async #play(round: Round, faults: readonly Fault[]): Promise<Omit<Outcome, 'what'>> {
    for (const load of [...this.changes, ...this.calls]) load.go();
    const begun = performance.now();
    const long = round.faults.some(({ lasts }) => lasts === 'until-gone');
    const suffering = Promise.all(
      faults.map((fault, i) => this.#suffer(fault, round.faults[i] as PlannedFault)),
    );
    const holding = long ? undefined : this.#hold(faults, suffering);
    // Awaited below.
    holding?.catch(() => {});
    const ends = await suffering;
    const gone = performance.now();
    const at = new Date().toISOString();
    for (const load of [...this.changes, ...this.calls]) load.hold();
    // Which is one more change at each, that no link of before can have carried.
    await Promise.all(this.changes.map((changes) => changes.mark()));
    let runsAt: number | undefined;
    const running = ends.map(async ({ runs }) => {
      if (runs === undefined) return;
      await runs;
      runsAt = performance.now();
    });
    const [rightAt] = await Promise.all([this.#right(gone, long ? gone : begun + HELD_MS), ...running]);
    await holding;
    await this.#staysRight();
    for (const { tag, pbx, broker } of this.trio.sites) {
      assert.ok(pbx.running, `the Asterisk of ${tag} has ended`);
      assert.ok(broker.running, `the broker of ${tag} has ended`);
    }
    const goneMs = ends.find((end) => end.goneMs !== undefined)?.goneMs;
    return {
      at,
      rightMs: rightAt - gone,
      ...(runsAt === undefined ? {} : { sinceRunsMs: rightAt - runsAt }),
      ...(goneMs === undefined ? {} : { goneMs }),
    };
  }

  /** One fault from its making to its mending. */
  async #suffer(
    fault: Fault,
    { afterMs, lasts }: PlannedFault,
  ): Promise<{ runs?: Promise<void>; goneMs?: number }> {
    await pause(afterMs);
    const made = performance.now();
    await fault.make();
    let goneMs: number | undefined;
    if (lasts === 'until-gone') {
      await this.#showGone(fault, made);
      goneMs = performance.now() - made;
      const end = performance.now() + WATCH_MS;
      while (performance.now() < end) {
        await this.#mustShowGone(fault.deaf);
        await pause(LOOK_EVERY_MS);
      }
    } else if (!fault.over) await pause(lasts);
    const mended = await fault.mend();
    return { ...mended, ...(goneMs === undefined ? {} : { goneMs }) };
  }

  /** Until `over`, at the Asterisks that are not hit: nobody has been silent for so long that a lamp may show it. */
  async #hold(faults: readonly Fault[], over: Promise<unknown>): Promise<void> {
    let going = true;
    const end = () => {
      going = false;
    };
    over.then(end, end);
    const well = this.trio.sites.filter(
      ({ tag }) => !faults.some(({ takes }) => takes.includes(`pbx ${tag}`)),
    );
    while (going) {
      for (const site of well) {
        for (const other of site.others) {
          // The two phones may be unavailable themselves.
          const count = (await this.#lamps.shown(site, other)).get(GONE) ?? 0;
          assert.ok(
            count <= PHONES.length,
            `${count} lamps of ${other} at ${site.tag} show too early that it is gone`,
          );
        }
      }
      await pause(HOLD_LOOK_EVERY_MS);
    }
  }

  /** Waits until all lamps of those who are not heard show that, which is law 3. */
  async #showGone({ deaf, lateMs }: Fault, made: number): Promise<void> {
    for (const each of deaf) {
      let rest = '';
      await until(
        () => `lamps of ${each.origin} at ${each.at} show ${GONE}; there are ${rest}`,
        async () => {
          rest = await this.#notGone(each);
          return rest === '';
        },
        Math.max(0, made + GONE_MS + lateMs - performance.now()),
      );
    }
  }

  async #mustShowGone(deaf: readonly Deaf[]): Promise<void> {
    for (const each of deaf) {
      assert.equal(await this.#notGone(each), '', `lamps of ${each.origin} at ${each.at}, which is gone`);
    }
  }

  /** How many lamps show something else than that their origin is gone. */
  async #notGone({ at, origin }: Deaf): Promise<string> {
    const shown = await this.#lamps.shown(this.trio.site(at), origin);
    return [...shown]
      .filter(([state]) => state !== GONE)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ');
  }

  /** Waits until every lamp is as its origin; returns when that was seen. Until `heldUntil` none may show that it is gone. */
  async #right(since: number, heldUntil = since): Promise<number> {
    for (;;) {
      const wrong = await this.#lamps.wrong();
      const now = performance.now();
      if (wrong.length === 0) return now;
      const early = wrong.filter(({ shows, lamp }) => shows === GONE && now < heldUntil && !ofPhone(lamp));
      assert.equal(early.length, 0, `too early as if gone: ${listed(early)}`);
      assert.ok(now - since < LIMIT_MS, `after ${LIMIT_MS / 1_000} s ${listed(wrong)}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /**
   * Nobody who has not yet noticed what happened may spoil it, and phones that subscribe now are told the same. The two
   * phones of a PBX that was started again may register meanwhile, so theirs have to be right at the end.
   */
  async #staysRight(): Promise<void> {
    const end = performance.now() + STAYS_MS;
    const still = (wrong: readonly Wrong[]) => wrong.filter(({ lamp }) => !ofPhone(lamp));
    const hints = still(await this.#lamps.wrongHints());
    assert.equal(hints.length, 0, `hints: ${listed(hints)}`);
    do {
      const wrong = still(await this.#lamps.wrong());
      assert.equal(wrong.length, 0, `right, and then ${listed(wrong)}`);
      await pause(LOOK_EVERY_MS);
    } while (performance.now() < end);
    await this.#right(performance.now());
  }

  async close(): Promise<void> {
    for (const load of [...this.changes, ...this.calls]) await load.close();
    await this.#lamps.close();
    for (const disk of this.#disks) await disk.close();
  }
}

function listed(wrong: readonly Wrong[]): string {
  const some = wrong
    .slice(0, SHOWN)
    .map(({ at, lamp, shows, is }) => `${lamp} at ${at} shows ${shows}, is ${is}`);
  return `${wrong.length} are wrong, such as ${some.join('; ')}`;
}

/** Phones are UNAVAILABLE themselves until they have registered. */
function ofPhone(lamp: string): boolean {
  return PHONES.some((phone) => lamp.startsWith(`${phone}*`));
}

function lasting({ over }: Fault, { lasts }: PlannedFault): string {
  if (over) return '';
  return lasts === 'until-gone' ? ' until its lamps show it' : ` for ${lasts} ms`;
}

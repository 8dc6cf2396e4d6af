// What may break at three PBXs, one entry a kind. Owns how each fault is made and mended, what it takes (so that two
// that would undo each other are not made at once), and who hears whom no more while it lasts.
import type { Random } from '../sim/federation/random.ts';
import { until } from '../until.ts';
import type { SmallDisk } from './chaos-disk.ts';
import type { Site, Trio } from './trio.ts';

/** Asterisk restarts within a second; a loaded machine is given this long. */
const BOOT_TIMEOUT_MS = 30_000;
/** `core restart now` is over when the AMI session of before is. */
const ENDS_TIMEOUT_MS = 10_000;
/** An Asterisk that stands still is found out by a Ping without an answer: 5 s, and up to one `alive` before. */
const PING_MS = 6_000;
/** A link that carries one way only is given up by the side that hears nothing, and then the other hears nothing. */
const GIVEN_UP_MS = 5_000;

/** After so many draws of a kind that all take what is taken, another kind is drawn. */
const DRAWS = 10;

/** What the faults are made of. */
export interface Stage {
  readonly trio: Trio;
  readonly disks: ReadonlyMap<string, SmallDisk>;
  /** Its Asterisk was started again and has lost its calls. */
  restarted(tag: string): void;
}

/** `at` hears nothing of `origin`. */
export interface Deaf {
  readonly at: string;
  readonly origin: string;
}

export interface Fault {
  readonly kind: string;
  readonly what: string;
  /** Nobody else may break these meanwhile. */
  readonly takes: readonly string[];
  readonly deaf: readonly Deaf[];
  /** How much later than at a cut line this is noticed, at most. */
  readonly lateMs: number;
  /** It is over by itself, and `mend` waits for that. */
  readonly over?: true;
  make(): Promise<void>;
  /** Returns when the fault is gone; what it gives goes on until everything runs again, and is no part of the fault. */
  mend(): Promise<{ readonly runs: Promise<void> } | undefined>;
}

type Made = Omit<Fault, 'kind'>;
type Kind = (stage: Stage, random: Random) => Made;

const TAGS = (trio: Trio): string[] => trio.sites.map(({ tag }) => tag);
const anySite = ({ trio }: Stage, random: Random): Site => random.pick(trio.sites);
const line = (one: string, other: string): string => `line ${[one, other].sort().join('-')}`;
const lines = ({ tag, others }: Site): string[] => others.map((other) => line(tag, other));
const silent = ({ tag, others }: Site): Deaf[] => others.map((at) => ({ at, origin: tag }));
const apart = (one: string, other: string): Deaf[] => [
  { at: one, origin: other },
  { at: other, origin: one },
];

/** Two different tags. */
function anyLine({ trio }: Stage, random: Random): readonly [string, string] {
  const one = random.pick(TAGS(trio));
  return [one, random.pick(TAGS(trio).filter((tag) => tag !== one))];
}

async function startPbx(stage: Stage, { tag, pbx }: Site): Promise<void> {
  await pbx.start();
  stage.restarted(tag);
}

type Part = Pick<Made, 'make' | 'mend'> & Partial<Made>;

/** The broker of a site breaks: nobody hears of the site any more. */
function ofBroker(site: Site, part: Part): Made {
  const { tag } = site;
  return { what: `the broker of ${tag}`, takes: [`broker ${tag}`], deaf: silent(site), lateMs: 0, ...part };
}

/** The same of its Asterisk. */
function ofPbx(site: Site, part: Part): Made {
  const { tag } = site;
  return { what: `the Asterisk of ${tag}`, takes: [`pbx ${tag}`], deaf: silent(site), lateMs: 0, ...part };
}

/** Nobody and this site hear each other any more. */
function ofSite(site: Site, part: Part): Made {
  const deaf = site.others.flatMap((other) => apart(site.tag, other));
  return { what: site.tag, takes: lines(site), deaf, lateMs: 0, ...part };
}

export const KINDS: Readonly<Record<string, Kind>> = {
  'broker killed': (stage, random) => {
    const site = anySite(stage, random);
    return ofBroker(site, {
      make: () => site.broker.kill(),
      // From here on it is the new process that has to do it.
      mend: async () => {
        const runs = site.broker.start();
        // Whoever made the fault waits for it, but perhaps later.
        runs.catch(() => {});
        return { runs };
      },
    });
  },

  'broker stands still': (stage, random) => {
    const site = anySite(stage, random);
    return ofBroker(site, {
      make: () => site.broker.freeze(),
      mend: async () => void site.broker.thaw(),
    });
  },

  'asterisk killed': (stage, random) => {
    const site = anySite(stage, random);
    return ofPbx(site, {
      make: () => site.pbx.kill(),
      mend: async () => void (await startPbx(stage, site)),
    });
  },

  'core restart now': (stage, random) => {
    const site = anySite(stage, random);
    let restarted: Promise<void> | undefined;
    return ofPbx(site, {
      // It is back before anybody can think that it is gone.
      deaf: [],
      over: true,
      make: async () => {
        restarted = restartNow(stage, site);
        // Whoever mends it waits for it.
        restarted.catch(() => {});
      },
      mend: async () => void (await restarted),
    });
  },

  'asterisk stands still': (stage, random) => {
    const site = anySite(stage, random);
    return ofPbx(site, {
      lateMs: PING_MS,
      make: () => site.pbx.freeze(),
      mend: async () => void site.pbx.thaw(),
    });
  },

  'interface down': (stage, random) => {
    const site = anySite(stage, random);
    const { hosts, host } = stage.trio;
    return ofSite(site, {
      what: `of ${site.tag}`,
      make: () => hosts.unplug(host(site.tag)),
      mend: async () => void (await hosts.plug(host(site.tag))),
    });
  },

  'line cut': (stage, random) => {
    const [one, other] = anyLine(stage, random);
    return {
      what: `between ${one} and ${other}`,
      takes: [line(one, other)],
      deaf: apart(one, other),
      lateMs: 0,
      make: () => stage.trio.cut(one, other),
      mend: async () => void (await stage.trio.mend(one, other)),
    };
  },

  'site cut off': (stage, random) => {
    const site = anySite(stage, random);
    return ofSite(site, {
      make: async () => {
        for (const other of site.others) await stage.trio.cut(site.tag, other);
      },
      mend: async () => {
        for (const other of site.others) await stage.trio.mend(site.tag, other);
        return undefined;
      },
    });
  },

  'one way dropped': (stage, random) => {
    const [from, to] = anyLine(stage, random);
    const { hosts, host } = stage.trio;
    return {
      what: `from ${from} to ${to}`,
      takes: [line(from, to)],
      deaf: apart(from, to),
      lateMs: GIVEN_UP_MS,
      make: () => hosts.drop(host(from), host(to)),
      mend: async () => void (await hosts.pass(host(from), host(to))),
    };
  },

  'disk full': (stage, random) => {
    const site = anySite(stage, random);
    const killed = random.chance(0.5);
    const disk = stage.disks.get(site.tag) as SmallDisk;
    return ofPbx(site, {
      what: `under AstDB of ${site.tag}${killed ? ', then its Asterisk killed' : ''}`,
      deaf: [],
      make: () => disk.fill(),
      mend: async () => {
        if (killed) await site.pbx.kill();
        await disk.empty();
        if (killed) await startPbx(stage, site);
        return undefined;
      },
    });
  },
};

/** Returns when it is fully booted again. */
async function restartNow(stage: Stage, { tag, pbx }: Site): Promise<void> {
  const before = await pbx.ami();
  void before.command('core restart now').catch(() => {});
  await until(`${tag} ends, to start again`, () => before.closed, ENDS_TIMEOUT_MS);
  const ami = await until(
    `${tag} answers AMI again`,
    () => {
      if (!pbx.running) throw new Error(`the Asterisk of ${tag} did not restart but end`);
      return pbx.ami().catch(() => undefined);
    },
    BOOT_TIMEOUT_MS,
  );
  await ami.event('FullyBooted', BOOT_TIMEOUT_MS);
  await ami.close();
  stage.restarted(tag);
}

/** A fault of this kind that takes nothing of what is taken; where there is none, of another kind. */
export function drawFault(
  stage: Stage,
  random: Random,
  wanted: string,
  taken: readonly string[] = [],
): Fault {
  const kinds = Object.keys(KINDS);
  for (let tries = 0, kind = wanted; ; tries += 1) {
    const fault = (KINDS[kind] as Kind)(stage, random);
    if (!fault.takes.some((each) => taken.includes(each))) return { kind, ...fault };
    // Any two sites have a line in common, so there is but one `site cut off` at a time.
    if (tries > DRAWS) kind = random.pick(kinds);
  }
}

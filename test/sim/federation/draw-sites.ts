/** Draws who is there: PBXs, their configs, their Asterisks, the network between. */
import type { GoneState } from '../../../src/core/origin.ts';
import type { DeviceState } from '../../../src/core/state.ts';
import type {
  AsteriskPlan,
  ConfigPlan,
  ExportPlan,
  NetPlan,
  PacingPlan,
  PeerPlan,
  SitePlan,
  TimingPlan,
} from './history.ts';
import type { Random } from './random.ts';

export const TAGS = ['aa', 'bb', 'cc', 'd.d', 'e2'] as const;
/** Never a peer of anybody: its lamps are nobody's. */
export const STRANGER = 'zz';
export const PHONES = ['1', '2', '3', '4', '5', '6'] as const;
export const STATES: readonly DeviceState[] = [
  'NOT_INUSE',
  'INUSE',
  'RINGING',
  'BUSY',
  'ONHOLD',
  'RINGINUSE',
  'UNAVAILABLE',
  'INVALID',
  'UNKNOWN',
];
const GONE_STATES: readonly GoneState[] = ['UNAVAILABLE', 'BUSY', 'INVALID', 'hold'];
/** With its tag it is too long for a lamp. */
const TOO_LONG = '9'.repeat(70);

/** What may stand under export:; no two rules of one config name the same extension. */
const EXPORTS: readonly (readonly ExportPlan[])[] = [
  [{ source: 'hint', context: 'local', match: ['_X!', '*761'] }],
  [
    { source: 'hint', context: 'local', match: ['1-3', '50-52'] },
    { source: 'device', devices: ['PJSIP/{ext}'], match: ['4-5'] },
  ],
  [
    { source: 'hint', context: 'local', match: ['_[1-2]', '50'] },
    { source: 'channels', devices: ['PJSIP/{ext}'], match: ['3', '4'] },
  ],
  [{ source: 'device', devices: ['PJSIP/{ext}', 'SIP/{ext}'], match: ['_X'] }],
  [{ source: 'channels', devices: ['PJSIP/{ext}', 'SIP/{ext}'], match: ['1-4'] }],
  [
    { source: 'hint', context: 'local', match: ['1-5'] },
    { source: 'device', devices: ['SIP/desk'], match: ['6'] },
  ],
  // Careless: the lamps' own context, and lamps as devices.
  [
    { source: 'hint', context: 'local', match: ['_X'] },
    { source: 'hint', context: 'blf', match: ['_X*!'] },
  ],
  [
    { source: 'hint', context: 'local', match: ['_X'] },
    { source: 'device', devices: ['Custom:{ext}'], match: ['_X*!'] },
  ],
  [],
];

export function drawNet(random: Random): NetPlan {
  return {
    latencyMs: random.pick([0, 1, 5, 20, 50]),
    frameStates: random.pick([2, 3, 200]),
    bufferFrames: random.pick([1, 2, 4]),
    queueStates: random.pick([2, 4, 1_000]),
  };
}

export function drawSites(random: Random): SitePlan[] {
  const count = random.weighted([
    [50, 2],
    [35, 3],
    [10, 4],
    [5, 5],
  ]);
  const tags = TAGS.slice(0, count);
  const timing = drawTiming(random);
  const dials = drawDials(random, tags);
  const sites = tags.map((tag): SitePlan => {
    const peers = tags.filter((other) => other !== tag && !(count > 2 && random.chance(0.03)));
    const config: ConfigPlan = {
      exports: drawExports(random),
      peers: peers.map((peer) => drawPeer(random, peer, dials.has(`${tag}>${peer}`))),
      formerGone: random.pick(GONE_STATES),
      timing: random.chance(0.2) ? { ...timing, alive: timing.alive / 2 } : timing,
      pacing: drawPacing(random),
    };
    return { key: tag, tag, config, asterisk: drawAsterisk(random, tags, tag) };
  });
  const [first] = sites;
  if (first !== undefined && random.chance(0.2)) {
    const config = { ...first.config, peers: first.config.peers.map((peer) => ({ ...peer, dial: true })) };
    const asterisk = drawAsterisk(random, tags, first.tag);
    sites.push({ key: `${first.tag}2`, tag: first.tag, clone: true, config, asterisk });
  }
  return sites;
}

export function drawExports(random: Random): readonly ExportPlan[] {
  return random.chance(0.4) ? (EXPORTS[0] ?? []) : random.pick(EXPORTS);
}

export function drawPeer(random: Random, tag: string, dial: boolean): PeerPlan {
  return { tag, gone: random.pick(GONE_STATES), dial };
}

export function drawPacing(random: Random): PacingPlan {
  return {
    rate: random.pick([null, 1_000, 100, 100, 20, 5]),
    burst: random.pick([1, 3, 10, 10, 100]),
    window: random.pick([1, 2, 8, 32, 32]),
  };
}

export function drawTiming(random: Random): TimingPlan {
  const relist = random.pick([10_000, 60_000, 300_000]);
  return random.weighted<TimingPlan>([
    [12, { alive: 200, suspect: 600, gone: 1_500, firstSync: 1_500, relist, redialMin: 50, redialMax: 400 }],
    [
      3,
      { alive: 500, suspect: 1_500, gone: 4_000, firstSync: 3_000, relist, redialMin: 200, redialMax: 1_000 },
    ],
    [
      1,
      {
        alive: 1_000,
        suspect: 3_000,
        gone: 15_000,
        firstSync: 15_000,
        relist,
        redialMin: 200,
        redialMax: 2_000,
      },
    ],
  ]);
}

/** Of each pair at least one dials. */
function drawDials(random: Random, tags: readonly string[]): ReadonlySet<string> {
  const dials = new Set<string>();
  for (const a of tags) {
    for (const b of tags) {
      if (a >= b) continue;
      const who = random.weighted([
        [3, [`${a}>${b}`, `${b}>${a}`]],
        [1, [`${a}>${b}`]],
        [1, [`${b}>${a}`]],
      ]);
      for (const one of who) dials.add(one);
    }
  }
  return dials;
}

function drawAsterisk(random: Random, tags: readonly string[], own: string): AsteriskPlan {
  const hints: Record<string, string> = {};
  for (const phone of random.some(PHONES, 0.7)) hints[`${phone}@local`] = drawHint(random, phone, tags);
  if (random.chance(0.2)) hints['_5X@local'] = 'PJSIP/${EXTEN}';
  if (random.chance(0.1)) hints['*761@local'] = 'PJSIP/1';
  if (random.chance(0.1)) hints[`${TOO_LONG}@local`] = 'PJSIP/2';
  for (const tag of [...tags, STRANGER]) {
    // Also of the own tag: phones everywhere may be provisioned with the same keys.
    if (random.chance(0.5)) hints[`_X*${tag.replace('.', '[.]')}@blf`] = 'Custom:${EXTEN}';
    for (const phone of random.some(PHONES, 0.15)) hints[`${phone}*${tag}@blf`] = `Custom:${phone}*${tag}`;
  }
  const devices: Record<string, DeviceState> = {};
  for (const phone of PHONES) devices[`PJSIP/${phone}`] = random.pick(STATES);
  for (const phone of random.some([...PHONES, 'desk'], 0.4)) devices[`SIP/${phone}`] = random.pick(STATES);
  const lamps: Record<string, DeviceState> = {};
  for (const tag of [...tags, STRANGER]) {
    for (const phone of random.some(PHONES, own === tag ? 0.05 : 0.15)) {
      lamps[`${phone}*${tag}`] = random.pick(STATES.filter((state) => state !== 'UNKNOWN'));
    }
  }
  return {
    seed: random.between(1, 1_000_000),
    hints,
    devices,
    lamps,
    renames: random.chance(0.15),
    bootMs: random.pick([20, 100, 530]),
    amiMs: random.pick([0, 1, 3]),
    answerMs: random.pick([0, 0, 1, 20]),
    workMs: random.pick([0, 1, 10]),
  };
}

export function drawHint(random: Random, phone: string, tags: readonly string[]): string {
  return random.weighted([
    [10, `PJSIP/${phone}`],
    [3, `PJSIP/${phone}&SIP/${phone}`],
    [1, `PJSIP/${phone},CustomPresence:${phone}`],
    [1, `PJSIP/${phone}&Custom:${phone}*${random.pick(tags)}`],
    [1, `custom:${phone}*${random.pick(tags)}`],
  ]);
}

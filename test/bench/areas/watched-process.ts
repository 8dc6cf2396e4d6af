// The process of the watching phones: it makes the live calls at `a`, hears from `a` what the others do, and takes
// every NOTIFY of `b`, so that one clock measures all of it. Owns what happens between two orders of watched-phones.ts.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { TestAmi } from '../../asterisk/ami.ts';
import { Asterisk } from '../../asterisk/asterisk.ts';
import { BlfPhone, type Notify } from '../../asterisk/blf-phone.ts';
import { pause, until } from '../../until.ts';
import { type Extension, lateness, nowOf, rightMs, stormRight } from './watched-figures.ts';
import { lit, type Stretch } from './watched-lateness.ts';
import type { Calls, PhonesOrder, Place, Watch, Watched } from './watched-phones.ts';

const CALL = ['RINGING', 'INUSE', 'NOT_INUSE'];
/** No NOTIFY for so long, and everything is right: it stays so. */
const QUIET_MS = 1_000;
/** No NOTIFY for so long: what is wrong stays wrong. */
const STUCK_MS = 5_000;
/** Longer is not waited for. */
const SETTLES_MS = 60_000;
/** How exactly the process's own delay is measured. */
const DELAY_MS = 5;

const order = JSON.parse(process.argv[2] ?? '{}') as PhonesOrder;

/** A PBX that another process runs. */
function elsewhere(name: string, place: Place): Asterisk {
  return new Asterisk(
    { root: { path: '', suite: 'forky', version: '' }, name, dialplan: '' },
    { ...place, folder: '', entityId: '', phones: [], dialplan: '' },
  );
}

const extensionOf = (watch: Watch): Extension => ({
  ...watch,
  ...{ before: 'terminated', changes: [], arrived: [] },
});
const storming = order.storming.map(extensionOf);
const live = order.live.map(extensionOf);
const all = [...storming, ...live];

/** Hears each change of these devices. */
async function hear(
  pbx: Asterisk,
  byDevice: ReadonlyMap<string, Extension>,
  changed: (extension: Extension, state: Stretch) => void,
): Promise<TestAmi> {
  const session = await pbx.ami();
  await session.action({ Action: 'Filter', Operation: 'Add', Filter: 'Event: DeviceStateChange' });
  session.onEvent = ({ device = '', state = '' }) => {
    session.clear();
    const extension = byDevice.get(device);
    if (extension) changed(extension, { at: performance.now(), state: lit(state) });
  };
  return session;
}

const atA = new Map(all.map((extension) => [`Custom:${extension.device}`, extension]));
const ami = await hear(elsewhere('a', order.a), atA, ({ changes }, state) => changes.push(state));
for (const { device = '', state = '' } of await ami.list('DeviceStateList')) {
  const extension = atA.get(device);
  if (extension) extension.before = lit(state);
}

const b = elsewhere('b', order.b);
const atB = new Map(live.map((extension) => [extension.lampDevice, extension]));
await hear(b, atB, ({ arrived }, state) => arrived.push(state));
const phones = order.users.map((user) => BlfPhone.dialog(b, user));
const begun = performance.now();
await Promise.all(
  phones.map(async (phone) => {
    await phone.open();
    for (const { lamp } of all) await phone.subscribe(lamp);
  }),
);

const notifiesOf = phones.map((phone) => (lamp: string) => phone.notifies(lamp));
const received = (): number => phones.reduce((sum, phone) => sum + phone.total, 0);
const repeated = (): number => phones.reduce((sum, phone) => sum + phone.repeated, 0);

function wrong(): number {
  return phones.reduce(
    (sum, phone) => sum + all.filter((extension) => phone.lamp(extension.lamp) !== nowOf(extension)).length,
    0,
  );
}

/** Waits until it is right and stays so, or does not get better. */
async function settle(): Promise<void> {
  const start = performance.now();
  let count = received();
  let last = start;
  await until(
    'the lamps settle',
    () => {
      const now = performance.now();
      if (received() !== count) last = now;
      count = received();
      if (now - last < QUIET_MS) return now - start > SETTLES_MS;
      return wrong() === 0 || now - last > STUCK_MS;
    },
    SETTLES_MS * 2,
  );
}

/** Goes on over all rounds, so that each Setvar is a change. */
let turn = 0;

/** Makes calls; returns what was set when, by extension, and when each of all changes was, in order. */
async function call({ changes, everyMs }: Calls): Promise<Map<Extension, Stretch[]>> {
  const set = new Map<Extension, Stretch[]>(live.map((extension) => [extension, []]));
  const answers: Promise<void>[] = [];
  const start = performance.now();
  for (let n = 0; n < changes; n += 1) {
    await pause(start + n * everyMs - performance.now());
    const extension = live[turn % live.length];
    const state = CALL[Math.floor(turn / live.length) % CALL.length] ?? '';
    turn += 1;
    if (!extension) break;
    set.get(extension)?.push({ at: performance.now(), state: lit(state) });
    answers.push(ami.setCustom(extension.device, state));
  }
  await Promise.all(answers);
  return set;
}

/** What was before is forgotten but for the state of each lamp: a hundred thousand NOTIFYs a round would stay. */
function forget(): void {
  for (const extension of all) {
    extension.before = nowOf(extension);
    extension.changes = [];
    extension.arrived = [];
    for (const phone of phones) {
      const kept = phone.notifies(extension.lamp) as Notify[];
      kept.splice(0, kept.length - 1);
    }
  }
}

const delay = monitorEventLoopDelay({ resolution: DELAY_MS });
let calling: Promise<Map<Extension, Stretch[]>> | undefined;
let receivedBefore = 0;
let repeatedBefore = 0;

function begin(calls: Calls): void {
  forget();
  receivedBefore = received();
  repeatedBefore = repeated();
  delay.reset();
  delay.enable();
  calling = call(calls);
}

async function finish(): Promise<Watched> {
  const set = (await calling) ?? new Map();
  delay.disable();
  await settle();
  const end = performance.now();
  return {
    ...lateness(set, notifiesOf, end),
    stormRight: stormRight(storming, notifiesOf),
    rightMs: rightMs(all, notifiesOf, end),
    wrong: wrong(),
    notifies: received() - receivedBefore,
    repeated: repeated() - repeatedBefore,
    ownDelayMs: Math.max(0, delay.percentile(99) / 1e6 - DELAY_MS),
  };
}

process.on('message', (message: Calls | 'finish') => {
  if (message === 'finish') void finish().then((watched) => process.send?.(watched));
  else {
    begin(message);
    process.send?.('begun');
  }
});
process.once('disconnect', () => process.exit());
process.send?.(performance.now() - begun);

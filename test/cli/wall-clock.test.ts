// A wall clock that is set forward or back changes nothing: nothing is decided by it. Owns the list of files that may
// ask it at all, and a broker process whose clock jumps while states flow.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { Site } from '../broker/sites.ts';
import { SimulatedAsterisk } from '../sim/asterisk.ts';
import { pause, until } from '../until.ts';
import { brokerFiles } from './broker-files.ts';
import { OFFSET_FILE_VARIABLE } from './shifted-clock.ts';
import { start } from './spawn.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const SHIFTED_CLOCK = fileURLToPath(new URL('shifted-clock.ts', import.meta.url));
const HOUR_MS = 3_600_000;

/** File → what it asks the wall clock for. */
const MAY_ASK: Readonly<Record<string, string>> = {
  'mesh/identity.ts': 'a certificate says from when to when it is good',
  'http/watch.ts': 'a line for people says when',
  'cli/watch.ts': 'that time as people read it',
  'ami/boot.ts': "parses Asterisk's own words, and compares them with Asterisk's own clock",
};

test('only files with a reason know the wall clock, and all others go by the monotonic one', () => {
  const asking = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) => {
      const code = readFileSync(join(SRC, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return /\bDate\b|\btimeOrigin\b/.test(code);
    });
  assert.deepEqual(asking.sort(), Object.keys(MAY_ASK).sort());
});

const TIMING = { aliveEveryMs: 250, suspectAfterMs: 2_000, goneAfterMs: 1_000, firstSyncMs: 2_000 };
const TIMING_CONFIG =
  'timing: { alive: 250ms, suspect_after: 2s, gone_after: 1s, first_sync: 2s, redial_max: 200ms }';
/**
 * That nothing happens can only be seen by waiting. Forward: all that is counted by that clock is long over at the next
 * tick. Back: nothing of it comes any more, which a peer notices as silence.
 */
const JUMPS = [
  { offset: 3 * HOUR_MS, heldMs: 600 },
  { offset: -3 * HOUR_MS, heldMs: TIMING.suspectAfterMs + 400 },
];
const CHANGE_EVERY_MS = 20;
const ASTERISK = {
  bootMs: 20,
  hints: {
    '1001': 'PJSIP/1001',
    '1002': 'PJSIP/1002',
    '_XXXX*msk': 'Custom:${EXTEN}',
    '_XXXX*spb': 'Custom:${EXTEN}',
  },
  devices: { 'PJSIP/1001': 'INUSE', 'PJSIP/1002': 'ONHOLD' },
} as const;

interface Line {
  readonly time: string;
  readonly event: string;
}

async function booted(): Promise<SimulatedAsterisk> {
  const asterisk = new SimulatedAsterisk({ name: 'msk', ...ASTERISK });
  await asterisk.start();
  await asterisk.whenBooted();
  after(() => asterisk.stop());
  return asterisk;
}

/** Both Asterisks' phones go on, until the test is over. */
function keepChanging(...asterisks: readonly SimulatedAsterisk[]): void {
  let ringing = false;
  const timer = setInterval(() => {
    ringing = !ringing;
    for (const asterisk of asterisks) asterisk.setDevice('PJSIP/1001', ringing ? 'RINGING' : 'INUSE');
  }, CHANGE_EVERY_MS);
  after(() => clearInterval(timer));
}

test('a clock three hours forward, then six back: no link ends, no belief changes, no lamp flashes', async () => {
  const asterisk = await booted();
  const files = await brokerFiles({ amiPort: asterisk.port });
  const spb = new Site('spb', loadIdentity(await generateIdentity('spb')), {
    asterisk: ASTERISK,
    broker: {
      peers: [{ tag: 'msk', fingerprint: files.fingerprint, goneState: 'UNAVAILABLE' }],
      timing: TIMING,
    },
  });
  after(() => spb.stop());
  await spb.asterisk.start();
  await spb.asterisk.whenBooted();
  await spb.startBroker([]);
  const entry = `{ tag: spb, url: "wss://127.0.0.1:${spb.port}", fingerprint: "${spb.identity.fingerprint}" }`;
  files.write(`export: [{ context: ext-local, match: _1XXX }]
peers: [${entry}]
log: { level: debug }
${TIMING_CONFIG}
`);
  const offsetFile = join(dirname(files.file), 'offset');
  const { child, says } = start(['run', '-c', files.file], {
    [OFFSET_FILE_VARIABLE]: offsetFile,
    NODE_OPTIONS: `--import tsx --import ${SHIFTED_CLOCK}`,
  });
  let out = '';
  child.stdout?.on('data', (text: string) => {
    out += text;
  });
  await says('"event":"started"');
  const lines = (from: number): Line[] => {
    const whole = out.slice(from, out.lastIndexOf('\n')).split('\n').filter(Boolean);
    return whole.map((line) => JSON.parse(line) as Line);
  };
  const setClock = async (offset: number): Promise<void> => {
    writeFileSync(offsetFile, String(offset));
    const before = out.lastIndexOf('\n');
    child.kill('SIGUSR2');
    // The log goes by the wall clock, as logs do: so it is seen that the jump was made.
    await until(`the clock of the broker is off by ${offset} ms`, () =>
      lines(before).some(({ time }) => Math.abs(Date.parse(time) - Date.now() - offset) < HOUR_MS / 2),
    );
  };
  const lamps = [
    { at: asterisk, lamp: '1001*spb', still: '1002*spb' },
    { at: spb.asterisk, lamp: '1001*msk', still: '1002*msk' },
  ];
  for (const { at, lamp, still } of lamps) {
    at.subscribe(lamp);
    at.subscribe(still);
    await until(`${lamp} is right`, () => at.lamp(lamp) === 'INUSE' && at.lamp(still) === 'ONHOLD');
  }

  const [saidBefore, reportedBefore] = [out.lastIndexOf('\n'), spb.reports.length];
  const shown = lamps.map(({ at }) => {
    const seen: string[] = [];
    at.onHint((extension, state) => extension.includes('*') && seen.push(`${extension} ${state}`));
    return seen;
  });
  keepChanging(asterisk, spb.asterisk);
  for (const { offset, heldMs } of JUMPS) {
    await setClock(offset);
    const before = shown.map((seen) => seen.length);
    await pause(heldMs);
    for (const [i, seen] of shown.entries()) {
      assert.ok(seen.length > (before[i] ?? 0) + 5, `lamps at ${lamps[i]?.at.name} go on`);
    }
  }
  for (const [i, { lamp }] of lamps.entries()) {
    assert.deepEqual([...new Set(shown[i])].sort(), [`${lamp} INUSE`, `${lamp} RINGING`]);
  }
  const events = [...lines(saidBefore), ...spb.reports.slice(reportedBefore)].map(({ event }) => event);
  assert.deepEqual(
    events.filter((event) => /^(link|peer|asterisk)-/.test(event)),
    [],
  );

  // Waits that begin after a jump end when they should, too.
  asterisk.drop();
  await until('there is an AMI session again', () =>
    lines(saidBefore).some(({ event }) => event === 'asterisk-up'),
  );
});

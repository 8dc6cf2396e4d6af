// A real Prometheus scrapes brokers beside real Asterisks, and every shipped alert fires when its fault is made
// and clears when it is mended. Conditions that last a minute by themselves are waited for together.
import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { CONDITIONS, type ConditionCode, PASSING_MS } from '../../src/conditions.ts';
import { tool } from '../deploy/tools.ts';
import { DEFAULT_USER, SimulatedAsterisk } from '../sim/asterisk.ts';
import { pause, until } from '../until.ts';
import { available } from './available.ts';
import { type Broker, peerEntry } from './broker.ts';
import { inLab } from './lab.ts';
import { believes, HASTY, lampsAre, MSK, SPB, setDevices, startPair } from './pair.ts';
import { alertOf, Prometheus } from './prometheus.ts';
import { newIdentity, RawWebSocket } from './raw-peer.ts';

const asterisks = await available();
const program = await tool('prometheus');
const skip = asterisks.skip || program.skip;

/** From the fault to the alert, and from its end to the alert's: mostly a scrape and an evaluation. */
const SAID_MS = 25_000;
/** The scrape, the evaluation and the minute that a passing condition lasts. */
const PASSED_MS = PASSING_MS + 15_000;
/** Longer than the broker takes for no pause. */
const PAUSED_MS = 1_500;
/** Lines of a lamp written that fill what waits for a reader: the broker's backlog, the pipe, our own buffer. */
const LOG_LINES = 10_000;
/** Together one more than a broker exports (src/core/exports.ts); no list of Asterisk may have that many rows. */
const HINTS = 60_000;
const DEVICES = 40_001;
/** 100 000 rows take 2 s of a processor at either end; both cores have four other scenes to play. */
const READ_MS = 60_000;
/** With `*kzn` longer than the 72 characters that a lamp may have. */
const TOO_LONG = '1'.repeat(70);
/** At one write a second these take longer than a backlog may. */
const BACKLOG = 30;

/** An extension that takes a call for a minute. */
const CALLABLE = 'exten => 600,1,Answer()\n same => n,Wait(60)\n';
const OF_PRESENCE = { presence: 'CustomPresence:{ext}', match: '_XXXX' };
const OF_CHANNELS = { channels: 'PJSIP/{ext}', match: '30000-30099' };

/** What a broker is told of a simulated Asterisk, but for its port. */
const OF_SIM = { host: '127.0.0.1', broker: DEFAULT_USER, context: 'ext-local' };

const proved = new Set<string>();

describe('Prometheus scrapes the brokers', { skip, concurrency: true }, () => {
  let prometheus: Prometheus;
  before(async () => {
    prometheus = await Prometheus.start(program.path);
  });
  after(() => prometheus.close());
  const roots = () => ({ msk: asterisks.roots().forky, spb: asterisks.roots().bullseye });

  async function fires(broker: Broker, code: ConditionCode, subject: string): Promise<void> {
    const alert = await until(
      () => `${alertOf(code)} fires for ${broker.tag} about '${subject}'`,
      async () =>
        (await prometheus.firing(broker)).find(
          // Prometheus takes an empty label for none.
          ({ labels }) => labels['alertname'] === alertOf(code) && (labels['subject'] ?? '') === subject,
        ),
      SAID_MS,
    );
    assert.equal(alert.labels['severity'], CONDITIONS[code].severity);
    assert.equal(alert.annotations['cure'], CONDITIONS[code].cure);
  }

  /** An alert that cleared was one that fired. */
  async function clears(broker: Broker, code: ConditionCode, ms = SAID_MS): Promise<void> {
    await silent(broker, alertOf(code), ms);
    proved.add(alertOf(code));
  }

  async function silent(broker: Broker, name: string, ms = SAID_MS): Promise<void> {
    await until(
      () => `${name} is not said of ${broker.tag}`,
      async () => (await prometheus.firing(broker)).every(({ labels }) => labels['alertname'] !== name),
      ms,
    );
  }

  interface Fault {
    readonly at: Broker;
    readonly subject?: string;
    make(): Promise<unknown>;
    mend(): Promise<unknown>;
  }

  async function fault(code: ConditionCode, { at, subject = '', make, mend }: Fault): Promise<void> {
    const before = await prometheus.firing(at);
    assert.ok(
      !before.some(({ labels }) => labels['alertname'] === alertOf(code)),
      `${code} before its fault`,
    );
    await make();
    await fires(at, code, subject);
    await mend();
    await clears(at, code);
  }

  test('and what it reads of two that are well is what they do', () =>
    inLab(async (lab) => {
      const { msk, spb, mskBroker, spbBroker } = await startPair(lab, roots());
      for (const broker of [mskBroker, spbBroker]) await prometheus.scrape(broker);
      await setDevices(msk, { l2001: 'INUSE' });
      await lampsAre(spb, { '2001*msk': 'INUSE' });
      const at = (broker: Broker) => `instance="${new URL(broker.httpUrl).host}"`;
      const { version } = asterisks.roots().bullseye;
      for (const series of [
        `hintmesh_ready{${at(mskBroker)}}`,
        `hintmesh_ready{${at(spbBroker)}}`,
        `hintmesh_pbx_info{pbx="spb",asterisk=~"${version}.*",${at(spbBroker)}}`,
        `hintmesh_peer_link_up{peer="msk",${at(spbBroker)}}`,
        `hintmesh_peer_belief{peer="spb",belief="live",${at(mskBroker)}}`,
        `hintmesh_asterisk_answers{${at(mskBroker)}}`,
      ]) {
        await until(series, async () => (await prometheus.value(series)) === 1);
      }
      const lamps = `hintmesh_peer_lamps{peer="msk",${at(spbBroker)}}`;
      await until(lamps, async () => (await prometheus.value(lamps)) === 102);
      const written = `hintmesh_write_latency_seconds_count{${at(spbBroker)}}`;
      await until(written, async () => ((await prometheus.value(written)) ?? 0) > 0);
      for (const broker of [mskBroker, spbBroker]) {
        const firing = (await prometheus.firing(broker)).map(({ labels }) => labels['alertname']);
        // This machine may be busy; that is no fault of theirs.
        assert.deepEqual(
          firing.filter((name) => name !== alertOf('event-loop-blocked')),
          [],
        );
      }
    }));

  test('faults of the PBX itself', () =>
    inLab(async (lab) => {
      const pair = await startPair(lab, { ...roots(), dialplan: CALLABLE, broker: { timing: HASTY } });
      const { msk, spb, mskBroker, spbBroker } = pair;
      for (const broker of [mskBroker, spbBroker]) await prometheus.scrape(broker);

      await fault('asterisk-down', { at: mskBroker, make: () => msk.stop(), mend: () => msk.start() });
      await fault('asterisk-silent', {
        at: mskBroker,
        make: () => msk.freeze(),
        mend: async () => msk.thaw(),
      });
      // The shipped eventfilter lets events of channels through only when its second line is uncommented.
      const exports = [{ context: msk.context, match: '_XXXX' }];
      await fault('events-missing', {
        at: mskBroker,
        make: async () => {
          const after = mskBroker.log().length;
          await mskBroker.reload({ exports: [...exports, OF_CHANNELS] });
          await mskBroker.logs('that Asterisk is up', ({ event }) => event === 'asterisk-up', { after });
          const ami = await msk.ami();
          const call = { Channel: `Local/600@${msk.context}`, Application: 'Wait', Data: '60' };
          const { response } = await ami.action({ Action: 'Originate', ...call });
          assert.equal(response, 'Success');
          await ami.action({ Action: 'Command', Command: 'dialplan reload' });
          await ami.close();
        },
        mend: async () => {
          await mskBroker.reload({ exports });
          await msk.cli('channel request hangup all');
        },
      });
      await fault('source-missing', {
        at: mskBroker,
        make: async () => {
          await msk.cli('module unload res_manager_presencestate.so');
          await mskBroker.reload({ exports: [...exports, OF_PRESENCE] });
        },
        mend: async () => {
          await msk.cli('module load res_manager_presencestate.so');
          // That alone tells nothing.
          await msk.cli('module reload res_manager_presencestate.so');
        },
      });
      await fault('write-refused', {
        at: spbBroker,
        make: async () => {
          await spb.cli('module unload func_devstate.so');
          await believes(spbBroker, MSK, 'live');
          await setDevices(msk, { l2001: 'INUSE' });
        },
        mend: () => spb.cli('module load func_devstate.so'),
      });
      await fault('hint-names-lamp', {
        at: spbBroker,
        make: () => spb.cli(`dialplan add extension 2222,hint,Custom:2001*msk into ${spb.context}`),
        mend: () => spb.cli('dialplan reload'),
      });
      await fault('exports-nothing', {
        at: spbBroker,
        make: () => spbBroker.reload({ exports: [{ context: 'nowhere', match: '_XXXX' }] }),
        mend: () => spbBroker.reload({ exports: [{ context: spb.context, match: '_XXXX' }] }),
      });
    }));

  test('faults of peers and configs', () =>
    inLab(async (lab) => {
      const kzn = await newIdentity('kzn');
      const stranger = await newIdentity(MSK);
      const pair = await startPair(lab, {
        ...roots(),
        broker: { timing: HASTY },
        spbPeers: [peerEntry('kzn', kzn)],
      });
      const { msk, mskBroker, spbBroker } = pair;
      for (const broker of [mskBroker, spbBroker]) await prometheus.scrape(broker);

      await fault('peer-gone', {
        at: mskBroker,
        subject: SPB,
        make: () => spbBroker.kill(),
        mend: async () => {
          const down = (await prometheus.firing(spbBroker)).map(({ labels }) => labels['alertname']);
          assert.deepEqual(down, ['HintmeshDown']);
          await spbBroker.start();
          await silent(spbBroker, 'HintmeshDown');
          proved.add('HintmeshDown');
        },
      });

      const [entry] = spbBroker.peers;
      assert.equal(entry?.tag, MSK);
      await fault('peer-refused', {
        at: spbBroker,
        subject: MSK,
        make: () => {
          spbBroker.peers[0] = { ...entry, fingerprint: stranger.fingerprint };
          return spbBroker.reload();
        },
        mend: () => {
          spbBroker.peers[0] = entry;
          return spbBroker.reload();
        },
      });

      await fault('reload-refused', {
        at: spbBroker,
        make: () => spbBroker.reloadText('tag: ['),
        mend: () => spbBroker.reload(),
      });

      const { stateFolder } = spbBroker;
      await fault('memory-unwritable', {
        at: spbBroker,
        make: async () => {
          await rename(stateFolder, `${stateFolder}.away`);
          await writeFile(stateFolder, 'no folder');
          await spbBroker.reload();
        },
        mend: async () => {
          await rm(stateFolder);
          await rename(`${stateFolder}.away`, stateFolder);
          await spbBroker.reload();
        },
      });

      await fault('lamps-behind', {
        at: spbBroker,
        make: async () => {
          await spbBroker.reload({ lamps: { writes_per_second: 1, burst: 1 } });
          const all = Array.from({ length: BACKLOG }, (_, i) => [`l${2000 + i}`, 'INUSE']);
          await setDevices(msk, Object.fromEntries(all));
        },
        mend: () => spbBroker.reload({ lamps: {} }),
      });

      let peer: RawWebSocket | undefined;
      const tells = async (extension: string): Promise<void> => {
        // Else the next one would be another broker with its tag.
        peer?.say({ type: 'bye', final: false });
        await peer?.close();
        peer = new RawWebSocket(spbBroker.url, kzn);
        assert.equal(await peer.opened(), true);
        peer.hello('kzn', SPB);
        peer.say({ type: 'snapshot', entries: [['device', extension, 'INUSE']], last: true });
      };
      try {
        await fault('extension-refused', {
          at: spbBroker,
          subject: 'kzn',
          make: () => tells(TOO_LONG),
          mend: () => tells('1001'),
        });
      } finally {
        await peer?.close();
      }
    }));

  test('faults that are told for a minute, all at one broker and at once', () =>
    inLab(async (lab) => {
      const pair = await startPair(lab, {
        ...roots(),
        mskBroker: { exports: [{ device: 'Custom:l{ext}', match: '_20XX' }] },
        broker: { piped: true, logLevel: 'debug', lamps: { writes_per_second: 'unlimited' } },
      });
      const { msk, spb, mskBroker, spbBroker } = pair;
      // That of a machine which was cloned with its Asterisk; and one that was started twice.
      const sim = new SimulatedAsterisk();
      await sim.start();
      const elsewhere = { ...OF_SIM, amiPort: sim.port };
      const clone = await lab.broker({ tag: MSK, name: 'clone', pbx: elsewhere });
      const second = await lab.broker({ tag: MSK, name: 'second', pbx: msk });
      for (const broker of [clone, second])
        broker.peers.push(peerEntry(SPB, spbBroker.identity, spbBroker.url));
      for (const broker of [mskBroker, spbBroker]) await prometheus.scrape(broker);
      // The machine itself may have been busy until now.
      await silent(spbBroker, alertOf('event-loop-blocked'), PASSED_MS);

      await spbBroker.freeze();
      await pause(PAUSED_MS);
      spbBroker.thaw();
      await fires(spbBroker, 'event-loop-blocked', '');

      await setDevices(msk, { l2001: 'INUSE' });
      await lampsAre(spb, { '2001*msk': 'INUSE' });
      const vandal = await spb.ami();
      await vandal.setCustom('2001*msk', 'BUSY');
      await fires(spbBroker, 'lamp-drift', '');
      await lampsAre(spb, { '2001*msk': 'INUSE' });

      spbBroker.hold();
      await manyChanges(pair.msk, spbBroker);
      spbBroker.take();
      await fires(spbBroker, 'log-lines-lost', '');

      for (const broker of [clone, second]) {
        await broker.start();
        await prometheus.scrape(broker);
      }
      await fires(spbBroker, 'peer-cloned', MSK);
      await fires(clone, 'tag-in-use', SPB);
      await fires(second, 'standby', '');
      clone.peers.length = 0;
      await clone.reload();
      await clears(clone, 'tag-in-use');
      await clone.stop();
      await sim.stop();
      // The one that stood by is the real one from now on.
      await mskBroker.stop();
      await believes(second, SPB, 'live');
      await clears(second, 'standby');
      await Promise.all(
        (['event-loop-blocked', 'lamp-drift', 'log-lines-lost', 'peer-cloned'] as const).map((code) =>
          clears(spbBroker, code, PASSED_MS),
        ),
      );
    }));

  /** Until the broker must have lost lines of its log. */
  async function manyChanges(pbx: Parameters<typeof setDevices>[0], receiver: Broker): Promise<void> {
    const written = `hintmesh_writes_total{instance="${new URL(receiver.httpUrl).host}"}`;
    const ami = await pbx.ami();
    await ami.action({ Action: 'Events', EventMask: 'off' });
    for (let round = 0; ((await prometheus.value(written)) ?? 0) < LOG_LINES; round += 1) {
      assert.ok(round < 1_000, 'changes come over');
      const state = round % 2 === 0 ? 'RINGING' : 'INUSE';
      await Promise.all(Array.from({ length: 100 }, (_, i) => ami.setCustom(`l${2000 + i}`, state)));
    }
    await ami.close();
  }

  test('more extensions than a broker can export, which a simulated Asterisk has', () =>
    inLab(async (lab) => {
      const many = (count: number, prefix: string, value: string): Record<string, string> =>
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${100_000 + i}`, value]));
      const sim = new SimulatedAsterisk({
        hints: many(HINTS, '', 'Custom:one'),
        devices: many(DEVICES, 'PJSIP/2', 'NOT_INUSE') as Record<string, 'NOT_INUSE'>,
        writeTimeoutMs: SAID_MS,
      });
      await sim.start();
      try {
        await sim.whenBooted();
        const pbx = { ...OF_SIM, amiPort: sim.port };
        const exports = [{ context: 'ext-local', match: '_1XXXXX' }];
        const broker = await lab.broker({ tag: MSK, pbx, exports });
        await broker.start();
        await broker.logs('that Asterisk is up', ({ event }) => event === 'asterisk-up', { ms: READ_MS });
        await prometheus.scrape(broker);
        await fault('exports-left-out', {
          at: broker,
          make: () => broker.reload({ exports: [...exports, { device: 'PJSIP/{ext}', match: '_2XXXXXX' }] }),
          mend: () => broker.reload({ exports }),
        });
      } finally {
        await sim.stop();
      }
    }));
});

/** It takes a federation of Asterisk's own: beside-native.test.ts makes one, and sees the condition come and go. */
const ELSEWHERE: readonly string[] = ['other-federation'];

test('every alert has fired and cleared', { skip }, () => {
  const codes = Object.keys(CONDITIONS).filter((code) => !ELSEWHERE.includes(code));
  assert.deepEqual(
    [...proved].sort(),
    ['HintmeshDown', ...codes.map((code) => alertOf(code as ConditionCode))].sort(),
  );
});

// Lamps and presences of what is no more, on real Asterisks: `hintmesh prune` takes their rows out of AstDB, none comes back,
// and no lamp that somebody may look at is touched. The users in manager.conf are those that are shipped.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hintmesh, type Said } from '../cli/in-process.ts';
import { until } from '../until.ts';
import type { Asterisk } from './asterisk.ts';
import { available, eachPairing, eachRoot } from './available.ts';
import { type Broker, befriend, peerEntry } from './broker.ts';
import { inLab, type Lab } from './lab.ts';
import {
  believes,
  brokerUser,
  CONVERGES_MS,
  HASTY,
  hints,
  lamps,
  lampsAre,
  MSK,
  SPB,
  setDevices,
  WATCHER,
} from './pair.ts';
import type { Root } from './provision.ts';
import { newIdentity } from './raw-peer.ts';
import { takeAway, without } from './taken-away.ts';

const asterisks = await available();

const PRUNER_SECRET = 'test-only-pruner';
const SECRET_FILE = 'pruner.secret';

/** The second user of the docs, as it is shipped. */
function pruner(): string {
  const text = readFileSync(new URL('../../deploy/manager-prune.conf', import.meta.url), 'utf8');
  return text.replace('CHANGE-ME', PRUNER_SECRET);
}

interface Scene {
  readonly msk: Asterisk;
  readonly spb: Asterisk;
  readonly mskBroker: Broker;
  readonly spbBroker: Broker;
  /** `hintmesh prune` on spb, in this process, which is sooner. */
  prune(...args: readonly string[]): Promise<Said>;
  /** Options: the user who may remove rows. */
  readonly asPruner: readonly string[];
}

/** `spb` also has a peer `old`, which is never there; its lamp 1001*old was busy when it was last seen. */
async function scene(lab: Lab, roots: { msk: Root; spb: Root }): Promise<Scene> {
  const [msk, spb] = await Promise.all([
    lab.pbx({ root: roots.msk, name: MSK, dialplan: without(), manager: brokerUser('127.0.0.1') }),
    lab.pbx({
      root: roots.spb,
      name: SPB,
      phones: [WATCHER],
      dialplan: hints() + lamps(SPB, MSK),
      manager: `${brokerUser('127.0.0.1')}\n${pruner()}`,
    }),
  ]);
  await setDevices(spb, {
    '1001*old': 'INUSE',
    '1002*old': 'NOT_INUSE',
    '3001*xyz': 'INUSE',
    DND1001: 'INUSE',
  });
  const [mskBroker, spbBroker] = await Promise.all([
    lab.broker({ tag: MSK, pbx: msk, timing: HASTY }),
    lab.broker({ tag: SPB, pbx: spb, timing: HASTY }),
  ]);
  befriend(spbBroker, mskBroker);
  spbBroker.peers.push(peerEntry('old', await newIdentity('old')));
  await Promise.all([mskBroker.start(), spbBroker.start()]);
  await Promise.all([believes(spbBroker, MSK, 'live'), believes(spbBroker, 'old', 'gone')]);
  await lampsAre(spb, { '1001*old': 'UNAVAILABLE', '2001*msk': 'NOT_INUSE' });
  const secret = join(lab.folder, SECRET_FILE);
  await writeFile(secret, PRUNER_SECRET, { mode: 0o600 });
  const asPruner = ['--ami-username', 'hintmesh-prune', '--ami-secret-file', secret];
  const config = join(spbBroker.stateFolder, '..', 'hintmesh.yaml');
  const prune = (...args: readonly string[]) => hintmesh('prune', '-c', config, ...args);
  return { msk, spb, mskBroker, spbBroker, prune, asPruner };
}

/** Rows of Custom devices in AstDB, of those that are asked for. */
function rows(pbx: Asterisk, ...names: readonly string[]): Promise<string[]> {
  return rowsOf('CustomDevstate', pbx, ...names);
}

async function rowsOf(family: string, pbx: Asterisk, ...names: readonly string[]): Promise<string[]> {
  const text = await pbx.cli(`database show ${family}`);
  return names.filter((name) => text.includes(`/${family}/${name} `));
}

async function listed(pbx: Asterisk, name: string): Promise<string | undefined> {
  const ami = await pbx.ami();
  const devices = await ami.list('DeviceStateList');
  await ami.close();
  return devices.find(({ device }) => device === `Custom:${name}`)?.['state'];
}

interface Told {
  readonly left: readonly { readonly name: string; readonly why: string; readonly removed: boolean }[];
  readonly kept: readonly { readonly name: string; readonly why: string }[];
}

function told({ code, out, err }: Said): Told {
  assert.deepEqual([code, err], [0, '']);
  return JSON.parse(out) as Told;
}

const whys = (rows: Told['left' | 'kept']): string[] => rows.map(({ name, why }) => `${name} ${why}`);

const LEFT = ['2098*msk not-told', '2099*msk not-told', '1001*old former-peer', '1002*old former-peer'];
const REMOVED = LEFT.map((line) => line.slice(0, line.indexOf(' ')));

async function prunes(lab: Lab, all: Scene): Promise<void> {
  const { msk, spb, mskBroker, spbBroker, prune, asPruner } = all;
  // Somebody looks at 2097*msk. Three extensions go at msk.
  const phone = await lab.blf(spb, WATCHER);
  await phone.subscribe('2097*msk');
  await setDevices(msk, { l2099: 'INUSE' });
  await lampsAre(spb, { '2099*msk': 'INUSE' });
  await takeAway(msk, '2097', '2098', '2099');
  await lampsAre(spb, { '2097*msk': 'INVALID', '2098*msk': 'INVALID', '2099*msk': 'INVALID' });

  // While old is a peer that may come back, and nothing tells that xyz ever was one, those rows stay.
  const before = told(await prune('--json'));
  assert.deepEqual(whys(before.left), ['2098*msk not-told', '2099*msk not-told']);
  assert.deepEqual(whys(before.kept), [
    '2097*msk hint',
    '1001*old not-live',
    '1002*old not-live',
    '3001*xyz unknown-tag',
  ]);
  spbBroker.peers.pop();
  assert.equal((await spbBroker.reload()).event, 'reloaded');
  await lampsAre(spb, { '1001*old': 'UNAVAILABLE', '1002*old': 'UNAVAILABLE' });
  assert.deepEqual(whys(told(await prune('--json')).left), LEFT);

  // The broker's own user may look, and no more.
  const forbidden = await prune('--apply');
  assert.deepEqual([forbidden.code, forbidden.out], [1, '']);
  assert.match(forbidden.err, /write write=call,reporting,system in section \[hintmesh\] of manager.conf/);
  assert.deepEqual(await rows(spb, ...REMOVED), REMOVED);

  const ami = await (await spb.ami()).fromNow();
  const done = told(await prune('--apply', '--json', ...asPruner));
  assert.deepEqual(whys(done.left), LEFT);
  assert.ok(done.left.every(({ removed }) => removed));
  assert.deepEqual(await rows(spb, ...REMOVED, '3001*xyz', 'DND1001', '2097*msk', '2001*msk'), [
    '3001*xyz',
    'DND1001',
    '2097*msk',
    '2001*msk',
  ]);
  // Asterisk goes on listing them as they were, and the broker has no reason to write: not even after a relist.
  assert.equal(await listed(spb, '1001*old'), 'UNAVAILABLE');
  assert.equal(await listed(spb, '2099*msk'), 'INVALID');
  await relisted(spb, spbBroker);
  assert.deepEqual(told(await prune('--json')).left, []);
  assert.deepEqual(await rows(spb, ...REMOVED), []);
  for (const name of REMOVED) assert.deepEqual(ami.changesOf(`Custom:${name}`), []);
  assert.deepEqual(spbBroker.events('lamp-drift'), []);

  // Nor with the next Asterisk, whose devices they are no more. A lamp that a phone then looks at does not show idle.
  await spb.saved();
  await spb.kill();
  await spb.start();
  await lampsAre(spb, { '2001*msk': 'NOT_INUSE', '2097*msk': 'INVALID' });
  assert.deepEqual(await rows(spb, ...REMOVED), []);
  assert.equal(await listed(spb, '1001*old'), undefined);
  await phone.subscribe('2098*msk');
  await lampsAre(spb, { '2098*msk': 'INVALID', '2099*msk': 'UNKNOWN' });
  await takeAway(msk);
  await lampsAre(spb, { '2097*msk': 'NOT_INUSE', '2098*msk': 'NOT_INUSE', '2099*msk': 'INUSE' });

  // Of a peer that is gone nothing is removed.
  await mskBroker.kill();
  await believes(spbBroker, MSK, 'gone');
  const gone = told(await prune('--apply', '--json', '--tag', 'xyz', ...asPruner));
  assert.deepEqual(whys(gone.left), ['3001*xyz named']);
  // Nobody keeps this one, so it was made dark first.
  assert.equal(await listed(spb, '3001*xyz'), 'INVALID');
  assert.deepEqual(await rows(spb, '3001*xyz', '2001*msk'), ['2001*msk']);
}

/** Everything was read again, as the metrics of the broker tell. */
async function relisted(pbx: Asterisk, broker: Broker): Promise<void> {
  const count = async () => (await broker.status()).counters.relists;
  const before = await count();
  await pbx.cli('dialplan reload');
  await until('the broker has read everything again', async () => (await count()) > before);
}

/** No broker runs: what the state directory remembers is enough for former peers. */
async function alone({ spb, spbBroker, prune, asPruner }: Scene): Promise<void> {
  await spbBroker.stop();
  await setDevices(spb, { '1003*old': 'RINGING' });
  const { code, out, err } = await prune('--apply', ...asPruner);
  assert.equal(code, 0, err);
  assert.match(err, /no broker can be asked \(nobody listens at/);
  assert.match(out, /^kept: \d+ lamps of msk: msk is a peer, and no broker can be asked/m);
  assert.match(out, /^1 row removed$/m);
  assert.deepEqual(await rows(spb, '1003*old', '2001*msk'), ['2001*msk']);
  assert.equal(await listed(spb, '1003*old'), 'INVALID');
}

/** Where {@link people} begins: what others wrote, and what was left while no broker ran. */
const PRESENCES = {
  '2001': 'available',
  '2002': 'away,,lunch',
  '2003': 'away',
  '1001*old': 'dnd',
  '6002': 'dnd,,in a talk',
  '6003': 'not_set',
  '1009': 'away',
};

/** Of one PBX, with brokers of two sites beside it: `spb` has the lamps of `msk`. */
async function people(lab: Lab, root: Root): Promise<void> {
  const spb = await lab.pbx({
    root,
    name: SPB,
    dialplan: hints('exten => 700,hint,Custom:l700,CustomPresence:2003*msk\n') + lamps(SPB, MSK),
    manager: `${brokerUser('127.0.0.1')}\n${pruner()}`,
  });
  await setDevices(spb, { 6002: 'INUSE', 6003: 'INVALID', DND1001: 'INUSE', l2001: 'NOT_INUSE' });
  await setPresences(spb, PRESENCES);
  // After it 6003, which says not_set, is in no list.
  await spb.saved();
  await spb.kill();
  await spb.start();

  const [mskBroker, spbBroker] = await Promise.all([
    lab.broker({
      tag: MSK,
      pbx: spb,
      timing: HASTY,
      exports: [
        { device: 'Custom:l{ext}', match: '2001' },
        { presence: 'CustomPresence:{ext}', match: '_200X' },
      ],
    }),
    lab.broker({
      tag: SPB,
      pbx: spb,
      timing: HASTY,
      exports: [],
      plainLamps: [{ from: MSK, match: '2001', as: '6{ext:1}' }],
    }),
  ]);
  befriend(spbBroker, mskBroker);
  spbBroker.peers.push(peerEntry('old', await newIdentity('old')));
  await Promise.all([mskBroker.start(), spbBroker.start()]);
  await Promise.all([believes(spbBroker, MSK, 'live'), believes(spbBroker, 'old', 'gone')]);
  await setPresences(spb, { 2002: 'not_set', 2003: 'not_set' });
  spbBroker.peers.pop();
  assert.equal((await spbBroker.reload()).event, 'reloaded');
  await presencesAre(spb, { '2001*msk': 'available', '6001': 'available', '1001*old': 'unavailable' });
  await presencesAre(spb, { '2002*msk': 'not_set', '2003*msk': 'not_set' });

  const secret = join(lab.folder, SECRET_FILE);
  await writeFile(secret, PRUNER_SECRET, { mode: 0o600 });
  const config = join(spbBroker.stateFolder, '..', 'hintmesh.yaml');
  const prune = async (...args: readonly string[]) => told(await hintmesh('prune', '-c', config, ...args));
  assert.deepEqual(
    (await prune('--json')).left.map(({ name }) => name),
    ['2002*msk', '1001*old'],
  );

  const as = ['--ami-username', 'hintmesh-prune', '--ami-secret-file', secret];
  const done = await prune('--apply', '--json', '--plain', '_6XXX', ...as);
  assert.deepEqual(whys(done.left), [
    '6002 plain',
    '6002 plain',
    '6003 plain',
    '6003 plain',
    '2002*msk not-told',
    '1001*old former-peer',
  ]);
  assert.ok(done.left.every(({ removed }) => removed));
  assert.deepEqual(whys(done.kept), ['6001 plain-lamp', '6001 plain-lamp', '2003*msk hint']);
  const removed = ['2002*msk', '1001*old', '6002', '6003'];
  const others = ['2001*msk', '2003*msk', '6001', '2001', '1009'];
  const stays = async (): Promise<void> => {
    assert.deepEqual(await rowsOf('CustomPresence', spb, ...removed, ...others), others);
    assert.deepEqual(await rows(spb, '6001', '6002', '6003', 'DND1001', '2001*msk'), [
      '6001',
      'DND1001',
      '2001*msk',
    ]);
  };
  await stays();
  // Nobody is told any more of what was never taken back.
  await presencesAre(spb, { '6002': 'not_set', '1001*old': 'not_set' });
  await lampsAre(spb, { 6002: 'INVALID' });
  assert.deepEqual((await prune('--json', '--plain', '_6XXX')).left, []);

  await spb.saved();
  await spb.kill();
  await spb.start();
  await setPresences(spb, { 2001: 'chat' });
  await presencesAre(spb, { '2001*msk': 'chat', '6001': 'chat' });
  await stays();
  assert.deepEqual((await prune('--json', '--plain', '_6XXX')).left, []);

  // Taken out of the config while the broker runs, which makes it dark and goes on keeping it so.
  assert.equal((await spbBroker.reload({ plainLamps: [] })).event, 'reloaded');
  await lampsAre(spb, { 6001: 'INVALID' });
  await presencesAre(spb, { '6001': 'not_set' });
  const last = await prune('--apply', '--json', '--plain', '6001', ...as);
  assert.deepEqual(whys(last.left), ['6001 plain', '6001 plain']);
  assert.deepEqual(await rowsOf('CustomPresence', spb, '6001', '2001*msk'), ['2001*msk']);
  assert.deepEqual(await rows(spb, '6001', '2001*msk'), ['2001*msk']);
  assert.deepEqual(spbBroker.events('lamp-drift'), []);
  assert.deepEqual(spb.errors(), []);
}

async function setPresences(pbx: Asterisk, presences: Readonly<Record<string, string>>): Promise<void> {
  const ami = await pbx.ami();
  for (const [name, said] of Object.entries(presences)) {
    const Variable = `PRESENCE_STATE(CustomPresence:${name})`;
    const answer = await ami.action({ Action: 'Setvar', Variable, Value: said });
    assert.equal(answer['response'], 'Success', `${name}: ${answer['message']}`);
  }
  await ami.close();
}

/** Waits until Asterisk has these words in its database, from where it takes them at the next start. */
async function presencesAre(pbx: Asterisk, words: Readonly<Record<string, string>>): Promise<void> {
  const ami = await pbx.ami();
  let seen: Record<string, string> = {};
  await until(
    () => `presences are ${JSON.stringify(words)}; they are ${JSON.stringify(seen)}`,
    async () => {
      seen = {};
      for (const name of Object.keys(words)) {
        const Variable = `PRESENCE_STATE(CustomPresence:${name},value)`;
        seen[name] = (await ami.action({ Action: 'Getvar', Variable }))['value'] ?? '';
      }
      return JSON.stringify(seen) === JSON.stringify(words);
    },
    CONVERGES_MS,
  );
  await ami.close();
}

describe('prune', { skip: asterisks.skip, concurrency: true }, () => {
  for (const { title, origin, receiver } of eachPairing(asterisks)) {
    test(`${title}: rows of former peers and extensions go for good, and no other`, () =>
      inLab(async (lab) => {
        const all = await scene(lab, { msk: origin(), spb: receiver() });
        await prunes(lab, all);
        await alone(all);
        assert.deepEqual([...all.msk.errors(), ...all.spb.errors()], []);
      }));
  }
  for (const { title, root } of eachRoot(asterisks)) {
    test(`${title}: rows of presences go, and of lamps without a tag that are named`, () =>
      inLab((lab) => people(lab, root())));
  }
});

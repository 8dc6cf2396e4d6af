// What the recordings cannot show of presence and voicemail in the simulated Asterisk, and brokers beside it that carry
// both from one site to another.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { BrokerOptions } from '../../src/broker-options.ts';
import type { ExportRule } from '../../src/core/exports.ts';
import { parseMatch } from '../../src/core/match.ts';
import { presenceOf } from '../../src/core/presence.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { Site } from '../broker/sites.ts';
import { until } from '../until.ts';
import { SimulatedAsterisk } from './asterisk.ts';
import { RawClient } from './client.ts';
import { Pbx, type PbxEvent } from './pbx.ts';
import { escapeC } from './presences.ts';
import type { ShapeName } from './shape.ts';

let stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

function booted(): { pbx: Pbx; events: PbxEvent[] } {
  const pbx = new Pbx({
    hints: { '1001': 'Custom:1001,CustomPresence:1001', '*97': 'MWI:1001@default' },
    mailboxes: { '1001@default': {} },
  });
  pbx.loadModules();
  pbx.dialplanReload();
  pbx.loadVoicemail();
  const events: PbxEvent[] = [];
  pbx.onEvent = (event) => events.push(event);
  return { pbx, events };
}

test('PresenceStateChange and PresenceStatus of one write come in either order, and none is lost in a burst', () => {
  const { pbx, events } = booted();
  const first = new Set<string>();
  for (let n = 0; n < 100; n++) {
    pbx.writePresence('CustomPresence:1001', `away,,${n}`);
    pbx.settle();
    first.add(events[0]?.name ?? '');
    assert.equal(events.splice(0).length, 2);
  }
  assert.deepEqual([...first].sort(), ['PresenceStateChange', 'PresenceStatus']);
  for (const word of ['away', 'dnd', 'away']) pbx.writePresence('CustomPresence:1001', word);
  pbx.settle();
  assert.equal(events.filter(({ name }) => name === 'PresenceStateChange').length, 3);
});

test('MessageWaiting and the events of the mailbox’s device come in any order', () => {
  const { pbx, events } = booted();
  const first = new Set<string>();
  for (let n = 0; n < 100; n++) {
    pbx.voicemail.leave('1001@default');
    pbx.settle();
    first.add(events.splice(0)[0]?.name ?? '');
    pbx.voicemail.listen('1001@default');
    pbx.settle();
    events.length = 0;
  }
  assert.deepEqual([...first].sort(), ['DeviceStateChange', 'ExtensionStatus', 'MessageWaiting']);
  assert.deepEqual(pbx.voicemail.all(), [{ name: '1001@default', fullname: '', fresh: 0, old: 100 }]);
});

test('a text is escaped as C does, and each escape is of one character', () => {
  assert.equal(escapeC('a\u0007\b\f\n\r\t\v\\\'"?z'), 'a\\a\\b\\f\\n\\r\\t\\v\\\\\\\'\\"\\?z');
  assert.equal(escapeC('ü\u0001\u001b'), 'ü\u0001\u001b');
});

test('presence and messages outlive a restart, presence not an AstDB that was wiped', async () => {
  const sim = new SimulatedAsterisk({ bootMs: 5, mailboxes: { '1001@default': {} } });
  stops = [() => sim.stop()];
  const boot = async () => {
    await sim.start();
    await sim.whenBooted();
  };
  await boot();
  assert.ok(sim.pbx.writePresence('CustomPresence:1001', `away,,${base64('a, b')},e`));
  sim.leaveMessage('1001@default');
  await sim.stop();
  await boot();
  assert.deepEqual(sim.pbx.presences.all().get('CustomPresence:1001'), {
    word: 'away',
    subtype: '',
    message: 'a, b',
  });
  assert.equal(sim.pbx.deviceState('MWI:1001@default'), 'INUSE');
  await sim.stop({ wipe: true });
  await boot();
  assert.equal(sim.pbx.presences.all().size, 0);
  assert.equal(sim.pbx.voicemail.get('1001')?.fresh, 1);
});

test('a presence that is refused on request is not written', async () => {
  const sim = new SimulatedAsterisk({ bootMs: 5 });
  stops = [() => sim.stop()];
  await sim.start();
  await sim.whenBooted();
  const asked: string[] = [];
  sim.onSetvar = (name, value, ok) => asked.push(`${name}=${value} ${ok}`);
  sim.refuseSetvar((name) => name.endsWith('*spb'));
  const client = await RawClient.login(sim.port);
  const write = (name: string) =>
    client.ask('Action: Setvar', `Variable: PRESENCE_STATE(CustomPresence:${name})`, 'Value: xa');
  assert.deepEqual(await write('1001*spb'), ['Response: Error', 'Message: Variable not set']);
  assert.deepEqual(await write('1001'), ['Response: Success', 'Message: Variable Set']);
  client.close();
  assert.deepEqual(asked, ['CustomPresence:1001*spb=xa false', 'CustomPresence:1001=xa true']);
  assert.deepEqual([...sim.pbx.presences.astdb.keys()], ['1001']);
});

// ---- brokers

const LAMPS = { '_X.': 'Custom:$' + '{EXTEN},CustomPresence:$' + '{EXTEN}', '_vmX.': 'Custom:$' + '{EXTEN}' };

function match(...items: string[]) {
  const parsed = parseMatch(items);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes));
  return parsed.match;
}

/** A broker that reads presence and mailboxes, as one whose config exports them. */
class PeopleSite extends Site {
  override brokerOptions(peers: readonly Site[]): BrokerOptions {
    const options = super.brokerOptions(peers);
    const isOrigin = options.exports.length > 0;
    const presences = options.exports.some(({ source }) => source === 'presence');
    return { ...options, ami: { ...options.ami, presences, mailboxes: isOrigin } };
  }
}

/** `msk` is like `shape` and tells its mailboxes, and presence where it has that. */
async function two(shape: ShapeName = '22.10'): Promise<[Site, Site]> {
  const where = 'people.test.ts:1:1';
  const presence = {
    source: 'presence',
    presentity: 'CustomPresence:{ext}',
    match: match('_1XXX'),
    where,
  } as const;
  const as = { before: 'vm', from: 0, after: '' };
  const mailbox = { source: 'mailbox', context: 'default', match: match('_1XXX'), as, where } as const;
  const asterisk = { bootMs: 20, hints: LAMPS, mailboxes: { '1001@default': { fresh: 1 } } };
  const site = async (tag: string, exports: readonly ExportRule[], like: ShapeName) =>
    new PeopleSite(tag, loadIdentity(await generateIdentity(tag)), {
      exports,
      asterisk: { ...asterisk, shape: like },
    });
  const rules = shape === '1.8' ? [mailbox] : [presence, mailbox];
  const [msk, spb] = [await site('msk', rules, shape), await site('spb', [], '22.10')];
  stops = [msk, spb].map((each) => () => each.stop());
  for (const each of [msk, spb]) {
    await each.asterisk.start();
    await each.asterisk.whenBooted();
  }
  await msk.startBroker([spb]);
  await spb.startBroker([msk]);
  return [msk, spb];
}

/** What `CustomPresence:1001*msk` is at spb. */
function says(site: Site, word: 'away' | 'dnd' | 'not_set', message: string): Promise<unknown> {
  const wanted = presenceOf({ word, subtype: '', message });
  const now = () => {
    const said = site.asterisk.pbx.presences.of('CustomPresence:1001*msk');
    return said && presenceOf(said);
  };
  return until(
    () => `1001*msk at ${site.tag} is ${wanted}, not ${now()}`,
    () => now() === wanted,
  );
}

function lamp(site: Site, state: 'INUSE' | 'NOT_INUSE'): Promise<unknown> {
  site.asterisk.subscribe('vm1001*msk');
  const now = () => site.asterisk.lamp('vm1001*msk');
  return until(
    () => `vm1001*msk at ${site.tag} shows ${state}, not ${now()}`,
    () => now() === state,
  );
}

test('a presence is at the other site as it was said, also after either Asterisk restarted', async () => {
  const [msk, spb] = await two();
  const text = 'back at "10", or 11\\2 – ask Anna?';
  msk.asterisk.pbx.writePresence('CustomPresence:1001', `away,,${base64(text)},e`);
  await says(spb, 'away', text);
  for (const { asterisk } of [msk, spb]) {
    await asterisk.stop();
    await asterisk.start();
    await asterisk.whenBooted();
  }
  msk.asterisk.pbx.writePresence('CustomPresence:1001', 'dnd,,no calls');
  await says(spb, 'dnd', 'no calls');
  msk.asterisk.pbx.writePresence('CustomPresence:1001', 'not_set');
  await says(spb, 'not_set', '');
});

for (const shape of ['1.8', '16.28', '22.11'] as const) {
  test(`${shape}: the lamp of a mailbox is lit while it has new messages, whatever Waiting says at the boot`, async () => {
    const [msk, spb] = await two(shape);
    await lamp(spb, 'INUSE');
    msk.asterisk.pbx.voicemail.listen('1001@default');
    await lamp(spb, 'NOT_INUSE');
    msk.asterisk.leaveMessage('1001@default');
    await lamp(spb, 'INUSE');
    await msk.asterisk.stop();
    await msk.asterisk.start();
    await msk.asterisk.whenBooted();
    await until('read again', () => msk.asterisk.sessions > 0);
    msk.asterisk.pbx.voicemail.listen('1001@default');
    await lamp(spb, 'NOT_INUSE');
  });
}

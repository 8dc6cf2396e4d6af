// The shapes that were never compared with a real Asterisk: each test says what Asterisk's source says, by file. Those
// of 16.28 and 22.10 are held to recordings in recordings.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedAsterisk, type SimulatedAsteriskOptions } from './asterisk.ts';
import { type Packet, RawClient } from './client.ts';
import { Pbx, type PbxEvent, type PbxOptions } from './pbx.ts';

const PATTERN = { '_1XXX*spb': 'Custom:$' + '{EXTEN}' };

/** A booted model that keeps its events as text: name, then the values of the fields. */
function booted(options: PbxOptions): { pbx: Pbx; told: () => string[] } {
  const pbx = new Pbx(options);
  const events: PbxEvent[] = [];
  pbx.onEvent = (event) => events.push(event);
  pbx.loadModules();
  pbx.dialplanReload();
  const told = () => {
    pbx.settle();
    return events.splice(0).map(({ name, fields }) => [name, ...fields.map(([, text]) => text)].join(' '));
  };
  return { pbx, told };
}

async function withAsterisk(
  options: SimulatedAsteriskOptions,
  run: (sim: SimulatedAsterisk, client: RawClient) => Promise<void>,
): Promise<void> {
  const sim = new SimulatedAsterisk({ bootMs: 5, ...options });
  await sim.start();
  await sim.whenBooted();
  const client = await RawClient.login(sim.port);
  try {
    await run(sim, client);
  } finally {
    client.close();
    await sim.stop();
  }
}

const names = (packets: readonly Packet[]) => packets.map(([first = '']) => first);

test('22.11 (main/extension_state.c): a hint at the boot is told unless it is unavailable', () => {
  const { told } = booted({ shape: '22.11', hints: { '1': 'Custom:1', '2': 'PJSIP/2', '3': 'Custom:3' } });
  assert.deepEqual(told(), [
    'ExtensionStatus 1 ext-local Custom:1 0 Idle',
    'ExtensionStatus 3 ext-local Custom:3 0 Idle',
  ]);
});

test('22.11: a reload that changes nothing says nothing, and a hint from a pattern outlives it unwatched', () => {
  const { pbx, told } = booted({ shape: '22.11', hints: { '1001': 'PJSIP/1001', ...PATTERN } });
  pbx.askHint('1001*spb');
  told();
  pbx.dialplanReload();
  assert.deepEqual(told(), []);
  assert.deepEqual(
    pbx.hintRows().map(({ extension }) => extension),
    ['1001*spb', '1001'], // sorted by extension@context, byte by byte
  );
  pbx.writeCustom('Custom:1001*spb', 'INUSE');
  assert.ok(told().includes('ExtensionStatus 1001*spb ext-local Custom:1001*spb 1 InUse'));
});

test('22.11: a removed hint is told as -2, those of its pattern too, and their lamps go dark', () => {
  const { pbx, told } = booted({ shape: '22.11', hints: { '1001': 'Custom:1001', ...PATTERN } });
  pbx.subscribe('1001*spb');
  told();
  pbx.removeHint('1001');
  pbx.removeHint('_1XXX*spb');
  pbx.dialplanReload();
  assert.deepEqual(told().sort(), [
    'ExtensionStatus 1001 ext-local  -2 Unknown',
    'ExtensionStatus 1001*spb ext-local  -2 Unknown',
  ]);
  assert.equal(pbx.lamp('1001*spb'), undefined);
  assert.equal(pbx.askHint('1001').status, -1);
});

test('22.11: a hint that now names other devices tells its new state, which a watched one up to 22.10 keeps back', () => {
  const after = (shape: '22.10' | '22.11') => {
    const { pbx, told } = booted({ shape, hints: { '1': 'Custom:a' } });
    pbx.writeCustom('Custom:b', 'BUSY');
    pbx.subscribe('1');
    told();
    pbx.addHint('1', 'Custom:b');
    pbx.dialplanReload();
    return [pbx.lamp('1'), pbx.hintRows()[0]?.status, told().length];
  };
  assert.deepEqual(after('22.11'), ['BUSY', 2, 1]);
  assert.deepEqual(after('22.10'), ['NOT_INUSE', 0, 1]);
});

test('22.11: one more device that rings is told again, up to 22.10 it is not', () => {
  const rings = (shape: '22.10' | '22.11') => {
    const { pbx, told } = booted({ shape, hints: { '1': 'Custom:a&Custom:b' } });
    pbx.writeCustom('Custom:a', 'RINGING');
    pbx.settle();
    pbx.writeCustom('Custom:b', 'RINGING');
    return told().filter((text) => text.endsWith('8 Ringing')).length;
  };
  assert.deepEqual([rings('22.10'), rings('22.11')], [1, 2]);
});

test('22.11: a device finds its hints by its exact name only', () => {
  const moves = (shape: '22.10' | '22.11') => {
    const { pbx, told } = booted({ shape, hints: { '1': 'custom:a' } });
    told();
    pbx.writeCustom('Custom:a', 'INUSE');
    return told().some((text) => text.startsWith('ExtensionStatus'));
  };
  // Up to 22.10 the hint is looked at again; what it then reads is in AstDB under either name.
  assert.deepEqual([moves('22.10'), moves('22.11')], [true, false]);
});

test('22.11: the list is sorted; with no hint at all it is an error, with patterns only it is empty', async () => {
  await withAsterisk({ shape: '22.11' }, async (sim, client) => {
    const none = await client.ask('Action: ExtensionStateList');
    assert.deepEqual(none, ['Response: Error', 'Message: No dialplan hints are available']);
    sim.addHint('_1XXX*spb', 'Custom:$' + '{EXTEN}');
    sim.dialplanReload();
    client.send('Action: ExtensionStateList');
    const empty = await client.until((packet) => packet[0] === 'Event: ExtensionStateListComplete');
    assert.equal(empty.at(-1)?.at(-1), 'ListItems: 0');
    for (const extension of ['3', '1', '2']) sim.addHint(extension, `Custom:${extension}`);
    sim.dialplanReload();
    await client.ask('Action: Ping');
    client.send('Action: ExtensionStateList');
    const rows = await client.until((packet) => packet[0] === 'Event: ExtensionStateListComplete');
    const listed = rows.filter(([first]) => first === 'Event: ExtensionStatus').map(([, second]) => second);
    assert.deepEqual(listed, ['Exten: 1', 'Exten: 2', 'Exten: 3']);
  });
});

test('1.8 (main/pbx.c): neither boot nor reload nor question raises an event, a change does, without StatusText', () => {
  const { pbx, told } = booted({ shape: '1.8', hints: { '1001': 'SIP/1001', ...PATTERN } });
  assert.equal(pbx.askHint('1001*spb').status, 0);
  pbx.dialplanReload();
  assert.deepEqual(told(), []);
  pbx.askHint('1001*spb');
  pbx.writeCustom('Custom:1001*spb', 'INUSE');
  pbx.setDevice('SIP/1001', 'RINGING');
  assert.deepEqual(told(), [
    'ExtensionStatus 1001*spb ext-local Custom:1001*spb 1',
    'ExtensionStatus 1001 ext-local SIP/1001 8',
  ]);
});

test('1.8 (main/pbx.c): a comma in a hint is part of the name of its device', () => {
  const { pbx, told } = booted({ shape: '1.8', hints: { '1': 'Custom:1,CustomPresence:1' } });
  pbx.writeCustom('Custom:1', 'INUSE');
  assert.deepEqual(told(), []);
  pbx.writeCustom('Custom:1,CustomPresence:1', 'BUSY');
  assert.deepEqual(told(), ['ExtensionStatus 1 ext-local Custom:1,CustomPresence:1 2']);
});

test('1.8 (main/loader.c): a module that is loaded again raises no event', async () => {
  await withAsterisk({ shape: '1.8', mailboxes: { '1001@default': {} } }, async (sim, client) => {
    assert.equal(sim.moduleReload('app_voicemail.so'), true);
    assert.equal(sim.moduleReload(), true);
    sim.leaveMessage('1001@default');
    const [first] = await client.take(1);
    assert.deepEqual([first?.[0], first?.at(-2)], ['Event: MessageWaiting', 'New: 1']);
  });
});

test('up to 22.10 (main/pbx.c, ast_merge_contexts_and_delete) a watched hint keeps its presence over a reload', () => {
  const statuses = (watched: boolean) => {
    const { pbx, told } = booted({ shape: '22.10', hints: { '1': 'Custom:1,CustomPresence:1' } });
    if (watched) pbx.subscribe('1');
    pbx.writePresence('CustomPresence:1', 'away');
    pbx.settle();
    pbx.dialplanReload();
    told();
    pbx.writePresence('CustomPresence:1', 'away');
    return told().filter((text) => text.startsWith('PresenceStatus')).length;
  };
  assert.deepEqual([statuses(false), statuses(true)], [1, 0]);
});

test('1.8 (main/manager.c): banner, FullyBooted without times, the commands it has, and what a Setvar may write', async () => {
  const options = { shape: '1.8', hints: { '1001': 'SIP/1001' }, devices: { 'SIP/1001': 'INUSE' } } as const;
  await withAsterisk(options, async (sim, client) => {
    const raw = await RawClient.connect(sim.port);
    raw.send('Action: Login', 'Username: hintmesh', 'Secret: dummy-secret');
    const [banner, login, fullyBooted] = await raw.take(3);
    raw.close();
    assert.deepEqual(banner, ['Asterisk Call Manager/1.1']);
    assert.deepEqual(login, ['Response: Success', 'Message: Authentication accepted']);
    assert.deepEqual(fullyBooted, ['Event: FullyBooted', 'Privilege: system,all', 'Status: Fully Booted']);
    const commands = (await client.ask('Action: ListCommands')).map((line) => line.split(':')[0]);
    for (const there of ['Ping', 'Setvar', 'ExtensionState', 'CoreShowChannels', 'Status', 'Getvar']) {
      assert.ok(commands.includes(there), there);
    }
    for (const absent of ['ExtensionStateList', 'DeviceStateList', 'PresenceStateList', 'PresenceState']) {
      assert.ok(!commands.includes(absent), absent);
      assert.match((await client.ask(`Action: ${absent}`)).join(), /^Response: Error,.*unknown command/);
    }
    assert.deepEqual(await client.ask('Action: ExtensionState', 'Exten: 1001', 'Context: ext-local'), [
      'Response: Success',
      'Message: Extension Status',
      'Exten: 1001',
      'Context: ext-local',
      'Hint: SIP/1001',
      'Status: 1',
    ]);
    assert.deepEqual(await client.setvar('Custom:x', 'INUSE'), [
      'Response: Success',
      'Message: Variable Set',
    ]);
    const presence = ['Action: Setvar', 'Variable: PRESENCE_STATE(CustomPresence:x)', 'Value: away'];
    assert.deepEqual(await client.ask(...presence), ['Response: Error', 'Message: Variable not set']);
    assert.equal((await client.ask('Action: Ping'))[1], 'Ping: Pong');
    await client.ask('Action: Ping');
    assert.deepEqual(client.pending(), [], 'no event of a device or a presence');
  });
});

test('1.8 (main/channel.c): headers of channels in events and in both lists', async () => {
  await withAsterisk({ shape: '1.8' }, async (sim, client) => {
    const call = sim.call('SIP/1001', 'SIP/1002');
    const [, , newstate] = await client.take(3);
    assert.deepEqual(newstate?.slice(0, 5), [
      'Event: Newstate',
      'Privilege: call,all',
      'Channel: SIP/1002-00000001',
      'ChannelState: 5',
      'ChannelStateDesc: Ringing',
    ]);
    assert.deepEqual(
      newstate?.slice(5).map((line) => line.split(':')[0]),
      ['CallerIDNum', 'CallerIDName', 'ConnectedLineNum', 'ConnectedLineName', 'Uniqueid'],
    );
    client.send('Action: CoreShowChannels', 'ActionID: 1');
    const shown = await client.until((packet) => packet[0] === 'Event: CoreShowChannelsComplete');
    assert.deepEqual(shown.at(-1)?.slice(1), ['EventList: Complete', 'ListItems: 2', 'ActionID: 1']);
    for (const header of ['UniqueID: ', 'Extension: ', 'ChannelState: ', 'BridgedUniqueID: ']) {
      assert.ok(
        shown[1]?.some((line) => line.startsWith(header)),
        header,
      );
    }
    client.send('Action: Status', 'ActionID: 2');
    const rows = await client.until((packet) => packet[0] === 'Event: StatusComplete');
    assert.deepEqual(names(rows), [
      'Response: Success',
      'Event: Status',
      'Event: Status',
      'Event: StatusComplete',
    ]);
    assert.deepEqual(rows[0], ['Response: Success', 'ActionID: 2', 'Message: Channel status will follow']);
    // Only the caller's channel runs the dialplan.
    assert.ok(rows[1]?.includes('ChannelState: 4') && rows[2]?.includes('State: Ringing'));
    assert.deepEqual(rows.at(-1)?.slice(1), ['ActionID: 2', 'Items: 2']);
    call.answer();
    call.hold();
    await client.until((packet) => packet[0] === 'Event: Hold' && packet.includes('Status: On'));
    assert.equal(sim.pbx.deviceState('SIP/1001'), 'ONHOLD');
    assert.equal(sim.pbx.deviceState('SIP/1002'), 'INUSE');
    call.hangup();
  });
});

test('1.8 (apps/app_voicemail.c): the list has no end as others have, and who listened is told by Waiting alone', async () => {
  const mailboxes = { '1001@default': { fullname: 'Anna Person', fresh: 2 } };
  await withAsterisk({ shape: '1.8', mailboxes }, async (sim, client) => {
    client.send('Action: VoicemailUsersList', 'ActionID: 1');
    const [begun, row, end] = await client.until(([first]) => first === 'Event: VoicemailUserEntryComplete');
    assert.deepEqual(begun, ['Response: Success', 'ActionID: 1', 'Message: Voicemail user list will follow']);
    assert.deepEqual(row?.slice(0, 4), [
      'ActionID: 1',
      'Event: VoicemailUserEntry',
      'VMContext: default',
      'VoiceMailbox: 1001',
    ]);
    assert.equal(row?.at(-1), 'NewMessageCount: 2');
    assert.deepEqual(end, ['Event: VoicemailUserEntryComplete', 'ActionID: 1']);
    sim.leaveMessage('1001@default');
    sim.pbx.voicemail.listen('1001@default');
    const told = await client.take(2);
    const event = ['Event: MessageWaiting', 'Privilege: call,all', 'Mailbox: 1001@default'];
    assert.deepEqual(told, [
      [...event, 'Waiting: 1', 'New: 3', 'Old: 0'],
      [...event, 'Waiting: 0'],
    ]);
    assert.ok(!sim.pbx.devices().has('MWI:1001@default'));
  });
});

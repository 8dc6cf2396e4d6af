// What a PBX has not, and only some lines of the config need: the session goes on without it, says so, and takes it as
// soon as a reading finds it. What all lamps need still ends the session.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { AmiOptions } from '../../src/ami/contract.ts';
import { until } from '../until.ts';
import { closeAll, type Recorder, up } from './recorder.ts';
import {
  type Action,
  answers,
  commands,
  deviceEvent,
  list,
  mailboxRow,
  presenceEvent,
  type Reply,
  type Script,
  unknownCommand,
} from './scripted.ts';

afterEach(closeAll);

const forbidden: Reply = (action) =>
  `Response: Error\nActionID: ${action['actionid']}\nMessage: Permission denied\n\n`;

const MODULES = [
  {
    module: 'app_voicemail',
    action: 'VoicemailUsersList',
    lines: 'mailbox',
    options: { mailboxes: true },
    rows: (action: Action) => list(action, 'VoicemailUserEntry', [mailboxRow('default', '1001', 2)]),
    read: (seen: Recorder) => (seen.relisted.at(-1) ?? seen.ups.at(-1))?.mailboxes.length,
  },
  {
    module: 'res_manager_presencestate',
    action: 'PresenceStateList',
    lines: 'presence',
    options: { presences: true },
    rows: (action: Action) =>
      list(action, 'PresenceStateList', [presenceEvent('CustomPresence:1001', 'away')]),
    read: (seen: Recorder) => (seen.relisted.at(-1) ?? seen.ups.at(-1))?.presences.length,
  },
] as const;

const optionsOf = (port: number, more: Partial<AmiOptions>): AmiOptions => ({
  ...{ host: '127.0.0.1', port, username: 'hintmesh', secret: 's3cret', channels: false },
  ...{ pingEveryMs: 60_000, relistEveryMs: 60_000, ...more },
});

async function relisted(seen: Recorder): Promise<void> {
  const { length } = seen.relisted;
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length > length);
}

function asked(actions: readonly Action[], name: string): number {
  return actions.filter(({ action }) => action === name).length;
}

for (const { module, action, lines, options, rows, read } of MODULES) {
  const others = MODULES.map((other) => other.action).filter((other) => other !== action);
  const without: Script = {
    replies: { listcommands: answers(commands(...others)), [action.toLowerCase()]: unknownCommand },
  };
  const withIt: Script = {
    replies: { listcommands: answers(commands(...others, action)), [action.toLowerCase()]: rows },
  };
  const missing = `Asterisk has no ${action}, so the \`${lines}:\` lines in export of the config export nothing; load ${module} (modules.conf: load=${module}.so)`;

  test(`${module} that is loaded later is found at the next reading, and missed when it goes`, async () => {
    const { server, seen } = await up(without, options);
    const lacking = () => seen.asterisk.status().lacking;
    assert.equal(lacking(), missing);
    await relisted(seen);
    assert.deepEqual([lacking(), read(seen)], [missing, 0]);
    // What is not there is not asked for.
    assert.equal(asked(server.actions, action), 0);
    server.script = withIt;
    await relisted(seen);
    assert.deepEqual([lacking(), read(seen)], [undefined, 1]);
    const looked = asked(server.actions, 'ListCommands');
    await relisted(seen);
    assert.equal(asked(server.actions, 'ListCommands'), looked);
    // Nobody tells that a module goes.
    server.script = without;
    await relisted(seen);
    assert.deepEqual([lacking(), read(seen)], [missing, 0]);
    server.script = withIt;
    await relisted(seen);
    assert.deepEqual([lacking(), read(seen)], [undefined, 1]);
    server.peer.say(deviceEvent('PJSIP/1001', 'INUSE'));
    await until('told', () => seen.devices.length === 1);
    assert.deepEqual([seen.downs, seen.failed, server.peers.length], [[], [], 1]);
  });

  test(`${module} is found again also where ListCommands tells nothing`, async () => {
    const silent = { listcommands: unknownCommand };
    const { server, seen } = await up(
      { replies: { ...silent, [action.toLowerCase()]: unknownCommand } },
      options,
    );
    assert.equal(seen.asterisk.status().lacking, missing);
    assert.ok(!seen.lists.includes(action));
    server.script = { replies: { ...silent, [action.toLowerCase()]: rows } };
    await relisted(seen);
    assert.deepEqual([seen.asterisk.status().lacking, read(seen)], [undefined, 1]);
    assert.deepEqual([seen.downs, seen.failed], [[], []]);
  });

  test(`a user who may not do ${action} is told the line to write, and the rest goes on`, async () => {
    const { server, seen } = await up({ replies: { [action.toLowerCase()]: forbidden } }, options);
    assert.match(
      seen.asterisk.status().lacking ?? '',
      new RegExp(
        `may not do ${action}, so the \`${lines}:\` lines .*; write write=call,reporting in section`,
      ),
    );
    server.script = { replies: { [action.toLowerCase()]: rows } };
    await relisted(seen);
    assert.deepEqual([seen.asterisk.status().lacking, seen.downs, seen.failed], [undefined, [], []]);
  });
}

test('two that are missing are told in one text, and none of a session that is no more', async () => {
  const { server, seen } = await up(
    { replies: { listcommands: answers(commands()) } },
    { mailboxes: true, presences: true },
  );
  assert.match(seen.asterisk.status().lacking ?? '', /PresenceStateList, .*; and .*VoicemailUsersList, /);
  server.script = { greeting: '' };
  server.peer.socket.destroy();
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.asterisk.status().lacking, undefined);
});

test('presence that goes where no line wants it is not spoken of', async () => {
  const { server, seen } = await up({ replies: { presencestatelist: MODULES[1].rows } });
  assert.equal(seen.ups[0]?.presences.length, 1);
  server.script = { replies: { listcommands: answers(commands()), presencestatelist: unknownCommand } };
  await relisted(seen);
  assert.deepEqual([seen.asterisk.status().lacking, seen.downs], [undefined, []]);
  // Until a line does, however long it is gone by then.
  await relisted(seen);
  seen.asterisk.reconfigure(optionsOf(server.port, { presences: true }));
  assert.match(seen.asterisk.status().lacking ?? '', /no PresenceStateList/);
  server.script = { replies: { presencestatelist: MODULES[1].rows } };
  await relisted(seen);
  assert.deepEqual([seen.asterisk.status().lacking, seen.relisted.at(-1)?.presences.length], [undefined, 1]);
  assert.deepEqual(seen.downs, []);
});

test('res_manager_devicestate that goes ends the session, also while something else is missing', async () => {
  const names = commands();
  for (const replies of [
    { listcommands: answers(names), devicestatelist: unknownCommand },
    { listcommands: answers(names.replace(/^DeviceStateList.*\n/m, '')) },
  ]) {
    const { server, seen } = await up({ replies: { listcommands: answers(names) } }, { mailboxes: true });
    server.script = { replies };
    seen.asterisk.relist();
    await until('down', () => seen.downs.length >= 1);
    assert.equal(seen.downs[0]?.reason, 'missing-module');
    assert.match(seen.downs[0]?.text ?? '', /res_manager_devicestate/);
  }
});

// What fuzzing (test/fuzz) found in the AMI edge, each as it was found.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MAX_TOLD } from '../../src/ami/message.ts';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import { BOOTED, deviceEvent } from './scripted.ts';

afterEach(closeAll);

/** Commands of a terminal in 7 and in 8 bits, another writing direction, a line of its own. */
const HOSTILE = 'x\x1b[2J\x9b2J\u202e\u2028\u0085\0y';

test('300 000 empty lines are nothing, and what comes behind them is read', async () => {
  const { server, seen } = await up();
  server.peer.socket.write('\n'.repeat(300_000));
  server.peer.say(deviceEvent('PJSIP/1', 'INUSE'));
  await until('the event behind it', () => seen.devices.length === 1);
  assert.deepEqual(seen.calls, ['up', 'deviceChanged']);
});

test('an answer that says that output follows swallows nothing of what comes after it', async () => {
  const { server, seen } = await up();
  server.peer.say('Response: Follows\nPrivilege: Command\nActionID: x\ntext--END COMMAND--\n\n');
  server.peer.say(deviceEvent('PJSIP/1', 'INUSE'));
  await until('the event behind it', () => seen.devices.length === 1);
  assert.deepEqual(seen.downs, []);
});

test("nothing is read of what comes after the session's end in the same breath", async () => {
  const { server, seen } = await up();
  const events = deviceEvent('PJSIP/1', 'INUSE').repeat(1_000);
  server.peer.say(`Event: Shutdown\nPrivilege: system,all\n\n${events}`);
  await until('down', () => seen.downs.length === 1);
  assert.deepEqual(seen.devices, []);
});

test("Asterisk's own words are told printable and short: of a list that fails, of a write that is refused, its version", async () => {
  const long = `${HOSTILE}${'z'.repeat(5_000)}`;
  const error = (action: Readonly<Record<string, string>>) =>
    `Response: Error\nActionID: ${action['actionid']}\nMessage: ${long}\n\n`;
  const printable = (text: string | undefined) => {
    assert.match(text ?? '', /^[\x20-\x7e]+$/);
    assert.ok((text?.length ?? 0) < MAX_TOLD + 100, text);
  };
  const failing = await begin({ replies: { devicestatelist: error } });
  await until('failed', () => failing.seen.failed.length >= 1);
  printable(failing.seen.failed[0]?.text);

  const version = (action: Readonly<Record<string, string>>) =>
    `Response: Success\nActionID: ${action['actionid']}\nAsteriskVersion: ${long}\n\n`;
  const { seen } = await up({ replies: { setvar: error, coresettings: version } });
  printable(seen.version);
  const refused = await seen.asterisk.setDeviceState('Custom:1001*spb', 'INUSE');
  printable(refused.ok ? undefined : refused.why);

  const stranger = await begin({ greeting: `${HOSTILE}\n${BOOTED}` });
  await until('failed', () => stranger.seen.failed.length >= 1);
  printable(stranger.seen.failed[0]?.text);
});

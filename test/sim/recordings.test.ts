// Everything the simulated Asterisk says is held against what real ones said: each recording in
// test/fixtures/ami is played to it again, and its packets must be the same ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedAsterisk, type SimulatedAsteriskOptions } from './asterisk.ts';
import type { Call } from './calls.ts';
import { RawClient } from './client.ts';
import { dialogInfo } from './dialplan.ts';
import {
  Comparable,
  fixture,
  hintsOf,
  mailboxesOf,
  parseRecording,
  recordings,
  type Step,
  usersOf,
} from './recording.ts';

function reload(sim: SimulatedAsterisk, command: string): void {
  if (command === 'dialplan reload') sim.dialplanReload();
  else if (command === 'core reload') sim.moduleReload();
  else if (command.startsWith('module reload ')) sim.moduleReload(command.slice('module reload '.length));
}

/** `call a 1001 1002`, `hold a 1002`, `transfer a b 1002`: what the phones do. False: none of these. */
function act(
  sim: SimulatedAsterisk,
  calls: Map<string, Call>,
  verb: string,
  words: readonly string[],
): boolean {
  const [name = '', first = '', second = ''] = words;
  if (verb === 'call') {
    calls.set(name, sim.call(first, second));
    return true;
  }
  const call = calls.get(name);
  if (!call) return false;
  if (verb === 'answer') call.answer();
  else if (verb === 'hold') call.hold(first);
  else if (verb === 'resume') call.resume(first);
  else if (verb === 'hangup') call.hangup(first);
  else if (verb === 'reject') call.reject();
  else if (verb === 'pickup') call.pickUp(first);
  else if (verb === 'redirect') call.redirect(first);
  else if (verb === 'transfer') call.transfer(calls.get(first) ?? call);
  else return false;
  return true;
}

/** `message 1001@default`, `look 1001@default`, `mailbox 1001@default 0 2`: what happens to a mailbox. */
function mail(sim: SimulatedAsterisk, verb: string, words: readonly string[]): boolean {
  const [mailbox = '', fresh, old] = words;
  if (verb === 'message') sim.leaveMessage(mailbox);
  else if (verb === 'look') sim.pbx.voicemail.listen(mailbox, 'look');
  else if (verb === 'mailbox') sim.pbx.voicemail.set(mailbox, { fresh: Number(fresh), old: Number(old) });
  else return false;
  return true;
}

async function play(steps: readonly Step[], sim: SimulatedAsterisk): Promise<void> {
  const clients: RawClient[] = [];
  let client: RawClient | undefined;
  const calls = new Map<string, Call>();
  const hasCalls = steps.some(({ done }) => done?.startsWith('call '));
  const [real, simulated] = [new Comparable(hasCalls), new Comparable(hasCalls)];
  const connect = async () => {
    client = await RawClient.connect(sim.port);
    clients.push(client);
  };
  try {
    for (const { line, done, lines, packets, phones } of steps) {
      const [verb = '', ...words] = (done ?? '').split(' ');
      const rest = words.join(' ');
      if (done === undefined) client?.send(...lines);
      else if (verb === 'connect') {
        if (rest !== 'keeping the last') client?.close();
        await connect();
      } else if (verb === 'cli') reload(sim, rest);
      else if (verb === 'add') sim.addHint(words[0] ?? '', words.slice(1).join(' '));
      else if (verb === 'remove') sim.removeHint(rest);
      else if (verb === 'subscribe') assert.equal(sim.subscribe(rest), phones.get(rest) !== '404');
      else if (verb === 'restart' || verb === 'boot') {
        await sim.stop();
        await sim.start();
        if (verb === 'boot') await connect();
        else await sim.whenBooted();
      } else {
        const known = verb === 'raw' || mail(sim, verb, words) || act(sim, calls, verb, words);
        assert.ok(known, `line ${line}: what is "! ${done}"?`);
      }
      const got = (await client?.take(packets.length)) ?? [];
      assert.deepEqual(simulated.of(got), real.of(packets), `the step at line ${line}`);
      for (const [extension, shown] of phones) {
        if (shown === '404') continue;
        assert.equal(dialogInfo(sim.lamp(extension)), shown, `phone ${extension} after line ${line}`);
      }
    }
    assert.deepEqual(client?.pending(), [], 'nothing more came');
  } finally {
    for (const each of clients) each.close();
  }
}

const files = recordings();

test('there are recordings of both Asterisks', () => {
  assert.ok(files.filter((name) => name.startsWith('22.10-')).length >= 20);
  assert.ok(files.filter((name) => name.startsWith('16.28-')).length >= 20);
});

/** What the Asterisk of a recording was like: docs/simulated-asterisk.md. */
function optionsFor(name: string, text: string): SimulatedAsteriskOptions {
  const withCalls = text.includes('\n! call ');
  const withPeople = text.includes('\n> Username: people');
  const dialplan = withCalls ? 'calls.conf' : withPeople ? 'people.conf' : 'extensions.conf';
  const phones: SimulatedAsteriskOptions['devices'] = withCalls
    ? { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'NOT_INUSE', 'PJSIP/1003': 'NOT_INUSE' }
    : { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'UNAVAILABLE' };
  const boxesOf: Record<string, SimulatedAsteriskOptions['mailboxes']> = {
    voicemail: mailboxesOf(fixture('voicemail.conf')),
    'voicemail-boot': mailboxesOf(fixture('voicemail.conf')),
    nomailbox: {},
  };
  const [, version, scene = ''] = /^(\d+\.\d+)-(.*)\.txt$/.exec(name) ?? [];
  const boxes = boxesOf[scene];
  return {
    shape: version === '16.28' ? '16.28' : '22.10',
    ...(withCalls ? { context: 'phones' } : {}),
    ...(boxes === undefined ? {} : { mailboxes: boxes }),
    hints: hintsOf(fixture(dialplan)),
    users: usersOf(fixture('manager.conf')),
    devices: withPeople ? {} : phones,
    deviceStateModule: scene !== 'nomodule',
    presenceStateModule: scene !== 'nopresence',
    bootMs: 100,
    refusalMs: 10,
  };
}

for (const name of files) {
  test(`the simulated Asterisk says what the real one said in ${name}`, async () => {
    const text = fixture(name);
    const sim = new SimulatedAsterisk(optionsFor(name, text));
    await sim.start();
    await sim.whenBooted();
    try {
      await play(parseRecording(text), sim);
    } finally {
      await sim.stop();
    }
  });
}

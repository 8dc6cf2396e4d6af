// Everything the simulated Asterisk says is held against what real ones said: each recording in
// test/fixtures/ami is played to it again, and its packets must be the same ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedAsterisk } from './asterisk.ts';
import type { Call } from './calls.ts';
import { RawClient } from './client.ts';
import { dialogInfo } from './dialplan.ts';
import { Comparable, fixture, hintsOf, parseRecording, recordings, type Step, usersOf } from './recording.ts';

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
      } else assert.ok(verb === 'raw' || act(sim, calls, verb, words), `line ${line}: what is "! ${done}"?`);
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
  assert.ok(files.filter((name) => name.startsWith('22.10-')).length >= 15);
  assert.ok(files.filter((name) => name.startsWith('16.28-')).length >= 15);
});

for (const name of files) {
  test(`the simulated Asterisk says what the real one said in ${name}`, async () => {
    const text = fixture(name);
    const ami = /Asterisk Call Manager\/([\d.]+)/.exec(text)?.[1] ?? '';
    const withCalls = text.includes('\n! call ');
    const sim = new SimulatedAsterisk({
      ...(withCalls ? { context: 'phones' } : {}),
      hints: hintsOf(fixture(withCalls ? 'calls.conf' : 'extensions.conf')),
      users: usersOf(fixture('manager.conf')),
      devices: withCalls
        ? { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'NOT_INUSE', 'PJSIP/1003': 'NOT_INUSE' }
        : { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'UNAVAILABLE' },
      version: { ami, asterisk: 'any' },
      deviceStateModule: !name.endsWith('-nomodule.txt'),
      bootMs: 100,
      refusalMs: 10,
    });
    await sim.start();
    await sim.whenBooted();
    try {
      await play(parseRecording(text), sim);
    } finally {
      await sim.stop();
    }
  });
}

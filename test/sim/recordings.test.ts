// Everything the simulated Asterisk says is held against what real ones said: each recording in
// test/fixtures/ami is played to it again, and its packets must be the same ones.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SimulatedAsterisk } from './asterisk.ts';
import { type Packet, RawClient } from './client.ts';
import { dialogInfo } from './dialplan.ts';
import type { AmiUser } from './session.ts';

const FIXTURES = new URL('../fixtures/ami/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES), 'utf8');

/** One thing done, and all that came of it. */
interface Step {
  readonly line: number;
  /** `! …`: what was done to Asterisk; otherwise `lines` were sent. */
  readonly done: string | undefined;
  readonly lines: string[];
  readonly packets: string[][];
  /** Extension → what its phone was shown last. */
  readonly phones: Map<string, string>;
}

function parseRecording(text: string): Step[] {
  const steps: Step[] = [];
  let step: Step | undefined;
  let packet: string[] | undefined;
  let sending = false;
  const begin = (line: number, done?: string) => {
    step = { line, done, lines: [], packets: [], phones: new Map() };
    steps.push(step);
    packet = undefined;
  };
  for (const [index, line] of text.split('\n').entries()) {
    const mark = line.slice(0, 1);
    const rest = line.slice(2);
    if (mark === '!') begin(index + 1, rest);
    if (mark === '>' && line === '>') sending = false;
    else if (mark === '>') {
      if (!sending) begin(index + 1);
      sending = true;
      step?.lines.push(rest);
    }
    if (mark === '<' && line === '<') packet = undefined;
    else if (mark === '<') {
      if (!packet) {
        packet = [];
        step?.packets.push(packet);
      }
      packet.push(rest);
      if (rest.startsWith('Asterisk Call Manager/') || rest === '<closed>') packet = undefined;
    }
    if (mark === '~') {
      const [extension, shown] = rest.split(' ');
      step?.phones.set(extension ?? '', shown ?? '');
    }
  }
  return steps;
}

const isAsync = (packet: Packet | undefined) =>
  packet?.some((line) => line.startsWith('Privilege: ')) === true;
const isRow = (packet: Packet) => packet[0]?.startsWith('Event: ') === true && !isAsync(packet);

/**
 * Takes out what is allowed to differ: times, the order of rows inside a list, and how the events of two
 * threads (hints, devices) interleave. The order inside each of these threads stays.
 */
function canonical(packets: readonly Packet[]): string[] {
  const texts = packets.map((packet) =>
    packet
      .map((line) =>
        line
          .trimEnd()
          .replace(/^(Timestamp|Uptime|LastReload|AsteriskVersion|Core\w+(Date|Time)): .*/, '$1: *'),
      )
      .join(' | '),
  );
  const result: string[] = [];
  for (let at = 0; at < texts.length; ) {
    const kind = isAsync(packets[at]) ? isAsync : isRow;
    let end = at;
    while (end < texts.length && kind(packets[end] ?? [])) end++;
    if (end === at) result.push(texts[end++] ?? '');
    else if (kind === isRow) result.push(...texts.slice(at, end).sort());
    else {
      const run = texts.slice(at, end);
      const device = (text: string) => text.startsWith('Event: DeviceStateChange');
      result.push(...run.filter((text) => !device(text)), ...run.filter(device));
    }
    at = end;
  }
  return result;
}

function hintsOf(conf: string): Record<string, string> {
  return Object.fromEntries(
    [...conf.matchAll(/^exten => ([^,]+),hint,(.*)$/gm)].map((found) => [found[1] ?? '', found[2] ?? '']),
  );
}

function usersOf(conf: string): AmiUser[] {
  return conf.split(/^\[/m).flatMap((section) => {
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(section)?.[1];
    const secret = value('secret');
    if (secret === undefined) return [];
    const username = section.slice(0, section.indexOf(']'));
    const single = value('allowmultiplelogin') === 'no';
    return [{ username, secret, read: value('read') ?? '', write: value('write') ?? '', single }];
  });
}

function reload(sim: SimulatedAsterisk, command: string): void {
  if (command === 'dialplan reload') sim.dialplanReload();
  else if (command === 'core reload') sim.moduleReload();
  else if (command.startsWith('module reload ')) sim.moduleReload(command.slice('module reload '.length));
}

async function play(steps: readonly Step[], sim: SimulatedAsterisk): Promise<void> {
  const clients: RawClient[] = [];
  let client: RawClient | undefined;
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
      } else assert.equal(verb, 'raw', `line ${line}: what is "! ${done}"?`);
      const got = (await client?.take(packets.length)) ?? [];
      assert.deepEqual(canonical(got), canonical(packets), `the step at line ${line}`);
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

const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.txt'));

test('there are recordings of both Asterisks', () => {
  assert.ok(files.filter((name) => name.startsWith('22.10-')).length >= 12);
  assert.ok(files.filter((name) => name.startsWith('16.28-')).length >= 12);
});

for (const name of files) {
  test(`the simulated Asterisk says what the real one said in ${name}`, async () => {
    const text = read(name);
    const ami = /Asterisk Call Manager\/([\d.]+)/.exec(text)?.[1] ?? '';
    const sim = new SimulatedAsterisk({
      hints: hintsOf(read('extensions.conf')),
      users: usersOf(read('manager.conf')),
      devices: { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'UNAVAILABLE' },
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

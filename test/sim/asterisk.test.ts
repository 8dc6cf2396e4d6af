// What the recordings cannot show: order under load, faults, restarts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimulatedAsterisk, type SimulatedAsteriskOptions } from './asterisk.ts';
import { type Packet, RawClient } from './client.ts';

const HINTS = { '1001': 'PJSIP/1001', '1001*spb': 'Custom:1001*spb' };

/** A booted PBX for one test, stopped after it. */
async function withPbx(
  options: SimulatedAsteriskOptions,
  use: (sim: SimulatedAsterisk) => Promise<void>,
): Promise<void> {
  const sim = new SimulatedAsterisk({ hints: HINTS, bootMs: 10, refusalMs: 10, ...options });
  await sim.start();
  await sim.whenBooted();
  try {
    await use(sim);
  } finally {
    await sim.stop();
  }
}

const is = (word: string) => (packet: Packet) => packet.some((line) => line === word);
const ok = (packet: Packet) => packet[0] === 'Response: Success';

test('no event gets inside a list, and a response always comes before its own echo', async () => {
  await withPbx({}, async (sim) => {
    const client = await RawClient.login(sim.port);
    for (let n = 0; n < 50; n++) {
      client.send('Action: Setvar', `ActionID: w${n}`, `Variable: DEVICE_STATE(Custom:d${n})`, 'Value: BUSY');
      client.send('Action: DeviceStateList', `ActionID: l${n}`);
    }
    const packets = await client.until((packet) => packet.includes('Device: Custom:d49') && !inList(packet));
    client.send('Action: Ping', 'ActionID: end');
    packets.push(...(await client.until(is('ActionID: end'))));
    let list: string | undefined;
    for (const packet of packets) {
      if (packet.includes('EventList: start')) list = packet[1];
      if (list) assert.ok(packet.includes(list), `${JSON.stringify(packet)} is inside ${list}`);
      if (packet.includes('EventList: Complete')) list = undefined;
    }
    for (let n = 0; n < 50; n++) {
      const response = packets.findIndex(is(`ActionID: w${n}`));
      const echo = packets.findIndex((packet) => packet.includes(`Device: Custom:d${n}`) && !inList(packet));
      assert.ok(response >= 0 && echo > response, `write ${n}`);
    }
    client.close();
  });
});

const inList = (packet: Packet) => packet.some((line) => line.startsWith('ActionID: '));

test('a muted PBX accepts connections and answers nothing, then everything in order', async () => {
  await withPbx({}, async (sim) => {
    const client = await RawClient.login(sim.port);
    sim.mute();
    const newcomer = await RawClient.connect(sim.port);
    client.send('Action: Ping', 'ActionID: 1');
    client.send('Action: Setvar', 'ActionID: 2', 'Variable: DEVICE_STATE(Custom:1001*spb)', 'Value: BUSY');
    sim.setDevice('PJSIP/1001', 'INUSE');
    // Another PBX of this process answers meanwhile: time enough for this one to have said something.
    await withPbx({}, async (other) => (await RawClient.login(other.port)).close());
    assert.deepEqual([client.pending(), newcomer.pending()], [[], []]);
    assert.equal(sim.pbx.astdb.size, 0);
    sim.unmute();
    const packets = await client.until(is('ActionID: 2'));
    assert.ok(packets.findIndex(is('ActionID: 1')) >= 0);
    assert.deepEqual(await newcomer.take(1), [['Asterisk Call Manager/11.0.0']]);
    client.close();
    newcomer.close();
  });
});

test('drop() cuts every session inside a packet; drop(bytes) cuts a list in two', async () => {
  await withPbx({}, async (sim) => {
    const first = await RawClient.login(sim.port);
    let last = '';
    first.socket.on('data', (text: string) => {
      last = text;
    });
    sim.drop();
    await first.until(is('<closed>'));
    assert.ok(!last.endsWith('\r\n'), last);

    const second = await RawClient.login(sim.port);
    for (let n = 0; n < 20; n++) await second.setvar(`Custom:d${n}`, 'BUSY');
    sim.drop(600);
    second.send('Action: DeviceStateList', 'ActionID: cut');
    const packets = await second.until(is('<closed>'));
    assert.ok(packets.some(is('EventList: start')));
    assert.ok(!packets.some(is('EventList: Complete')));
  });
});

test('a restart keeps the port and AstDB, forgets the rest, and may wipe AstDB too', async () => {
  await withPbx({ devices: { 'PJSIP/1001': 'NOT_INUSE' } }, async (sim) => {
    const { port } = sim;
    const client = await RawClient.login(port);
    assert.ok(ok(await client.setvar('Custom:1001*spb', 'BUSY')));
    sim.call('PJSIP/1002', '1001').answer();
    sim.subscribe('1001*spb');
    await sim.stop();
    await client.until(is('<closed>'));
    assert.equal(sim.lamp('1001*spb'), 'BUSY', 'the phone still shows what it was told last');
    await sim.start();
    assert.equal(sim.port, port);
    assert.equal(sim.hintState('1001'), undefined, 'no hints before the boot is over');
    await sim.whenBooted();
    assert.equal(sim.hintState('1001'), 'NOT_INUSE');
    assert.equal(sim.lamp('1001*spb'), 'BUSY');
    await sim.stop({ wipe: true });
    await sim.start();
    await sim.whenBooted();
    assert.equal(sim.lamp('1001*spb'), 'NOT_INUSE', 'never written: idle');
  });
});

test('in the second half of a boot Setvar succeeds though no hint exists yet', async () => {
  await withPbx({ bootMs: 150 }, async (sim) => {
    await sim.stop();
    await sim.start();
    const client = await RawClient.connect(sim.port);
    client.send('Action: Login', 'Username: hintmesh', 'Secret: dummy-secret');
    await client.until(is('Message: Authentication accepted'));
    let tries = 0;
    while (!ok(await client.setvar('Custom:1001*spb', 'BUSY'))) tries++;
    assert.ok(tries > 0, 'it fails at first');
    assert.equal(sim.booted, false);
    const list = await client.ask('Action: ExtensionStateList', 'ActionID: x');
    assert.ok(ok(list));
    assert.ok((await client.take(1))[0]?.includes('ListItems: 0'));
    const packets = await client.until(is('Event: FullyBooted'));
    assert.ok(packets.some((packet) => packet.includes('Exten: 1001*spb') && packet.includes('Status: 2')));
    client.close();
  });
});

test('a reader that does not read is cut after writetimeout, others are not', async () => {
  await withPbx({ writeTimeoutMs: 50 }, async (sim) => {
    const slow = await RawClient.login(sim.port);
    const quick = await RawClient.login(sim.port);
    slow.socket.pause();
    let changes = 0;
    while (sim.sessions === 2 && changes < 60_000) {
      for (let n = 0; n < 1_000; n++) sim.setDevice('PJSIP/1001', changes++ % 2 ? 'INUSE' : 'BUSY');
      await quick.ask('Action: Ping');
    }
    assert.equal(sim.sessions, 1);
    assert.ok(changes > 1_000, 'the kernel buffers something first');
    slow.close();
    quick.close();
  });
});

test('faults a test can ask for: refused writes, refused logins, late answers, junk', async () => {
  await withPbx({}, async (sim) => {
    const writes: string[] = [];
    sim.onSetvar = (device, word, done) => writes.push(`${device}=${word} ${done}`);
    const client = await RawClient.login(sim.port);
    sim.refuseSetvar((device) => device === 'Custom:a');
    assert.ok((await client.setvar('Custom:a', 'BUSY')).includes('Message: Variable not set'));
    assert.ok(ok(await client.setvar('Custom:b', 'BUSY')));
    sim.refuseSetvar();
    assert.ok(ok(await client.setvar('Custom:a', 'BUSY')));
    assert.deepEqual(writes, ['Custom:a=BUSY false', 'Custom:b=BUSY true', 'Custom:a=BUSY true']);

    sim.refuseLogins();
    const refused = await RawClient.connect(sim.port);
    refused.send('Action: Login', 'Username: hintmesh', 'Secret: dummy-secret');
    assert.ok((await refused.until(is('<closed>'))).some(is('Message: Authentication failed')));

    sim.delayResponses(40);
    const before = performance.now();
    await client.ask('Action: Ping');
    assert.ok(performance.now() - before >= 35);
    sim.delayResponses(0);

    sim.inject('junk: yes\r\n\r\n');
    assert.deepEqual((await client.until(is('junk: yes'))).at(-1), ['junk: yes']);
    client.close();
  });
});

test('the server survives any bytes from a client', async () => {
  await withPbx({}, async (sim) => {
    const word = fc.constantFrom(
      'Action: ',
      'Setvar',
      'Login',
      '\r\n',
      '\n',
      '\r',
      ': ',
      'Variable',
      '\0',
      '(',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.array(word).map((words) => words.join('')),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (junk) => {
        const client = await RawClient.connect(sim.port);
        client.socket.end(junk);
        await once(client.socket, 'close');
      }),
      { numRuns: 50 },
    );
    const client = await RawClient.login(sim.port);
    assert.ok(ok(await client.ask('Action: Ping')));
    client.close();
  });
});

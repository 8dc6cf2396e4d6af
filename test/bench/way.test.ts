import assert from 'node:assert/strict';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { pause, until } from '../until.ts';
import type { Way } from './contract.ts';
import { openWay, roundTrips } from './way.ts';

const DELAY_MS = 20;
/** Timers have steps of a millisecond, and what is due within half a step goes at once. */
const STEP_MS = 1;

const kept: { close(): Promise<void> }[] = [];
let way: Way;

before(async () => {
  way = await openWay({ keep: (thing) => void kept.push(thing) }, { delayMs: DELAY_MS });
});
after(async () => {
  for (const thing of kept) await thing.close();
});

/** A server behind the way, and what `each` does with who comes. */
async function behind(each: (socket: Socket) => void): Promise<{ dial(): Promise<Socket>; close(): void }> {
  const server = createServer({ noDelay: true }, each);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { host, port } = await way.tcp('127.0.0.1', (server.address() as AddressInfo).port);
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return socket;
  };
  return { dial, close: () => void server.close() };
}

async function bound(): Promise<Datagrams> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

test('a byte takes both delays to come back, and not much more', async () => {
  const took = (await roundTrips(way, 20)).sort((a, b) => a - b);
  assert.ok((took[0] ?? 0) >= 2 * (DELAY_MS - STEP_MS), `${took[0]} ms`);
  // A busy machine may make some late, not most.
  assert.ok((took[5] ?? 0) < 3 * DELAY_MS, `${took[5]} ms`);
});

test('what comes in a stream keeps its order, each piece takes the delay, and the end comes after all', async () => {
  const came: { text: string; at: number }[] = [];
  let ended = false;
  const server = await behind((socket) => {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => came.push({ text, at: performance.now() }));
    socket.on('end', () => {
      ended = true;
    });
  });
  const socket = await server.dial();
  let sent = '';
  let lastSentAt = 0;
  for (let n = 0; n < 3_000; n += 1) {
    lastSentAt = performance.now();
    socket.write(`${n},`);
    sent += `${n},`;
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  const large = 'x'.repeat(1_000_000);
  socket.end(large);
  await until('the end', () => ended);
  assert.equal(came.map(({ text }) => text).join(''), sent + large);
  const last = came.at(-1)?.at ?? 0;
  assert.ok(last - lastSentAt >= DELAY_MS - STEP_MS, `${last - lastSentAt} ms`);
  server.close();
});

test('pieces do not wait for each other: a second is on its way while the first is', async () => {
  const server = await behind((socket) => socket.pipe(socket));
  const socket = await server.dial();
  let came = 0;
  socket.on('data', (data) => {
    came += data.length;
  });
  const begun = performance.now();
  for (let n = 0; n < 10; n += 1) {
    socket.write('.');
    await pause(1);
  }
  await until('all echoes', () => came === 10);
  assert.ok(performance.now() - begun < 10 * DELAY_MS, 'as long as one after another');
  socket.destroy();
  server.close();
});

test('a reader that stands still makes the sender wait, and loses nothing', async () => {
  let reader: Socket | undefined;
  const server = await behind((socket) => {
    reader = socket.pause();
  });
  const socket = await server.dial();
  const reading = await until('the other end', () => reader);
  const piece = Buffer.alloc(64 * 1_024);
  const pieces = 1_000;
  let taken = 0;
  const give = (): void => {
    if (taken === pieces) socket.end();
    else
      socket.write(piece, () => {
        taken += 1;
        give();
      });
  };
  give();
  // The way takes what its queue and the system's buffers hold, and no more.
  let before = -1;
  await until('no more goes in', async () => {
    const still = taken === before;
    before = taken;
    await pause(5 * DELAY_MS);
    return still;
  });
  assert.ok(taken > 0 && taken < pieces, `${taken} pieces`);
  let read = 0;
  reading.on('data', (data) => {
    read += data.length;
  });
  reading.resume();
  await until('all of it', () => read === pieces * piece.length);
  server.close();
});

test('where nobody listens, the connection is broken off', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const to = await way.tcp('127.0.0.1', port);
  const socket = connect(to.port, to.host);
  let broken = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    broken = true;
  });
  await until('it breaks', () => broken);
});

test('datagrams keep their order and take the delay; each sender gets its own answers, from where it sent to', async () => {
  const server = await bound();
  server.on('message', (data, { address, port }) => server.send(data, port, address));
  const to = await way.udp('127.0.0.1', server.address().port);
  const senders = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const socket = await bound();
      const came: string[] = [];
      const from = new Set<number>();
      let firstAt = 0;
      socket.on('message', (data, { port }) => {
        firstAt ||= performance.now();
        came.push(data.toString());
        from.add(port);
      });
      return { name, socket, came, from, firstAt: () => firstAt };
    }),
  );
  const begun = performance.now();
  const sent = Array.from({ length: 50 }, (_, n) => n);
  for (const n of sent) for (const { name, socket } of senders) socket.send(`${name}${n}`, to.port, to.host);
  for (const { name, socket, came, from, firstAt } of senders) {
    await until(`the answers of ${name}`, () => came.length === sent.length);
    assert.deepEqual(
      came,
      sent.map((n) => `${name}${n}`),
    );
    assert.deepEqual([...from], [to.port]);
    assert.ok(firstAt() - begun >= 2 * (DELAY_MS - STEP_MS), `${firstAt() - begun} ms`);
    socket.close();
  }
  server.close();
});

test('when the way is closed nothing listens any more', async () => {
  const mine: { close(): Promise<void> }[] = [];
  const own = await openWay({ keep: (thing) => void mine.push(thing) }, { delayMs: 1 });
  const { host, port } = await own.tcp('127.0.0.1', 9);
  for (const thing of mine) await thing.close();
  const socket = connect(port, host);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});

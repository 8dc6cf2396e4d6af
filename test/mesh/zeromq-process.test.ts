// ZeroMQ in a process of its own: that it ends by itself, whoever does not read, and that little of everything does
// not end it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Broker } from './broker.ts';
import { Relay } from './relay.ts';
import { bb, closeAll, dialler, tcpTo, toClose } from './tcp-ends.ts';
import { identityOf, TcpWorld } from './tcp-world.ts';
import { never, settle, until } from './until.ts';
import type { Answer, Order } from './zeromq-child.ts';
import { entry, greeting, there, zeromqListener } from './zeromq-ends.ts';

afterEach(Broker.closeAll);
afterEach(closeAll);

/** A process that was told to stop must have ended by itself within this; the machine may be busy. */
const ENDS_WITHIN_MS = 10_000;

class Child {
  readonly process: ChildProcess;
  errors = '';
  ended: { readonly code: number | null; readonly signal: string | null } | undefined;

  /** `openFiles`: the most descriptors it may have. */
  constructor(openFiles?: number) {
    const node = [
      process.execPath,
      '--import',
      'tsx',
      fileURLToPath(new URL('zeromq-child.ts', import.meta.url)),
    ];
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `;
    this.process = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...node], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.process.stderr?.on('data', (text) => {
      this.errors += text;
    });
    this.process.once('exit', (code, signal) => {
      this.ended = { code, signal };
    });
    toClose.push(() => this.process.kill('SIGKILL'));
  }

  async order(order: Order): Promise<Answer> {
    const answered = once(this.process, 'message');
    this.process.send(order);
    const [answer] = await Promise.race([
      answered,
      once(this.process, 'exit').then(() => assert.fail(`it ended: ${this.errors}`)),
    ]);
    return answer as Answer;
  }

  /** Ends it as told, and waits until it has, without help. */
  async ends(how: () => unknown): Promise<void> {
    how();
    await until(() => this.ended !== undefined, 'it ends by itself', ENDS_WITHIN_MS);
    assert.deepEqual(this.ended, { code: 0, signal: null }, this.errors);
    assert.equal(this.errors, '');
  }
}

describe('a process ends by itself when its transport is closed', () => {
  for (const [what, how] of [
    ['told so', (child: Child) => child.process.send({ do: 'close' })],
    ['by SIGTERM', (child: Child) => child.process.kill('SIGTERM')],
  ] as const) {
    test(`with a megabyte that a peer does not read: ${what}`, async () => {
      const child = new Child();
      const { curveKey } = await child.order({ do: 'start', tag: 'aa', peers: [] });
      const far = await zeromqListener({}, [{ tag: 'aa', transport: 'zeromq', curveKey }]);
      const relay = await Relay.to(far.port);
      await child.order({ do: 'dial', peer: there(relay.port) });
      relay.stop();
      await child.order({ do: 'send', bytes: 1_000_000, times: 12 });
      await child.ends(() => how(child));
    });

    test(`with guests who are half way in: ${what}`, async () => {
      const child = new Child();
      const { port = 0 } = await child.order({ do: 'start', tag: 'bb', peers: [entry('aa', bb)] });
      for (const bytes of [Buffer.from([0xff]), greeting().subarray(0, 30), greeting()]) {
        (await tcpTo(port)).write(bytes);
      }
      await settle(100);
      await child.ends(() => how(child));
    });
  }

  test('with a dial under way to somebody who says nothing', async () => {
    const child = new Child();
    await child.order({ do: 'start', tag: 'aa', peers: [] });
    const relay = await Relay.to((await zeromqListener()).port);
    relay.stop();
    child.process.send({ do: 'dial', peer: there(relay.port) });
    await until(() => relay.lines === 1, 'it dials');
    await child.ends(() => child.process.send({ do: 'close' }));
  });
});

test('a broker whose event loop stands still is found silent, although its libzmq still answers', async () => {
  const child = new Child();
  const world = new TcpWorld({}, 'zeromq');
  toClose.push(() => world.close());
  const aa = new Broker('aa', await world.transport('aa', { listen: true }), [], { pingEveryMs: 150 });
  await aa.start();
  const { curveKey } = await child.order({
    do: 'mesh',
    tag: 'bb',
    peers: [world.peer('aa', { dial: true })],
  });
  aa.expect([{ tag: 'bb', transport: 'zeromq', curveKey }]);
  await aa.linked('bb');
  await child.order({ do: 'block', ms: 4_000 });
  const since = performance.now();
  await until(() => aa.downs.length > 0, 'found');
  assert.deepEqual([aa.downs[0]?.peer, aa.downs[0]?.why.reason], ['bb', 'silence']);
  assert.ok(performance.now() - since < 4_000, 'while it still stands');
  await until(() => aa.ups.length > 1, 'and linked again when it goes on', 15_000);
});

test('short of descriptors: whoever comes is refused or cut, nobody crashes the broker, and later it takes peers again', async () => {
  const child = new Child(150);
  const aa = await identityOf('aa');
  const { port = 0, curveKey } = await child.order({ do: 'start', tag: 'bb', peers: [entry('aa', aa)] });
  const crowd = [];
  for (let n = 0; n < 120; n++) {
    const socket = await tcpTo(port).catch(() => undefined);
    socket?.write(Buffer.from([0xff]));
    crowd.push(socket);
  }
  const transport = dialler();
  await transport.dial(there(port, { curveKey }), never()).catch(() => {});
  for (const socket of crowd) socket?.destroy();
  await until(async () => {
    const channel = await transport.dial(there(port, { curveKey }), never()).catch(() => undefined);
    return channel !== undefined;
  }, 'a peer gets in again');
  await child.ends(() => child.process.send({ do: 'close' }));
});

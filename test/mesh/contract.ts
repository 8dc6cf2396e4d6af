// What src/mesh/contract.ts asks of a transport, as one suite that every transport passes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Channel,
  DialError,
  HIGH_WATER_BYTES,
  LOW_WATER_BYTES,
  MAX_FRAME_BYTES,
  type PeerAddress,
  type Refusal,
  type Transport,
} from '../../src/mesh/contract.ts';
import { never, settle, until } from './until.ts';

/** A fresh little world of brokers that can reach each other. */
export interface World {
  /** A transport for `tag`, not started. */
  transport(tag: string, options: { listen: boolean }): Promise<Transport>;
  /** How `tag` (made before, and started if `dial`) stands in another broker's list of peers. */
  peer(tag: string, options: { dial: boolean; wrongKey?: boolean }): PeerAddress;
  /** The key by which a listener knows `tag`. */
  key(tag: string): string;
  close(): Promise<void>;
}

interface Side {
  readonly transport: Transport;
  readonly accepted: Channel[];
  readonly refusals: Refusal[];
  /** Said at once on every channel it accepts. */
  greeting: string | undefined;
}

/** An end of a channel with its handlers set, as link.ts would. */
function listen(channel: Channel): { got: string[]; closed: string[]; drained: number } {
  const seen = { got: [] as string[], closed: [] as string[], drained: 0 };
  channel.onMessage = (text) => seen.got.push(text);
  channel.onClose = (why) => seen.closed.push(why);
  channel.onDrain = () => {
    seen.drained += 1;
  };
  return seen;
}

export function transportContract(name: string, setup: () => Promise<World>): void {
  /** `aa` dials, `bb` listens; each in the other's list unless told otherwise. */
  async function withWorld(body: (world: World, aa: Side, bb: Side) => Promise<void>): Promise<void> {
    const world = await setup();
    const sides: Side[] = [];
    const side = async (tag: string, listens: boolean): Promise<Side> => {
      const made: Side = {
        transport: await world.transport(tag, { listen: listens }),
        accepted: [],
        refusals: [],
        greeting: undefined,
      };
      await made.transport.start({
        channel: (channel) => {
          made.accepted.push(channel);
          if (made.greeting !== undefined) channel.send(made.greeting);
        },
        refused: (refusal) => made.refusals.push(refusal),
      });
      sides.push(made);
      return made;
    };
    try {
      await body(world, await side('aa', false), await side('bb', true));
    } finally {
      for (const { transport } of sides) await transport.close();
      await world.close();
    }
  }

  /** A channel between the two, both ends listened to. */
  async function connected(world: World, aa: Side, bb: Side) {
    aa.transport.setPeers([world.peer('bb', { dial: true })]);
    bb.transport.setPeers([world.peer('aa', { dial: false })]);
    const dialled = await aa.transport.dial(world.peer('bb', { dial: true }), never());
    const near = listen(dialled);
    await until(() => bb.accepted.length > 0, 'the dialled side has a channel');
    const accepted = bb.accepted.shift();
    assert.ok(accepted);
    return { dialled, near, accepted, far: listen(accepted) };
  }

  async function refusal(attempt: Promise<unknown>): Promise<Refusal> {
    try {
      await attempt;
    } catch (error) {
      assert.ok(error instanceof DialError, String(error));
      return error.refusal;
    }
    return assert.fail('the dial was not refused');
  }

  describe(`transport contract: ${name}`, () => {
    test('both ends know who the other is, and who dialled', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, accepted } = await connected(world, aa, bb);
        assert.deepEqual(
          [dialled.peer, dialled.dialled, accepted.peer, accepted.dialled],
          ['bb', true, 'aa', false],
        );
        assert.notEqual(dialled.remote, '');
        assert.notEqual(accepted.remote, '');
      }));

    test('messages arrive whole and in order, both ways, whatever their size', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, near, accepted, far } = await connected(world, aa, bb);
        const texts = ['', 'x', '"é€😀"', 'y'.repeat(70_000), 'z'.repeat(MAX_FRAME_BYTES)];
        for (let n = 0; n < 500; n++) texts.push(`message ${n} ${'.'.repeat(n)}`);
        for (const text of texts) {
          dialled.send(text);
          accepted.send(text);
        }
        await until(() => far.got.length === texts.length && near.got.length === texts.length, 'all arrived');
        assert.deepEqual(far.got, texts);
        assert.deepEqual(near.got, texts);
      }));

    test('nothing is delivered before whoever got the channel has set the handlers', () =>
      withWorld(async (world, aa, bb) => {
        bb.greeting = 'welcome';
        const { near, accepted } = await connected(world, aa, bb);
        accepted.send('second');
        accepted.close('done');
        await until(() => near.closed.length > 0, 'closed');
        assert.deepEqual(near.got, ['welcome', 'second']);
      }));

    test('close sends what was given before, then both ends hear of it exactly once', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, near, accepted, far } = await connected(world, aa, bb);
        for (let n = 0; n < 50; n++) dialled.send('w'.repeat(20_000));
        dialled.close('that was all');
        dialled.close('again');
        dialled.send('too late');
        await until(() => near.closed.length > 0 && far.closed.length > 0, 'both closed');
        dialled.terminate('and again');
        accepted.terminate('and again');
        await settle(30);
        assert.deepEqual([far.got.length, far.got.at(-1)?.length], [50, 20_000]);
        assert.equal(near.closed.length, 1);
        assert.equal(far.closed.length, 1);
        assert.match(near.closed[0] ?? '', /that was all/);
        assert.match(far.closed[0] ?? '', /that was all/, 'the other end is told why');
      }));

    test('terminate ends it now, and the other end hears of it', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, near, far } = await connected(world, aa, bb);
        dialled.terminate('enough');
        dialled.send('too late');
        await until(() => near.closed.length > 0 && far.closed.length > 0, 'both closed');
        assert.deepEqual(near.closed, ['enough']);
        assert.deepEqual(far.got, []);
      }));

    test('a message of our own that is too large is never sent', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, near, far } = await connected(world, aa, bb);
        dialled.send(`${'é'.repeat(MAX_FRAME_BYTES / 2)}.`);
        await until(() => near.closed.length > 0 && far.closed.length > 0, 'both closed');
        assert.deepEqual(far.got, []);
      }));

    test('buffered rises while the system does not take it, and onDrain tells when it fell', () =>
      withWorld(async (world, aa, bb) => {
        const { dialled, near, far } = await connected(world, aa, bb);
        let sent = 0;
        // One turn: the other side cannot read meanwhile, so the kernel's buffers must fill up.
        while (dialled.buffered < HIGH_WATER_BYTES) {
          dialled.send('v'.repeat(100_000));
          sent += 1;
          assert.ok(sent < 1_000, 'buffered never rises');
        }
        assert.equal(near.drained, 0);
        await until(() => near.drained > 0, 'onDrain');
        assert.ok(dialled.buffered < LOW_WATER_BYTES);
        await until(() => far.got.length === sent, 'all arrived');
        assert.equal(near.drained, 1);
      }));

    test('an unknown key is refused at the listener, with what to add, and no channel comes of it', () =>
      withWorld(async (world, aa, bb) => {
        await world.transport('cc', { listen: false });
        bb.transport.setPeers([world.peer('cc', { dial: false })]);
        aa.transport.setPeers([world.peer('bb', { dial: true })]);
        const refused = await refusal(aa.transport.dial(world.peer('bb', { dial: true }), never()));
        assert.equal(refused.reason, 'refused-by-peer');
        assert.equal(refused.remote, 'bb');
        await until(() => bb.refusals.length > 0, 'the listener reports it');
        assert.equal(bb.refusals[0]?.reason, 'unknown-key');
        assert.ok(bb.refusals[0]?.text.includes(world.key('aa')), bb.refusals[0]?.text);
        assert.ok(refused.text.includes('unknown key'), refused.text);
        assert.equal(bb.accepted.length, 0);
      }));

    test('a dialled peer with another key is refused before anything is said to it', () =>
      withWorld(async (world, aa, bb) => {
        const wrong = world.peer('bb', { dial: true, wrongKey: true });
        aa.transport.setPeers([wrong]);
        bb.transport.setPeers([world.peer('aa', { dial: false })]);
        const refused = await refusal(aa.transport.dial(wrong, never()));
        assert.equal(refused.reason, 'wrong-key');
        assert.equal(refused.remote, 'bb');
        await settle(50);
        assert.equal(bb.accepted.length, 0);
      }));

    test('nobody there: unreachable', () =>
      withWorld(async (world, aa, bb) => {
        const there = world.peer('bb', { dial: true });
        await bb.transport.close();
        assert.equal((await refusal(aa.transport.dial(there, never()))).reason, 'unreachable');
      }));

    test('a dial that is aborted is over, and leaves no channel', () =>
      withWorld(async (world, aa, bb) => {
        bb.transport.setPeers([world.peer('aa', { dial: false })]);
        const abort = new AbortController();
        const attempt = refusal(aa.transport.dial(world.peer('bb', { dial: true }), abort.signal));
        abort.abort();
        assert.equal((await attempt).reason, 'unreachable');
        await settle(50);
        for (const channel of bb.accepted) {
          const seen = listen(channel);
          await until(() => seen.closed.length === 1, 'what was half done is closed');
        }
      }));

    test('a peer taken out of the list loses its channel, another one keeps its own', () =>
      withWorld(async (world, aa, bb) => {
        const cc = await world.transport('cc', { listen: false });
        await cc.start({ channel: () => {}, refused: () => {} });
        const first = await connected(world, aa, bb);
        bb.transport.setPeers([world.peer('aa', { dial: false }), world.peer('cc', { dial: false })]);
        const second = listen(await cc.dial(world.peer('bb', { dial: true }), never()));
        await until(() => bb.accepted.length > 0, 'the second is accepted');
        bb.transport.setPeers([world.peer('cc', { dial: false })]);
        await until(() => first.far.closed.length > 0 && first.near.closed.length > 0, 'the first is closed');
        bb.accepted[0]?.send('still here');
        await until(() => second.got.length === 1, 'the second goes on');
        await cc.close();
      }));

    test('close ends every channel, frees the address, and nothing can be dialled any more', () =>
      withWorld(async (world, aa, bb) => {
        const { near, far } = await connected(world, aa, bb);
        assert.ok(bb.transport.address);
        const there = world.peer('bb', { dial: true });
        await bb.transport.close();
        await bb.transport.close();
        await until(() => near.closed.length === 1 && far.closed.length === 1, 'both ends closed');
        assert.equal(bb.transport.address, undefined);
        await refusal(aa.transport.dial(there, never()));
        await aa.transport.close();
        await refusal(aa.transport.dial(there, never()));
      }));
  });
}

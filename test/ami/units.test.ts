// The small pure parts of the AMI edge.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { surelyUpSeconds } from '../../src/ami/boot.ts';
import { type Action, encode, Unwritable } from '../../src/ami/encode.ts';
import { type Answer, Exchange } from '../../src/ami/exchange.ts';
import {
  HINT_FOLLOWS_DEVICE_MS,
  MAX_ACTION_LINE,
  MAX_LINE,
  MAX_PACKET_LINES,
  MAX_PENDING,
  MAX_ROWS,
} from '../../src/ami/limits.ts';
import type { Message } from '../../src/ami/message.ts';
import { Packets } from '../../src/ami/packets.ts';
import { Watch } from '../../src/ami/watch.ts';
import { DEVICE_STATES } from '../../src/core/state.ts';

const piece = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  'a',
  'Event: x',
  '\r\n\r\n',
  ': ',
  'é',
  ' Exten: ',
  'A: b: c',
);

/** Every packet that comes of these chunks. */
function packetsOf(chunks: readonly string[]): { messages: Message[]; large: string | undefined } {
  const packets = new Packets();
  const messages: Message[] = [];
  let large: string | undefined;
  for (const chunk of chunks) {
    large ??= packets.feed(chunk, (message) => {
      messages.push(message);
      return true;
    });
  }
  return { messages, large };
}

test('packets are the same however the text is cut: lines end in LF, an empty one ends a packet, the last of several headers counts', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
        { maxLength: 12 },
      ),
      (chunks) => {
        const lines = chunks.join('').split(/\r?\n/).slice(0, -1);
        const expected: Record<string, string>[] = [];
        let headers: [string, string][] = [];
        for (const line of lines) {
          const [name = '', ...value] = line.split(': ');
          if (line !== '') headers.push([name.trim().toLowerCase(), value.join(': ')]);
          else if (headers.length > 0) {
            expected.push(Object.fromEntries(headers));
            headers = [];
          }
        }
        const { messages, large } = packetsOf(chunks);
        assert.equal(large, undefined);
        assert.deepEqual(
          messages.map((message) => ({ ...message })),
          expected,
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a line of its bound is taken and one character more refused, in one chunk or many', () => {
  assert.equal(packetsOf([`${'x'.repeat(MAX_LINE)}\n`]).large, undefined);
  assert.match(packetsOf(['x'.repeat(MAX_LINE + 1)]).large ?? '', /a line of more than/);
  assert.equal(packetsOf(Array.from({ length: MAX_LINE }, () => 'x')).large, undefined);
  assert.match(packetsOf(Array.from({ length: MAX_LINE + 1 }, () => 'x')).large ?? '', /a line/);
});

test('a packet of its bounds is taken, and one line or some characters more refused', () => {
  const lines = (n: number) => 'a: b\n'.repeat(n);
  assert.equal(packetsOf([lines(MAX_PACKET_LINES), '\n']).messages.length, 1);
  assert.match(packetsOf([lines(MAX_PACKET_LINES + 1)]).large ?? '', /packet of more than 1024 lines/);
  const long = `x: ${'y'.repeat(MAX_LINE - 3)}\n`;
  assert.match(packetsOf(Array.from({ length: 5 }, () => long)).large ?? '', /packet of more than/);
  // The next one has room again.
  assert.equal(packetsOf(Array.from({ length: 9 }, () => `${long}\n`)).messages.length, 9);
});

test('nothing is given any more once nothing is wanted', () => {
  let given = 0;
  new Packets().feed('a: b\n\n'.repeat(5), () => {
    given += 1;
    return given < 2;
  });
  assert.equal(given, 2);
});

test('a header called __proto__ is just a header', () => {
  const [message] = packetsOf(['__proto__: x\nConstructor: y\n\n']).messages;
  assert.equal(Object.getPrototypeOf(message), null);
  assert.deepEqual(Object.entries(message ?? {}), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('whatever a value holds, an action is one packet of printable lines within the bounds, or is refused', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme', maxLength: 3_000 }),
    fc.constantFrom('ext-local', '1001', 'Custom:1001*spb', 'INUSE', 'a\rb', 'a\nb', 'a\0b', 'a ', ' a', ''),
  );
  const actions: fc.Arbitrary<Action> = fc.oneof(
    fc.record({ name: fc.constant('Login' as const), username: text, secret: text }),
    fc.record({ name: fc.constant('ExtensionState' as const), context: text, extension: text }),
    fc.record({ name: fc.constant('Setvar' as const), device: text, state: text }),
  );
  fc.assert(
    fc.property(actions, (action) => {
      let encoded: Record<string, string>;
      try {
        encoded = encode(action);
      } catch (error) {
        assert.ok(error instanceof Unwritable);
        return;
      }
      for (const [key, value] of Object.entries(encoded)) {
        assert.match(key, /^[a-z]+$/);
        assert.doesNotMatch(value, /[\u0000-\u001f\u007f]|^\s|\s$|^$/);
        assert.ok(Buffer.byteLength(`${key}: ${value}`) <= MAX_ACTION_LINE);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a line may have 1022 bytes, and no more, counted as UTF-8', () => {
  const login = (secret: string) => encode({ name: 'Login', username: 'u', secret });
  const room = MAX_ACTION_LINE - 'Secret: '.length;
  assert.equal(login('x'.repeat(room))['secret'], 'x'.repeat(room));
  assert.throws(() => login('x'.repeat(room + 1)), /secret is longer than/);
  assert.throws(() => login('é'.repeat(room / 2 + 1)), /secret is longer than/);
});

test('each state but UNKNOWN can be written, to a lamp only, and the prefix is always spelled Custom:', () => {
  for (const state of DEVICE_STATES) {
    const write = () => encode({ name: 'Setvar', device: 'CUSTOM:+7*#1.2_3*b.example.com', state });
    if (state === 'UNKNOWN') assert.throws(write, Unwritable);
    else {
      assert.deepEqual(write(), {
        action: 'Setvar',
        variable: 'DEVICE_STATE(Custom:+7*#1.2_3*b.example.com)',
        value: state,
      });
    }
  }
});

test('how long Asterisk has surely been up never is more than it is, in any zone of the world', () => {
  const quarter = 15 * 60;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 400 * 86_400 }),
      fc.integer({ min: -48, max: 56 }),
      fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }),
      (up, quarters, now) => {
        const local = new Date((now - up + quarters * quarter) * 1000).toISOString();
        const status = { corestartupdate: local.slice(0, 10), corestartuptime: local.slice(11, 19) };
        const sure = surelyUpSeconds(status, { timestamp: `${now}.250000` });
        assert.ok(sure !== undefined && sure <= up + 0.25, `${sure} of ${up}`);
        // After a day nothing is left to doubt.
        assert.ok(up < 2 * 86_400 || sure > 3_600);
        assert.ok(sure >= (up % quarter) - 1);
      },
    ),
  );
  assert.equal(surelyUpSeconds({}, { timestamp: '1.0' }), undefined);
  assert.equal(
    surelyUpSeconds({ corestartupdate: '2026-11-21', corestartuptime: '02:26:11' }, {}),
    undefined,
  );
});

const listing = (n: number) => ({
  hints: Array.from({ length: n }, (_, i) => ({
    context: 'c',
    extension: String(i),
    hint: 'PJSIP/1',
    status: 0,
  })),
  devices: [],
  channels: [],
  presences: [],
  mailboxes: [],
});
const repeat = (i: number, status = 0) => ({ context: 'c', extension: String(i), hint: 'PJSIP/1', status });

test('a repeated state and a hint that does not tell its devices are signs; a change, and what was asked for, are not', () => {
  const watch = new Watch();
  watch.listed(listing(5), [repeat(3)]);
  assert.equal(watch.hint(repeat(0)), 'repeated');
  assert.equal(watch.hint(repeat(1, 8)), undefined);
  assert.equal(watch.hint(repeat(1, 8)), 'repeated');
  assert.equal(watch.hint(repeat(3)), undefined);
  assert.equal(watch.hint(repeat(7)), undefined, 'new, and told');
  assert.equal(watch.hint({ ...repeat(8), hint: '' }), 'undescribed');
});

test('a hint that does not follow its devices is taken as forgotten, one that does is not', () => {
  const hint = { context: 'c', extension: '2001', hint: 'PJSIP/1&Custom:dnd1', status: 0 };
  const devices = [
    { device: 'PJSIP/1', state: 'NOT_INUSE' as const },
    { device: 'Custom:dnd1', state: 'NOT_INUSE' as const },
  ];
  const watch = new Watch();
  watch.listed({ hints: [hint], devices, channels: [], presences: [], mailboxes: [] }, []);
  // It follows, in either order.
  watch.device({ device: 'PJSIP/1', state: 'RINGING' }, 0);
  watch.hint({ ...hint, status: 8 });
  watch.hint({ ...hint, status: 1 });
  watch.device({ device: 'PJSIP/1', state: 'INUSE' }, 30);
  // No change to show: the other device is in use as well.
  watch.device({ device: 'Custom:dnd1', state: 'INUSE' }, 40);
  watch.device({ device: 'PJSIP/2', state: 'INUSE' }, 50);
  assert.equal(watch.isForgotten(50_000), false);
  // It was behind, and its devices came back to what it says.
  watch.device({ device: 'PJSIP/1', state: 'RINGING' }, 50_000);
  watch.device({ device: 'PJSIP/1', state: 'UNAVAILABLE' }, 50_100);
  assert.equal(watch.isForgotten(90_000), false);
  watch.device({ device: 'Custom:dnd1', state: 'INVALID' }, 90_000);
  watch.device({ device: 'Custom:dnd1', state: 'UNKNOWN' }, 90_300);
  assert.equal(watch.isForgotten(90_000 + HINT_FOLLOWS_DEVICE_MS - 1), false);
  assert.equal(watch.isForgotten(90_000 + HINT_FOLLOWS_DEVICE_MS), true);
  watch.listed({ hints: [{ ...hint, status: 4 }], devices, channels: [], presences: [], mailboxes: [] }, []);
  assert.equal(watch.isForgotten(200_000), false);
  // A device that nobody told yet gives no ground.
  watch.listed({ hints: [hint], devices: devices.slice(1), channels: [], presences: [], mailboxes: [] }, []);
  watch.device({ device: 'Custom:dnd1', state: 'INUSE' }, 200_000);
  assert.equal(watch.isForgotten(300_000), false);
});

test('what was asked for once is never a sign, also when lists show it later', () => {
  const watch = new Watch();
  watch.listed(listing(3), [repeat(1)]);
  watch.listed(listing(3), []);
  assert.deepEqual([watch.hint(repeat(0)), watch.hint(repeat(1))], ['repeated', undefined]);
});

test('an exchange bounds what is unanswered and the rows of a list', async () => {
  const written: string[] = [];
  const exchange = new Exchange((_action, id) => {
    written.push(id);
    return true;
  });
  let rows = 0;
  const answer = exchange.ask({ name: 'DeviceStateList' }, 60_000, () => {
    rows += 1;
  });
  const id = written[0] ?? '';
  exchange.deliver({ response: 'Success', actionid: id, eventlist: 'start' });
  for (let i = 0; i <= MAX_ROWS; i++) exchange.deliver({ event: 'DeviceStateChange', actionid: id });
  assert.deepEqual(await answer, { ok: false, kind: 'unanswered', why: `it has more than ${MAX_ROWS} rows` });
  assert.equal(rows, MAX_ROWS);

  const owed: Promise<Answer>[] = [];
  for (let i = 0; i < MAX_PENDING; i++) owed.push(exchange.ask({ name: 'Ping' }, 60_000));
  const refused = await exchange.ask({ name: 'Ping' }, 60_000);
  assert.equal(refused.ok ? '' : refused.kind, 'unwritten');
  assert.equal(new Set(written).size, MAX_PENDING + 1);
  exchange.end('over');
  for (const one of await Promise.all(owed))
    assert.deepEqual(one, { ok: false, kind: 'unanswered', why: 'over' });
  const after = await exchange.ask({ name: 'Ping' }, 60_000);
  assert.equal(after.ok ? '' : after.why, 'the session has ended');
});

// The small pure parts of the AMI edge.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { surelyUpSeconds } from '../../src/ami/boot.ts';
import { type Action, encode, isContext, Unwritable } from '../../src/ami/encode.ts';
import { type Answer, Exchange } from '../../src/ami/exchange.ts';
import { Gauge } from '../../src/ami/gauge.ts';
import {
  BURST_RELIST_EVERY_MS,
  BURST_REPEATS,
  BURST_WINDOW_MS,
  MAX_ACTION_LINE,
  MAX_LINE,
  MAX_PENDING,
  MAX_ROWS,
} from '../../src/ami/limits.ts';
import { copyMessage } from '../../src/ami/message.ts';
import { Watch } from '../../src/ami/watch.ts';
import { DEVICE_STATES } from '../../src/core/state.ts';

const piece = fc.constantFrom('\r', '\n', '\r\n', 'a', 'Event: x', '\r\n\r\n', ': ', 'é');

test('the gauge counts the packets the library makes, however the text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
        { maxLength: 12 },
      ),
      (chunks) => {
        const gauge = new Gauge();
        for (const chunk of chunks) assert.equal(gauge.feed(chunk), undefined);
        // As the library does: lines end at CR? LF, what is left over waits, an empty line ends a packet.
        const lines = chunks.join('').split(/\r?\n/).slice(0, -1);
        assert.equal(gauge.packets, lines.filter((line) => line === '').length);
      },
    ),
  );
});

test('the gauge takes a line of its bound and refuses one character more, in one chunk or many', () => {
  assert.equal(new Gauge().feed(`${'x'.repeat(MAX_LINE)}\n`), undefined);
  assert.match(new Gauge().feed('x'.repeat(MAX_LINE + 1)) ?? '', /a line of more than/);
  const gauge = new Gauge();
  for (let i = 0; i < MAX_LINE; i++) assert.equal(gauge.feed('x'), undefined);
  assert.match(gauge.feed('x') ?? '', /a line/);
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

test('contexts are names, up to Asterisk’s 79 characters', () => {
  for (const good of ['ext-local', 'from.a_b', 'c'.repeat(79), 'a@b', 'x:1'])
    assert.ok(isContext(good), good);
  for (const bad of ['', 'a b', 'a\n', 'c'.repeat(80), 'a,b', 'ä']) assert.ok(!isContext(bad), bad);
});

test('a message keeps own strings only: the last of several, no prototype', () => {
  const hostile = JSON.parse('{"a":"1","b":["1","2"],"variable":{"X":"1"},"__proto__":"x","n":1}');
  const message = copyMessage(hostile);
  assert.equal(Object.getPrototypeOf(message), null);
  assert.deepEqual(Object.entries(message), [
    ['a', '1'],
    ['b', '2'],
    ['__proto__', 'x'],
  ]);
  assert.deepEqual(Object.keys(copyMessage({ constructor: [Object, 'x'], y: [Object] })), ['constructor']);
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
});
const repeat = (i: number, status = 0) => ({ context: 'c', extension: String(i), hint: 'PJSIP/1', status });

test('a burst is as many repeats within its window as its bound, half the hints when there are few', () => {
  const watch = new Watch();
  watch.listed(listing(100), []);
  for (let i = 0; i < BURST_REPEATS - 1; i++) assert.equal(watch.hint(repeat(i), 1000), false);
  // Too slow: a new window.
  assert.equal(watch.hint(repeat(50), 1001 + BURST_WINDOW_MS), false);
  for (let i = 1; i < BURST_REPEATS - 1; i++) watch.hint(repeat(i), 2010);
  assert.equal(watch.hint(repeat(60), 2011), true);
  for (let i = 0; i < 100; i++) assert.equal(watch.hint(repeat(i), 2012), false);
  const later = 2011 + BURST_RELIST_EVERY_MS;
  const many = Array.from({ length: BURST_REPEATS }, (_, i) => watch.hint(repeat(i), later));
  assert.equal(many.at(-1), true);

  const few = new Watch();
  few.listed(listing(5), [repeat(3), repeat(4)]);
  assert.deepEqual(
    [3, 4, 0, 1].map((i) => few.hint(repeat(i), 0)),
    [false, false, false, true],
  );
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

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_PRESENCE_TEXT, PRESENCE_WORDS, presenceOf, presenceText } from '../../src/core/presence.ts';
import { DEVICE_STATES } from '../../src/core/state.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_STATES } from '../../src/mesh/contract.ts';
import {
  decode,
  encodeBody,
  encodeHello,
  encodePing,
  encodePong,
  encodeRefuse,
  FrameError,
  MAX_REFUSE_TEXT,
  REFUSE_CODES,
  type Said,
  withSeq,
} from '../../src/mesh/frames.ts';
import { entry } from './broker.ts';

const PLAIN = { noNullPrototype: true };
const HEAD = 'ABCxyz019*+#';
const extension = fc
  .tuple(
    fc.constantFrom(...HEAD),
    fc.array(fc.constantFrom(...`${HEAD}._`), { maxLength: 70 }).map((letters) => letters.join('')),
  )
  .map(([first, rest]) => first + rest);
const device = fc.record(
  { kind: fc.constant('device' as const), extension, state: fc.constantFrom(...DEVICE_STATES, null) },
  PLAIN,
);
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map(presenceText);
const presence = fc.record(
  {
    kind: fc.constant('presence' as const),
    extension,
    state: fc.oneof(
      fc.constant(null),
      fc
        .record({ word: fc.constantFrom(...PRESENCE_WORDS), subtype: text, message: text })
        .map((parts) => presenceOf(parts)),
    ),
  },
  PLAIN,
);
const entries = fc.array(fc.oneof(device, presence), { maxLength: MAX_FRAME_STATES });
/** Tenths of a millisecond, as far as they go. */
const clock = fc.integer({ min: 0, max: 1e15 }).map((tenths) => tenths / 10);
const message: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ type: fc.constant('snapshot' as const), entries, last: fc.boolean() }, PLAIN),
  fc.record({ type: fc.constant('change' as const), entries, at: clock }, PLAIN),
  fc.record({ type: fc.constant('alive' as const) }, PLAIN),
  fc.record({ type: fc.constant('bye' as const), final: fc.boolean() }, PLAIN),
);

function refused(text: string): FrameError {
  try {
    decode(text);
  } catch (error) {
    assert.ok(error instanceof FrameError, `threw ${error}`);
    assert.match(error.message, /^[\x20-\x7e]+$/, 'the reason is fit for a log line');
    assert.ok(error.message.length <= MAX_REFUSE_TEXT, 'and short');
    return error;
  }
  return assert.fail(`taken: ${text.slice(0, 200)}`);
}

/** Decodes whatever it is; anything but a frame or a FrameError fails the test. */
function survives(text: string): void {
  try {
    decode(text);
  } catch (error) {
    assert.ok(error instanceof FrameError, `threw ${error}`);
  }
}

describe('frames', () => {
  test('what is encoded is decoded to the same message, whatever it is', () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (said, seq) => {
        const decoded = decode(withSeq(seq, encodeBody(said)));
        if (said.type !== 'change') {
          assert.deepEqual(decoded, { type: 'numbered', seq, message: said, skipped: 0 });
          return;
        }
        const { at, ...message } = said;
        assert.deepEqual(decoded, { type: 'numbered', seq, message, skipped: 0, at });
      }),
    );
  });

  test('the fullest frame is below the byte limit, so that only entries need counting', () => {
    const longest = entry('x'.repeat(71), 'UNAVAILABLE');
    const body = encodeBody({
      type: 'snapshot',
      entries: Array(MAX_FRAME_STATES).fill(longest),
      last: false,
    });
    assert.ok(withSeq(Number.MAX_SAFE_INTEGER, body).length < MAX_FRAME_BYTES / 4);
    // Each quote is two bytes on the wire.
    const texts = { subtype: '"'.repeat(MAX_PRESENCE_TEXT), message: '"'.repeat(MAX_PRESENCE_TEXT) };
    const wordiest = presenceOf({ word: 'unavailable', ...texts });
    const wordy = encodeBody({
      type: 'change',
      entries: Array(MAX_FRAME_STATES).fill({
        kind: 'presence',
        extension: 'x'.repeat(71),
        state: wordiest,
      }),
      at: Number.MAX_SAFE_INTEGER,
    });
    assert.ok(withSeq(Number.MAX_SAFE_INTEGER, wordy).length < MAX_FRAME_BYTES);
  });

  test('a frame on the wire is what docs/protocol.md shows', () => {
    const entries = [entry('1001', 'RINGING'), entry('1002', null)];
    assert.equal(
      withSeq(7, encodeBody({ type: 'change', entries, at: 81_234.5432 })),
      '{"seq":7,"type":"change","entries":[["device","1001","RINGING"],["device","1002",null]],"at":81234.5}',
    );
    const away = presenceOf({ word: 'away', subtype: '', message: 'back at 2' });
    assert.equal(
      withSeq(
        3,
        encodeBody({
          type: 'snapshot',
          entries: [
            { kind: 'presence', extension: '1001', state: away },
            { kind: 'presence', extension: '1002', state: null },
          ],
          last: true,
        }),
      ),
      '{"seq":3,"type":"snapshot","entries":[["presence","1001","away","","back at 2"],["presence","1002",null]],"last":true}',
    );
    assert.equal(withSeq(8, encodeBody({ type: 'alive' })), '{"seq":8,"type":"alive"}');
    assert.equal(withSeq(9, encodeBody({ type: 'bye', final: true })), '{"seq":9,"type":"bye","final":true}');
    assert.equal(
      withSeq(1, encodeBody({ type: 'snapshot', entries: [], last: true })),
      '{"seq":1,"type":"snapshot","entries":[],"last":true}',
    );
    assert.equal(encodePing(3), '{"type":"ping","id":3}');
    assert.equal(encodePong(3, 81_235.98), '{"type":"pong","id":3,"clock":81236}');
    assert.equal(
      encodeHello('msk', 'spb', 'x1'),
      '{"type":"hello","version":1,"tag":"msk","peer":"spb","epoch":"x1","kinds":["device","presence"],' +
        '"limits":{"frameBytes":262144,"frameStates":200}}',
    );
    assert.equal(encodeRefuse('tag-in-use', 'why'), '{"type":"refuse","code":"tag-in-use","text":"why"}');
  });

  test('nothing that a socket can say throws anything but a FrameError', () => {
    fc.assert(fc.property(fc.string(), survives));
    fc.assert(fc.property(fc.json(), survives));
    const types = ['hello', 'refuse', 'ping', 'pong', 'snapshot', 'change', 'alive', 'bye', 'toString'];
    const loose = fc.record(
      {
        type: fc.constantFrom(...types),
        seq: fc.oneof(fc.integer(), fc.anything()),
        entries: fc.oneof(fc.array(fc.array(fc.anything())), fc.anything()),
        last: fc.oneof(fc.boolean(), fc.anything()),
        final: fc.oneof(fc.boolean(), fc.anything()),
        id: fc.oneof(fc.integer(), fc.anything()),
        at: fc.anything(),
        clock: fc.anything(),
        version: fc.oneof(fc.constant(1), fc.anything()),
        tag: fc.oneof(fc.constant('aa'), fc.anything()),
        peer: fc.oneof(fc.constant('bb'), fc.anything()),
        epoch: fc.oneof(fc.constant('e'), fc.anything()),
        kinds: fc.anything(),
        limits: fc.anything(),
        code: fc.anything(),
        text: fc.anything(),
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(loose, (json) => {
        let text: string | undefined;
        try {
          text = JSON.stringify(json);
        } catch {
          return; // bigint and the like are not JSON
        }
        survives(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a valid frame with one character changed is taken or refused, never more', () => {
    const valid = withSeq(
      3,
      encodeBody({ type: 'change', entries: [entry('1001', 'INUSE'), entry('*76', null)], at: 5.5 }),
    );
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.string({ unit: 'binary', maxLength: 2 }), (at, letter) =>
        survives(valid.slice(0, at) + letter + valid.slice(at + 1)),
      ),
    );
  });

  test('deep nesting, huge numbers and prototype keys do no harm', () => {
    survives('['.repeat(200_000));
    survives(`{"type":"change","seq":1,"entries":${'['.repeat(50_000)}${']'.repeat(50_000)}}`);
    refused('{"type":"alive","seq":1e400}');
    refused('{"type":"alive","seq":9007199254740993}');
    const frame = decode('{"type":"alive","seq":1,"__proto__":{"polluted":1},"constructor":5}');
    assert.deepEqual(frame, { type: 'numbered', seq: 1, message: { type: 'alive' }, skipped: 0 });
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  test('unknown keys are ignored, at every level', () => {
    const frame = decode(
      '{"type":"change","seq":4,"later":1,"entries":[["device","1001","INUSE","since",5]]}',
    );
    assert.deepEqual(frame, {
      type: 'numbered',
      seq: 4,
      message: { type: 'change', entries: [entry('1001', 'INUSE')] },
      skipped: 0,
    });
    const hello = encodeHello('aa', 'bb', 'e').replace('"limits":{', '"more":[],"limits":{"other":1,');
    assert.deepEqual(decode(hello), {
      type: 'hello',
      tag: 'aa',
      peer: 'bb',
      epoch: 'e',
      kinds: ['device', 'presence'],
    });
  });

  test('entries of unknown kinds are skipped and counted, whatever else they hold', () => {
    const frame = decode(
      '{"type":"change","seq":4,"entries":[["mwi","a b/c",{"new":3}],["device","1","BUSY"],["weather"]]}',
    );
    assert.deepEqual(frame, {
      type: 'numbered',
      seq: 4,
      message: { type: 'change', entries: [entry('1', 'BUSY')] },
      skipped: 2,
    });
  });

  test('a peer that tells no times says nothing wrong', () => {
    const change = '{"seq":7,"type":"change","entries":[["device","1001","RINGING"]]}';
    const message = { type: 'change', entries: [entry('1001', 'RINGING')] };
    assert.deepEqual(decode(change), { type: 'numbered', seq: 7, message, skipped: 0 });
    assert.deepEqual(decode('{"type":"pong","id":3}'), { type: 'pong', id: 3 });
    assert.deepEqual(decode('{"type":"pong","id":3,"clock":0}'), { type: 'pong', id: 3, clock: 0 });
  });

  test('times stand in changes and pongs only; elsewhere they are keys like any unknown one', () => {
    const snapshot = decode('{"seq":1,"type":"snapshot","entries":[],"last":true,"at":-1}');
    assert.deepEqual(snapshot, {
      type: 'numbered',
      seq: 1,
      message: { type: 'snapshot', entries: [], last: true },
      skipped: 0,
    });
    assert.deepEqual(decode('{"type":"ping","id":3,"clock":"noon"}'), { type: 'ping', id: 3 });
  });

  for (const hostile of ['-0.1', '-1e300', '1e400', '-1e400', '"5"', 'null', 'true', '[5]', '{}']) {
    test(`refused: ${hostile} as a time`, () => {
      const change = refused(`{"seq":1,"type":"change","entries":[],"at":${hostile}}`);
      assert.match(change.message, /change\.at/);
      assert.equal(change.code, 'bad-frame');
      const pong = refused(`{"type":"pong","id":1,"clock":${hostile}}`);
      assert.match(pong.message, /pong\.clock/);
      assert.equal(pong.code, 'bad-frame');
    });
  }

  test('frames of unknown types are known as that', () => {
    assert.deepEqual(decode('{"type":"sing","seq":"la"}'), { type: 'unknown', name: 'sing' });
    assert.deepEqual(decode('{"type":"toString"}'), { type: 'unknown', name: 'toString' });
    assert.deepEqual(decode('{"type":"ключ\\u0007"}'), { type: 'unknown', name: '?????' });
  });

  for (const [what, text, says] of [
    ['no JSON', 'RINGING', /not JSON/],
    ['no object', '[]', /frame/],
    ['null', 'null', /frame/],
    ['no type', '{"seq":1}', /frame\.type/],
    [
      'a state word unknown to Asterisk',
      '{"type":"change","seq":1,"entries":[["device","1","RINGS"]]}',
      /RINGS/,
    ],
    ['a state in lower case', '{"type":"change","seq":1,"entries":[["device","1","ringing"]]}', /ringing/],
    ['no state', '{"type":"change","seq":1,"entries":[["device","1"]]}', /state/],
    ['an extension with a slash', '{"type":"change","seq":1,"entries":[["device","SIP/1","BUSY"]]}', /"\/"/],
    [
      'an extension with a line end',
      '{"type":"change","seq":1,"entries":[["device","1\\r\\nA: b","BUSY"]]}',
      /not an ext/,
    ],
    [
      'an extension that is a number',
      '{"type":"change","seq":1,"entries":[["device",1001,"BUSY"]]}',
      /not text/,
    ],
    ['a presence of no such word', '{"type":"change","seq":1,"entries":[["presence","1","AWAY"]]}', /AWAY/],
    [
      'a presence with a line end',
      '{"type":"change","seq":1,"entries":[["presence","1","away","","a\\r\\nb"]]}',
      /texts of at most/,
    ],
    [
      'a presence with half a character',
      '{"type":"change","seq":1,"entries":[["presence","1","away","\\ud800"]]}',
      /texts of at most/,
    ],
    [
      'a presence with a long message',
      `{"type":"change","seq":1,"entries":[["presence","1","away","","${'x'.repeat(256)}"]]}`,
      /255 bytes/,
    ],
    [
      'a presence with a number for a text',
      '{"type":"change","seq":1,"entries":[["presence","1","away",1]]}',
      /texts of at most/,
    ],
    ['an entry that is no list', '{"type":"change","seq":1,"entries":[{"kind":"device"}]}', /entries\[0\]/],
    ['an entry without a kind', '{"type":"change","seq":1,"entries":[[]]}', /entries\[0\]/],
    ['seq 0', '{"type":"alive","seq":0}', /seq/],
    ['a negative seq', '{"type":"alive","seq":-1}', /seq/],
    ['a broken seq', '{"type":"alive","seq":1.5}', /seq/],
    ['no seq', '{"type":"alive"}', /seq/],
    ['no last', '{"type":"snapshot","seq":1,"entries":[]}', /last/],
    ['no final', '{"type":"bye","seq":1}', /final/],
    ['a ping without id', '{"type":"ping"}', /id/],
    ['a tag with a dash', encodeHello('a-a', 'bb', 'e'), /hello\.tag/],
    ['an epoch with a blank', encodeHello('aa', 'bb', 'e e'), /hello\.epoch/],
  ] as const) {
    test(`refused: ${what}`, () => {
      const error = refused(text);
      assert.match(error.message, says);
      assert.equal(error.code, 'bad-frame');
    });
  }

  test('refused: more entries than a frame may have', () => {
    const entries = Array(MAX_FRAME_STATES + 1).fill(['device', '1', 'BUSY']);
    assert.match(
      refused(JSON.stringify({ type: 'change', seq: 1, entries })).message,
      /more than 200 entries/,
    );
    entries.pop();
    decode(JSON.stringify({ type: 'change', seq: 1, entries }));
  });

  test('refused: a frame larger than the limit, counted in bytes', () => {
    const filler = (bytes: number) => `{"type":"alive","seq":1,"x":"${'é'.repeat(bytes / 2 - 20)}"}`;
    decode(filler(MAX_FRAME_BYTES));
    assert.match(refused(filler(MAX_FRAME_BYTES + 40)).message, /larger than/);
  });

  test('a hello of another version is refused as that, whatever else stands in it', () => {
    assert.equal(refused('{"type":"hello","version":2,"who":{}}').code, 'version');
    assert.equal(refused('{"type":"hello","version":"1"}').code, 'bad-frame');
  });

  test('a hello that takes less than version 1 asks is refused for its limits', () => {
    assert.equal(refused(encodeHello('aa', 'bb', 'e').replace('262144', '262143')).code, 'limits');
    assert.equal(
      refused(encodeHello('aa', 'bb', 'e').replace('"frameStates":200', '"frameStates":10')).code,
      'limits',
    );
  });

  test('what a peer says in a refusal is cut and made printable; its code is one of ours', () => {
    assert.deepEqual(decode(encodeRefuse('tag-in-use', 'so')), {
      type: 'refuse',
      code: 'tag-in-use',
      text: 'so',
    });
    const hostile = decode(
      JSON.stringify({ type: 'refuse', code: 'rm -rf', text: `\x1b[31m\n${'x'.repeat(9_000)}` }),
    );
    assert.ok(hostile.type === 'refuse');
    assert.equal(hostile.code, 'unknown');
    assert.ok(hostile.text.length <= MAX_REFUSE_TEXT + 3);
    assert.match(hostile.text, /^\?\[31m\?x+\.\.\.$/);
    assert.ok(REFUSE_CODES.includes(hostile.code));
  });
});

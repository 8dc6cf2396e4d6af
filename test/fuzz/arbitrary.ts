/** Along the grammar of frames and of AMI, with something wrong in it here and there: fast-check's part. */
import fc from 'fast-check';
import { OURS, PEER } from './federation.ts';
import type { Input } from './input.ts';
import { answers, ID } from './recorded.ts';

const STATES = 'UNKNOWN NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING RINGINUSE ONHOLD'.split(' ');
const NAMES = ['1001', '1002', '*761001', '#9', '+7495', 'a.b_c', '1001*x', '9'.repeat(71)];
/** Nearly names, and what they would do if they were taken for one. */
const NO_NAMES = [
  ...[
    '',
    ' ',
    '1001 ',
    '1-2',
    'SIP/1',
    '1@ctx',
    '1&2',
    '1,2',
    '.1',
    '_1XX',
    '1)',
    '(1',
    '9'.repeat(72),
    'ё',
    '１',
  ],
  ...[
    '1\r\nAction: Command\r\nCommand: core stop now',
    '1\n2',
    '1\r2',
    '1\0',
    '1\u2028',
    '1\ud800',
    '\u202e1',
  ],
  ...[
    '1)\r\nValue: INUSE\r\n\r\nAction: Logoff\r\n',
    '__proto__',
    'constructor',
    '${SHELL(id)}',
    "1'",
    '1"',
    '1|2',
  ],
];
const NO_STATES = [
  '',
  'inuse',
  'RINGS',
  'INUSE ',
  ' INUSE',
  'INUSE\r\n',
  'INUSE\n',
  '0',
  'null',
  'ONHOLD\0',
  'toString',
];
const NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -0, Number.MIN_VALUE];

/** Letters that are something to somebody; fast-check's own of all Unicode take 80 MB. */
const letter = fc.constantFrom(
  ...'09azAZ*+#._-/\\"\'`$&|;:,@()[]{}<>= \t\r\n\0\x1b\x7f\x85\x9b\u2028\u202eßё１\ud800\udfff😀',
);

const wrong = fc.oneof(
  { maxDepth: 3 },
  fc.constantFrom<unknown>(...NUMBERS, ...NO_NAMES, ...NO_STATES, null, true, {}, [], [[]], { length: 1 }),
  fc.string({ unit: letter, maxLength: 20 }),
  fc.json({ maxDepth: 2 }).map((text): unknown => JSON.parse(text)),
);

/** `right` mostly. */
function mostly<T>(right: fc.Arbitrary<T>, otherwise: fc.Arbitrary<unknown> = wrong): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: otherwise });
}

const extension = mostly(fc.constantFrom(...NAMES), fc.oneof(fc.constantFrom(...NO_NAMES), wrong));
const state = mostly(fc.constantFrom(...STATES, null), fc.oneof(fc.constantFrom(...NO_STATES), wrong));
const presenceWord = mostly(
  fc.constantFrom('not_set', 'unavailable', 'available', 'away', 'xa', 'chat', 'dnd'),
  fc.oneof(fc.constantFrom('', 'AWAY', 'away,x', ...STATES), wrong),
);
const free = mostly(
  fc.oneof(fc.constantFrom('', 'lunch', 'back, at 2; "x" \\n'), fc.string({ unit: letter, maxLength: 20 })),
  fc.oneof(fc.constant('x'.repeat(256)), fc.constant('ё'.repeat(128)), wrong),
);
const entry = fc.oneof(
  {
    weight: 3,
    arbitrary: mostly(fc.tuple(mostly(fc.constant('device'), fc.constant('mwi')), extension, state)),
  },
  { weight: 1, arbitrary: mostly(fc.tuple(fc.constant('presence'), extension, presenceWord, free, free)) },
);
/** One more than a frame may have. */
const tooMany = fc.constant(Array(201).fill(['device', '1', 'INUSE']));
const entries = mostly(fc.array(entry, { maxLength: 6 }), fc.oneof(tooMany, wrong));

/** `seq` is put in afterwards: it is right mostly, and so depends on what went before. */
const numbered = fc.oneof(
  fc.record({ type: fc.constant('snapshot'), entries, last: mostly(fc.boolean()) }),
  fc.record({
    type: fc.constant('change'),
    entries,
    at: mostly(fc.double({ min: 0, max: 1e9, noNaN: true })),
  }),
  fc.record({ type: fc.constant('alive') }),
  fc.record({ type: fc.constant('bye'), final: mostly(fc.boolean()) }),
);
const other = fc.oneof(
  fc.record({ type: fc.constant('ping'), id: mostly(fc.integer({ min: 1 })) }),
  fc.record({
    type: fc.constant('pong'),
    id: mostly(fc.constant(1)),
    clock: mostly(fc.double({ min: 0, noNaN: true })),
  }),
  fc.record({ type: fc.constant('refuse'), code: mostly(fc.constant('version')), text: mostly(fc.string()) }),
  fc.record({ type: mostly(fc.string({ maxLength: 40 })), seq: wrong, x: wrong }),
);
const hello = fc.record({
  type: fc.constant('hello'),
  version: mostly(fc.constant(1), fc.oneof(fc.constantFrom(0, 2, '1', 1.0000001), wrong)),
  tag: mostly(
    fc.constant(PEER),
    fc.oneof(fc.constantFrom(OURS, 'kzn', 'SPB', 'spb.', 's', 'spb\r\n'), wrong),
  ),
  peer: mostly(fc.constant(OURS), fc.oneof(fc.constantFrom(PEER, 'kzn', ''), wrong)),
  epoch: mostly(
    fc.constantFrom('e1', 'e2'),
    fc.oneof(fc.constantFrom('', 'e e', 'e\r\n', 'e'.repeat(65)), wrong),
  ),
  kinds: mostly(fc.constant(['device']), fc.oneof(fc.constant(Array(33).fill('x')), wrong)),
  limits: mostly(
    fc.constant({ frameBytes: 262_144, frameStates: 200 }),
    fc.oneof(fc.constant({ frameBytes: 1, frameStates: 1 }), wrong),
  ),
});

const word = fc.oneof(
  { weight: 12, arbitrary: numbered },
  { weight: 2, arbitrary: other },
  { weight: 1, arbitrary: hello },
);
const tweak = fc.record({
  seq: mostly(fc.constant('next'), wrong),
  more: fc.option(fc.dictionary(fc.string(), wrong, { maxKeys: 2 }), { freq: 12 }),
});

/** Keys in any order, some of them twice. */
function json(value: object, more: object | null): string {
  const text = JSON.stringify({ ...more, ...value });
  return more === null
    ? text
    : `${text.slice(0, -1)},"type":${JSON.stringify((value as { type?: unknown }).type ?? 1)}}`;
}

function session(
  first: readonly object[],
  words: readonly (readonly [object, { seq: unknown; more: object | null }])[],
): Buffer[] {
  let seq = first.length > 0 ? 1 : 2;
  const texts = words.map(([value, { seq: how, more }]) => {
    const isNumbered = ['snapshot', 'change', 'alive', 'bye'].includes((value as { type: string }).type);
    if (!isNumbered) return json(value, more);
    const number = how === 'next' ? seq : how;
    if (how === 'next') seq += 1;
    return json({ seq: number, ...value }, more);
  });
  return [...first.map((one) => JSON.stringify(one)), ...texts].map((text) => Buffer.from(text));
}

const words = fc.array(fc.tuple(word, tweak), { minLength: 1, maxLength: 6 });

export const frameSessions: fc.Arbitrary<Input> = fc.oneof(
  { weight: 3, arbitrary: words.map((all): Input => ({ target: 'frames', parts: session([], all) })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(hello, words)
      .map(([first, all]): Input => ({ target: 'hello', parts: session([first], all) })),
  },
);

// ------------------------------------------------------------------------------------------------- AMI

const value = (...right: string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.constantFrom(...NO_NAMES, ...NO_STATES, 'x'.repeat(600), 'x'.repeat(17_000)) },
    { weight: 1, arbitrary: fc.string({ unit: letter, maxLength: 30 }) },
  );
const device = value(
  'PJSIP/1001',
  'PJSIP/2001',
  'Custom:1001*spb',
  'Custom:1001*kzn',
  'Custom:1*msk',
  'custom:7*spb',
);
const hint = value(
  'PJSIP/1001',
  'Custom:1001*spb',
  'PJSIP/1&Custom:1002*kzn',
  'PJSIP/1,CustomPresence:x',
  '',
);
const channel = value(
  'PJSIP/3001-00000001',
  'PJSIP/3002-0000002a',
  'PJSIP/3001-00000001<MASQ>',
  'Local/1@c-1;2',
);
const uniqueid = value('1.1', '1795228002.77', 'x');
const header = (name: string, text: fc.Arbitrary<string>) => text.map((right) => [name, right] as const);
const lines = (...all: fc.Arbitrary<readonly [string, string]>[]) => fc.tuple(...all);

const eventHeaders: fc.Arbitrary<(readonly [string, string])[]> = fc.oneof(
  lines(
    header('Event', fc.constant('ExtensionStatus')),
    header('Exten', value('1001', '1002', '*76', 'a.b', '1001*spb', '1001*kzn')),
    header('Context', value('ext-local', 'ext-local', 'other')),
    header('Hint', hint),
    header('Status', value('0', '1', '2', '4', '8', '9', '16', '-1', '-2', '17', '99')),
  ),
  lines(
    header('Event', fc.constant('DeviceStateChange')),
    header('Device', device),
    header('State', value(...STATES, 'Ringing', '?')),
  ),
  lines(
    header('Event', value('Newchannel', 'Newstate', 'Hold', 'Unhold', 'Hangup', 'Rename', 'CoreShowChannel')),
    header('Channel', channel),
    header('Newname', channel),
    header('Uniqueid', uniqueid),
    header('ChannelState', value('0', '4', '5', '6', '7', '99')),
  ),
  lines(
    header('Event', value('FullyBooted', 'Reload', 'UserEvent', 'Shutdown', 'ExtensionStateListComplete')),
  ),
  lines(
    header('Response', value('Success', 'Error', 'Follows', 'Goodbye')),
    header('ActionID', value(ID, ID, 'x')),
    header('Message', value('Variable Set', 'Asterisk is shutting down', 'Permission denied', 'follow')),
    header('EventList', value('start', 'Complete', 'cancelled')),
  ),
);

const packet = fc
  .tuple(
    eventHeaders,
    fc.option(fc.tuple(fc.constantFrom('ActionID', '__proto__', 'Variable', 'Event', ''), value('x', ID)), {
      freq: 6,
    }),
  )
  .chain(([headers, more]) =>
    fc.shuffledSubarray(more ? [...headers, more] : headers, { minLength: Math.max(1, headers.length - 1) }),
  )
  .chain((headers) =>
    fc
      .constantFrom('\r\n', '\r\n', '\r\n', '\n')
      .map((end) => `${headers.map(([key, text]) => `${key}: ${text}${end}`).join('')}${end}`),
  );

const events = fc.array(packet, { minLength: 1, maxLength: 5 }).map(
  (all): Input => ({
    target: 'events',
    parts: all.map((text) => Buffer.from(text)),
  }),
);

/** A right answer with a packet of whatever kind before it, in the midst of it, or after it. */
const disturbed = fc
  .tuple(fc.constantFrom(...answers()), fc.array(packet, { minLength: 1, maxLength: 3 }), fc.nat(3))
  .map(([[action, answer], others, at]): Input => {
    const pieces = answer.split('\r\n\r\n');
    pieces.splice(Math.min(at, pieces.length - 1), 0, others.join('').replace(/(\r?\n){2}$/, ''));
    return { target: 'session', parts: [Buffer.from(`${action}\0${pieces.join('\r\n\r\n')}`)] };
  });

export const packetSessions: fc.Arbitrary<Input> = fc.oneof(
  { weight: 6, arbitrary: events },
  { weight: 1, arbitrary: disturbed },
);

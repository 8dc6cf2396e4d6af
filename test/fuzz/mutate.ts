/** Bytes that are nearly right: what is done to them, and which bytes are worth trying. Chance comes from outside. */
import type { Random } from '../sim/federation/random.ts';

/** Longest part that a mutation makes, bytes: past the largest frame and the largest AMI packet. */
const MAX_PART = 300 * 1024;
/** Times that a stretch is repeated. */
const MAX_REPEATS = 2_000;

/** What breaks parsers, lines, numbers, names and logs. */
const TOKENS: readonly Buffer[] = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '\0', '\t', ' ', ': ', ':', '"', '\\', "'", '`', '%', '/', '*'],
  ...[
    '@',
    '&',
    ',',
    ')',
    '(',
    '|',
    ';',
    '=',
    '-',
    '_',
    '.',
    '[',
    ']',
    '{',
    '}',
    '[[[[',
    '{{{{',
    '"":',
    '{"":',
  ],
  ...[
    '\u2028',
    '\u0085',
    '\u200b',
    '\ufeff',
    '\u202e',
    'İ',
    'ß',
    '😀',
    '\\u0000',
    '\\ud800',
    '\\r\\n',
    '\x1b[2J',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'null',
    'true',
    'false',
    'NaN',
    'Infinity',
    '-0',
    '0',
    '-1',
    '1.5',
  ],
  ...[
    '1e400',
    '1e308',
    '9007199254740993',
    '4294967296',
    '2147483648',
    '99999999999999999999',
    '0x10',
    '1e-400',
  ],
  ...[
    'INUSE',
    'UNKNOWN',
    'inuse',
    'RINGS',
    'Custom:',
    'custom:',
    '1001*spb',
    '1001*msk',
    '1001*kzn',
    '*spb',
    '*',
  ],
  ...[
    'Action: Command\r\n',
    'Response: Follows\r\n',
    '--END COMMAND--\r\n',
    'Event: Shutdown\r\n',
    'Event: ',
  ],
  ...[
    'ActionID: ',
    'Response: Success\r\n',
    'Response: Error\r\n',
    'EventList: start\r\n',
    'Variable: a=b\r\n',
  ],
  ...[
    'Asterisk Call Manager/5.0\r\n',
    'Event: FullyBooted\r\n',
    'Event: Reload\r\n',
    'Status: 8\r\n',
    '{{id}}',
  ],
  ...['"seq":', '"type":"hello"', '"type":"bye"', '"last":true', '["device","1","INUSE"]', ',"1\\r\\n2"'],
].map((text) => Buffer.from(text));

const BYTES = [0, 9, 10, 13, 32, 34, 42, 47, 58, 92, 127, 128, 192, 224, 237, 240, 254, 255];

type Change = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const CHANGES: readonly (readonly [weight: number, change: Change])[] = [
  // A bit
  [4, (bytes, random) => poke(bytes, random, (byte) => byte ^ (1 << random.between(0, 7)))],
  // A byte
  [4, (bytes, random) => poke(bytes, random, () => random.pick(BYTES))],
  [2, (bytes, random) => poke(bytes, random, () => random.between(0, 255))],
  // Left out, cut off at either end
  [3, (bytes, random) => replace(bytes, stretch(bytes, random), Buffer.alloc(0))],
  [2, (bytes, random) => bytes.subarray(0, random.between(0, bytes.length))],
  [1, (bytes, random) => bytes.subarray(random.between(0, bytes.length))],
  // Put in, or in the place of something
  [8, (bytes, random) => replace(bytes, empty(random.between(0, bytes.length)), random.pick(TOKENS))],
  [4, (bytes, random) => replace(bytes, stretch(bytes, random), random.pick(TOKENS))],
  // A number or a word by another one
  [4, (bytes, random) => replace(bytes, match(bytes, random, /-?\d+(\.\d+)?/g), random.pick(TOKENS))],
  [4, (bytes, random) => replace(bytes, match(bytes, random, /[A-Za-z_]+/g), random.pick(TOKENS))],
  // Twice, often
  [3, (bytes, random) => doubled(bytes, stretch(bytes, random), 2)],
  [1, (bytes, random) => doubled(bytes, stretch(bytes, random), random.chance(0.9) ? 5 : MAX_REPEATS)],
  [1, (bytes, random) => insertLong(bytes, random)],
  // Lines in another order
  [2, (bytes, random) => shuffled(bytes, random)],
  // The beginning of one, the end of another
  [4, (bytes, random, others) => spliced(bytes, random.pick(others), random)],
];

/** One to a few changes; `others`: what else there is, to be joined with it. */
export function mutated(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let result = bytes;
  for (
    let n = random.weighted([
      [6, 1],
      [3, 2],
      [1, 5],
    ] as const);
    n > 0;
    n--
  ) {
    result = random.weighted(CHANGES)(result, random, others).subarray(0, MAX_PART);
  }
  return result;
}

/** The same bytes in pieces. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + Math.max(1, random.between(1, bytes.length));
    pieces.push(bytes.subarray(at, next));
    at = next;
  }
  return pieces;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const empty = (at: number): Range => ({ from: at, to: at });

function stretch({ length }: Buffer, random: Random): Range {
  const from = random.between(0, length);
  const most = random.chance(0.7) ? Math.min(length, from + 12) : length;
  return { from, to: random.between(from, most) };
}

/** One place where the text is like that, if there is one. */
function match(bytes: Buffer, random: Random, like: RegExp): Range {
  const found = [...bytes.subarray(0, 4_096).toString('latin1').matchAll(like)];
  if (found.length === 0) return empty(0);
  const { index, 0: text } = random.pick(found);
  return { from: index, to: index + text.length };
}

function poke(bytes: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (bytes.length === 0) return Buffer.from([change(0) & 255]);
  const copy = Buffer.from(bytes);
  const at = random.between(0, copy.length - 1);
  copy[at] = change(copy[at] ?? 0) & 255;
  return copy;
}

function replace(bytes: Buffer, { from, to }: Range, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

function doubled(bytes: Buffer, range: Range, times: number): Buffer {
  const piece = bytes.subarray(range.from, range.to);
  const room = Math.max(1, Math.floor(MAX_PART / Math.max(1, piece.length)));
  return replace(bytes, range, Buffer.concat(Array<Buffer>(Math.min(times, room)).fill(piece)));
}

function insertLong(bytes: Buffer, random: Random): Buffer {
  const length = random.chance(0.9) ? random.pick([80, 300, 1_100]) : random.pick([20_000, 70_000]);
  const by = Buffer.alloc(
    length,
    random.pick(['x', '1', '[', '{"a":', 'A: b\r\n', '\n', '\0', '\xff']),
    'latin1',
  );
  return replace(bytes, empty(random.between(0, bytes.length)), by);
}

function shuffled(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString('latin1').split('\r\n');
  const [from, to] = [random.between(0, lines.length - 1), random.between(0, lines.length - 1)];
  lines.splice(to, 0, ...lines.splice(from, 1));
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

function spliced(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const head = bytes.subarray(0, random.between(0, bytes.length));
  return Buffer.concat([head, other.subarray(random.between(0, other.length))]);
}

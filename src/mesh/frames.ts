/**
 * The wire, version 1. Owns what a frame looks like: encode, and decode with every check that one frame alone
 * allows. Knows no connection, no order, no time. `docs/protocol.md` says the same for a stranger.
 *
 * A frame is one JSON object in one text message of at most MAX_FRAME_BYTES. Unknown keys are ignored. A frame
 * of an unknown `type` is counted and ignored; so is an entry of an unknown kind. Anything else that is not as
 * written here is a {@link FrameError}: the receiver answers `refuse` and hangs up.
 *
 *   hello   {"type":"hello","version":1,"tag":T,"peer":P,"epoch":E,"kinds":[K…],"limits":{"frameBytes":N,"frameStates":N}}
 *     Each side sends one. The dialler speaks first; the side that was dialled answers when it wants the link.
 *     `tag`: who speaks; must be what the key proved (`wrong-tag`). `peer`: whom it believes it talks to; must be
 *     the receiver (`wrong-peer`). `epoch`: the run of the speaker, [A-Za-z0-9_-]{1,64}. `kinds`: what it
 *     understands. `limits`: what it takes in one frame, never less than version 1 asks (`limits`).
 *     The link is up for a side when it has both said and heard hello. A second hello is an error.
 *   refuse  {"type":"refuse","code":C,"text":S}
 *     At any time, instead of hello or before hanging up: why. The receiver reports it; the link ends.
 *   ping    {"type":"ping","id":N}      Each side, once up, now and then (pulse.ts). Answered with the same id at once.
 *   pong    {"type":"pong","id":N,"clock":C}
 *     Proof of the link and its round trip. Any frame counts as a sign of life. `clock`, optional: what the
 *     sender's clock shows when it answers; milliseconds, monotonic, from any zero, at least 0.
 *
 * Numbered frames, only once the link is up; `seq` is 1, 2, 3 … per link and direction, given when written. The
 * receiver hangs up at a gap. `seq` stands first, so that one encoded body serves every link of a view.
 *
 *   {"seq":N,"type":"snapshot","entries":[…],"last":B}  All that the sender lets this peer see, in parts, `last`
 *     on the final one; applied whole then. The sender finishes one before it begins another.
 *   {"seq":N,"type":"change","entries":[…],"at":C}      What changed, in order; only after a snapshot. `at`,
 *     optional: the sender's clock when its broker heard the first of it. For measuring only (peer-clock.ts).
 *   {"seq":N,"type":"alive"}                            The sender vouches for all it has said.
 *   {"seq":N,"type":"bye","final":B}                    It stops; `final`: for good. Nothing numbered follows.
 *
 *   entry   At most MAX_FRAME_STATES a frame; state null = no such extension, or nothing of this kind, any more.
 *     Further elements of an entry are ignored.
 *     ["device", extension, state]                       as core/names.ts and core/state.ts have them
 *     ["presence", extension, state, subtype, message]   as core/presence.ts has them; absent texts are empty
 */
import { z } from 'zod';
import { type Change, type Entry, KINDS, type Kind, type Message } from '../core/message.ts';
import { isExtension, isTag, whyNotExtension } from '../core/names.ts';
import {
  isPresenceText,
  isPresenceWord,
  MAX_PRESENCE_TEXT,
  type Presence,
  partsOf,
  presenceOf,
} from '../core/presence.ts';
import { isDeviceState } from '../core/state.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_STATES } from './contract.ts';

export const PROTOCOL_VERSION = 1;

/** Why a side hangs up on the other, as it says in `refuse`. A closed list: the log gives it as `reason`. */
export const REFUSE_CODES = [
  'tag-in-use',
  'standby',
  'wrong-tag',
  'wrong-peer',
  'version',
  'limits',
  'bad-frame',
  'unknown',
] as const;
export type RefuseCode = (typeof REFUSE_CODES)[number];

/** Longest `text` of a refuse frame that is read or written, characters. */
export const MAX_REFUSE_TEXT = 300;

export interface Hello {
  readonly type: 'hello';
  readonly tag: string;
  readonly peer: string;
  readonly epoch: string;
  readonly kinds: readonly string[];
}

export type Frame =
  | Hello
  | { readonly type: 'refuse'; readonly code: RefuseCode; readonly text: string }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number; readonly clock?: number }
  | NumberedFrame
  | { readonly type: 'unknown'; readonly name: string };

export interface NumberedFrame {
  readonly type: 'numbered';
  readonly seq: number;
  /** A change has no `at` here: that would be of OUR clock. */
  readonly message: Message;
  /** Entries of a kind unknown here, left out of the message. */
  readonly skipped: number;
  /** Of a change: as it stands in the frame, by the SENDER's clock. */
  readonly at?: number;
}

/** A frame that is not one. `code` is what to answer; the message is fit for a log line. */
export class FrameError extends Error {
  readonly code: RefuseCode;
  constructor(message: string, code: RefuseCode = 'bad-frame') {
    super(message);
    this.name = 'FrameError';
    this.code = code;
  }
}

const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;

export function isEpoch(text: string): boolean {
  return EPOCH.test(text);
}

/** What a socket said, made fit for a log line: printable ASCII, at most `max` characters. */
export function printable(text: string, max = 60): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

// ------------------------------------------------------------------------------------------------- decode

const count = z.number().int().positive();
/** Finite, as every number of zod's. */
const clock = z.number().nonnegative();
const tag = z.string().refine(isTag, 'not a tag');
const typed = z.object({ type: z.string() });
const versioned = z.object({ version: count });
const entries = z.array(z.unknown()).max(MAX_FRAME_STATES, `more than ${MAX_FRAME_STATES} entries`);

const FRAMES = {
  hello: z.object({
    tag,
    peer: tag,
    epoch: z.string().regex(EPOCH),
    kinds: z.array(z.string().max(32)).max(32),
    limits: z.object({ frameBytes: count, frameStates: count }),
  }),
  refuse: z.object({ code: z.string(), text: z.string() }),
  ping: z.object({ id: count }),
  pong: z.object({ id: count, clock: clock.optional() }),
  snapshot: z.object({ seq: count, entries, last: z.boolean() }),
  change: z.object({ seq: count, entries, at: clock.optional() }),
  alive: z.object({ seq: count }),
  bye: z.object({ seq: count, final: z.boolean() }),
};

/** Reads one frame. Throws {@link FrameError} and nothing else, whatever the text. */
export function decode(text: string): Frame {
  // A character is one to three bytes: count them only where it can matter.
  if (text.length * 3 > MAX_FRAME_BYTES && Buffer.byteLength(text) > MAX_FRAME_BYTES) {
    throw new FrameError(`frame larger than ${MAX_FRAME_BYTES} bytes`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new FrameError(`not JSON: ${printable(text)}`);
  }
  const { type } = check(typed, json, 'frame');
  switch (type) {
    case 'hello':
      return decodeHello(json);
    case 'refuse': {
      const { code, text: why } = check(FRAMES.refuse, json, type);
      const known = REFUSE_CODES.find((word) => word === code) ?? 'unknown';
      return { type, code: known, text: printable(why, MAX_REFUSE_TEXT) };
    }
    case 'ping':
      return { type, id: check(FRAMES.ping, json, type).id };
    case 'pong': {
      const pong = check(FRAMES.pong, json, type);
      return { type, id: pong.id, ...(pong.clock !== undefined && { clock: pong.clock }) };
    }
    case 'snapshot': {
      const { seq, entries: rows, last } = check(FRAMES.snapshot, json, type);
      const { known, skipped } = decodeEntries(rows);
      return { type: 'numbered', seq, message: { type, entries: known, last }, skipped };
    }
    case 'change': {
      const { seq, entries: rows, at } = check(FRAMES.change, json, type);
      const { known, skipped } = decodeEntries(rows);
      const message = { type, entries: known };
      return { type: 'numbered', seq, message, skipped, ...(at !== undefined && { at }) };
    }
    case 'alive':
      return { type: 'numbered', seq: check(FRAMES.alive, json, type).seq, message: { type }, skipped: 0 };
    case 'bye': {
      const { seq, final } = check(FRAMES.bye, json, type);
      return { type: 'numbered', seq, message: { type, final }, skipped: 0 };
    }
    default:
      return { type: 'unknown', name: printable(type) };
  }
}

/** The version is read first: a hello of another version may look different in everything else. */
function decodeHello(json: unknown): Hello {
  const { version } = check(versioned, json, 'hello');
  if (version !== PROTOCOL_VERSION) {
    throw new FrameError(`speaks version ${version}, this side speaks ${PROTOCOL_VERSION}`, 'version');
  }
  const { tag: from, peer, epoch, kinds, limits } = check(FRAMES.hello, json, 'hello');
  if (limits.frameBytes < MAX_FRAME_BYTES || limits.frameStates < MAX_FRAME_STATES) {
    throw new FrameError(
      `takes less than ${MAX_FRAME_BYTES} bytes or ${MAX_FRAME_STATES} entries a frame`,
      'limits',
    );
  }
  return { type: 'hello', tag: from, peer, epoch, kinds };
}

function decodeEntries(rows: readonly unknown[]): { known: Entry[]; skipped: number } {
  const known: Entry[] = [];
  // By hand: there are 200 in a frame and 500 frames in a large snapshot, and the process waits for all of a read.
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    if (!Array.isArray(row) || typeof row[0] !== 'string') {
      throw wrong(index, 'is not a list that begins with a kind');
    }
    const kind = KINDS.find((name) => name === row[0]);
    if (kind !== undefined) known.push(decodeEntry(kind, row, index));
  }
  return { known, skipped: rows.length - known.length };
}

function wrong(index: number, why: string): FrameError {
  return new FrameError(`entries[${index}]: ${why}`);
}

function decodeEntry(kind: Kind, row: readonly unknown[], index: number): Entry {
  const extension = row[1];
  const state = row[2];
  if (typeof extension !== 'string') throw wrong(index, 'the extension is not text');
  if (!isExtension(extension)) {
    throw wrong(index, `"${printable(extension)}" ${whyNotExtension(extension)}`);
  }
  if (state === null) return { kind, extension, state };
  if (typeof state !== 'string') throw wrong(index, 'the state is neither text nor null');
  if (kind === 'presence') return { kind, extension, state: decodePresence(state, row, index) };
  if (!isDeviceState(state)) throw wrong(index, `"${printable(state)}" is not a device state`);
  return { kind, extension, state };
}

function decodePresence(word: string, row: readonly unknown[], index: number): Presence {
  const [, , , subtype = '', message = ''] = row;
  if (!isPresenceWord(word)) throw wrong(index, `"${printable(word)}" is not a presence state`);
  if (!isShortText(subtype) || !isShortText(message)) {
    throw wrong(index, `subtype and message are texts of at most ${MAX_PRESENCE_TEXT} bytes`);
  }
  return presenceOf({ word, subtype, message });
}

function isShortText(text: unknown): text is string {
  return typeof text === 'string' && isPresenceText(text);
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.length ? `.${issue.path.map(String).join('.')}` : '';
  throw new FrameError(printable(`${what}${path}: ${issue?.message ?? 'invalid'}`, 200));
}

// ------------------------------------------------------------------------------------------------- encode

export function encodeHello(from: string, to: string, epoch: string): string {
  const limits = { frameBytes: MAX_FRAME_BYTES, frameStates: MAX_FRAME_STATES };
  return JSON.stringify({
    type: 'hello',
    version: PROTOCOL_VERSION,
    tag: from,
    peer: to,
    epoch,
    kinds: KINDS,
    limits,
  });
}

export function encodeRefuse(code: RefuseCode, text: string): string {
  return JSON.stringify({ type: 'refuse', code, text: printable(text, MAX_REFUSE_TEXT - 3) });
}

export function encodePing(id: number): string {
  return `{"type":"ping","id":${id}}`;
}

/** `clockMs`: of our clock, now. */
export function encodePong(id: number, clockMs: number): string {
  return `{"type":"pong","id":${id},"clock":${tenths(clockMs)}}`;
}

/** A tenth of a millisecond is finer than any round trip, and short on the wire. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** What we say in a numbered frame. Here `at` is of the clock that the peers are told, and never left out. */
export type Said = Exclude<Message, { type: 'change' }> | (Change & { readonly at: number });

/** A numbered frame without its number: encoded once, sent on many links. */
export type Body = string & { readonly numbered: never };

/**
 * The body of a message of at most MAX_FRAME_STATES entries. No byte limit is looked at: 200 entries of the
 * longest names are about 23 KB, with the longest presence texts, each byte written as two, 230 KB.
 */
export function encodeBody(message: Said): Body {
  if (!('entries' in message)) return JSON.stringify(message).slice(1) as Body;
  const entries = message.entries.map(encodeEntry);
  const at = message.type === 'change' ? { at: tenths(message.at) } : {};
  return JSON.stringify({ ...message, entries, ...at }).slice(1) as Body;
}

function encodeEntry(entry: Entry): readonly unknown[] {
  const { kind, extension, state } = entry;
  if (kind === 'device' || state === null) return [kind, extension, state];
  const { word, subtype, message } = partsOf(state);
  return [kind, extension, word, subtype, message];
}

export function withSeq(seq: number, body: Body): string {
  return `{"seq":${seq},${body}`;
}

/**
 * A real link on a real core: what a peer that proved to be `spb` may say, byte by byte, and what comes of it. Owns
 * the channel, the clock, the way from effects to AMI lines, and what must hold after each word.
 */
import type { Input as CoreInput, Effect, Federation } from '../../src/core/federation.ts';
import type { Kind } from '../../src/core/message.ts';
import { lampDevice, lampPresentity } from '../../src/core/names.ts';
import type { Presence } from '../../src/core/presence.ts';
import type { Channel } from '../../src/mesh/contract.ts';
import type { Link } from '../../src/mesh/link.ts';
import { OPTIONS, OTHER, OURS, PEER } from './federation.ts';
import type { Input } from './input.ts';
import { claim, claimActions, claimEntry, claimLamp, claimText } from './oracle.ts';
import type { Source } from './source.ts';

const EPOCH = 'e1';
const NOTHING = { hints: [], devices: [], channels: [], presences: [], mailboxes: [] };
/** Longest text that is told of a peer: `MAX_REFUSE_TEXT` and the words around it. */
const LONGEST_TEXT = 400;
/** What a side may send of its own accord on a link: hello, refuse, ping, the parts of a snapshot. */
const OWN_WORDS = 5;
/** Between two inputs, milliseconds of the core's clock. */
const STEP_MS = 20;
/** A longer one would count as a pause of our own. */
const TICK_MS = 500;
const MAX_FRAME_BYTES = 256 * 1024;
const MAX_FRAME_STATES = 200;

class WordChannel implements Channel {
  readonly peer = PEER;
  readonly transport = 'memory';
  readonly remote = 'nowhere';
  readonly buffered = 0;
  readonly dialled: boolean;
  isOpen = true;
  sent = 0;
  onMessage: (text: string) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (why: string) => void = () => {};

  constructor(dialled: boolean) {
    this.dialled = dialled;
  }

  send(text: string): void {
    this.sent += 1;
    claim(Buffer.byteLength(text) <= MAX_FRAME_BYTES, 'a frame of ours that is too large');
    claim(typeof JSON.parse(text).type === 'string', 'a frame of ours without a type');
    claimText(text, MAX_FRAME_BYTES);
  }
  close(why: string): void {
    claimText(why, LONGEST_TEXT);
    this.isOpen = false;
  }
  terminate(why: string): void {
    this.close(why);
  }
}

export class MeshWorld {
  readonly #source: Source;
  readonly #federation: Federation;
  #now = 0;
  #links = 0;
  /** Its channel closes with it. */
  readonly #open = new Map<number, Link>();
  readonly #queue: CoreInput[] = [];
  readonly #written = new Set<string>();
  #feeding = false;
  /** What came about; a run in which one never does proves nothing. */
  readonly seen: Record<string, number> = {};

  constructor(source: Source) {
    this.#source = source;
    this.#federation = new source.Federation(OPTIONS, 0);
    const hint = { context: 'ext-local', extension: '1001', hint: 'PJSIP/1001', status: 0 };
    this.#feed({ type: 'asteriskUp', listing: { ...NOTHING, hints: [hint] } });
    // Past the first sync: whoever was not heard is gone, and its lamps are settled.
    this.#now = 20_000;
    this.#feed({ type: 'tick' });
  }

  /** Throws what did not hold. */
  async try({ target, parts }: Input): Promise<void> {
    this.#now += STEP_MS;
    this.#feed({ type: 'asteriskAnswered' });
    this.#feed({ type: 'tick' });
    const { Link } = this.#source;
    this.#links += 1;
    const id = this.#links;
    const channel = new WordChannel(parts.length % 2 === 0);
    let next = 1;
    let isGreeted = false;
    const link = new Link(
      {
        ...{ id, channel, tag: OURS, epoch: 'ours', pingEveryMs: 1e6, helloTimeoutMs: 1e6 },
        clock: () => this.#now,
      },
      {
        hello: (one, hello) => {
          claim(!isGreeted, 'two hellos');
          claim(hello.tag === PEER && hello.peer === OURS, `the hello of ${hello.tag} to ${hello.peer}`);
          claim(/^[A-Za-z0-9_-]{1,64}$/.test(hello.epoch), `the epoch ${hello.epoch}`);
          isGreeted = true;
          if (!this.#federation.admits(PEER, hello.epoch)) return one.refuse('tag-in-use', 'in use');
          one.accept();
          this.#count('hello');
          this.#open.set(id, one);
          this.#feed({ type: 'linkUp', peer: PEER, link: id, epoch: hello.epoch });
        },
        heard: (one, seq, message) => {
          claim(isGreeted && one.isUp, 'a frame before hello');
          this.#count(message.type);
          if ('entries' in message) {
            claim(message.entries.length <= MAX_FRAME_STATES, `${message.entries.length} entries`);
            message.entries.forEach(claimEntry);
          }
          this.#feed({ type: 'heard', peer: PEER, link: id, seq, message });
          claim(seq === next || !this.#open.has(id), `frame ${seq} was taken after ${next - 1}`);
          next += 1;
        },
        refused: (_, code, text) => {
          this.#count(`refused ${code}`);
          claimText(text, LONGEST_TEXT);
        },
        refusedByPeer: (_, code, text) => claimText(`${code} ${text}`, LONGEST_TEXT),
        skipped: (_one, frames, kinds, example) => {
          this.#count('skipped');
          claim(frames + kinds > 0, 'nothing skipped');
          claimText(example, LONGEST_TEXT);
        },
        coalesced: () => {},
        closed: (_, end) => {
          claimText(end.text, LONGEST_TEXT);
          this.#open.delete(id);
          this.#feed({ type: 'linkDown', peer: PEER, link: id });
        },
      },
    );
    link.start();
    let words = 0;
    const say = (text: string): void => {
      if (!channel.isOpen) return;
      words += 1;
      channel.onMessage(text);
    };
    try {
      if (target === 'frames') {
        this.#forgetOthers();
        say(this.#source.frames.encodeHello(PEER, OURS, EPOCH));
        say('{"seq":1,"type":"snapshot","entries":[["device","1001","INUSE"]],"last":true}');
        claim(link.isUp, 'a good peer is not linked');
      }
      // As the transport gives it: text. What is no UTF-8 ends a channel before; here it goes on to the parser.
      for (const part of parts) say(part.toString());
      claim(channel.sent <= words + OWN_WORDS, `${channel.sent} frames of ours for ${words}`);
    } finally {
      link.terminate('stopped', 'the input is over');
    }
    claim(this.#open.size === 0, 'a link is left open');
  }

  /** Looked at now and then: everything it believes. */
  async look(): Promise<void> {
    for (const { origin, kind, extension, name, told, desired } of this.#federation.lamps()) {
      if (told !== undefined) claimEntry({ kind, extension, state: told });
      if (desired !== undefined) claim(claimLamp(name, desired) === origin, `${name} of ${origin}`);
      claim(origin !== OTHER || told === undefined, `${OTHER} never said ${told}`);
    }
  }

  async close(): Promise<void> {}

  /** Another run of the peer may have been heard just now. */
  #forgetOthers(): void {
    while (!this.#federation.admits(PEER, EPOCH)) {
      this.#now += TICK_MS;
      this.#feed({ type: 'tick' });
    }
  }

  #count(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }

  #feed(input: CoreInput): void {
    this.#queue.push(input);
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.#federation.input(next, this.#now)) this.#carryOut(effect);
      }
    } finally {
      this.#feeding = false;
      this.#queue.length = 0;
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
        return effect.entries.forEach(claimEntry);
      case 'snapshot':
        return this.#open.get(effect.link)?.snapshot(effect.entries);
      case 'dropLink':
        this.#count('dropped');
        return this.#open.get(effect.link)?.close('dropped', effect.why);
      case 'note':
        this.#count(effect.note.kind);
        return claimText(JSON.stringify(effect.note), LONGEST_TEXT);
      case 'setLamp': {
        this.#count('write');
        const { kind, lamp, state, id } = effect;
        const tag = claimLamp(lamp, state);
        claim(tag === PEER, `${PEER} speaks, and a lamp of ${tag} is written`);
        this.#claimWrite(kind, lamp, state);
        this.#queue.push({ type: 'writeDone', id, ok: true });
        return;
      }
    }
  }

  /** As the library writes it; each once, for they are many. */
  #claimWrite(kind: Kind, lamp: string, state: string): void {
    const key = `${kind} ${lamp} ${state}`;
    if (this.#written.has(key)) return;
    this.#written.add(key);
    const action = this.#source.encode(
      kind === 'device'
        ? { name: 'Setvar', device: lampDevice(lamp), state }
        : { name: 'Setvar', presentity: lampPresentity(lamp), presence: state as Presence },
    );
    const lines = Object.entries({ actionID: 'x', ...action }).map(([name, value]) => {
      return `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${value}\r\n`;
    });
    claimActions(`${lines.join('')}\r\n`, [PEER]);
  }
}

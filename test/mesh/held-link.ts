// A link that is held in a test's hands: its channel, its events.
import type { Entry, Message } from '../../src/core/message.ts';
import { Batch } from '../../src/mesh/batches.ts';
import type { Channel } from '../../src/mesh/contract.ts';
import { decode, encodeHello, type Frame } from '../../src/mesh/frames.ts';
import { Link, type LinkOptions } from '../../src/mesh/link.ts';
import { entry, words } from './broker.ts';

export class HeldChannel implements Channel {
  readonly peer = 'bb';
  readonly transport = 'memory';
  readonly remote = 'nowhere';
  readonly dialled: boolean;
  buffered = 0;
  /** Each send adds its size to `buffered` until `drain`. */
  slow = false;
  readonly sent: Frame[] = [];
  readonly raw: string[] = [];
  ended: { how: 'close' | 'terminate'; why: string } | undefined;
  onMessage: (text: string) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (why: string) => void = () => {};

  constructor(dialled: boolean) {
    this.dialled = dialled;
  }

  send(text: string): void {
    this.raw.push(text);
    this.sent.push(decode(text));
    if (this.slow) this.buffered += text.length;
  }
  close(why: string): void {
    this.ended ??= { how: 'close', why };
  }
  terminate(why: string): void {
    this.ended ??= { how: 'terminate', why };
  }
  drain(): void {
    this.buffered = 0;
    this.onDrain();
  }
}

const living: Link[] = [];
const talking: NodeJS.Timeout[] = [];

/** A peer that says something, whatever it is, every few milliseconds. */
export function talk(channel: HeldChannel, everyMs: number): NodeJS.Timeout {
  const timer = setInterval(() => channel.onMessage('{"type":"sing"}'), everyMs);
  talking.push(timer);
  return timer;
}

export function make(options: Partial<LinkOptions> & { dialled?: boolean } = {}) {
  const channel = new HeldChannel(options.dialled ?? false);
  const events: string[] = [];
  const coalesced = { count: 0 };
  const heard: Message[] = [];
  const link = new Link(
    {
      id: 1,
      channel,
      tag: 'aa',
      epoch: 'e1',
      pingEveryMs: 1_000,
      helloTimeoutMs: 1_000,
      clock: () => 0,
      ...options,
    },
    {
      hello: (_link, hello) => events.push(`hello ${hello.tag} ${hello.epoch}`),
      heard: (_link, seq, message) => {
        heard.push(message);
        events.push(`heard ${seq} ${message.type}`);
      },
      refused: (_link, code, text) => events.push(`refused ${code}: ${text}`),
      refusedByPeer: (_link, code, text) => events.push(`refused by peer ${code}: ${text}`),
      skipped: (_link, frames, kinds, example) => events.push(`skipped ${frames} ${kinds} ${example}`),
      coalesced: () => {
        coalesced.count += 1;
      },
      closed: (_link, end) => events.push(`closed ${end.reason}`),
    },
  );
  living.push(link);
  link.start();
  return { channel, link, events, coalesced, heard };
}

/** A link that is up, on a channel whose log is empty. */
export function up(options: Partial<LinkOptions> = {}) {
  const made = make(options);
  made.channel.onMessage(encodeHello('bb', 'aa', 'e2'));
  made.link.accept();
  made.channel.sent.length = 0;
  made.channel.raw.length = 0;
  made.events.length = 0;
  return made;
}

export function batch(...entries: Entry[]): Batch {
  return batchAt(0, ...entries);
}

/** Published at `at` of the clock that the peer is told. */
export function batchAt(at: number, ...entries: Entry[]): Batch {
  return new Batch(entries, at, () => {});
}

export function many(count: number, state: 'INUSE' | 'NOT_INUSE' = 'INUSE'): Entry[] {
  return Array.from({ length: count }, (_, n) => entry(`${100_000 + n}`, state));
}

/** The numbered frames among those sent, as words. */
export function said(channel: HeldChannel): string[] {
  return channel.sent
    .filter((frame) => frame.type === 'numbered')
    .map(({ seq, message }) => {
      if (!('entries' in message)) return `${seq} ${message.type}`;
      const last = 'last' in message && message.last ? ' last' : '';
      const what =
        message.entries.length > 3 ? message.entries.length : message.entries.map(words).join(', ');
      return `${seq} ${message.type}${last} ${what}`;
    });
}

/** For `afterEach`. */
export function endAll(): void {
  for (const timer of talking.splice(0)) clearInterval(timer);
  for (const link of living.splice(0)) link.terminate('stopped', 'end of the test');
}

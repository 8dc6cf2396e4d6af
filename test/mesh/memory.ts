// A transport in memory, for tests only: brokers by tag, keys that are plain words, and a network whose delays,
// frozen readers and cuts a test decides. Held to the same contract as the real ones by memory.test.ts.
import {
  type Channel,
  type ChannelFault,
  CLOSE_TIMEOUT_MS,
  DialError,
  LOW_WATER_BYTES,
  MAX_FRAME_BYTES,
  type PeerAddress,
  type RefusalReason,
  type Transport,
  type TransportHandlers,
} from '../../src/mesh/contract.ts';

export class MemoryNetwork {
  readonly listeners = new Map<string, MemoryTransport>();
  /** Every channel end that was ever made. */
  readonly ends: MemoryChannel[] = [];
  /** Milliseconds that the next dial or message takes; channels stay in order whatever it says. */
  delay: () => number = () => 0;

  transport(tag: string, options: { listen?: boolean; key?: string } = {}): MemoryTransport {
    return new MemoryTransport(this, tag, options.key ?? `key of ${tag}`, options.listen ?? true);
  }

  peer(tag: string, dial = true): PeerAddress {
    return { tag, fingerprint: `key of ${tag}`, ...(dial && { url: `memory://${tag}` }) };
  }

  /** Ends every channel, so that nobody waits for a frozen or cut one at the end of a test. */
  end(): void {
    for (const channel of this.ends) channel.terminate('end of the test');
  }

  later(action: () => void): void {
    const ms = this.delay();
    if (ms === 0) setImmediate(action);
    else setTimeout(action, ms);
  }
}

export class MemoryTransport implements Transport {
  readonly network: MemoryNetwork;
  readonly tag: string;
  readonly key: string;
  readonly #listen: boolean;
  peers: readonly PeerAddress[] = [];
  handlers: TransportHandlers | undefined;
  /** When each dial began. */
  readonly dials: number[] = [];
  readonly channels = new Set<MemoryChannel>();

  constructor(network: MemoryNetwork, tag: string, key: string, listen: boolean) {
    this.network = network;
    this.tag = tag;
    this.key = key;
    this.#listen = listen;
  }

  get address(): { host: string; port: number } | undefined {
    return this.network.listeners.get(this.tag) === this ? { host: this.tag, port: 1 } : undefined;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    if (!this.#listen) return;
    this.handlers = handlers;
    this.network.listeners.set(this.tag, this);
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.peers = peers;
    for (const channel of this.channels) {
      if (!peers.some((peer) => peer.tag === channel.peer)) channel.terminate('peer removed');
    }
  }

  dial(peer: PeerAddress, signal: AbortSignal): Promise<Channel> {
    this.dials.push(performance.now());
    return new Promise((resolve, reject) => {
      const fail = (reason: RefusalReason, text: string) =>
        reject(new DialError({ reason, remote: peer.tag, text }));
      signal.addEventListener('abort', () => fail('unreachable', 'given up'));
      this.network.later(() => {
        if (signal.aborted) return;
        const there = this.network.listeners.get(new URL(peer.url ?? '').hostname);
        if (there?.handlers === undefined) return fail('unreachable', `${peer.url} does not listen`);
        if (there.key !== peer.fingerprint) return fail('wrong-key', `it has ${there.key}`);
        const known = there.peers.find((candidate) => candidate.fingerprint === this.key);
        if (known === undefined) {
          const text = `unknown key ${this.key} : add it to peers`;
          there.handlers.refused({ reason: 'unknown-key', remote: `host of ${this.tag}`, text });
          return fail('refused-by-peer', text);
        }
        const ours = new MemoryChannel(this, peer.tag, true);
        const theirs = new MemoryChannel(there, known.tag, false);
        ours.other = theirs;
        theirs.other = ours;
        there.handlers.channel(theirs);
        resolve(ours);
      });
    });
  }

  async close(): Promise<void> {
    if (this.address) this.network.listeners.delete(this.tag);
    for (const channel of this.channels) channel.terminate('this side stops');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export class MemoryChannel implements Channel {
  readonly peer: string;
  readonly dialled: boolean;
  readonly remote: string;
  readonly transport = 'memory';
  readonly owner: MemoryTransport;
  other: MemoryChannel | undefined;
  /** What this end does not read piles up at the other end. */
  frozen = false;
  /** The cable is cut: nothing arrives any more, and nobody is told. */
  cut = false;
  sent: string[] = [];
  onMessage: (text: string) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (why: string, fault?: ChannelFault) => void = () => {};
  #state: 'open' | 'closing' | 'closed' = 'open';
  readonly #queue: (string | { close: string })[] = [];
  #buffered = 0;
  #aboveLow = false;
  #moving = false;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(transport: MemoryTransport, peer: string, dialled: boolean) {
    this.owner = transport;
    this.peer = peer;
    this.dialled = dialled;
    this.remote = `memory:${peer}`;
    transport.channels.add(this);
    transport.network.ends.push(this);
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get buffered(): number {
    return this.#buffered;
  }

  send(text: string): void {
    if (this.#state !== 'open') return;
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_FRAME_BYTES) return this.terminate('our own message is too large');
    this.sent.push(text);
    this.#queue.push(text);
    this.#buffered += bytes;
    if (this.#buffered >= LOW_WATER_BYTES) this.#aboveLow = true;
    this.#move();
  }

  close(why: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#queue.push({ close: why });
    this.#closeTimer = setTimeout(() => this.#end(why), CLOSE_TIMEOUT_MS);
    this.#move();
  }

  terminate(why: string): void {
    if (this.#state === 'closed') return;
    this.#queue.length = 0;
    const { other } = this;
    if (!this.cut) this.owner.network.later(() => other?.ended('connection lost'));
    this.#end(why);
  }

  /** The other side broke a rule of the channel. */
  breakRule(fault: ChannelFault): void {
    this.#end(`a message that is ${fault}`, fault);
    this.other?.ended('the other side closed');
  }

  ended(why: string): void {
    if (this.#state !== 'closed' && !this.cut) this.#end(why);
  }

  thaw(): void {
    this.frozen = false;
    this.other?.moveAgain();
  }

  moveAgain(): void {
    this.#move();
  }

  #move(): void {
    if (this.#moving || this.#queue.length === 0) return;
    this.#moving = true;
    this.owner.network.later(() => {
      this.#moving = false;
      const { other } = this;
      if (other === undefined || other.frozen || this.cut || this.#state === 'closed') return;
      const next = this.#queue.shift();
      if (typeof next === 'string') {
        this.#buffered -= Buffer.byteLength(next);
        if (other.open) other.onMessage(next);
        if (this.#aboveLow && this.#buffered < LOW_WATER_BYTES) {
          this.#aboveLow = false;
          if (this.open) this.onDrain();
        }
      } else if (next !== undefined) {
        this.#end(next.close);
        other.ended(`the other side closed: ${next.close}`);
      }
      this.#move();
    });
  }

  #end(why: string, fault?: ChannelFault): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#closeTimer);
    this.owner.channels.delete(this);
    // Never inside the call that caused it: the real ones do not either.
    setImmediate(() => this.onClose(why, fault));
  }
}

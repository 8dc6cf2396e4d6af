/**
 * The whole AMI edge on a real core: what something that calls itself Asterisk may say, byte by byte, from its
 * greeting on or in the midst of a session, and what is written to it. Owns the Asterisk that it says this to when it
 * says nothing worse, and what must hold after each input: a session that goes on, or a new one; never a deaf one.
 */
import net from 'node:net';
import type { Asterisk } from '../../src/ami/contract.ts';
import { TIMES } from '../../src/ami/limits.ts';
import type { Input as CoreInput, Effect, Federation } from '../../src/core/federation.ts';
import { lampDevice, lampPresentity } from '../../src/core/names.ts';
import { isPresence } from '../../src/core/presence.ts';
import { AmiSocket } from './ami-socket.ts';
import { CONTEXT, OPTIONS, OTHER, OURS, PEER } from './federation.ts';
import type { Input } from './input.ts';
import { claim, claimActions, claimEntry, claimLamp, claimText } from './oracle.ts';
import { answerOf, GREETING, honest, ID } from './recorded.ts';
import type { Source } from './source.ts';

/** Turns of the event loop after which a session that does nothing more is stuck. */
const QUIET_TURNS = 4;
/** Turns within which a new session must be up, a millisecond each at the most. */
const UP_TURNS = 20_000;
/** What src/ami/reasons.ts may say at most. */
const LONGEST_TEXT = 1_000;
/** What is written in answer to one input at most, actions: reading everything again, and lamps. */
const MOST_ACTIONS = 4_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

export class AmiWorld {
  readonly #federation: Federation;
  readonly #asterisk: Asterisk;
  readonly #connect = net.connect;
  #socket: AmiSocket | undefined;
  /** What it says instead of the honest word: action in lower case (`greeting`) → bytes. */
  #script = new Map<string, Buffer>();
  #lastId = '';
  #isUp = false;
  #actions = 0;
  /** The last that was heard of 1001. */
  #heard: number | undefined;
  #broken: unknown;
  readonly seen: Record<string, number> = {};

  constructor(source: Source) {
    this.#federation = new source.Federation(OPTIONS, performance.now());
    Object.assign(net, { connect: () => this.#dialled() });
    const count = (what: string) => this.#count(what);
    this.#asterisk = source.createAsterisk(
      {
        ...{ host: '127.0.0.1', port: 1, username: 'hintmesh', secret: 's3cret' },
        ...{ pingEveryMs: 1e6, relistEveryMs: 1e6, channels: true, mailboxes: true },
        lease: { tag: OURS, epoch: 'e1' },
      },
      {
        toAsk: (listed) => this.#federation.toAsk(listed),
        up: (listing, { version }) => {
          count('up');
          this.#claim(() => claimText(version, LONGEST_TEXT));
          this.#isUp = true;
          this.#feed({ type: 'asteriskUp', listing });
        },
        relisted: (listing) => {
          count('relisted');
          this.#feed({ type: 'asteriskRelisted', listing });
        },
        down: ({ reason, text }) => {
          count(`down ${reason}`);
          this.#isUp = false;
          this.#claim(() => claimText(text, LONGEST_TEXT));
          this.#feed({ type: 'asteriskDown' });
        },
        failed: ({ reason, text }) => {
          count(`failed ${reason}`);
          this.#claim(() => claimText(text, LONGEST_TEXT));
        },
        standsBy: () => count('standsBy'),
        hintChanged: (status) => {
          count('hint');
          if (status.context === CONTEXT && status.extension === '1001') this.#heard = status.status;
          this.#feed({ type: 'hintChanged', status });
        },
        deviceChanged: (status) => {
          count('device');
          this.#feed({ type: 'deviceChanged', status });
        },
        channelChanged: (change) => {
          count(`channel ${change.type}`);
          this.#feed({ type: 'channelChanged', change });
        },
        presenceChanged: (status) => {
          count('presence');
          this.#feed({ type: 'presenceChanged', status });
        },
        mailboxChanged: (status) => {
          count('mailbox');
          this.#feed({ type: 'mailboxChanged', status });
        },
        answered: () => this.#feed({ type: 'asteriskAnswered' }),
      },
      // Nothing is waited for: a session that is stuck is ended by the other side.
      {
        ...TIMES,
        ...{ connect: 1e6, login: 1e6, boot: 1e6, answer: 1e6, row: 1e6, ping: 1e6 },
        ...{ relistDebounce: 0, relistAfterRepeat: 0, askGap: 0, redialFirst: 0, redialMost: 0, stayedUp: 0 },
        lease: { ...TIMES.lease, look: 0 },
      },
    );
    this.#asterisk.start();
  }

  /** Throws what did not hold. */
  async try({ target, parts }: Input): Promise<void> {
    this.#actions = 0;
    if (target === 'session') await this.#session(parts);
    else await this.#events(parts);
    claim(this.#actions <= MOST_ACTIONS, `${this.#actions} actions`);
    if (this.#broken !== undefined) throw this.#broken;
  }

  async look(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#federation.exported().forEach(claimEntry);
    for (const { name, desired, told, origin } of this.#federation.lamps()) {
      claim([PEER, OTHER].includes(origin) && told === undefined, `${origin} never said ${told}`);
      if (desired !== undefined) claim(claimLamp(name, desired) === origin, `${name} of ${origin}`);
    }
  }

  async close(): Promise<void> {
    await this.#asterisk.close();
    net.connect = this.#connect;
  }

  /** In a session that is up. */
  async #events(parts: readonly Buffer[]): Promise<void> {
    await this.#beUp();
    const socket = this.#socket;
    for (const part of parts) socket?.receive(this.#addressed(part));
    await turn();
    await this.#hears(socket);
  }

  /** From the greeting on: each part is `action NUL bytes`, and what is said to that action. */
  async #session(parts: readonly Buffer[]): Promise<void> {
    this.#script = new Map(
      parts.map((part) => {
        const nul = part.indexOf(0);
        return [part.subarray(0, nul).toString(), part.subarray(nul + 1)];
      }),
    );
    this.#socket?.destroy();
    const before = this.#socket;
    for (let turns = 0; this.#socket === before || this.#socket === undefined; turns++) {
      claim(turns < UP_TURNS, 'it does not dial again');
      await turn();
    }
    const socket: AmiSocket = this.#socket;
    for (let [quiet, actions] = [0, -1]; quiet < QUIET_TURNS && !socket.destroyed && !this.#isUp; quiet++) {
      if (actions !== this.#actions) quiet = 0;
      actions = this.#actions;
      await turn();
    }
    this.#script = new Map();
    this.#count(this.#isUp ? 'taken' : socket.destroyed ? 'ended' : 'stuck');
    if (this.#isUp) return this.#hears(socket);
    socket.destroy();
    await this.#beUp();
  }

  /** It ended the session, and begins another; or it hears what Asterisk says next. */
  async #hears(socket: AmiSocket | undefined): Promise<void> {
    // Whatever half of a packet, or of a letter, is left, ends here.
    socket?.receive(Buffer.from('\r\n\r\n'));
    this.#heard = undefined;
    for (const status of [0, 1]) {
      socket?.receive(Buffer.from(honest('1001', status)));
      await turn();
    }
    if (socket?.destroyed) return this.#beUp();
    claim(this.#heard === 1, `it is deaf: it heard ${this.#heard} of 1001`);
  }

  async #beUp(): Promise<void> {
    for (let turns = 0; !this.#isUp; turns++) {
      claim(turns < UP_TURNS, 'no session comes up any more');
      if (this.#broken !== undefined) throw this.#broken;
      await turn();
    }
  }

  #dialled(): net.Socket {
    const socket = new AmiSocket((bytes) => this.#wrote(bytes, socket));
    this.#socket = socket;
    setImmediate(() => {
      socket.emit('connect');
      socket.receive(this.#script.get('greeting') ?? Buffer.from(GREETING));
    });
    return socket as unknown as net.Socket;
  }

  #wrote(bytes: string, socket: AmiSocket): void {
    this.#claim(() => {
      for (const headers of claimActions(bytes, [PEER, OTHER])) {
        this.#actions += 1;
        this.#lastId = headers['ActionID'] ?? '';
        const name = headers['Action']?.toLowerCase() ?? '';
        const scripted = this.#script.get(name);
        const answer = scripted ? this.#addressed(scripted) : Buffer.from(answerOf(headers));
        // Later, as from a network; what is asked twice is answered twice.
        process.nextTick(() => socket.receive(answer));
      }
    });
  }

  /** The id that an answer needs is not known when the bytes are made. */
  #addressed(bytes: Buffer): Buffer {
    if (!bytes.includes(ID)) return bytes;
    return Buffer.from(bytes.toString('latin1').replaceAll(ID, this.#lastId), 'latin1');
  }

  #count(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }

  /** What is thrown inside a handler would be lost, or end the process. */
  #claim(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  #feed(input: CoreInput): void {
    this.#claim(() => {
      for (const effect of this.#federation.input(input, performance.now())) this.#carryOut(effect);
    });
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
      case 'snapshot':
        return effect.entries.forEach(claimEntry);
      case 'relist':
        return this.#asterisk.relist();
      case 'note':
        this.#count(effect.note.kind);
        return;
      case 'setLamp': {
        const { id, lamp, state } = effect;
        this.#count('write');
        claimLamp(lamp, state);
        const written = isPresence(state)
          ? this.#asterisk.setPresence(lampPresentity(lamp), state)
          : this.#asterisk.setDeviceState(lampDevice(lamp), state);
        void written.then((result) => this.#feed({ type: 'writeDone', id, ...result }));
      }
    }
  }
}

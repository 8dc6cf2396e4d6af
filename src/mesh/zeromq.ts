/**
 * ZeroMQ between peers (docs/transports.md): CURVE on ZMTP 3.1, one DEALER at each end of a connection. Owns the
 * library's context, which is made when a peer first needs it, and the two ways a connection begins. Who is who is
 * decided by the `prove` it is given.
 */
import { connect, type Socket } from 'node:net';
import type { PeerAddress, RefusalReason } from './contract.ts';
import { attemptDial, Refused } from './dial-attempt.ts';
import { printable } from './frames.ts';
import type { Identity } from './identity.ts';
import type { Guest } from './listener.ts';
import type { Proof } from './trust.ts';
import { whyUnreachable } from './unreachable.ts';
import { CurveKeys } from './zeromq-keys.ts';
import { type Context, loadZeroMq, type ZeroMqLibrary } from './zeromq-library.ts';
import { type CurveClient, type Handshake, ZeroMqSocket } from './zeromq-socket.ts';

/**
 * Sockets of one context, of which a connection takes three. More than there can ever be: they must not run out, see
 * `needDescriptors` in zeromq-socket.ts.
 */
const MAX_SOCKETS = 16_384;
/** Who hangs up having said this may have changed its mind; having said anything else, it is no broker. */
const CURVE_OR_NOTHING: ReadonlySet<string | undefined> = new Set(['CURVE', undefined]);

type Keys = NonNullable<Identity['curve']>;

export interface ZeroMqHandlers {
  /** Whose key (Z85) this is. */
  prove(key: string): Proof;
  /** A guest has proved to be this peer. */
  proved(socket: ZeroMqSocket, peer: PeerAddress, remote: string): void;
}

interface Ready {
  readonly library: ZeroMqLibrary;
  readonly context: Context;
  readonly allowed: CurveKeys;
}

/** What it looks like when CURVE was given another key than the other side has. */
const WRONG_KEY: ReadonlySet<RefusalReason> = new Set(['wrong-key', 'bad-handshake']);

export class ZeroMq {
  readonly #keys: Keys | undefined;
  readonly #timeoutMs: number;
  readonly #handlers: ZeroMqHandlers;
  readonly #loadLibrary: () => Promise<ZeroMqLibrary>;
  #ready: Promise<Ready> | undefined;
  /** Peers that are dialled with their next key: CURVE wants one, so after a failure it is the other one's turn. */
  readonly #dialNext = new Set<string>();
  #closed = false;

  /** Without `keys` nobody can be dialled and nobody gets in. */
  constructor(keys: Keys | undefined, timeoutMs: number, handlers: ZeroMqHandlers, load = loadZeroMq) {
    this.#keys = keys;
    this.#timeoutMs = timeoutMs;
    this.#handlers = handlers;
    this.#loadLibrary = load;
  }

  /** A connection whose first byte was ZeroMQ's. */
  async take(guest: Guest): Promise<void> {
    const keys = this.#keys;
    if (keys === undefined)
      return guest.dismiss('bad-handshake', 'ZeroMQ, but our identity has no CURVE key');
    const ready = await this.#library().catch((error: Error) =>
      guest.dismiss('bad-handshake', `ZeroMQ, but ${error.message}`),
    );
    if (this.#closed) guest.socket.destroy();
    if (ready === undefined || guest.socket.destroyed) return;
    const { library, context, allowed } = ready;
    const seat = allowed.seat();
    const role = { secretKey: keys.secretKey, zapDomain: seat.domain };
    let socket: ZeroMqSocket | undefined;
    try {
      socket = new ZeroMqSocket(library, context, guest.socket, role);
      void socket.over.then(() => allowed.leave(seat));
      await socket.start();
    } catch (error) {
      allowed.leave(seat);
      socket?.close();
      return guest.dismiss('bad-handshake', `no ZeroMQ socket left for it: ${(error as Error).message}`);
    }
    const handshake = await socket.handshake;
    const done = handshake.result === 'done';
    // Asked again: the peers may have changed since libzmq asked.
    const proof = done && seat.key !== undefined ? this.#handlers.prove(seat.key) : seat.proof;
    if (done && proof?.ok && guest.proved()) {
      return this.#handlers.proved(socket, proof.peer, guest.remote);
    }
    if (proof !== undefined && !proof.ok) guest.refuse(proof.reason, proof.text);
    else if (handshake.result === 'protocol' || !socket.lost || !CURVE_OR_NOTHING.has(socket.mechanism)) {
      guest.refuse('bad-handshake', notBroker(handshake, socket.mechanism, proof, keys));
    }
    // What it is told about the refusal still goes out.
    if (!done) await socket.over;
    socket.close();
  }

  /** Resolves to an open socket of the proved peer. Rejects with {@link DialError} only. */
  dial(
    peer: PeerAddress,
    signals: readonly AbortSignal[],
  ): Promise<{ socket: ZeroMqSocket; remote: string }> {
    const options = { timeoutMs: this.#timeoutMs, signals, explain: whyFailed };
    return attemptDial(peer, options, async (attempt) => {
      const { host, port, remote, role } = this.#whereTo(peer);
      const { library, context } = await this.#library();
      const tcp = await connectTcp(host, port, attempt.signal);
      attempt.answered = true;
      const giveUp = () => tcp.destroy();
      attempt.signal.addEventListener('abort', giveUp);
      let socket: ZeroMqSocket | undefined;
      try {
        socket = new ZeroMqSocket(library, context, tcp, role);
        await socket.start();
        const handshake = await socket.handshake;
        if (attempt.signal.aborted) throw new Error('aborted');
        if (handshake.result !== 'done') throw whyNotDone(handshake, socket.mechanism, role);
        return { socket, remote };
      } catch (error) {
        socket?.close();
        tcp.destroy();
        if (error instanceof Refused && WRONG_KEY.has(error.reason)) this.#takeTurns(peer);
        throw error;
      } finally {
        attempt.signal.removeEventListener('abort', giveUp);
      }
    });
  }

  /** After every socket has been closed. */
  async close(): Promise<void> {
    this.#closed = true;
    const ready = await this.#ready?.catch(() => undefined);
    ready?.allowed.close();
  }

  #library(): Promise<Ready> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #load(): Promise<Ready> {
    const library = await this.#loadLibrary();
    const context = new library.Context({ blocky: false, maxSockets: MAX_SOCKETS });
    const allowed = new CurveKeys(library, context, this.#handlers.prove);
    await allowed.start();
    if (this.#closed) allowed.close();
    return { library, context, allowed };
  }

  #takeTurns({ tag, next }: PeerAddress): void {
    if (!this.#dialNext.delete(tag) && next?.curveKey) this.#dialNext.add(tag);
  }

  #whereTo({ tag, url, curveKey: now, next }: PeerAddress) {
    const curveKey = (this.#dialNext.has(tag) && next?.curveKey) || now;
    const at = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
    // wss:// is taken too: a peer that changes its transport keeps its address.
    const port = Number(at?.port || (at?.protocol === 'wss:' ? 443 : Number.NaN));
    if (at === undefined || !(port > 0) || !['tcp:', 'wss:'].includes(at.protocol)) {
      throw new Refused('unreachable', 'the URL of a ZeroMQ peer is tcp://HOST:PORT');
    }
    if (this.#keys === undefined) {
      throw new Refused(
        'unreachable',
        'ZeroMQ needs an identity with a CURVE key: make one with "hintmesh keygen"',
      );
    }
    if (curveKey === undefined) throw new Refused('unreachable', 'this peer has no curve_key');
    const role: CurveClient = { ...this.#keys, serverKey: curveKey };
    return { host: at.hostname.replace(/^\[|\]$/g, ''), port, remote: at.host, role };
  }
}

function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error('aborted'));
    const socket = connect({ host, port, noDelay: true });
    const giveUp = () => socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', giveUp);
    socket.once('close', () => signal.removeEventListener('abort', giveUp));
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp);
      resolve(socket);
    });
    // Later errors are told by 'close'.
    socket.on('error', reject);
  });
}

/** A guest that does not speak ZeroMQ as a broker does, although its key may be that of one. */
function notBroker(
  handshake: Handshake,
  mechanism: string | undefined,
  proof: Proof | undefined,
  { publicKey }: Keys,
): string {
  if (proof?.ok) return `it has the key of peer ${proof.peer.tag}, but its ZeroMQ socket is no DEALER`;
  if (handshake.result === 'lost' && mechanism !== undefined)
    return `a ZeroMQ client without CURVE (${printable(mechanism)})`;
  if (handshake.result !== 'protocol') return 'a ZeroMQ client older than ZMTP 3, or none at all';
  const { code } = handshake;
  if (code === 'ERR_ZMTP_CRYPTOGRAPHIC') {
    return `a ZeroMQ client that looks for another key than ours, which is ${publicKey} : its curve_key for us is wrong`;
  }
  return `a ZeroMQ client without CURVE, or none at all (${code})`;
}

function whyNotDone(
  handshake: Handshake,
  mechanism: string | undefined,
  { publicKey, serverKey }: CurveClient,
): Refused {
  switch (handshake.result) {
    case 'refused':
      return new Refused(
        'refused-by-peer',
        `refuses us: unknown key ${publicKey} there, or our entry there has no transport: zeromq; its log says which`,
      );
    case 'protocol':
      return new Refused('bad-handshake', `no ZeroMQ with CURVE there (${handshake.code})`);
    default:
      // CURVE's server hangs up on whoever looks for another key than its own.
      if (mechanism === 'CURVE') {
        const text = `hung up when we looked for the key ${serverKey} : it has another one, or its log says why`;
        return new Refused('wrong-key', text);
      }
      return new Refused(
        'bad-handshake',
        'hung up on ZeroMQ: no peer there has transport: zeromq, or it is no broker; its log says which',
      );
  }
}

function whyFailed(error: unknown): Refused {
  const gone = whyUnreachable(error);
  return new Refused('unreachable', gone ?? (error as Error).message);
}

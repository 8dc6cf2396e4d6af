/**
 * The dialling half of the WebSocket transport: one attempt, from TCP to an open WebSocket, as a whole within one
 * time. Owns the order "TLS, our own check of the key, and only then a word of ours", and the words for what went
 * wrong. Keeps nothing after the attempt.
 */
import { isIP } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { DialError, type PeerAddress, type RefusalReason } from './contract.ts';
import { printable } from './frames.ts';
import type { Identity } from './identity.ts';
import { presented, proveDialled } from './trust.ts';
import { WEBSOCKET_OPTIONS } from './websocket-channel.ts';
import { isLoopback, PATH } from './websocket-listener.ts';

/** How much of the text of an HTTP refusal is read, characters. */
const MAX_REFUSAL_TEXT = 300;

export interface DialOptions {
  readonly tag: string;
  readonly identity: Identity | undefined;
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly timeoutMs: number;
}

/**
 * Resolves to an open WebSocket to the proved peer, paused; any of the signals ends the attempt. Rejects with
 * {@link DialError} only.
 */
export async function dialWebSocket(
  peer: PeerAddress,
  options: DialOptions,
  signals: readonly AbortSignal[],
): Promise<{ socket: WebSocket; remote: string }> {
  const fail = (reason: RefusalReason, text: string) => {
    return new DialError({ reason, remote: peer.tag, text: `${peer.url ?? peer.tag}: ${text}` });
  };
  const url = dialUrl(peer, options);
  if (typeof url === 'string') throw fail('unreachable', url);
  const attempt = new AbortController();
  const giveUp = () => attempt.abort();
  const timer = setTimeout(giveUp, options.timeoutMs);
  for (const signal of signals) signal.addEventListener('abort', giveUp);
  let secured = false;
  try {
    if (signals.some((signal) => signal.aborted)) giveUp();
    const secure = url.protocol === 'wss:' ? await connectTls(url, peer, options, attempt.signal) : undefined;
    secured = secure !== undefined;
    return { socket: await upgrade(url, secure, attempt.signal), remote: url.host };
  } catch (error) {
    if (signals.some((signal) => signal.aborted)) throw fail('unreachable', 'given up');
    if (attempt.signal.aborted) {
      throw fail(secured ? 'handshake-timeout' : 'unreachable', `no answer within ${options.timeoutMs} ms`);
    }
    if (error instanceof Refused) throw fail(error.reason, error.message);
    throw fail(...explain(error, secured, options));
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', giveUp);
  }
}

class Refused extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, text: string) {
    super(text);
    this.reason = reason;
  }
}

/** Where to dial, or why not. */
function dialUrl(peer: PeerAddress, { tag, identity, insecure }: DialOptions): URL | string {
  if (peer.url === undefined || !URL.canParse(peer.url)) return 'not a URL';
  const url = new URL(PATH, peer.url);
  if (url.protocol === 'wss:') {
    return identity === undefined ? 'wss:// needs an identity: make one with "hintmesh keygen"' : url;
  }
  if (url.protocol !== 'ws:') return 'the URL of a peer starts with wss://';
  if (!insecure || !isLoopback(hostOf(url)))
    return 'plaintext ws:// is for loopback and "insecure: true" only';
  url.searchParams.set('tag', tag);
  return url;
}

function connectTls(
  url: URL,
  peer: PeerAddress,
  { identity, ca }: DialOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error('aborted'));
    const host = hostOf(url);
    const socket = tls.connect({
      host,
      port: Number(url.port || 443),
      ...(isIP(host) === 0 && { servername: host }),
      ...(identity && { cert: identity.certificate, key: identity.key }),
      ...(ca !== undefined && { ca }),
      minVersion: 'TLSv1.3',
      // Our own check decides, below: Node's knows neither pins nor tags.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    signal.addEventListener('abort', () => socket.destroy(new Error('aborted')));
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      const proof = proveDialled(presented(socket, ca), peer);
      if (proof.ok) return resolve(socket);
      socket.destroy();
      reject(new Refused(proof.reason, proof.text));
    });
  });
}

function upgrade(url: URL, secure: TLSSocket | undefined, signal: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error('aborted'));
    const socket = new WebSocket(url, {
      ...WEBSOCKET_OPTIONS,
      ...(secure !== undefined && { createConnection: () => secure }),
    });
    signal.addEventListener('abort', () => socket.terminate());
    socket.on('error', reject);
    socket.once('open', () => {
      // Nothing may be delivered before somebody listens.
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
        if (text.length > MAX_REFUSAL_TEXT) request.destroy();
      });
      response.once('close', () => {
        const status = response.statusCode ?? 0;
        const said = printable(text.trim(), MAX_REFUSAL_TEXT);
        if (status === 403) reject(new Refused('refused-by-peer', `refuses us: ${said}`));
        else reject(new Refused('bad-handshake', `answers HTTP ${status}; it is not a broker's address`));
      });
    });
  });
}

const NO_NAME = 'its name cannot be looked up; check the url of this peer and the DNS';
const NO_WAY = 'there is no way to that address; check the url of this peer and the network';

/** What the operating system says when nobody answers, in words for the admin. */
const NOT_THERE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the broker of this peer running, and is the port right?',
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  EADDRNOTAVAIL: NO_WAY,
  ETIMEDOUT: 'nobody answers there; is the machine up, and does a firewall let the port through?',
};

function explain(error: unknown, secured: boolean, { identity }: DialOptions): [RefusalReason, string] {
  const { message, code } = error as Error & { code?: string };
  const gone = NOT_THERE[code ?? ''];
  if (gone !== undefined) return ['unreachable', `${gone} (${code})`];
  if (!secured) return ['bad-handshake', `no TLS 1.3 there: ${printable(message, 200)}`];
  const key = identity?.fingerprint ?? '';
  return ['refused-by-peer', `hung up after TLS; its log says why (our key is ${key})`];
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

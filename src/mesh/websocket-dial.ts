/**
 * The dialling half of the WebSocket transport: one attempt, from TCP to an open WebSocket, as a whole within one
 * time. Owns the order "TLS, our own check of the key, and only then a word of ours", and the words for what went
 * wrong. Keeps nothing after the attempt.
 */
import { isIP } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { PeerAddress } from './contract.ts';
import { attemptDial, Refused } from './dial-attempt.ts';
import { printable } from './frames.ts';
import type { Identity } from './identity.ts';
import { isLoopback, MAX_REFUSAL_TEXT } from './listener.ts';
import { presented, proveDialled } from './trust.ts';
import { whyUnreachable } from './unreachable.ts';
import { WEBSOCKET_OPTIONS } from './websocket-channel.ts';
import { PATH } from './websocket-server.ts';

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
  const { timeoutMs } = options;
  const explain = (error: unknown, secured: boolean) => whyFailed(error, secured, options);
  return attemptDial(peer, { timeoutMs, signals, explain }, async (attempt) => {
    const url = dialUrl(peer, options);
    const secure = url.protocol === 'wss:' ? await connectTls(url, peer, options, attempt.signal) : undefined;
    attempt.answered = secure !== undefined;
    return { socket: await upgrade(url, secure, attempt.signal), remote: url.host };
  });
}

function dialUrl(peer: PeerAddress, { tag, identity, insecure }: DialOptions): URL {
  const unreachable = (text: string) => new Refused('unreachable', text);
  if (peer.url === undefined || !URL.canParse(peer.url)) throw unreachable('not a URL');
  const url = new URL(PATH, peer.url);
  if (url.protocol === 'wss:') {
    if (identity !== undefined) return url;
    throw unreachable('wss:// needs an identity: make one with "hintmesh keygen"');
  }
  if (url.protocol !== 'ws:') throw unreachable('the URL of a peer starts with wss://');
  if (!insecure || !isLoopback(hostOf(url)))
    throw unreachable('plaintext ws:// is for loopback and "insecure: true" only');
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

function whyFailed(error: unknown, secured: boolean, { identity }: DialOptions): Refused {
  const gone = whyUnreachable(error);
  if (gone !== undefined) return new Refused('unreachable', gone);
  const { message, code } = error as NodeJS.ErrnoException;
  if (!secured && code === 'ECONNRESET') {
    const text = 'hung up before TLS: too many connections of our address, or no broker; its log says which';
    return new Refused('bad-handshake', text);
  }
  if (!secured) return new Refused('bad-handshake', `no TLS 1.3 there: ${printable(message, 200)}`);
  const key = identity?.fingerprint ?? '';
  return new Refused('refused-by-peer', `hung up after TLS; its log says why (our key is ${key})`);
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * Who may ask what: the checks a request must pass before its route is looked at, and the token. Owns these rules
 * and their words; no sockets, no answers.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MAX_BODY_BYTES } from './limits.ts';

export interface Refusal {
  readonly status: number;
  /** One sentence: why, and how to mend it. */
  readonly error: string;
}

export function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}

/** Names that no name server can point here. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** What is served to programs of this machine only. */
function isLocalOnly(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

/** The path asked for, or `undefined` when the request names none: a proxy's form, `*`. Nothing is decoded. */
export function pathOf(request: IncomingMessage): string | undefined {
  const path = request.url?.split('?', 1)[0];
  return path?.startsWith('/') ? path : undefined;
}

/**
 * Why this request is not served, if so. `loopback`: we listen on a loopback address only. Then, and wherever only
 * local programs are served, the Host header must be a loopback one too: else a web page whose name was pointed at
 * 127.0.0.1 (DNS rebinding) could read us through the browser of somebody on this machine.
 */
export function refusalOf(request: IncomingMessage, path: string, loopback: boolean): Refusal | undefined {
  const localOnly = isLocalOnly(path);
  if (localOnly && !isLoopbackAddress(request.socket.remoteAddress)) {
    const error = '/api/ is served only to programs on the machine the broker runs on, at a loopback address';
    return { status: 403, error };
  }
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length > 1) return { status: 400, error: 'more than one Host header' };
  if (hosts.length === 0 && request.httpVersion === '1.1') {
    return { status: 400, error: 'the Host header is missing' };
  }
  if ((loopback || localOnly) && !LOOPBACK_HOST.test(hosts[0] ?? '')) {
    const error = 'the Host header must be localhost, 127.0.0.1 or [::1]: ask by one of these names';
    return { status: 421, error };
  }
  return undefined;
}

/** Whether the request shows the token. Takes the same time whatever is shown. */
export function isAuthorized(request: IncomingMessage, token: string): boolean {
  const values = request.headersDistinct['authorization'] ?? [];
  const shown = values.length === 1 ? /^Bearer ([\x21-\x7e]+)$/i.exec(values[0] ?? '')?.[1] : undefined;
  return shown !== undefined && timingSafeEqual(digest(shown), digest(token));
}

/** Of equal length for all texts, as `timingSafeEqual` wants them. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Reads a request's body, which has no meaning here, away. `gone`: the client went before it was in. */
export async function skipBody(request: IncomingMessage): Promise<'skipped' | 'too-large' | 'gone'> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined) return 'skipped';
  if (Number(length ?? 0) > MAX_BODY_BYTES) return 'too-large';
  return new Promise((resolve) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) resolve('too-large');
    });
    request.once('end', () => resolve('skipped'));
    request.once('close', () => resolve('gone'));
  });
}

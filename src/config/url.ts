/**
 * The addresses that peers are dialled at. Owns their syntax, which is narrower than a URL's: a scheme, a
 * host, and a port that is always written; and which scheme goes with which transport.
 */
import type { TransportName } from './schema.ts';

/** The port a broker listens on when its config does not say. */
export const DEFAULT_PORT = 7440;

/** A host has at most 253 characters (RFC 1035); around it there are a scheme, a port and brackets. */
const MAX_URL = 300;
const PEER_URL =
  /^(wss?|tcp):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?\/?$/;

export interface UrlRules {
  /** Plaintext is allowed on loopback. */
  readonly insecure: boolean;
  readonly transport: TransportName;
}

/** For an url in an entry that others take as it is, whatever transport they choose. */
export const HANDED_OUT: UrlRules = { insecure: false, transport: 'websocket' };

/** Why a peer's url is refused, as the end of a sentence. */
export function whyNotPeerUrl(text: string, { insecure, transport }: UrlRules): string | undefined {
  if (text.includes('@'))
    return 'has a user or password in it; a peer is known by its key, so leave that out';
  const [, scheme, host = '', port] = (text.length <= MAX_URL && PEER_URL.exec(text)) || [];
  // Of tcp:// the class URL knows less than of wss://: any host would do.
  if (scheme === undefined || !URL.canParse(text.replace(/^tcp:/, 'wss:'))) {
    const own = transport === 'zeromq' ? 'tcp' : 'wss';
    return `is no address of a peer; write ${own}://HOST:PORT, like ${own}://spb.example.com:${DEFAULT_PORT}, with nothing after the port`;
  }
  if (port === undefined) return `has no port; a broker listens on ${DEFAULT_PORT} unless told otherwise`;
  if (Number(port) < 1 || Number(port) > 65_535) return 'has a port outside 1 to 65535';
  if (scheme === 'wss') return undefined;
  if (scheme === 'tcp') {
    if (transport === 'zeromq') return undefined;
    return "is tcp://, which goes with transport: zeromq in the peer's entry; wss:// goes with both transports";
  }
  if (transport === 'zeromq') return 'is plaintext, which ZeroMQ never is here; write tcp:// or wss://';
  if (!insecure) return 'is plaintext; write wss:// (ws:// is for loopback, with insecure: true)';
  if (!isLoopback(host)) return 'is plaintext to another machine; ws:// is taken for loopback only';
  return undefined;
}

/** Whether a host, as it stands in a config or (bracketed) in a URL, can only be this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

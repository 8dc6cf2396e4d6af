/**
 * The addresses that peers are dialled at. Owns their syntax, which is narrower than a URL's: a scheme, a
 * host, and a port that is always written.
 */

/** The port a broker listens on when its config does not say. */
export const DEFAULT_PORT = 7440;

/** A host has at most 253 characters (RFC 1035); around it there are a scheme, a port and brackets. */
const MAX_URL = 300;
const PEER_URL =
  /^(wss?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?\/?$/;

/** Why a peer's url is refused, as the end of a sentence; `insecure` allows plaintext on loopback. */
export function whyNotPeerUrl(text: string, insecure: boolean): string | undefined {
  if (text.includes('@'))
    return 'has a user or password in it; a peer is known by its key, so leave that out';
  const [, scheme, host = '', port] = (text.length <= MAX_URL && PEER_URL.exec(text)) || [];
  if (scheme === undefined || !URL.canParse(text)) {
    return `is no address of a peer; write wss://HOST:PORT, like wss://spb.example.com:${DEFAULT_PORT}, with nothing after the port`;
  }
  if (port === undefined) return `has no port; a broker listens on ${DEFAULT_PORT} unless told otherwise`;
  if (Number(port) < 1 || Number(port) > 65_535) return 'has a port outside 1 to 65535';
  if (scheme === 'wss') return undefined;
  if (!insecure) return 'is plaintext; write wss:// (ws:// is for loopback, with insecure: true)';
  if (!isLoopback(host)) return 'is plaintext to another machine; ws:// is taken for loopback only';
  return undefined;
}

/** Whether a host, as it stands in a config or (bracketed) in a URL, can only be this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

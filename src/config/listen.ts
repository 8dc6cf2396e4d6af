/**
 * Where we listen: for the peers, and for HTTP. Owns which addresses are refused or warned of, and that the two
 * do not take each other's port.
 */
import type { Config } from './config.ts';
import type { Findings } from './findings.ts';
import { isLoopback } from './url.ts';
import type { RootValues } from './values.ts';

export function readListen({ listen, insecure }: RootValues, findings: Findings): Config['listen'] {
  const { enabled, host, port } = listen;
  if (insecure && enabled && findings.fine('listen') && findings.fine('insecure') && !isLoopback(host)) {
    findings.mistake(
      'listen.host',
      `listen.host is ${host}, but with insecure: true we listen without TLS, on loopback only; write 127.0.0.1, or take insecure out`,
    );
  }
  return enabled ? { host, port } : undefined;
}

export function readHttp({ http, listen }: RootValues, findings: Findings): Config['http'] {
  const { enabled, host, port } = http;
  if (!enabled || !findings.fine('http')) return undefined;
  if (listen.enabled && findings.fine('listen') && listen.port === port && overlaps(listen.host, host)) {
    const [at, other] = ['http.port', 'listen.port'] as const;
    findings.mistake(
      findings.isGiven(at) ? at : other,
      `${at} and ${other} are both ${port}, on addresses that overlap (${host}, ${listen.host}); give one of them another port`,
    );
  }
  if (!isLoopback(canonical(host))) {
    const api = isAny(host)
      ? '/api/… answers this machine only'
      : `/api/… answers loopback only, so hintmesh status, states, watch, reload and leave cannot reach it there; with 0.0.0.0 they can`;
    findings.warning(
      'http.host',
      `http.host is ${host}: whoever reaches port ${port} reads metrics and health, without a password; ${api}`,
    );
  }
  return { host, port };
}

/** Where a client on this machine finds what listens on `host`. */
export function dialledAt(host: string): string {
  const address = canonical(host);
  if (address === ANY) return '127.0.0.1';
  return address === ANY_6 ? '::1' : host;
}

const ANY = '0.0.0.0';
const ANY_6 = '[::]';

function isAny(host: string): boolean {
  return [ANY, ANY_6].includes(canonical(host));
}

/** Whether nobody can listen on both with one port. Of names nothing is known but that they may be any address. */
function overlaps(one: string, other: string): boolean {
  const [a, b] = [canonical(one), canonical(other)];
  if (a === b) return true;
  return [
    [a, b],
    [b, a],
  ].some(([wide = '', narrow = '']) => {
    // Linux takes IPv4 on :: too.
    if (wide === ANY_6) return true;
    if (wide === ANY) return !narrow.startsWith('[');
    return wide === 'localhost' && isLoopback(narrow);
  });
}

/** One way to write an address, IPv6 in brackets: `0:0::1` → `[::1]`, `127.1` → `127.0.0.1`. */
function canonical(host: string): string {
  const url = `http://${host.includes(':') ? `[${host}]` : host}`;
  return URL.canParse(url) ? new URL(url).hostname : host.toLowerCase();
}

/**
 * Which peer a certificate or a CURVE key proves. Owns that decision for both directions, pinned or by CA, and the
 * words of its refusals. Reads what it is given; opens no connection.
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { PeerAddress, RefusalReason } from './contract.ts';
import { printable } from './frames.ts';
import { dnsNames, fingerprint } from './identity.ts';

export type Proof =
  | { readonly ok: true; readonly peer: PeerAddress }
  | { readonly ok: false; readonly reason: RefusalReason; readonly text: string };

/** What TLS found out about the other side. */
export interface Presented {
  readonly certificate: X509Certificate | undefined;
  /** Its chain leads to our CA, in time; `undefined`: we have no CA, everybody is pinned. */
  readonly trusted: boolean | undefined;
}

/** What the other side of a finished TLS handshake presented. */
export function presented(socket: TLSSocket, ca: string | undefined): Presented {
  // Without a CA of ours, Node would trust every public one.
  const trusted = ca === undefined ? undefined : socket.authorized;
  return { certificate: socket.getPeerX509Certificate(), trusted };
}

/** The other side dialled us: who is it? A peer with a fingerprint is known by that alone, never by a CA. */
export function proveInbound({ certificate, trusted }: Presented, peers: Iterable<PeerAddress>): Proof {
  if (certificate === undefined) return NO_CERTIFICATE;
  const key = readKey(certificate);
  if (key === undefined) return UNREADABLE;
  const known = [...peers];
  const pinned = known.find((peer) => fingerprints(peer).includes(key));
  if (pinned !== undefined) return { ok: true, peer: pinned };
  if (trusted === true) {
    const names = dnsNames(certificate);
    const named = known.find((peer) => fingerprints(peer).length === 0 && names[0] === peer.tag);
    if (named !== undefined && names.length === 1) return { ok: true, peer: named };
    const text = `certificate of our CA, but ${namesText(names)}: it must carry one DNS name, the tag of a peer without a fingerprint`;
    return refuse('bad-certificate', text);
  }
  return refuse('unknown-key', `unknown key ${key} : add it to peers`);
}

/** We dialled `peer`: is this it? */
export function proveDialled({ certificate, trusted }: Presented, peer: PeerAddress): Proof {
  if (certificate === undefined) return NO_CERTIFICATE;
  const key = readKey(certificate);
  if (key === undefined) return UNREADABLE;
  const expected = fingerprints(peer);
  if (expected.length > 0) {
    if (expected.includes(key)) return { ok: true, peer };
    return refuse('wrong-key', `it has the key ${key}, expected ${expected.join(' or ')}`);
  }
  const names = dnsNames(certificate);
  if (trusted === undefined) {
    return refuse(
      'unknown-key',
      `peer ${peer.tag} has no fingerprint, and no CA is configured; it shows ${key}`,
    );
  }
  if (!trusted) return refuse('bad-certificate', `it shows a certificate that our CA did not issue`);
  if (names.length === 1 && names[0] === peer.tag) return { ok: true, peer };
  const text = `it shows a certificate with ${namesText(names)}, expected exactly "${peer.tag}"`;
  return refuse('bad-certificate', text);
}

/** The other side dialled us with ZeroMQ, and CURVE proved that it has the secret half of `key` (Z85). */
export function proveCurveKey(key: string, peers: Iterable<PeerAddress>): Proof {
  const peer = [...peers].find(({ curveKey, next }) => curveKey === key || next?.curveKey === key);
  if (peer === undefined) return refuse('unknown-key', `unknown key ${key} : add it to peers, as curve_key`);
  if (peer.transport === 'zeromq') return { ok: true, peer };
  const text = `unknown key ${key} for ZeroMQ: it is that of peer ${peer.tag}, which has no transport: zeromq`;
  return refuse('unknown-key', text);
}

/** `insecure: true` only: no proof at all. */
export function proveByWord(tag: string, peers: Iterable<PeerAddress>): Proof {
  const peer = [...peers].find((known) => known.tag === tag);
  if (peer?.transport === 'zeromq') {
    return refuse(
      'unknown-key',
      `peer ${peer.tag} has transport: zeromq, which proves it; plaintext does not`,
    );
  }
  if (peer !== undefined) return { ok: true, peer };
  return refuse('unknown-key', `"${printable(tag)}" is not among the peers`);
}

const NO_CERTIFICATE = refuse('no-certificate', 'no certificate: a peer must show one');
const UNREADABLE = refuse('bad-certificate', 'its certificate has a key of a kind that cannot be read');

/** Whether both are proved by the same keys over WebSocket. */
export function sameFingerprints(a: PeerAddress, b: PeerAddress): boolean {
  return a.fingerprint === b.fingerprint && a.next?.fingerprint === b.next?.fingerprint;
}

/** The same over ZeroMQ. */
export function sameCurveKeys(a: PeerAddress, b: PeerAddress): boolean {
  return a.curveKey === b.curveKey && a.next?.curveKey === b.next?.curveKey;
}

/** Any of which proves the peer; none: it is known by a CA. */
function fingerprints({ fingerprint: now, next }: PeerAddress): string[] {
  return [now, next?.fingerprint].filter((one) => one !== undefined);
}

/** Not every key that TLS can use can be exported: that must refuse somebody, not end the broker. */
function readKey(certificate: X509Certificate): string | undefined {
  try {
    return fingerprint(certificate);
  } catch {
    return undefined;
  }
}

function refuse(reason: RefusalReason, text: string): Proof {
  return { ok: false, reason, text };
}

function namesText(names: readonly string[]): string {
  if (names.length === 0) return 'no DNS name';
  return `the DNS name${names.length > 1 ? 's' : ''} ${names.map((name) => `"${printable(name)}"`).join(', ')}`;
}

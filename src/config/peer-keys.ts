/**
 * What proves a peer: its fingerprint over TLS, its curve_key over ZeroMQ. Owns which of them an entry must have,
 * what is no key, and what we must have ourselves to dial or be dialled over ZeroMQ.
 */
import type { Keys } from './config.ts';
import type { Findings } from './findings.ts';
import type { PeerValues, Values } from './values.ts';

/** Our own identity, as far as peers' entries are held against it. */
export interface OwnKeys {
  readonly file: string;
  readonly fingerprint: string;
  /** Absent: the file has no key for ZeroMQ. */
  readonly curveKey?: string;
}

/** What else there is that a peer's entry depends on. */
export interface PeerRules {
  readonly keys: Keys;
  /** `undefined` when there is no identity, or it could not be read. */
  readonly own: OwnKeys | undefined;
}

const PRINTED = `what the peer's "hintmesh keygen" printed`;
const SHARED = 'two PBXs share one identity_file; make one for each with "hintmesh keygen"';

/** The two kinds of keys that prove a peer, by the names they have in its entry. */
const KINDS = {
  fingerprint: { next: 'next_fingerprint', form: 'sha256:…' },
  curve_key: { next: 'next_curve_key', form: '40 characters in double quotes' },
} as const;

type Kind = keyof typeof KINDS;

/** Whether it can be the key of another PBX; else that is told. Never repeated: it may be the secret half. */
function isTheirs(
  key: string,
  kind: Kind,
  path: string,
  called: string,
  { keys, own }: PeerRules,
  findings: Findings,
): boolean {
  const isKey = kind === 'fingerprint' ? keys.isFingerprint : keys.isCurveKey;
  const ours = kind === 'fingerprint' ? own?.fingerprint : own?.curveKey;
  if (!isKey(key)) findings.mistake(path, `${path} is no ${called}; write ${PRINTED}, ${KINDS[kind].form}`);
  else if (key === ours) findings.mistake(path, `${path} is our own ${kind}: ${SHARED}`);
  else return true;
  return false;
}

export function checkFingerprint(
  { fingerprint, url, transport }: PeerValues,
  at: string,
  root: Values['root'],
  rules: PeerRules,
  findings: Findings,
): void {
  const path = `${at}.fingerprint`;
  if (!findings.fine(path)) return;
  if (fingerprint === '') {
    // Only wss:// can prove a key; plaintext on loopback has none to prove. ZeroMQ has a key of its own.
    const plain = root.insecure && !url.startsWith('wss:');
    if (transport === 'zeromq' || root.ca_file !== '' || plain) return;
    if (!['ca_file', 'insecure', `${at}.transport`].every((other) => findings.fine(other))) return;
    findings.mistake(
      at,
      `${at} has no fingerprint, so nothing proves who it is; write ${PRINTED}, or set ca_file`,
    );
  } else isTheirs(fingerprint, 'fingerprint', path, 'fingerprint', rules, findings);
}

export function checkCurveKey(
  { curve_key, transport }: PeerValues,
  at: string,
  rules: PeerRules,
  findings: Findings,
): void {
  const path = `${at}.curve_key`;
  if (!findings.fine(path)) return;
  if (curve_key === '') {
    if (transport !== 'zeromq') return;
    findings.mistake(
      at,
      `${at} has transport: zeromq, but no curve_key, so nothing proves who it is; write ${PRINTED} ("hintmesh fingerprint" prints it again)`,
    );
  } else isTheirs(curve_key, 'curve_key', path, 'key for ZeroMQ', rules, findings);
}

/** What is proved by a key now is proved by the next one then. */
export function checkNextKeys(peer: PeerValues, at: string, rules: PeerRules, findings: Findings): void {
  for (const kind of ['fingerprint', 'curve_key'] as const) {
    const { next } = KINDS[kind];
    const path = `${at}.${next}`;
    const key = peer[next];
    if (key === '' || !findings.fine(path) || !isTheirs(key, kind, path, kind, rules, findings)) continue;
    if (peer[kind] === '' && findings.fine(`${at}.${kind}`)) {
      findings.mistake(path, `${path} follows no ${kind}; write it as ${kind}`);
    }
  }
  // A new identity has new keys of both kinds.
  const [one, other] =
    peer.next_fingerprint === ''
      ? ['next_curve_key', 'next_fingerprint']
      : ['next_fingerprint', 'next_curve_key'];
  const isAlone = (peer.next_fingerprint === '') !== (peer.next_curve_key === '');
  const isNeeded = other === 'next_curve_key' ? peer.curve_key !== '' : peer.fingerprint !== '';
  if (isAlone && isNeeded) {
    findings.warning(
      `${at}.${one}`,
      `${at} has ${one} without ${other}: a new identity has another key of either kind`,
    );
  }
}

/** ZeroMQ proves both sides, always. Told of the first peer alone: the mend is one for all. */
export function checkOwnCurveKey({ root, peers }: Values, { own }: PeerRules, findings: Findings): void {
  const first = peers.findIndex(({ transport }) => transport === 'zeromq');
  if (first === -1) return;
  const path = `peers[${first}].transport`;
  if (own !== undefined && own.curveKey === undefined) {
    findings.mistake(
      path,
      `${path} is zeromq, but our identity_file has no key for ZeroMQ; add one with: openssl genpkey -algorithm X25519 >> ${own.file} (the fingerprint stays), then give the peers what "hintmesh fingerprint" prints`,
    );
  } else if (root.insecure && root.identity_file === '' && findings.fine('insecure')) {
    findings.mistake(
      path,
      `${path} is zeromq, where we must prove who we are, but there is no identity_file; name one (with insecure: true it is not read unless named)`,
    );
  }
}

/**
 * The `peers` list: who may be in it, and what each entry must have so that a link can come about. Owns
 * these rules only; single values were judged already.
 */
import type { Keys, PeerConfig } from './config.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import { isLoopback, whyNotPeerUrl } from './url.ts';
import type { PeerValues, Values } from './values.ts';

/** What else there is that a peer's entry depends on. */
export interface PeerRules {
  readonly keys: Keys;
  /** Our own fingerprint; `undefined` when there is no identity, or it could not be read. */
  readonly fingerprint: string | undefined;
}

export function checkPeers({ root, peers }: Values, rules: PeerRules, findings: Findings): PeerConfig[] {
  if (peers.length === 0) {
    findings.warning('peers', 'there are no peers yet: no lamp of another PBX will be lit');
  }
  // Each map: the value, and the path of the entry that has it.
  const tags = new Map<string, string>();
  const urls = new Map<string, string>();
  const fingerprints = new Map<string, string>();
  for (const [index, peer] of peers.entries()) {
    const at = `peers[${index}]`;
    if (findings.bad(at)) continue;
    if (findings.fine(`${at}.tag`)) {
      if (findings.fine('tag') && peer.tag === root.tag) {
        findings.mistake(`${at}.tag`, `${at}.tag "${peer.tag}" is our own tag; a PBX is no peer of its own`);
      }
      unique(tags, peer.tag, `${at}.tag`, findings);
    }
    checkUrl(peer, at, root, findings);
    checkFingerprint(peer, at, root, rules, findings);
    if (peer.url !== '') unique(urls, peer.url, `${at}.url`, findings);
    if (peer.fingerprint !== '') unique(fingerprints, peer.fingerprint, `${at}.fingerprint`, findings);
  }
  return peers.map((peer, index) => ({
    tag: peer.tag,
    ...(peer.url === '' ? {} : { url: peer.url }),
    ...(peer.fingerprint === '' ? {} : { fingerprint: peer.fingerprint }),
    goneState: peer.gone_state === '' ? root.lamps.gone_state : peer.gone_state,
    where: findings.where(`peers[${index}]`),
  }));
}

function unique(seen: Map<string, string>, value: string, path: string, findings: Findings): void {
  const first = seen.get(value);
  if (first === undefined) seen.set(value, path);
  else
    findings.mistake(
      path,
      `${path} is the same as ${first} (${findings.where(first)}); each peer has its own`,
    );
}

function checkUrl(peer: PeerValues, at: string, root: Values['root'], findings: Findings): void {
  const path = `${at}.url`;
  if (!findings.fine(path) || !findings.fine('insecure')) return;
  if (peer.url !== '') {
    const why = whyNotPeerUrl(peer.url, root.insecure);
    if (why !== undefined) {
      const shown = peer.url.includes('@') ? '' : `${show(peer.url)} `;
      findings.mistake(path, `${path} ${shown}${why}`);
    } else if (peer.url.startsWith('wss:') && root.insecure && root.identity_file === '') {
      findings.mistake(
        path,
        `${path} is wss://, where we must prove who we are, but there is no identity_file; name one (with insecure: true it is not read unless named)`,
      );
    }
    return;
  }
  const { enabled, host } = root.listen.websocket;
  if (!findings.fine('listen')) return;
  if (!enabled) {
    findings.mistake(
      at,
      `${at} has no url, so the peer must dial us, but listen.websocket.enabled is false; give it a url or listen`,
    );
  } else if (isLoopback(host) && !root.insecure) {
    findings.warning(
      at,
      `${at} has no url, so the peer must dial us, but we listen on ${host} only (listen.websocket.host)`,
    );
  }
}

function checkFingerprint(
  { fingerprint, url }: PeerValues,
  at: string,
  root: Values['root'],
  { keys, fingerprint: own }: PeerRules,
  findings: Findings,
): void {
  const path = `${at}.fingerprint`;
  if (!findings.fine(path)) return;
  if (fingerprint === '') {
    // Only wss:// can prove a key; plaintext on loopback has none to prove.
    const plain = root.insecure && !url.startsWith('wss:');
    if (root.ca_file !== '' || plain || !findings.fine('ca_file') || !findings.fine('insecure')) return;
    findings.mistake(
      at,
      `${at} has no fingerprint, so nothing proves who it is; write what the peer's "hintmesh keygen" printed, or set ca_file`,
    );
  } else if (!keys.isFingerprint(fingerprint)) {
    findings.mistake(
      path,
      `${path} is no fingerprint; write what the peer's "hintmesh keygen" printed, sha256:…`,
    );
  } else if (fingerprint === own) {
    findings.mistake(
      path,
      `${path} is our own fingerprint: two PBXs share one identity_file; make one for each with "hintmesh keygen"`,
    );
  }
}

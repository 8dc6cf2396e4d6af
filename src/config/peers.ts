/**
 * The `peers` list: who may be in it, and what each entry must have so that a link can come about. Owns
 * these rules only; single values were judged already, and what proves a peer is peer-keys.ts's.
 */
import type { PeerConfig } from './config.ts';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';
import {
  checkCurveKey,
  checkFingerprint,
  checkNextKeys,
  checkOwnCurveKey,
  type PeerRules,
} from './peer-keys.ts';
import { isLoopback, whyNotPeerUrl } from './url.ts';
import type { PeerValues, Values } from './values.ts';

export function checkPeers(values: Values, rules: PeerRules, findings: Findings): PeerConfig[] {
  const { root, peers } = values;
  if (peers.length === 0) {
    findings.warning('peers', 'there are no peers yet: no lamp of another PBX will be lit');
  }
  // Each map: the value, and the path of the entry that has it.
  const tags = new Map<string, string>();
  const urls = new Map<string, string>();
  const fingerprints = new Map<string, string>();
  const curveKeys = new Map<string, string>();
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
    checkCurveKey(peer, at, rules, findings);
    // One port serves every scheme.
    if (peer.url !== '') unique(urls, peer.url.replace(/^[a-z]+:/, ''), `${at}.url`, findings);
    checkNextKeys(peer, at, rules, findings);
    for (const key of ['fingerprint', 'next_fingerprint'] as const) {
      if (peer[key] !== '') unique(fingerprints, peer[key], `${at}.${key}`, findings);
    }
    for (const key of ['curve_key', 'next_curve_key'] as const) {
      if (peer[key] !== '') unique(curveKeys, peer[key], `${at}.${key}`, findings);
    }
  }
  checkOwnCurveKey(values, rules, findings);
  return peers.map((peer, index) => ({
    tag: peer.tag,
    ...(peer.url === '' ? {} : { url: peer.url }),
    ...(peer.transport === 'zeromq' ? { transport: peer.transport } : {}),
    ...(peer.fingerprint === '' ? {} : { fingerprint: peer.fingerprint }),
    ...(peer.curve_key === '' ? {} : { curveKey: peer.curve_key }),
    ...nextOf(peer),
    goneState: peer.gone_state === '' ? root.lamps.gone_state : peer.gone_state,
    where: findings.where(`peers[${index}]`),
  }));
}

function nextOf({ next_fingerprint, next_curve_key }: PeerValues): Pick<PeerConfig, 'next'> {
  if (next_fingerprint === '' && next_curve_key === '') return {};
  return {
    next: {
      ...(next_fingerprint === '' ? {} : { fingerprint: next_fingerprint }),
      ...(next_curve_key === '' ? {} : { curveKey: next_curve_key }),
    },
  };
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
  if (![path, `${at}.transport`, 'insecure'].every((each) => findings.fine(each))) return;
  if (peer.url !== '') {
    const { url, transport } = peer;
    const isTls = transport === 'websocket' && url.startsWith('wss:');
    const why = whyNotPeerUrl(url, { insecure: root.insecure, transport });
    if (why !== undefined) {
      const shown = url.includes('@') ? '' : `${show(url)} `;
      findings.mistake(path, `${path} ${shown}${why}`);
    } else if (isTls && root.insecure && root.identity_file === '') {
      findings.mistake(
        path,
        `${path} is wss://, where we must prove who we are, but there is no identity_file; name one (with insecure: true it is not read unless named)`,
      );
    }
    return;
  }
  const { enabled, host } = root.listen;
  if (!findings.fine('listen')) return;
  if (!enabled) {
    findings.mistake(
      at,
      `${at} has no url, so the peer must dial us, but listen.enabled is false; give it a url or listen`,
    );
  } else if (isLoopback(host) && !root.insecure) {
    findings.warning(
      at,
      `${at} has no url, so the peer must dial us, but we listen on ${host} only (listen.host)`,
    );
  }
}

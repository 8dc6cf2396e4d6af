/** What an admin hands to the admins of other PBXs. Owns its form, which is YAML as a whole; holds no secret. */
import type { Identity } from '../mesh/identity.ts';

export interface PeerEntry {
  readonly tag: string;
  readonly identity: Identity;
  readonly file: string;
  /** Where the others dial us; absent: we dial them. */
  readonly url?: string | undefined;
}

/** Lines for stdout: tag, fingerprint, key for ZeroMQ, and the one line for other sites' `peers:` lists. */
export function peerEntryLines({ tag, identity, file, url }: PeerEntry): string[] {
  const dial = url === undefined ? [] : [`url: ${JSON.stringify(url)}`];
  // Z85 has neither quotes nor backslashes, so JSON's quotes are YAML's.
  const curveKey = identity.curve && `curve_key: ${JSON.stringify(identity.curve.publicKey)}`;
  const keys = [`fingerprint: ${JSON.stringify(identity.fingerprint)}`, ...(curveKey ? [curveKey] : [])];
  const fields = [`tag: ${tag}`, ...dial, ...keys];
  return [
    `tag: ${tag}`,
    `fingerprint: ${identity.fingerprint}`,
    curveKey ??
      `# No curve_key, which only ZeroMQ needs. To add one: openssl genpkey -algorithm X25519 >> ${JSON.stringify(file)}`,
    `identity_file: ${JSON.stringify(file)}`,
    `# The line below goes into the peers: list of every other PBX${url === undefined ? ', with a url if they can dial this one' : ''}.`,
    'peers:',
    `  - { ${fields.join(', ')} }`,
  ];
}

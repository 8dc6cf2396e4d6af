/** What an admin hands to the admins of other PBXs. Owns its form, which is YAML as a whole; holds no secret. */
import type { Identity } from '../mesh/identity.ts';

export interface PeerEntry {
  readonly tag: string;
  readonly identity: Identity;
  readonly file: string;
  /** Where the others dial us; absent: we dial them. */
  readonly url?: string | undefined;
}

/** Lines for stdout: tag, fingerprint, and the one line for other sites' `peers:` lists. */
export function peerEntryLines({ tag, identity, file, url }: PeerEntry): string[] {
  const dial = url === undefined ? [] : [`url: ${JSON.stringify(url)}`];
  const fields = [`tag: ${tag}`, ...dial, `fingerprint: ${JSON.stringify(identity.fingerprint)}`];
  return [
    `tag: ${tag}`,
    `fingerprint: ${identity.fingerprint}`,
    `identity_file: ${JSON.stringify(file)}`,
    `# The line below goes into the peers: list of every other PBX${url === undefined ? ', with a url if they can dial this one' : ''}.`,
    'peers:',
    `  - { ${fields.join(', ')} }`,
  ];
}

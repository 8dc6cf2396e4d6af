/**
 * `hintmesh keygen`: makes the identity of one broker. Owns that no identity is overwritten unasked: peers
 * have its fingerprint, and a lost key cannot be had again.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { visible } from '../config/formats.ts';
import { HANDED_OUT, whyNotPeerUrl } from '../config/url.ts';
import { createFile, replaceFile } from '../config/write.ts';
import { whyNotTag } from '../core/names.ts';
import { generateIdentity, loadIdentity } from '../mesh/identity.ts';
import { FAILED, type Io, OK, USAGE } from './io.ts';
import { peerEntryLines } from './peer-entry.ts';

export interface KeygenOptions {
  readonly tag: string;
  readonly out: string;
  readonly force?: boolean;
  readonly url?: string;
}

/** The key in it is all that proves who we are. */
const IDENTITY_MODE = 0o600;

export async function keygen({ tag, out, force = false, url }: KeygenOptions, io: Io): Promise<number> {
  const whyNot = whyNotTag(tag);
  if (whyNot !== undefined) {
    io.err(`--tag ${JSON.stringify(tag)} ${whyNot}`);
    return USAGE;
  }
  const whyNotUrl = url === undefined ? undefined : whyNotPeerUrl(url, HANDED_OUT);
  if (whyNotUrl !== undefined) {
    io.err(`--url ${whyNotUrl}`);
    return USAGE;
  }
  const file = resolve(out);
  const pem = await generateIdentity(tag);
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
      io.err(`${visible(file)} is a folder; name a file in it: --out ${visible(join(file, 'identity.pem'))}`);
      return FAILED;
    }
    if (force) await replaceFile(behindLinks(file), pem, IDENTITY_MODE);
    else await createFile(file, pem, IDENTITY_MODE);
  } catch (error) {
    io.err(whyNotWritten(file, (error as NodeJS.ErrnoException).code));
    return FAILED;
  }
  for (const line of peerEntryLines({ tag, identity: loadIdentity(pem), file, url })) io.out(line);
  return OK;
}

/** What a symbolic link leads to is replaced, not the link. Throws `ENOENT` when it leads nowhere. */
function behindLinks(file: string): string {
  return lstatSync(file, { throwIfNoEntry: false }) === undefined ? file : realpathSync(file);
}

function whyNotWritten(path: string, code: string | undefined): string {
  const file = visible(path);
  if (code !== 'EEXIST') return `cannot write ${file}: ${code ?? 'unknown error'}`;
  return `${file} exists and is left as it is; if no peer has its fingerprint any more, --force replaces it`;
}

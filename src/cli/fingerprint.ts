/** `hintmesh fingerprint`: what keygen printed, once more. */
import { resolve } from 'node:path';
import { MAX_NAMED_FILE_BYTES, readBounded } from '../config/files.ts';
import { HANDED_OUT, whyNotPeerUrl } from '../config/url.ts';
import { type Identity, IdentityError, loadIdentity } from '../mesh/identity.ts';
import { openConfig, readConfig } from './config-file.ts';
import { FAILED, type Io, OK, USAGE } from './io.ts';
import { peerEntryLines } from './peer-entry.ts';

export interface FingerprintOptions {
  readonly config: string;
  /** An identity file, instead of the one that the config names. */
  readonly identity?: string;
  readonly url?: string;
}

export function fingerprint({ config, identity: file, url }: FingerprintOptions, io: Io): number {
  const whyNotUrl = url === undefined ? undefined : whyNotPeerUrl(url, HANDED_OUT);
  if (whyNotUrl !== undefined) {
    io.err(`--url ${whyNotUrl}`);
    return USAGE;
  }
  const found = file === undefined ? ofConfig(config, io) : ofFile(resolve(file), io);
  if (found === undefined) return FAILED;
  const tag = found.identity.names[0] ?? 'TAG';
  for (const line of peerEntryLines({ ...found, tag, url })) io.out(line);
  return OK;
}

interface Found {
  readonly file: string;
  readonly identity: Identity;
}

function ofConfig(config: string, io: Io): Found | undefined {
  const opened = openConfig(readConfig(config, io.env), io);
  if (opened === undefined) return undefined;
  const { identity } = opened.config;
  if (identity !== undefined) return { file: identity.file, identity: loadIdentity(identity.pem) };
  io.err(`${config} names no identity_file`);
  return undefined;
}

function ofFile(file: string, io: Io): Found | undefined {
  const read = readBounded(file, MAX_NAMED_FILE_BYTES);
  if ('why' in read) {
    io.err(`cannot read ${file}: ${read.why}`);
    return undefined;
  }
  try {
    return { file, identity: loadIdentity(read.text) };
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    io.err(`${file}: ${error.message}`);
    return undefined;
  }
}

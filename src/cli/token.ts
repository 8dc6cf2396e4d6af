/**
 * The token that allows reload and leave: who can read the broker's state directory may tell it what to do.
 * Owns the file `http.token` in it: made anew at each start, read by the commands.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBounded } from '../config/files.ts';
import { visible } from '../config/formats.ts';
import { replaceFile } from '../config/write.ts';
import { Failure } from './io.ts';

export const TOKEN_FILE = 'http.token';
const TOKEN_BYTES = 32;
/** base64url of TOKEN_BYTES */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const TOKEN_MODE = 0o600;
const MAX_FILE_BYTES = 1_024;

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Makes the directory too. Rejects when it cannot write. */
export async function writeToken(stateDir: string, token: string): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o750 });
  await replaceFile(join(stateDir, TOKEN_FILE), `${token}\n`, TOKEN_MODE);
}

/** Throws a {@link Failure} that says why there is none. */
export function readToken(stateDir: string): string {
  const file = join(stateDir, TOKEN_FILE);
  const read = readBounded(file, MAX_FILE_BYTES);
  if ('why' in read)
    throw new Failure(`cannot read the broker's token ${visible(file)}: ${read.why}; ${cure(read.code)}`);
  const token = read.text.trim();
  if (TOKEN.test(token)) return token;
  throw new Failure(`${visible(file)} holds no token; restart the broker, which makes it anew`);
}

function cure(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return 'be root, or the user that the broker runs as';
  return 'is the broker running, and with this state_dir?';
}

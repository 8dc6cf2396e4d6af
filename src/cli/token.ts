/**
 * The token that allows reload and leave, and where it is taken: who can read the broker's state directory may tell
 * it what to do. Owns the file `http.token` in it, made anew at each start, read by the commands:
 *
 *     TOKEN              base64url of 32 bytes
 *     http://HOST:PORT   where the broker listens, as it is dialled on this machine; `-`: it serves no HTTP
 *
 * The config may say another address by now.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBounded } from '../config/files.ts';
import { visible } from '../config/formats.ts';
import { replaceFile } from '../config/write.ts';
import { BY_SIGNAL } from './api-failures.ts';
import { Failure } from './io.ts';

export const TOKEN_FILE = 'http.token';
const TOKEN_BYTES = 32;
const SHAPE = /^([A-Za-z0-9_-]{43})\n(-|http:\/\/\S+)$/;
const NO_HTTP = '-';
const TOKEN_MODE = 0o600;
const MAX_FILE_BYTES = 1_024;

export interface Left {
  readonly token: string;
  /** `null`: it serves no HTTP. */
  readonly url: string | null;
  /** The path of the file, printable. */
  readonly file: string;
}

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** The run that has this token, for everybody to know: nobody can tell the token from it. */
export function epochOf(token: string): string {
  return createHash('sha256').update(`hintmesh epoch ${token}`).digest('base64url');
}

/** Makes the directory too. `url`: absent when no HTTP is served. Rejects when it cannot write. */
export async function writeToken(stateDir: string, token: string, url?: string): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o750 });
  await replaceFile(join(stateDir, TOKEN_FILE), `${token}\n${url ?? NO_HTTP}\n`, TOKEN_MODE);
}

/** Throws a {@link Failure} that says why there is none. */
export function readToken(stateDir: string): Left {
  const path = join(stateDir, TOKEN_FILE);
  const file = visible(path);
  const read = readBounded(path, MAX_FILE_BYTES);
  if ('why' in read)
    throw new Failure(`cannot read the broker's token ${file}: ${read.why}${cure(read.code)}`);
  const [, token, url] = SHAPE.exec(read.text.trim()) ?? [];
  if (token === undefined || url === undefined) {
    throw new Failure(`${file} holds no token; have the broker write it again: ${BY_SIGNAL}`);
  }
  return { token, file, url: url === NO_HTTP ? null : url };
}

function cure(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return '; be root, or the user that the broker runs as';
  return `
  if the broker does not run, start it; if state_dir was changed since it started, restart it
  if the broker could not write there, mend that and have it try again: ${BY_SIGNAL}`;
}

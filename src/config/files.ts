/**
 * The files a config names: secrets, keys, certificates. Owns how they are found (relative to the config's
 * folder), bounded, and refused; what they hold goes into no message.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Findings } from './findings.ts';
import { show } from './formats.ts';

/** Identities, CA bundles and secrets are far smaller. */
export const MAX_NAMED_FILE_BYTES = 1024 * 1024;
/** An AMI line holds 1022 characters (main/manager.c, `get_input`), its header included. */
export const MAX_SECRET = 512;

const WORLD_READABLE = 0o004;
const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is no folder',
  ELOOP: 'too many symbolic links',
};

/** Text of a regular file of at most `most` bytes, or why it cannot be had, as the end of a sentence. */
export function readBounded(
  file: string,
  most: number,
): { readonly text: string; readonly stats: Stats } | { readonly why: string; readonly code?: string } {
  try {
    const stats = statSync(file);
    // A pipe or a device could block, or never end.
    if (!stats.isFile()) return { why: 'it is not a regular file' };
    if (stats.size > most) return { why: `it has ${stats.size} bytes; at most ${most} are read` };
    return { text: readFileSync(file, 'utf8'), stats };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { why: REASONS[code] ?? code, code };
  }
}

export class NamedFiles {
  readonly #folder: string;
  readonly #findings: Findings;

  constructor(configFile: string, findings: Findings) {
    this.#folder = dirname(resolve(configFile));
    this.#findings = findings;
  }

  resolve(name: string): string {
    return resolve(this.#folder, name);
  }

  /** A file of certificates, every one of which can be read; else `undefined`, and a mistake at `path`. */
  certificates(path: string, name: string): string | undefined {
    const text = this.pem(path, name, { secret: false });
    const why = text === undefined ? undefined : whyNotCertificates(text);
    if (why === undefined) return text;
    this.#findings.mistake(path, `${path}: ${show(this.resolve(name))} ${why}`);
    return undefined;
  }

  /** A file with a private key that needs no passphrase; else `undefined`, and a mistake at `path`. */
  key(path: string, name: string): string | undefined {
    const text = this.pem(path, name, { secret: true });
    const why = text === undefined ? undefined : whyNotKey(text);
    if (why === undefined) return text;
    this.#findings.mistake(path, `${path}: ${show(this.resolve(name))} ${why}`);
    return undefined;
  }

  /** A file of PEM blocks; `undefined` when it cannot be had, which is then a mistake at `path`. */
  pem(path: string, name: string, options: { secret: boolean; mend?: string }): string | undefined {
    const text = this.#read(path, name, options);
    if (text === undefined || /-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
    this.#findings.mistake(
      path,
      `${path}: ${show(this.resolve(name))} holds no PEM block (-----BEGIN …-----)`,
    );
    return undefined;
  }

  /** A file whose one line is a secret. */
  secret(path: string, name: string): string | undefined {
    // Whoever takes it for the place of the secret itself must not find that on the screen.
    const hidden = !/[/.]/.test(name);
    const text = this.#read(path, name, { secret: true, hidden });
    if (text === undefined) return undefined;
    const secret = text.replace(/\r?\n$/, '');
    const why = whyNotSecret(secret);
    if (why === undefined) return secret;
    this.#findings.mistake(path, `${path}: ${show(this.resolve(name))} ${why}`);
    return undefined;
  }

  #read(
    path: string,
    name: string,
    { secret, mend, hidden = false }: { secret: boolean; mend?: string; hidden?: boolean },
  ): string | undefined {
    if (!this.#findings.fine(path)) return undefined;
    const file = this.resolve(name);
    const read = readBounded(file, MAX_NAMED_FILE_BYTES);
    if ('why' in read) {
      const how = mend === undefined ? '' : `; ${mend}`;
      const what = hidden ? `the file named by ${path}` : show(file);
      this.#findings.mistake(path, `${path}: cannot read ${what}: ${read.why}${how}`);
      return undefined;
    }
    if (read.text.trim() === '') {
      this.#findings.mistake(path, `${path}: ${show(file)} is empty`);
      return undefined;
    }
    // Only a warning: container platforms mount secrets world-readable, inside a world of one process.
    if (secret && (read.stats.mode & WORLD_READABLE) !== 0) {
      this.#findings.warning(
        path,
        `${path}: every user of this machine can read ${show(file)}; chmod 640 it, or 600`,
      );
    }
    return read.text;
  }
}

/** OpenSSL reads certificates under these names. */
const CERTIFICATE_BEGIN = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g;
const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]*-----END \1-----/g;

/** Why this text is no list of certificates, as the end of a sentence. OpenSSL skips over what it cannot read. */
function whyNotCertificates(text: string): string | undefined {
  const begun = text.match(CERTIFICATE_BEGIN)?.length ?? 0;
  if (begun === 0) return 'holds no certificate; it must begin with -----BEGIN CERTIFICATE-----';
  const blocks = text.match(CERTIFICATE) ?? [];
  const bad = blocks.findIndex((block) => !isCertificate(block));
  if (bad < 0 && blocks.length === begun) return undefined;
  const which =
    bad < 0 ? 'a certificate without its end' : `a certificate (number ${bad + 1}) that cannot be read`;
  return `holds ${which}; copy the file again, whole, in PEM form`;
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}

function whyNotKey(text: string): string | undefined {
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    // OpenSSL's own words could quote the key.
    return 'holds no private key that can be read; it must be PEM, and without a passphrase (openssl pkey -in OLD -out NEW removes one)';
  }
}

/** Whether `key` is the key of the first certificate; both were read before. */
export function belongTogether(certificates: string, key: string): boolean {
  const [first = ''] = certificates.match(CERTIFICATE) ?? [];
  return new X509Certificate(first).checkPrivateKey(createPrivateKey(key));
}

/** Why a secret cannot be sent over AMI, as the end of a sentence that does not repeat it. */
export function whyNotSecret(secret: string): string | undefined {
  if (/\p{Cc}/u.test(secret)) return 'must hold the secret on one line, without control characters';
  if (secret.length > MAX_SECRET) return `holds a secret of more than ${MAX_SECRET} characters`;
  if (secret.trim() !== secret) return 'has blanks before or after the secret, which AMI would not keep';
  return undefined;
}

/**
 * Who a broker is: one file with a certificate, its key, and a key for CURVE. Owns making, reading and naming
 * (fingerprint) identities. Never prints a key; does not read or write files.
 *
 * The file is PEM: CERTIFICATE (the broker's own first; in CA mode the chain may follow), PRIVATE KEY (PKCS #8) of
 * that certificate, PRIVATE KEY of type X25519, in any order. Every tool that reads PEM reads it.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
  X509Certificate,
} from 'node:crypto';

/** Pinned certificates ignore dates; this is for tools that do not like a certificate without an end. */
export const CERTIFICATE_YEARS = 20;
/** Longest identity file that is read, characters. */
export const MAX_IDENTITY_TEXT = 64 * 1024;

export interface Identity {
  /** PEM, our own certificate first. */
  readonly certificate: string;
  /** PEM, PKCS #8. Secret. */
  readonly key: string;
  /** What peers put into their configuration. */
  readonly fingerprint: string;
  /** DNS names in the certificate. */
  readonly names: readonly string[];
  /** For display; pinned peers ignore it. */
  readonly notAfter: Date;
  /** For CURVE, Z85, 40 characters each; `secretKey` is secret. Absent: the file has none. */
  readonly curve?: { readonly publicKey: string; readonly secretKey: string };
}

/** An identity file that cannot be used; the message says why and how to mend it, and quotes nothing of the file. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** Makes a new identity for the broker `tag`; resolves to the text of its file, to be written with mode 0600. */
export async function generateIdentity(tag: string): Promise<string> {
  // Loaded here: only key generation needs it, and it is slow to load.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const notBefore = new Date();
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + CERTIFICATE_YEARS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${tag}`,
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: tag }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const curve = generateKeyPairSync('x25519').privateKey;
  return [`${certificate.toString('pem').trim()}\n`, pem(key), pem(curve)].join('');
}

/** Reads the text of an identity file. Throws {@link IdentityError}. */
export function loadIdentity(text: string): Identity {
  if (text.length > MAX_IDENTITY_TEXT) throw new IdentityError('identity: the file is too large to be one');
  const certificates = blocks(text, 'CERTIFICATE').map(readCertificate);
  const keys = blocks(text, '(?:[A-Z]+ )*PRIVATE KEY').map(readKey);
  const own = certificates[0];
  if (own === undefined) throw new IdentityError(`identity: no "BEGIN CERTIFICATE" in the file; ${MEND}`);
  const [curve, another] = keys.filter((key) => key.asymmetricKeyType === 'x25519');
  if (another !== undefined) {
    throw new IdentityError(
      'identity: the file has two keys for ZeroMQ (X25519); take out the one that no peer has',
    );
  }
  const rest = keys.filter((key) => key !== curve);
  const key = rest.find((candidate) => own.checkPrivateKey(candidate));
  if (key === undefined) {
    const why = rest.length === 0 ? 'has no key for it' : 'has a key, but not that of its first certificate';
    throw new IdentityError(`identity: the file has a certificate and ${why}; ${MEND}`);
  }
  return {
    certificate: certificates.map((certificate) => certificate.toString()).join(''),
    key: pem(key),
    fingerprint: fingerprint(own),
    names: dnsNames(own),
    notAfter: new Date(own.validTo),
    ...(curve !== undefined && { curve: curveKeys(curve) }),
  };
}

const MEND = 'make a new one with "hintmesh keygen"';

/** `sha256:` + base64url of the SHA-256 of the certificate's public key (SPKI, DER): a renewal keeps it. */
export function fingerprint(certificate: X509Certificate | string): string {
  const { publicKey } = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('base64url')}`;
}

/** In its one spelling: the last of the 43 characters has two spare bits, which must be as `fingerprint` has them. */
export function isFingerprint(text: string): boolean {
  const hash = /^sha256:([A-Za-z0-9_-]{43})$/.exec(text)?.[1];
  return hash !== undefined && Buffer.from(hash, 'base64url').toString('base64url') === hash;
}

/**
 * The DNS names a certificate carries. A name that Node had to quote (somebody put separators into it) makes the
 * whole list untrustworthy: then there are none.
 */
export function dnsNames(certificate: X509Certificate): string[] {
  const names = certificate.subjectAltName ?? '';
  if (names.includes('"')) return [];
  return names
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length));
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** ZeroMQ's base 85 (rfc.zeromq.org/spec/32); the length must be a multiple of four. */
export function z85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const word = view.getUint32(at);
    for (let divisor = 85 ** 4; divisor >= 1; divisor /= 85)
      text += Z85.charAt(Math.floor(word / divisor) % 85);
  }
  return text;
}

/** Whether a text is a public key for CURVE that can be used: Z85 of 32 bytes, and no point of low order. */
export function isCurveKey(text: string): boolean {
  const bytes = unZ85(text);
  if (bytes?.length !== 32) return false;
  const key = { kty: 'OKP', crv: 'X25519', x: bytes.toString('base64url') };
  try {
    // With a point of low order everybody has the secret that the two should share: OpenSSL refuses to make it.
    const { privateKey } = generateKeyPairSync('x25519');
    diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'jwk' }) });
    return true;
  } catch {
    return false;
  }
}

/** Undefined: no Z85. */
function unZ85(text: string): Buffer | undefined {
  if (text.length % 5 !== 0) return undefined;
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    const digits = [...text.slice(at, at + 5)].map((digit) => Z85.indexOf(digit));
    const word = digits.reduce((sum, digit) => sum * 85 + digit, 0);
    if (digits.length !== 5 || digits.includes(-1) || word > 0xffff_ffff) return undefined;
    bytes.writeUInt32BE(word, (at / 5) * 4);
  }
  return bytes;
}

function curveKeys(key: KeyObject): { publicKey: string; secretKey: string } {
  const { x, d } = key.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new IdentityError(`identity: bad X25519 key; ${MEND}`);
  return { publicKey: z85(Buffer.from(x, 'base64url')), secretKey: z85(Buffer.from(d, 'base64url')) };
}

function blocks(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN (${label})-----[^-]*-----END \\1-----`, 'g')) ?? [];
}

function readCertificate(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw new IdentityError(`identity: a CERTIFICATE block of the file cannot be read; ${MEND}`);
  }
}

function readKey(block: string): KeyObject {
  try {
    return createPrivateKey(block);
  } catch {
    // OpenSSL's own words could quote the key; they are not passed on.
    throw new IdentityError(
      `identity: a PRIVATE KEY block cannot be read; a key with a passphrase will not do; ${MEND}`,
    );
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

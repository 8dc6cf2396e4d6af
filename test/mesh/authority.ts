// Certificates that `hintmesh keygen` does not make: expired ones, and those of a CA.
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type Identity, loadIdentity } from '../../src/mesh/identity.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const NOT_BEFORE = new Date('2000-01-01');
const NOT_AFTER = new Date('2100-01-01');

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

/** Names of the kind DNS, or as `[kind, name]`. */
export type Name = string | readonly ['ip' | 'email' | 'url', string];

function names(all: readonly Name[]): SubjectAlternativeNameExtension[] {
  if (all.length === 0) return [];
  const general = all.map((name) => {
    const [type, value] = typeof name === 'string' ? (['dns', name] as const) : name;
    return { type, value };
  });
  return [new SubjectAlternativeNameExtension(general)];
}

function signingKey({ key }: Identity): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

/** A self-signed identity that ended long ago. */
export async function expiredIdentity(name: string): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: NOT_BEFORE,
    notAfter: new Date('2001-01-01'),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: names([name]),
  });
  return loadIdentity(`${certificate.toString('pem')}\n${await pem(keys.privateKey)}`);
}

export interface Authority {
  /** PEM. */
  readonly ca: string;
  issue(dns: readonly Name[], options?: IssueOptions): Promise<Identity>;
}

export interface IssueOptions {
  readonly cn?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Who signs: its own certificate comes with the one that is made. Absent: the CA. */
  readonly by?: Identity;
}

export async function authority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    ca: ca.toString('pem'),
    issue: async (dns, { cn, notBefore, notAfter, by } = {}) => {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await X509CertificateGenerator.create({
        subject: `CN=${cn ?? dns[0] ?? 'nobody'}`,
        issuer: by ? new X509Certificate(by.certificate).subject : ca.subject,
        notBefore: notBefore ?? NOT_BEFORE,
        notAfter: notAfter ?? NOT_AFTER,
        publicKey: own.publicKey,
        signingKey: by ? await signingKey(by) : keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: names(dns),
      });
      const chain = `${certificate.toString('pem')}\n${by?.certificate ?? ''}`;
      return loadIdentity(`${chain}\n${await pem(own.privateKey)}`);
    },
  };
}

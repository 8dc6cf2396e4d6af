// Certificates that `hintmesh keygen` does not make: expired ones, and those of a CA.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
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

function names(dns: readonly string[]): SubjectAlternativeNameExtension[] {
  if (dns.length === 0) return [];
  return [new SubjectAlternativeNameExtension(dns.map((value) => ({ type: 'dns' as const, value })))];
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
  issue(dns: readonly string[], options?: { cn?: string; notAfter?: Date }): Promise<Identity>;
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
    issue: async (dns, { cn, notAfter } = {}) => {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await X509CertificateGenerator.create({
        subject: `CN=${cn ?? dns[0] ?? 'nobody'}`,
        issuer: ca.subject,
        notBefore: NOT_BEFORE,
        notAfter: notAfter ?? NOT_AFTER,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: names(dns),
      });
      return loadIdentity(`${certificate.toString('pem')}\n${await pem(own.privateKey)}`);
    },
  };
}

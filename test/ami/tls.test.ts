// TLS to the manager port, with a certificate made here.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { afterEach, before, test } from 'node:test';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import { hintEvent } from './scripted.ts';

let cert = '';
let key = '';
let other = '';

async function selfSigned(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=pbx.test',
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: 'pbx.test' }]),
      ],
    },
    webcrypto as unknown as Parameters<typeof X509CertificateGenerator.createSelfSigned>[1],
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: made.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

before(async () => {
  ({ cert, key } = await selfSigned());
  other = (await selfSigned()).cert;
});
afterEach(closeAll);

test('over TLS with the certificate trusted and its name given, everything works', async () => {
  const { server, seen } = await up({ tls: { cert, key } }, { tls: { ca: cert, servername: 'pbx.test' } });
  server.peer.say(hintEvent('1001', 8));
  await until('an event', () => seen.hints.length === 1);
  assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE'), { ok: true });
});

test('a certificate that is not trusted, or names another host, is refused before the login', async () => {
  for (const tls of [{ servername: 'pbx.test' }, { ca: other, servername: 'pbx.test' }, { ca: cert }]) {
    const { server, seen } = await begin({ tls: { cert, key } }, { tls });
    await until('failed', () => seen.failed.length >= 1);
    assert.equal(seen.failed[0]?.reason, 'bad-certificate', seen.failed[0]?.text);
    assert.match(seen.failed[0]?.text ?? '', /ami.tls.ca/);
    assert.deepEqual(server.actions, []);
    await seen.asterisk.close();
  }
});

test('TLS to a plain port, and plain TCP to a TLS port, say so', async () => {
  const plain = await begin({}, { tls: { ca: cert } });
  await until('failed', () => plain.seen.failed.length >= 1);
  assert.equal(plain.seen.failed[0]?.reason, 'not-asterisk');
  assert.match(plain.seen.failed[0]?.text ?? '', /does not speak TLS/);
  const secure = await begin({ tls: { cert, key } }, {}, { connect: 50 });
  await until('failed', () => secure.seen.failed.length >= 1);
  assert.equal(secure.seen.failed[0]?.reason, 'unreachable');
  assert.match(secure.seen.failed[0]?.text ?? '', /does it speak plain TCP/);
});

test('PEM texts that cannot be read are told, not thrown', async () => {
  const { seen } = await begin({}, { tls: { ca: cert, cert: 'no pem', key: 'no pem' } });
  await until('failed', () => seen.failed.length >= 1);
  assert.match(seen.failed[0]?.text ?? '', /ami.tls/);
});

import assert from 'node:assert/strict';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto';
import { describe, test } from 'node:test';
import {
  fingerprint,
  generateIdentity,
  IdentityError,
  isCurveKey,
  isFingerprint,
  loadIdentity,
  z85,
} from '../../src/mesh/identity.ts';

const text = await generateIdentity('b.example.com');
const identity = loadIdentity(text);

describe('identity', () => {
  test('keygen makes a certificate with the tag as its one name, its key, and a CURVE key', () => {
    const certificate = new X509Certificate(identity.certificate);
    assert.deepEqual(identity.names, ['b.example.com']);
    assert.equal(certificate.subject, 'CN=b.example.com');
    assert.ok(certificate.verify(certificate.publicKey), 'self-signed');
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.ok(certificate.checkPrivateKey(createPrivateKey(identity.key)));
    assert.ok(identity.notAfter.getTime() > Date.now() + 15 * 365 * 86_400_000);
    assert.match(identity.curve?.publicKey ?? '', /^.{40}$/);
    assert.match(identity.curve?.secretKey ?? '', /^.{40}$/);
  });

  test('the fingerprint is the SHA-256 of the public key, so a renewed certificate keeps it', () => {
    const spki = createPublicKey(identity.key).export({ type: 'spki', format: 'der' });
    assert.equal(identity.fingerprint, `sha256:${createHash('sha256').update(spki).digest('base64url')}`);
    assert.equal(fingerprint(identity.certificate), identity.fingerprint);
    assert.ok(isFingerprint(identity.fingerprint));
    for (const not of [
      '',
      'sha256:',
      identity.fingerprint.slice(0, -1),
      `${identity.fingerprint}x`,
      'md5:abc',
    ]) {
      assert.equal(isFingerprint(not), false, not);
    }
  });

  test('every keygen makes another key', async () => {
    const other = loadIdentity(await generateIdentity('b.example.com'));
    assert.notEqual(other.fingerprint, identity.fingerprint);
    assert.notEqual(other.curve?.publicKey, identity.curve?.publicKey);
  });

  test('the blocks may stand in any order, and text between them does not matter', () => {
    const blocks = text.match(/-----BEGIN[\s\S]*?-----END [A-Z ]+-----\n/g) ?? [];
    assert.equal(blocks.length, 3);
    assert.deepEqual(loadIdentity(`# mine\n${[...blocks].reverse().join('# and\n')}`), identity);
  });

  test('a file without CURVE key, and one with a key in the older EC form, are read', () => {
    const [certificate = ''] = text.match(/-----BEGIN CERTIFICATE[\s\S]*?-----END CERTIFICATE-----\n/) ?? [];
    const sec1 = createPrivateKey(identity.key).export({ type: 'sec1', format: 'pem' }).toString();
    assert.match(sec1, /BEGIN EC PRIVATE KEY/);
    const read = loadIdentity(certificate + sec1);
    assert.equal(read.fingerprint, identity.fingerprint);
    assert.equal(read.curve, undefined);
  });

  test('a file that will not do is refused with the reason, and nothing of it is quoted', async () => {
    const [certificate = ''] = text.match(/-----BEGIN CERTIFICATE[\s\S]*?-----END CERTIFICATE-----\n/) ?? [];
    const foreign = loadIdentity(await generateIdentity('cc')).key;
    const locked = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
      .toString();
    const spoiled = '-----BEGIN CERTIFICATE-----\nU0VDUkVU\n-----END CERTIFICATE-----\n';
    for (const [bad, says] of [
      ['', /no "BEGIN CERTIFICATE"/],
      ['SECRET', /no "BEGIN CERTIFICATE"/],
      [identity.key, /no "BEGIN CERTIFICATE"/],
      [certificate, /no key/],
      [certificate + foreign, /not that of its first certificate/],
      [certificate + locked, /passphrase/],
      [spoiled, /CERTIFICATE block of the file cannot be read/],
      ['x'.repeat(100_000), /too large/],
    ] as const) {
      assert.throws(
        () => loadIdentity(bad),
        (error) => {
          assert.ok(error instanceof IdentityError);
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /SECRET|U0VDUkVU/);
          return true;
        },
      );
    }
  });

  test('Z85 is as its specification has it, and the CURVE pair belongs together', () => {
    assert.equal(z85(Uint8Array.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b])), 'HelloWorld');
    const [, , curve = ''] = text.match(/-----BEGIN[\s\S]*?-----END [A-Z ]+-----\n/g) ?? [];
    const privateKey = createPrivateKey(curve);
    const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
    assert.equal(identity.curve?.publicKey, z85(Buffer.from(x, 'base64url')));
    const peer = generateKeyPairSync('x25519');
    assert.equal(diffieHellman({ privateKey, publicKey: peer.publicKey }).length, 32);
  });

  test('a CURVE key is 32 bytes in Z85, and not one with which everybody shares a secret', () => {
    assert.ok(isCurveKey(identity.curve?.publicKey ?? ''));
    // Points of low order (RFC 7748, 6.1: whoever uses one lets everybody in), as their bytes.
    const one = Uint8Array.from([1, ...Array<number>(31).fill(0)]);
    const order8 = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800';
    const weak = [new Uint8Array(32), one, Buffer.from(order8, 'hex')].map(z85);
    // The largest word that five digits can spell is larger than 32 bits.
    const noWord = `${'0'.repeat(35)}#####`;
    for (const text of [...weak, noWord, '', '0'.repeat(39), `${'0'.repeat(39)}"`, 'é'.repeat(40)]) {
      assert.equal(isCurveKey(text), false, text);
    }
  });
});

// The line that an admin hands out, for any key there may be: another site's config takes it as it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { peerEntryLines } from '../../src/cli/peer-entry.ts';
import { formatFinding } from '../../src/config/findings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { generateIdentity, isCurveKey, isFingerprint, loadIdentity, z85 } from '../../src/mesh/identity.ts';
import { newFolder } from '../config/folder.ts';

const folder = newFolder();
folder.write('msk.pem', await generateIdentity('msk'));
const spb = loadIdentity(await generateIdentity('spb'));
const keys = { identify: loadIdentity, isFingerprint, isCurveKey };

/** Bytes of which every one counts; many of them make characters that YAML has a use for. */
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => bytes.some((byte) => byte > 0));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const url = fc.option(fc.constantFrom('wss://spb.example.com:7440', 'wss://[2001:db8::1]:65535'), {
  nil: undefined,
});

test('the entry is YAML, says what it was made of, and is taken for both transports', () => {
  fc.assert(
    fc.property(key, hash, url, (bytes, digest, address) => {
      const curve_key = z85(bytes);
      const fingerprint = `sha256:${Buffer.from(digest).toString('base64url')}`;
      const identity = { ...spb, fingerprint, curve: { publicKey: curve_key, secretKey: 'not told' } };
      const lines = peerEntryLines({ tag: 'spb', identity, file: '/a "b"\\n: #c', url: address });
      const peer = { tag: 'spb', ...(address && { url: address }), fingerprint, curve_key };
      assert.deepEqual(parse(lines.join('\n')), {
        tag: 'spb',
        fingerprint,
        curve_key,
        identity_file: '/a "b"\\n: #c',
        peers: [peer],
      });
      assert.ok(!lines.join().includes('not told'));
      for (const more of [' }', ', transport: zeromq }']) {
        const entry = (lines.at(-1) ?? '').replace(/ }$/, more);
        const yaml = `tag: msk\nidentity_file: msk.pem\nami: { secret_file: secret }\npeers:\n${entry}\n`;
        const loaded = loadConfig(folder.write('h.yaml', yaml), {}, keys);
        assert.ok(loaded.ok, loaded.ok ? '' : `${entry}\n${loaded.mistakes.map(formatFinding)}`);
        const [read] = loaded.config.peers;
        assert.deepEqual([read?.curveKey, read?.fingerprint, read?.url], [curve_key, fingerprint, address]);
        assert.equal(read?.transport, more === ' }' ? undefined : 'zeromq');
      }
    }),
  );
});

test('without a key for ZeroMQ it is the entry of WebSocket, and YAML all the same, whatever the file is called', () => {
  const { curve: _, ...identity } = spb;
  const lines = peerEntryLines({ tag: 'spb', identity, file: '/a\n"b: }' });
  const { fingerprint } = spb;
  assert.deepEqual(parse(lines.join('\n')), {
    tag: 'spb',
    fingerprint,
    identity_file: '/a\n"b: }',
    peers: [{ tag: 'spb', fingerprint }],
  });
});

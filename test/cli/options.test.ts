// How a config becomes the broker's options: every value arrives, under the broker's name for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBrokerOptions } from '../../src/cli/config-to-broker.ts';
import { VERSION } from '../../src/cli/version.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { newFolder, SECRET } from '../config/folder.ts';

const folder = newFolder();

test('every value of the config arrives at the broker', async () => {
  const config = folder.config(`tag: msk
ca_file: ca.pem
ami: { host: pbx, port: 1, username: me, secret_file: secret, tls: { enabled: true, servername: s } }
listen: { host: 0.0.0.0, port: 2 }
http: { host: "::1", port: 4 }
export: [{ context: phones, match: 1001 }]
peers:
  - { tag: spb, url: "wss://spb:3", fingerprint: sha256:abc, gone_state: hold }
  - { tag: nsk, url: "tcp://nsk:3", transport: zeromq, curve_key: "z85:abc" }
lamps: { gone_state: BUSY, writes_per_second: 4, burst: 5, window: 6 }
timing:
  { alive: 1007ms, suspect_after: 3008ms, gone_after: 9009ms, first_sync: 9010ms, relist: 1011s,
    redial_min: 112ms, redial_max: 1013ms }
`);
  const pem = await generateIdentity('msk');
  const options = toBrokerOptions(
    { ...config, identity: { file: 'x', pem } },
    { formerTags: ['nsk'], token: 't' },
  );
  assert.deepEqual(options, {
    tag: 'msk',
    version: VERSION,
    ami: {
      host: 'pbx',
      port: 1,
      username: 'me',
      secret: SECRET,
      tls: { servername: 's' },
      pingEveryMs: 1_007,
      relistEveryMs: 1_011_000,
      channels: false,
      devices: false,
      presences: false,
      mailboxes: false,
    },
    exports: config.export,
    imports: config.imports,
    plainLamps: config.plainLamps,
    peers: [
      { tag: 'spb', url: 'wss://spb:3', fingerprint: 'sha256:abc', goneState: 'hold' },
      { tag: 'nsk', url: 'tcp://nsk:3', transport: 'zeromq', curveKey: 'z85:abc', goneState: 'BUSY' },
    ],
    formerTags: ['nsk'],
    goneState: 'BUSY',
    timing: { aliveEveryMs: 1_007, suspectAfterMs: 3_008, goneAfterMs: 9_009, firstSyncMs: 9_010 },
    pacing: { writesPerSecond: 4, burst: 5, window: 6 },
    redial: { minMs: 112, maxMs: 1_013 },
    tcp: {
      tag: 'msk',
      insecure: false,
      identity: loadIdentity(pem),
      listen: { host: '0.0.0.0', port: 2 },
      ca: config.ca,
    },
    http: { host: '::1', port: 4, token: 't' },
  });
});

test('what the config leaves out is left out', () => {
  const config = folder.config(`tag: nokey
ami: { secret_file: secret }
insecure: true
listen: { enabled: false }
http: { enabled: false }
`);
  const options = toBrokerOptions(config, { formerTags: [], token: 't' });
  assert.deepEqual(options.tcp, { tag: 'nokey', insecure: true });
  assert.ok(!('http' in options));
});

test('channels, devices, mailboxes and presence are read when a line of export asks for them', () => {
  const lines = {
    channels: '{ channels: "PJSIP/{ext}", match: 1000 }',
    devices: '{ device: "PJSIP/{ext}", match: 1000 }',
    mailboxes: '{ mailbox: default, match: 1000 }',
    presences: '{ presence: "CustomPresence:{ext}", match: 1000 }',
  };
  const keys = Object.keys(lines) as (keyof typeof lines)[];
  for (const key of keys) {
    const config = folder.config(`tag: nokey
ami: { secret_file: secret }
insecure: true
export: [{ context: phones, match: 1001 }, ${lines[key]}]
`);
    const { ami } = toBrokerOptions(config, { formerTags: [], token: 't' });
    assert.deepEqual(
      keys.filter((each) => ami[each]),
      [key],
    );
  }
});

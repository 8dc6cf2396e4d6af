// What a reload can change and what needs a restart, for every key; and that the words hold no secret.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges, needsRestart } from '../../src/config/changes.ts';
import type { Config } from '../../src/config/config.ts';
import { KEYS, withOther } from './every-key.ts';
import { BASE, newFolder, REAL, SECRET } from './folder.ts';

const base = withOther();

describe('every key with a single value, changed alone, is', () => {
  for (const path of KEYS) {
    test(`${path}: told, or named as what needs a restart, and nothing else is`, () => {
      const other = withOther(path);
      for (const [before, after] of [
        [base, other],
        [other, base],
      ] as const) {
        const restart = needsRestart(before, after);
        const lines = describeChanges(before, after);
        if (restart.length > 0) {
          assert.deepEqual([restart, lines], [[path], []]);
          continue;
        }
        // The secret has one name, wherever it comes from.
        const told = path === 'ami.secret_file' ? 'ami.secret' : path;
        assert.equal(lines.length, 1, lines.join('\n') || 'the change is neither told nor named');
        assert.ok(lines[0]?.startsWith(`${told} `), lines[0]);
      }
    });
  }
});

describe('a restart is needed', () => {
  test('for exactly these keys, told in the order of the schema', () => {
    const other = withOther(...KEYS.filter((path) => !/enabled$/.test(path)));
    assert.deepEqual(needsRestart(base, other), [
      'tag',
      'identity_file',
      'state_dir',
      'ca_file',
      'insecure',
      'listen.host',
      'listen.port',
      'http.host',
      'http.port',
    ]);
    assert.deepEqual(needsRestart(base, withOther('listen.enabled', 'http.enabled')), [
      'listen.enabled',
      'http.enabled',
    ]);
  });

  test('where a section is switched, for that alone, and for none of its keys while it is off', () => {
    const off = withOther('http.enabled', 'listen.enabled');
    const elsewhere = withOther('http.enabled', 'listen.enabled', 'http.port', 'listen.host');
    assert.deepEqual(needsRestart(off, elsewhere), []);
    assert.deepEqual(needsRestart(base, elsewhere), ['listen.enabled', 'http.enabled']);
  });

  test('for what an identity or CA file holds, not for its name', () => {
    const folder = newFolder();
    const config = (identity: string, ca: string) =>
      folder.config(BASE.replace('identity.pem', identity).concat(`ca_file: ${ca}\n`));
    const before = config('identity.pem', 'ca.pem');
    folder.write('moved.pem', '-----BEGIN CERTIFICATE-----\nfake:msk:own:own\n-----END CERTIFICATE-----\n');
    folder.write('moved-ca.pem', REAL.certificate);
    assert.deepEqual(needsRestart(before, config('moved.pem', 'moved-ca.pem')), []);
    folder.write('identity.pem', '-----BEGIN CERTIFICATE-----\nfake:msk:new\n-----END CERTIFICATE-----\n');
    folder.write('ca.pem', REAL.certificate.repeat(2));
    assert.deepEqual(needsRestart(before, config('identity.pem', 'ca.pem')), ['identity_file', 'ca_file']);
  });
});

describe('the changes of a reload are told', () => {
  const folder = newFolder();
  const changes = (before: string, after: string) =>
    describeChanges(folder.config(BASE + before), folder.config(BASE + after));

  test('each value with what it was and is, in the order of the schema', () => {
    const before = 'lamps: { burst: 10, writes_per_second: 50 }\ntiming: { gone_after: 15s }\n';
    const after = `log: { level: debug }
timing: { gone_after: 90s, redial_min: 1s }
lamps: { burst: 20, writes_per_second: unlimited }
`;
    assert.deepEqual(changes(before, after), [
      'lamps.writes_per_second 50 → unlimited',
      'lamps.burst 10 → 20',
      'timing.gone_after 15s → 90s',
      'timing.redial_min 200ms → 1s',
      'log.level info → debug',
    ]);
  });

  test('not at all where nothing changed but the places of lines, or their order', () => {
    const rules = [
      '  - { context: a, match: _1XXX }\n',
      '  - { device: "PJSIP/{ext}", match: 2000-2010 }\n',
      '  - { channels: "SIP/{ext}", match: 3000 }\n',
    ];
    const peers = [
      '  - { tag: spb, url: "wss://s:1", fingerprint: "sha256:abc" }\n',
      '  - { tag: nsk, fingerprint: "sha256:abd" }\n',
    ];
    const yaml = (lists: string[][]) => `export:\n${lists[0]?.join('')}peers:\n${lists[1]?.join('')}`;
    const reversed = [rules.toReversed(), peers.toReversed()];
    assert.deepEqual(changes(yaml([rules, peers]), `# moved\n\n${yaml([rules, peers])}`), []);
    assert.deepEqual(changes(yaml([rules, peers]), yaml(reversed)), []);
  });

  test('of the export rules by their number', () => {
    const rule = (text: string) => `  - { ${text} }\n`;
    const before = `export:\n${rule('context: a, match: _1XXX')}${rule('context: a, match: 2000')}`;
    const same = rule('context: a, match: _1XXX');
    const after = `export:\n${rule('device: "PJSIP/{ext}", match: 2000')}${same}${rule('context: b, match: 3')}`;
    assert.deepEqual(changes(before, after), ['export rules changed: 2 added, 1 removed']);
    const channels = after.replace('device:', 'channels:');
    assert.deepEqual(changes(after, channels), ['export rules changed: 1 added, 1 removed']);
    assert.deepEqual(changes(after, ''), ['export rules changed: 0 added, 3 removed']);
  });

  test('of mailboxes, presence, exclusions, names and who may see them', () => {
    const peers = 'peers: [{ tag: spb, fingerprint: "sha256:a" }, { tag: nsk, fingerprint: "sha256:b" }]\n';
    const config = (line: string) => `export: [{ ${line} }]\n${peers}`;
    const lines = [
      'mailbox: a, match: _1XXX',
      'mailbox: b, match: _1XXX',
      'mailbox: b, match: _1XXX, as: "mb{ext}"',
      'presence: "CustomPresence:{ext}", match: _1XXX',
      'presence: "CustomPresence:{ext}", match: _1XXX, except: "1001"',
      'presence: "CustomPresence:{ext}", match: _1XXX, except: "1001", to: spb',
      'presence: "CustomPresence:{ext}", match: _1XXX, except: "1001", to: [spb, nsk]',
    ];
    for (const [index, line] of lines.slice(1).entries()) {
      const told = changes(config(lines[index] ?? ''), config(line));
      assert.deepEqual(told, ['export rules changed: 1 added, 1 removed'], line);
      assert.deepEqual(
        needsRestart(folder.config(BASE + config(lines[index] ?? '')), folder.config(BASE + config(line))),
        [],
      );
    }
    assert.deepEqual(changes(config(lines[0] ?? ''), config('mailbox: a, match: _1XXX, as: "vm{ext}"')), []);
  });

  test('of import rules and plain lamps, their order included, for there the first line counts', () => {
    const peers = 'peers: [{ tag: spb, fingerprint: "sha256:a" }]\n';
    for (const [key, what] of [
      ['import', 'import rules'],
      ['plain_lamps', 'plain lamps'],
    ]) {
      const config = (...lines: string[]) =>
        `${key}: [${lines.map((line) => `{ ${line} }`).join(', ')}]\n${peers}`;
      const [some, all] = ['from: spb, match: "/^20/"', 'from: spb, match: _2XXX'];
      assert.deepEqual(changes(peers, config(some, all)), [`${what} changed: 2 added, 0 removed`]);
      assert.deepEqual(changes(config(some, all), config(all)), [`${what} changed: 0 added, 1 removed`]);
      assert.deepEqual(changes(config(some, all), config(all, some)), [`${what} changed: another order`]);
      assert.deepEqual(changes(config(some, all), `# moved\n${config(some, all)}`), []);
      assert.deepEqual(
        needsRestart(folder.config(BASE + peers), folder.config(BASE + config(some, all))),
        [],
      );
    }
  });

  test('of the order of export rules where a regular expression may name what another line names', () => {
    const config = (...matches: string[]) =>
      `export:\n${matches.map((match) => `  - { context: a, match: "${match}" }\n`).join('')}`;
    assert.deepEqual(changes(config('/^1/', '_1XXX'), config('_1XXX', '/^1/')), [
      'export rules changed: another order',
    ]);
    assert.deepEqual(changes(config('_2XXX', '_1XXX'), config('_1XXX', '_2XXX')), []);
  });

  test('of the peers by their tag', () => {
    const peer = (tag: string, more: string) => `  - { tag: ${tag}, ${more} }\n`;
    const before = `peers:
${peer('ekb', 'url: "wss://e:1", fingerprint: "sha256:a"')}${peer('spb', 'url: "wss://s:1", fingerprint: "sha256:b"')}${peer('kzn', 'fingerprint: "sha256:c"')}`;
    const after = `peers:
${peer('nsk', 'fingerprint: "sha256:d"')}${peer('kzn', 'url: "wss://k:1", fingerprint: "sha256:e"')}${peer('spb', 'fingerprint: "sha256:b", gone_state: hold')}`;
    assert.deepEqual(changes(before, after), [
      'peer ekb removed',
      'peer nsk added',
      'peer kzn: url none (it dials us) → wss://k:1',
      'peer kzn: fingerprint changed',
      'peer spb: url wss://s:1 → none (it dials us)',
      'peer spb: gone_state UNAVAILABLE → hold',
    ]);
  });

  test("of a peer's transport and key for it, which need no restart", () => {
    const peer = (more: string) =>
      `peers: [{ tag: spb, url: "wss://s:1", fingerprint: "sha256:b", curve_key: "z85:b"${more} }]\n`;
    const config = (yaml: string) => folder.config(BASE + yaml);
    const [ws, zmq] = [peer(''), peer(', transport: zeromq')];
    assert.deepEqual(changes(ws, zmq), ['peer spb: transport websocket → zeromq']);
    assert.deepEqual(changes(zmq, ws), ['peer spb: transport zeromq → websocket']);
    assert.deepEqual(changes(ws, peer(', transport: websocket')), []);
    assert.deepEqual(changes(zmq, zmq.replace('wss', 'tcp').replace('z85:b', 'z85:c')), [
      'peer spb: url wss://s:1 → tcp://s:1',
      'peer spb: curve_key changed',
    ]);
    assert.deepEqual(changes(ws.replace(', curve_key: "z85:b"', ''), ws), ['peer spb: curve_key changed']);
    assert.deepEqual(needsRestart(config(ws), config(zmq.replace('z85:b', 'z85:c'))), []);
  });

  test('of lamps.gone_state once, and not of each peer that goes by it', () => {
    const peers = `peers:
  - { tag: spb, fingerprint: "sha256:a" }
  - { tag: nsk, fingerprint: "sha256:b", gone_state: hold }
`;
    const busy = `lamps: { gone_state: BUSY }\n${peers}`;
    assert.deepEqual(changes(peers, busy), ['lamps.gone_state UNAVAILABLE → BUSY']);
    assert.deepEqual(changes(peers, busy.replace('hold', 'INVALID')), [
      'lamps.gone_state UNAVAILABLE → BUSY',
      'peer nsk: gone_state hold → INVALID',
    ]);
  });

  test('of AMI over TLS as switched, without what it would have been', () => {
    assert.deepEqual(describeChanges(withOther('ami.tls.enabled'), base), ['ami.tls.enabled false → true']);
  });

  test('without a secret, a key or a certificate', () => {
    const all = describeChanges(base, withOther(...KEYS.filter((path) => !/enabled$/.test(path)))).join('\n');
    for (const path of ['secret', 'tls.ca_file', 'tls.cert_file', 'tls.key_file']) {
      assert.match(all, new RegExp(`^ami\\.${path.replace('.', '\\.')} changed$`, 'm'));
    }
    assert.ok(!all.includes(SECRET) && !all.includes('BEGIN'));
    // Somebody may have put it in the wrong place before.
    const leaked: Config = {
      ...base,
      ami: { ...base.ami, username: REAL.key, tls: { servername: REAL.key } },
    };
    assert.ok(!describeChanges(base, leaked).join('\n').includes(REAL.key.slice(30, 60)));
  });

  test('without what a terminal would act on', () => {
    const odd: Config = { ...base, ami: { ...base.ami, host: 'a\u001b[2J', username: 'b\u202ec' } };
    assert.doesNotMatch(describeChanges(base, odd).join(''), /[\p{Cc}\p{Cf}]/u);
  });
});

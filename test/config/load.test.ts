// What a right config becomes: values, defaults, the environment, files, warnings; and that no secret is told.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { formatFinding } from '../../src/config/findings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { BASE, keys, newFolder, REAL, SECRET } from './folder.ts';

const folder = newFolder();
const LISTS = `export:
  - context: ext-local
    match: [_1XXX, 0100-0199]
  - { device: "PJSIP/{ext}", match: 2000 }
  - device: [SIP/3000, Custom:door]
    match: 3000
peers:
  - tag: spb
    url: wss://spb.example.com:7440
    fingerprint: sha256:abc
  - { tag: nsk, fingerprint: sha256:abd, gone_state: hold }
`;

describe('a config', () => {
  test('gives every default that is left out', () => {
    const { tag, insecure, ami, listen, http, lamps, timing, logLevel, stateDir, ca } = folder.config(BASE);
    assert.deepEqual(
      { tag, insecure, ami, listen, http, lamps, timing, logLevel, stateDir, ca },
      {
        tag: 'msk',
        insecure: false,
        ami: { host: '127.0.0.1', port: 5038, username: 'hintmesh', secret: SECRET },
        listen: { host: '0.0.0.0', port: 7440 },
        http: { host: '127.0.0.1', port: 7441 },
        lamps: { goneState: 'UNAVAILABLE', writesPerSecond: 50, burst: 10, window: 32 },
        timing: {
          aliveMs: 1_000,
          suspectAfterMs: 3_000,
          goneAfterMs: 15_000,
          firstSyncMs: 15_000,
          relistMs: 300_000,
          redialMinMs: 200,
          redialMaxMs: 2_000,
        },
        logLevel: 'info',
        stateDir: '/var/lib/hintmesh',
        ca: undefined,
      },
    );
  });

  test('gives the values that are written', () => {
    const { ami, listen, lamps, timing, logLevel, stateDir, ca } = folder.config(`tag: msk
state_dir: state
ca_file: ca.pem
ami:
  { host: "::1", port: 5039, username: me, secret_file: secret, tls: { enabled: true, ca_file: ca.pem,
    servername: pbx, cert_file: ca.pem, key_file: key.pem } }
listen: { enabled: false }
lamps: { gone_state: BUSY, writes_per_second: unlimited, burst: 7, window: 128 }
timing: { alive: 0.5s, suspect_after: 1001ms, gone_after: 1m, first_sync: 2.5s, relist: 1h, redial_min: 1s }
log: { level: debug }
`);
    const pem = REAL.certificate;
    assert.equal(ca, pem);
    assert.equal(listen, undefined);
    assert.equal(stateDir, join(folder.path, 'state'));
    assert.equal(logLevel, 'debug');
    assert.deepEqual([ami.host, ami.port, ami.username], ['::1', 5039, 'me']);
    assert.deepEqual([ami.tls?.servername, ami.tls?.ca, ami.tls?.cert], ['pbx', pem, pem]);
    assert.equal(ami.tls?.key, REAL.key);
    assert.deepEqual(lamps, {
      goneState: 'BUSY',
      writesPerSecond: Number.POSITIVE_INFINITY,
      burst: 7,
      window: 128,
    });
    assert.deepEqual(Object.values(timing), [500, 1_001, 60_000, 2_500, 3_600_000, 1_000, 2_000]);
  });

  test('gives export rules and peers, each with its place', () => {
    const { export: rules, peers } = folder.config(BASE + LISTS);
    const file = join(folder.path, 'h.yaml');
    assert.deepEqual(rules, [
      {
        source: 'hint',
        context: 'ext-local',
        match: [
          { kind: 'pattern', pattern: '_1XXX' },
          { kind: 'range', first: 100, last: 199, digits: 4 },
        ],
        where: `${file}:10:5`,
      },
      {
        source: 'device',
        devices: ['PJSIP/{ext}'],
        match: [{ kind: 'extension', extension: '2000' }],
        where: `${file}:12:5`,
      },
      {
        source: 'device',
        devices: ['SIP/3000', 'Custom:door'],
        match: [{ kind: 'extension', extension: '3000' }],
        where: `${file}:13:5`,
      },
    ]);
    assert.deepEqual(peers, [
      {
        tag: 'spb',
        url: 'wss://spb.example.com:7440',
        fingerprint: 'sha256:abc',
        goneState: 'UNAVAILABLE',
        where: `${file}:16:5`,
      },
      { tag: 'nsk', fingerprint: 'sha256:abd', goneState: 'hold', where: `${file}:19:5` },
    ]);
  });

  test('gives mailboxes and presence, exclusions, names and who may see them', () => {
    const { export: rules } = folder.config(`${BASE}peers: [{ tag: spb, fingerprint: "sha256:abc" }]
export:
  - { mailbox: default, match: _1XXX }
  - { mailbox: sales, match: "7", as: "mb{ext}" }
  - { presence: "CustomPresence:{ext}", match: /^1/, except: [1001, /5$/], to: spb }
`);
    const file = join(folder.path, 'h.yaml');
    assert.deepEqual(rules, [
      {
        source: 'mailbox',
        context: 'default',
        match: [{ kind: 'pattern', pattern: '_1XXX' }],
        as: { before: 'vm', from: 0, after: '' },
        where: `${file}:11:5`,
      },
      {
        source: 'mailbox',
        context: 'sales',
        match: [{ kind: 'extension', extension: '7' }],
        as: { before: 'mb', from: 0, after: '' },
        where: `${file}:12:5`,
      },
      {
        source: 'presence',
        presentity: 'CustomPresence:{ext}',
        match: [
          { kind: 'regex', source: '^1' },
          { kind: 'except', item: { kind: 'extension', extension: '1001' } },
          { kind: 'except', item: { kind: 'regex', source: '5$' } },
        ],
        to: ['spb'],
        where: `${file}:13:5`,
      },
    ]);
  });

  test('gives what is taken from peers, and which of it lights plain lamps', () => {
    const { imports, plainLamps } = folder.config(`${BASE}peers: [{ tag: spb, fingerprint: "sha256:abc" }]
import:
  - { match: 1001 }
  - { from: spb, match: _2XXX, except: 2000-2009, as: "{ext:-3}" }
plain_lamps:
  - { from: spb, match: _XXX, as: "2{ext}" }
`);
    const file = join(folder.path, 'h.yaml');
    assert.deepEqual(imports, [
      { match: [{ kind: 'extension', extension: '1001' }], where: `${file}:11:5` },
      {
        from: 'spb',
        match: [
          { kind: 'pattern', pattern: '_2XXX' },
          { kind: 'except', item: { kind: 'range', first: 2000, last: 2009, digits: 4 } },
        ],
        as: { before: '', from: -3, after: '' },
        where: `${file}:12:5`,
      },
    ]);
    assert.deepEqual(plainLamps, [
      {
        from: 'spb',
        match: [{ kind: 'pattern', pattern: '_XXX' }],
        as: { before: '2', from: 0, after: '' },
        where: `${file}:14:5`,
      },
    ]);
    const without = folder.config(BASE);
    assert.deepEqual([without.imports, without.plainLamps], [[], []]);
  });

  test('gives where HTTP is served, or that it is not', () => {
    const written = folder.config(`${BASE}http: { host: "::1", port: 80 }\n`, { HINTMESH_HTTP_PORT: '81' });
    assert.deepEqual(written.http, { host: '::1', port: 81 });
    assert.ok(!('http' in folder.config(`${BASE}http: { enabled: false, port: 80 }\n`)));
  });

  test('gives rules by channels', () => {
    const { export: rules } = folder.config(`${BASE}export:
  - { channels: "SIP/{ext}", match: 100-120 }
  - channels: [PJSIP/boss-desk, DAHDI/i1/77]
    match: "77"
`);
    const file = join(folder.path, 'h.yaml');
    assert.deepEqual(rules, [
      {
        source: 'channels',
        devices: ['SIP/{ext}'],
        match: [{ kind: 'range', first: 100, last: 120, digits: 3 }],
        where: `${file}:10:5`,
      },
      {
        source: 'channels',
        devices: ['PJSIP/boss-desk', 'DAHDI/i1/77'],
        match: [{ kind: 'extension', extension: '77' }],
        where: `${file}:11:5`,
      },
    ]);
  });

  test('takes a value as the text that is written, not as what YAML makes of it', () => {
    const { export: rules } = folder.config(
      `${BASE}export:\n  - { context: 1e3, match: [0100, 1_0, 010-020] }\n`,
    );
    const [rule] = rules;
    assert.ok(rule?.source === 'hint');
    assert.equal(rule.context, '1e3');
    assert.deepEqual(rule.match, [
      { kind: 'extension', extension: '0100' },
      { kind: 'extension', extension: '1_0' },
      { kind: 'range', first: 10, last: 20, digits: 3 },
    ]);
  });

  test('may be JSON, and may have sections with nothing in them', () => {
    const json = JSON.stringify({
      tag: 'msk',
      ami: { port: 1, secret_file: 'secret' },
      peers: [],
      timing: {},
    });
    assert.equal(folder.config(json).ami.port, 1);
    assert.deepEqual(folder.config(`${BASE}timing:\npeers: # none yet\nexport:\n`).peers, []);
  });

  test('may let two rules use one device for different extensions', () => {
    const group = `${BASE}export:
  - { device: "PJSIP/{ext}", match: 1001-1002 }
  - { device: [PJSIP/1001, PJSIP/1002], match: 600 }
  - { channels: [PJSIP/1001, PJSIP/1002], match: 601 }
`;
    assert.equal(folder.config(group).export.length, 3);
  });

  test('proves peers without a fingerprint by a CA', () => {
    const { peers } = folder.config(`${BASE}ca_file: ca.pem\npeers:\n  - { tag: spb, url: "wss://spb:1" }\n`);
    assert.equal(peers[0]?.fingerprint, undefined);
  });

  test('needs neither identity nor fingerprints when it is insecure', () => {
    const config = folder.config(`tag: nokey
ami: { secret_file: secret }
insecure: true
peers:
  - { tag: spb, url: "ws://127.0.0.1:7441" }
  - { tag: nsk }
`);
    assert.equal(config.identity, undefined);
    assert.equal(config.insecure, true);
  });

  test('cannot be read when it is not there, is a folder, or is too big', () => {
    const at = (name: string) => {
      const loaded = loadConfig(join(folder.path, name), {}, keys);
      return loaded.ok ? [] : loaded.mistakes.map(formatFinding);
    };
    folder.write('huge.yaml', `# ${'x'.repeat(256 * 1024)}\n`);
    assert.match(at('none.yaml').join(), /none.yaml: cannot read the config: there is no such file$/);
    assert.match(at('.').join(), /not a regular file/);
    assert.match(at('huge.yaml').join(), /at most 262144 are read/);
  });
});

describe('an environment variable', () => {
  test('goes before the file, also where the file is wrong', () => {
    const env = {
      HINTMESH_AMI_PORT: '5039',
      HINTMESH_LISTEN_ENABLED: 'false',
      HINTMESH_LAMPS_WRITES_PER_SECOND: 'unlimited',
      HINTMESH_TIMING_GONE_AFTER: '1m',
      HINTMESH_LOG_LEVEL: 'warn',
    };
    const config = folder.config(BASE.replace('ami:', 'log: { level: loud }\nami:\n  port: 1'), env);
    assert.equal(config.ami.port, 5_039);
    assert.equal(config.listen, undefined);
    assert.equal(config.lamps.writesPerSecond, Number.POSITIVE_INFINITY);
    assert.equal(config.timing.goneAfterMs, 60_000);
    assert.equal(config.logLevel, 'warn');
  });

  test('gives the secret, and then no secret_file is read', () => {
    const env = { HINTMESH_AMI_SECRET: 'of the environment' };
    assert.equal(
      folder.config(BASE.replace('secret_file: secret', 'secret_file: none'), env).ami.secret,
      env.HINTMESH_AMI_SECRET,
    );
    assert.equal(folder.config(BASE, { HINTMESH_AMI_SECRET: '' }).ami.secret, SECRET);
  });

  test('reaches no entry of a list', () => {
    const env = { HINTMESH_URL: 'wss://evil:1', HINTMESH_PEERS: 'x', HINTMESH_GONE_STATE: 'BUSY' };
    assert.deepEqual(folder.config(BASE + LISTS, env).peers, folder.config(BASE + LISTS).peers);
  });
});

describe('a warning, but no mistake, is', () => {
  const warned = (yaml: string, words: RegExp, env?: Record<string, string>) => {
    assert.deepEqual(folder.mistakes(yaml, env), []);
    assert.match(folder.warnings(yaml, env).join('\n'), words);
  };

  test('nobody to federate with, or nothing to export', () => {
    warned(BASE, /h.yaml:1:1: there are no peers yet/);
    warned(`${BASE}export: []\n`, /h.yaml:9:9: nothing is exported/);
    assert.deepEqual(folder.warnings(BASE + LISTS), []);
  });

  test('HTTP where others can reach it', () => {
    const http = (host: string) => `${BASE}http: { host: "${host}" }\n`;
    const ANY =
      /h.yaml:9:15: http.host is \S+: .*port 7441 reads metrics and health, without a password; .*this machine only$/m;
    for (const host of ['0.0.0.0', '::', '0:0::']) warned(http(host), ANY);
    warned(
      http('10.0.0.5'),
      /loopback only, so hintmesh status, .* leave cannot reach it there; with 0.0.0.0/,
    );
    for (const host of ['127.0.0.1', '::1', 'localhost', '127.0.0.2', '0:0::1']) {
      assert.doesNotMatch(folder.warnings(http(host)).join(), /http.host/);
    }
    const off = `${BASE}http: { host: 0.0.0.0, enabled: false }\n`;
    assert.doesNotMatch(folder.warnings(off).join(), /http.host/);
  });

  test('channels that belong to no phone', () => {
    const rule = `export:\n  - { channels: "Local/{ext}@from-queue", match: 100-120 }\n`;
    warned(
      BASE + rule,
      /h.yaml:10:17: export\[0\].channels\[0\] "Local.*" counts Local channels, .*PJSIP\/{ext}$/m,
    );
  });

  test('a secret that every user can read', () => {
    folder.write('open', 'x\n', 0o644);
    warned(
      BASE.replace('file: secret', 'file: open'),
      /h.yaml:4:16: ami.secret_file: every user .*chmod 640/,
    );
    folder.write('group', 'x\n', 0o640);
    assert.doesNotMatch(folder.warnings(BASE.replace('file: secret', 'file: group')).join(), /every user/);
  });

  test('a variable that sets nothing', () => {
    warned(BASE, /^HINTMESH_AMI_PROT: no setting .*did you mean HINTMESH_AMI_PORT\?$/m, {
      HINTMESH_AMI_PROT: '1',
    });
    warned(BASE, /^HINTMESH_SERVICE_HOST: no setting .*it is ignored$/m, {
      HINTMESH_SERVICE_HOST: '10.0.0.1',
    });
  });

  test('a peer that must dial us where only this machine can', () => {
    warned(
      BASE.replace('0.0.0.0', '127.0.0.1') + LISTS,
      /h.yaml:19:5: peers\[1\] has no url.*127.0.0.1 only/,
    );
  });
});

describe('a secret is in no message:', () => {
  const told = (yaml: string, env?: Record<string, string>) => {
    const loaded = folder.load(yaml, env);
    return [...(loaded.ok ? [] : loaded.mistakes), ...loaded.warnings].map(formatFinding).join('\n');
  };
  const KEY = '-----BEGIN PRIVATE KEY-----\nMIIleaked\n-----END PRIVATE KEY-----\n';
  /** Every value there is, replaced by a secret. */
  const slips: Record<string, string> = {
    'a literal secret': BASE.replace('secret_file: secret', `secret: ${SECRET}`),
    'a secret among unknown keys': `${BASE}password: ${SECRET}\nami_secret: [${SECRET}]\n`,
    'a secret beside what else is wrong in a peer': `${BASE}peers:\n  - { tag: 9, token: ${SECRET}, url: x }\n`,
    'a url with a password': `${BASE}peers:\n  - { tag: spb, url: "wss://me:${SECRET}@h:1" }\n`,
    'a secret without its blank': BASE.replace('  secret_file: secret', `  {secret:${SECRET}}`),
    'a secret without its colon': BASE.replace('  secret_file: secret', `  { secret ${SECRET} }`),
    'a secret with a comma': BASE.replace('  secret_file: secret', '  { secret: a,hunter2 }'),
    'a secret with a comma and a colon': BASE.replace('  secret_file: secret', '  { secret: a,hunter2: b }'),
    'a secret with a comma and a colon, in a list': `${BASE}peers: [{ tag: spb, fingerprint: a,hunter2: b }]\n`,
    'a secret with a comma, in a line of its own': BASE.replace(
      '  secret_file: secret',
      '  { secret: a,\n    hunter2 }',
    ),
    'a secret where its file should be named': BASE.replace('file: secret', `file: ${SECRET}`),
    'a fingerprint that is none': `${BASE}peers:\n  - { tag: spb, fingerprint: ${SECRET} }\n`,
  };
  for (const [name, yaml] of Object.entries(slips)) {
    test(name, () => {
      assert.notEqual(folder.mistakes(yaml).length, 0);
      assert.doesNotMatch(told(yaml), /hunter2/);
    });
  }

  test('a secret where its file should be named, and the message says what was looked for', () => {
    assert.match(
      told(BASE.replace('file: secret', `file: ${SECRET}`)),
      /:4:16: ami.secret_file: cannot read the file named by ami.secret_file: there is no such file/,
    );
    assert.match(told(BASE.replace('file: secret', 'file: ami.secret')), /cannot read ".*\/ami.secret"/);
  });

  test('a secret in a file or variable that is wrong', () => {
    folder.write('bad', `${SECRET}\n${SECRET}\n`, 0o666);
    assert.doesNotMatch(told(BASE.replace('file: secret', 'file: bad')), new RegExp(SECRET));
    assert.doesNotMatch(told(BASE, { HINTMESH_AMI_SECRET: `${SECRET}\t` }), new RegExp(SECRET));
  });

  test('a key where its file should be named', () => {
    const block = KEY.replaceAll('\n', '\n    ');
    for (const key of ['identity_file', 'ca_file', 'state_dir', 'tag']) {
      const yaml = `ami: { secret_file: secret }\n${key}: |\n    ${block}\n`;
      assert.notEqual(folder.mistakes(yaml).length, 0);
      assert.doesNotMatch(told(yaml), /leaked/, key);
    }
  });
});

test('a value that could be a key is not repeated: of several lines, or long, or marked as one', () => {
  for (const value of ['"leaked\\nleaked"', '"-----BEGIN leaked"', `leaked${'x'.repeat(80)}`]) {
    const [mistake = ''] = folder.mistakes(BASE.replace('tag: msk', `tag: ${value}`));
    assert.match(mistake, /h.yaml:1:6: tag \(not shown\) /);
  }
});

test('a config is plain data', () => {
  const config: Config = folder.config(BASE + LISTS);
  assert.deepEqual(structuredClone(config), config);
});

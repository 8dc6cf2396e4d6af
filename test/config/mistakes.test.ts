// One bad config per rule: each is told with its place and with what is allowed, and nothing else is told. Those
// of the lists are in list-mistakes.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_TOLD } from '../../src/config/findings.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { BASE, REAL } from './folder.ts';
import { bad, exporting, folder, having, more, peering, refuses, variable } from './refuses.ts';

folder.write('empty', '\n');
folder.write('two-lines', 'a\nb\n');
folder.write('blank', 'secret \n');
folder.write('long', 'x'.repeat(513));
folder.write('no-pem', 'just text\n');
folder.write('other.pem', '-----BEGIN CERTIFICATE-----\nfake:spb:other\n');
folder.write('broken.pem', '-----BEGIN CERTIFICATE-----\n');
folder.write(
  'broken-ca.pem',
  `${REAL.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
);
folder.write('cut-ca.pem', REAL.certificate.slice(0, -10));
folder.write('broken-key.pem', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
folder.write('other-key.pem', loadIdentity(await generateIdentity('other')).key);
folder.write('two-names.pem', '-----BEGIN CERTIFICATE-----\nfake:msk,spb:own\n');
folder.write('big', 'x'.repeat(1024 * 1024 + 1));

describe('as YAML, a config is refused for', () => {
  refuses({
    'being empty': bad('', ['1:1', /must hold keys and values/]),
    'being a list': bad('- tag: msk\n', ['1:1', /must hold keys and values/]),
    'an open bracket': more('export: [1, 2', ['10:1', /not valid YAML: Flow sequence/]),
    'a key given twice': more('tag: spb', ['9:1', /given before/]),
    'a second document': more('---\nstate_dir: x', ['9:1', /second document/]),
    'a tab': bad('ami:\n\tport: 1\n', ['2:1', /indented with spaces/]),
    'a YAML tag': more('state_dir: !!binary x', ['9:12', /a YAML tag/]),
    'an alias': more('state_dir: &a x\nca_file: *a', ['10:10', /ca_file is an alias/]),
    'an alias in a list': exporting('  - context: a\n    match: [&a 1, *a]', ['11:19', /is an alias/]),
    'a bomb of aliases': more(
      'state_dir: &a [x, x, x]\nca_file: &b [*a, *a, *a]\nidentity_file: [*b, *b, *b]',
      ['9:15', /state_dir is a single value/],
      ['10:13', /ca_file is a single value/],
      ['11:1', /given before/],
    ),
  });
});

describe('a config that would exhaust the parser is refused before it gets there:', () => {
  const deep = (yaml: string) => bad(`tag: msk\n${yaml}\n`, ['2:1', /nested too deep/]);
  refuses({
    'open brackets': deep('['.repeat(100_000)),
    'open braces': deep('{a: '.repeat(60_000)),
    'dashes in a line': deep('- '.repeat(100_000)),
    'explicit keys in a line': deep('? '.repeat(100_000)),
    'a deep indent': deep(`${' '.repeat(200)}a: 1`),
  });
});

test('what the parser stumbles over is in no message, for it may be a secret', () => {
  for (const slip of [
    '|hunter2',
    '"x" hunter2',
    '%hunter2',
    '"\\hunter2"',
    '!hunter2 x',
    '[a]: hunter2',
    '*hunter2 x',
  ]) {
    const mistakes = folder.mistakes(`${BASE}ca_file: ${slip}\n}hunter2\n%hunter2 x\n`);
    assert.ok(mistakes.length > 0);
    assert.doesNotMatch(mistakes.join('\n'), /hunter2|hu\b/, slip);
  }
});

describe('among its keys, a config is refused for', () => {
  refuses({
    'an unknown key': more('colour: red', ['9:1', /colour is not a key; allowed here: tag, identity_file/]),
    'a mistyped key': more('tagg: x', ['9:1', /tagg is not a key; did you mean "tag"\?/]),
    'a mistyped key that is missing then': having('tag: msk', 'tga: msk', ['1:1', /did you mean "tag"/]),
    'a mistyped key in a section': having('  secret_file', '  prot: 1\n  secret_file', [
      '4:3',
      /ami.prot is not a key; did you mean "port"/,
    ]),
    'a mistyped key in a list': exporting('  - contxt: a\n    match: 1', [
      '10:5',
      /export\[0\].contxt is not a key; did you mean "context"/,
    ]),
    'the keys that listen once had': bad(
      BASE.replace('  host: 0.0.0.0', '  websocket:\n    host: 0.0.0.0').concat(
        'peers:\n  - { tag: spb, fingerprint: "sha256:abc" }\n',
      ),
      [
        '6:3',
        /^\S+ listen.websocket is not a key any more; its keys stand in listen itself: listen.enabled, /,
      ],
    ),
    'the keys that listen once had, in braces': bad(
      BASE.replace('\n  host: 0.0.0.0', ' { websocket: { host: 0.0.0.0 } }'),
      ['5:11', /listen.websocket is not a key any more/],
    ),
    'an unknown key in quotes, as in JSON': bad(
      '{"tag": "msk", "colour": "red", "ami": {"secret_file": "secret"}}',
      ['1:16', /colour is not a key; allowed here/],
    ),
    'what looks like a key in braces, but may be a piece of a value': having(
      '  secret_file: secret',
      '  { secret_file: secret, prot: 1 }',
      ['4:26', /^((?!prot).)*what stands here in ami is not a key \(not shown; .*did you mean "port"/],
    ),
    'a key with a dot in it': more('ami.port: 5038', ['9:1', /ami.port is not a key/]),
    'a key that is part of every object': more('__proto__: x', ['9:1', /__proto__ is not a key/]),
    'a key that is no word': more('? [a]\n: x', ['9:3', /a key is one plain word/]),
    'a missing tag': having('tag: msk', '', ['1:1', /tag is missing; it is the name of this PBX/]),
    'an empty value': having('tag: msk', 'tag:', ['1:1', /tag is empty; give it a value or leave it out/]),
    'a list for a value': having('tag: msk', 'tag: [msk]', ['1:6', /tag is a single value/]),
    'a value for a section': having('ami:', 'timing: 5\nami:', [
      '3:9',
      /timing has keys of its own: alive, /,
    ]),
    'a value for a list': more('peers: spb', ['9:8', /peers is a list; begin each entry with "- "/]),
    'a value for an entry': peering('  - spb', ['10:5', /peers\[0\] has keys of its own: tag, url/]),
    'too many entries': more(`peers: [${'{},'.repeat(257)}]`, ['9:8', /has 257 entries; at most 256/]),
    'a literal secret': having('secret_file: secret', 'secret: abc', [
      '4:11',
      /ami.secret is refused here: .* name that in ami.secret_file, or set HINTMESH_AMI_SECRET/,
    ]),
  });
});

describe('among its values, a config is refused for', () => {
  const range = '"5038x"; write a whole number from 1 to 65535';
  refuses({
    'a tag with a dash': having('tag: msk', 'tag: m-sk', [
      '1:6',
      /tag "m-sk" has a "-", which Asterisk ignores/,
    ]),
    'a port with a letter': having('ami:', 'ami:\n  port: 5038x', [
      '4:9',
      new RegExp(`ami.port is ${range}`),
    ]),
    'a port of another notation': having('ami:', 'ami:\n  port: 0x50', ['4:9', /ami.port is "0x50"/]),
    'a port out of range': having('ami:', 'ami:\n  port: 65536', ['4:9', /ami.port is "65536"/]),
    'a host with a port': having('ami:', 'ami:\n  host: pbx:5038x/', [
      '4:9',
      /a host name or an IP address, no port/,
    ]),
    'a user with a blank': having('ami:', 'ami:\n  username: a b', ['4:13', /ami.username has a character/]),
    'a boolean of another word': more('insecure: no', ['9:11', /insecure is "no"; write true or false/]),
    'a number without a unit': more('timing: { relist: 300 }', [
      '9:19',
      /timing.relist is "300"; a time has a unit/,
    ]),
    'a time out of range': more('timing: { alive: 10ms }', ['9:18', /alive is 10ms; .* from 200ms to 30s/]),
    'a window that overloads PJSIP': more('lamps: { window: 129 }', [
      '9:18',
      /from 1 to 128 \(past about 128 .* PJSIP/,
    ]),
    'a rate of no kind': more('lamps: { writes_per_second: all }', ['9:29', /or "unlimited"/]),
    'an HTTP port of no number': more('http: { port: metrics }', ['9:15', /http.port is "metrics"; write/]),
    'an HTTP host with a port': more('http: { host: "1.2.3.4:80/" }', ['9:15', /IP address, no port/]),
    'HTTP that is neither on nor off': more('http: { enabled: on }', [
      '9:18',
      /http.enabled is "on"; write true/,
    ]),
    'a gone state that is none': more('lamps: { gone_state: Busy }', [
      '9:22',
      /gone_state is "Busy"; allowed: UNAVAILABLE, BUSY, INVALID, hold/,
    ]),
    'a log level that is none': more('log: { level: loud }', ['9:15', /allowed: debug, info, warn, error/]),
    'a line break in a path': more('state_dir: "a\\nb"', ['9:12', /state_dir has a line break/]),
  });
});

describe('among its environment, a config is refused for', () => {
  refuses({
    'a number with a letter': variable('HINTMESH_AMI_PORT', '5038x', /ami.port is "5038x"/),
    'a boolean written 0': variable('HINTMESH_INSECURE', '0', /insecure is "0"; write true or false/),
    'a boolean written no': variable('HINTMESH_LISTEN_ENABLED', 'no', /enabled is "no"/),
    'an empty number': variable('HINTMESH_LAMPS_WINDOW', '', /lamps.window is ""/),
    'a bad tag': variable('HINTMESH_TAG', 'MSK', /tag "MSK" has an upper-case letter/),
    'a file that is not there': variable(
      'HINTMESH_CA_FILE',
      'nowhere',
      /ca_file: cannot read .*no such file/,
    ),
    'a secret of two lines': variable('HINTMESH_AMI_SECRET', 'a\nb', /has a line break or control character/),
    'a secret with a blank': variable('HINTMESH_AMI_SECRET', 'a ', /blanks before or after/),
  });
});

describe('among the files it names, a config is refused for', () => {
  const identity = (name: string, words: RegExp) => having('identity.pem', name, ['2:16', words]);
  const tls = (files: string, where: string, words: RegExp) =>
    having('ami:', `ami:\n  tls: { enabled: true, ${files} }`, [where, words]);
  const secret = (name: string, words: RegExp) => having('file: secret', `file: ${name}`, ['4:16', words]);
  refuses({
    'no identity': identity(
      'none.pem',
      /no such file; make it with: hintmesh keygen --tag msk --out .*none.pem/,
    ),
    'an empty identity': identity('empty', /identity_file: .* is empty/),
    'an identity without PEM': identity('no-pem', /holds no PEM block/),
    'an identity that is broken': identity('broken.pem', /identity_file: not one of these/),
    'the identity of another tag': identity('other.pem', /made for spb, but tag is msk/),
    'an identity that is a folder': identity('.', /not a regular file/),
    'an identity that never ends': identity('/dev/zero', /not a regular file/),
    'an identity that is too big': identity('big', /has 1048577 bytes; at most 1048576 are read/),
    'a CA without PEM': more('ca_file: no-pem', ['9:10', /ca_file: .* holds no PEM block/]),
    'a CA that is a key': more('ca_file: key.pem', ['9:10', /key.pem" holds no certificate; it must begin/]),
    'a CA of which one certificate is broken': more('ca_file: broken-ca.pem', [
      '9:10',
      /holds a certificate \(number 2\) that cannot be read; copy the file again/,
    ]),
    'a CA that was cut off': more('ca_file: cut-ca.pem', ['9:10', /holds a certificate without its end/]),
    "a broken certificate of Asterisk's": tls('ca_file: broken-ca.pem', '4:34', /number 2.* cannot be read/),
    'a client key that is broken': tls(
      'cert_file: ca.pem, key_file: broken-key.pem',
      '4:54',
      /holds no private key that can be read/,
    ),
    'a client certificate that is a key': tls(
      'cert_file: key.pem, key_file: key.pem',
      '4:36',
      /holds no certificate/,
    ),
    'the key of another certificate': tls(
      'cert_file: ca.pem, key_file: other-key.pem',
      '4:54',
      /is not the key of the first certificate in ami.tls.cert_file/,
    ),
    'an identity of two names, where a peer is proved by the CA': bad(
      `${BASE.replace('identity.pem', 'two-names.pem')}ca_file: ca.pem\npeers:\n  - { tag: nsk, url: "wss://n:1" }\n`,
      ['2:16', /a certificate for msk, spb; .* must carry one DNS name, our tag msk/],
    ),
    'no secret': having('secret_file: secret', '', [
      '3:1',
      /ami.secret_file is missing; .* or set HINTMESH_AMI_SECRET/,
    ]),
    'an empty secret': secret('empty', /is empty/),
    'a secret of two lines': secret('two-lines', /one line, without control characters/),
    'a secret with a blank': secret('blank', /blanks before or after/),
    'a secret longer than an AMI line takes': secret('long', /more than 512 characters/),
    'TLS files without TLS': having('ami:', 'ami:\n  tls: { ca_file: ca.pem }', [
      '4:19',
      /ami.tls.ca_file is set, but ami.tls.enabled is false/,
    ]),
    'a certificate without its key': having('ami:', 'ami:\n  tls: { enabled: true, cert_file: ca.pem }', [
      '4:8',
      /only one of cert_file and key_file/,
    ]),
  });
});

describe('among what belongs together, a config is refused for', () => {
  refuses({
    'a peer that must dial us where we do not listen': bad(
      `${BASE.replace('host: 0.0.0.0', 'enabled: false')}peers:\n  - { tag: spb, fingerprint: "sha256:abc" }\n`,
      ['10:5', /has no url, so the peer must dial us, but listen.enabled is false/],
    ),
    'listening in plaintext for all': more('insecure: true', ['6:9', /is 0.0.0.0, but with insecure: true/]),
    'plaintext to another machine': bad(
      `${BASE.replace('0.0.0.0', '127.0.0.1')}insecure: true\npeers:\n  - { tag: spb, url: "ws://10.0.0.1:7440" }\n`,
      ['11:22', /plaintext to another machine/],
    ),
    'HTTP where the peers dial us': more('http: { host: 0.0.0.0, port: 7440 }', [
      '9:30',
      /http.port and listen.port are both 7440, .* \(0.0.0.0, 0.0.0.0\); give one of them another/,
    ]),
    'HTTP on one of all addresses on which the peers dial us': more('http: { port: 7440 }', [
      '9:15',
      /both 7440, on addresses that overlap \(127.0.0.1, 0.0.0.0\)/,
    ]),
    'HTTP on an IPv4 address, and the peers on :: with its port': bad(
      `${BASE.replace('0.0.0.0', '"0:0::0"')}http: { port: 7440 }\n`,
      ['9:15', /overlap \(127.0.0.1, 0:0::0\)/],
    ),
    'HTTP on an address written in another way': bad(
      `${BASE.replace('0.0.0.0', '"::1"')}http: { host: "0:0:0:0:0:0:0:1", port: 7440 }\n`,
      ['9:40', /both 7440/],
    ),
    'HTTP on a name of loopback': bad(`${BASE.replace('0.0.0.0', 'LocalHost')}http: { port: 7440 }\n`, [
      '9:15',
      /overlap \(127.0.0.1, LocalHost\)/,
    ]),
    "the peers on HTTP's own port": bad(BASE.replace('0.0.0.0', '0.0.0.0\n  port: 7441'), [
      '7:9',
      /both 7441/,
    ]),
    "the peers on HTTP's own port, by a variable": {
      yaml: BASE,
      env: { HINTMESH_LISTEN_PORT: '7441' },
      told: [['HINTMESH_LISTEN_PORT', /both 7441/]],
    },
    'TLS without an identity': bad(
      'tag: msk\nami: { secret_file: secret }\ninsecure: true\npeers:\n  - { tag: spb, url: "wss://s:1", fingerprint: "sha256:abc" }\n',
      ['5:22', /is wss:\/\/, where we must prove who we are, but there is no identity_file/],
    ),
    'times that contradict each other': more(
      'timing:\n  alive: 2s\n  suspect_after: 4s\n  gone_after: 3s\n  first_sync: 3s\n  redial_min: 5s',
      ['10:3', /timing.redial_max is 2s; it must be at least 5s: timing.redial_min/],
      ['11:18', /timing.suspect_after is 4s; it must be more than 4s: twice timing.alive/],
      ['12:15', /timing.gone_after is 3s; it must be at least 4s/],
      ['13:15', /timing.first_sync is 3s; it must be at least 4s/],
    ),
  });
});

test('an identity of two names will do where every peer is known by its fingerprint', () => {
  const yaml = `${BASE.replace('identity.pem', 'two-names.pem')}ca_file: ca.pem
peers:
  - { tag: nsk, url: "wss://n:1", fingerprint: "sha256:abc" }
`;
  assert.deepEqual(folder.mistakes(yaml), []);
});

test('HTTP and the peers may have one port on addresses that are apart, or where one of them is off', () => {
  const apart: [peers: string, http: string][] = [
    ['127.0.0.1', '127.0.0.2'],
    ['0.0.0.0', '"::1"'],
    ['127.0.0.1', '"::1"'],
    ['10.0.0.5', '127.0.0.1'],
    ['pbx.example.com', '127.0.0.1'],
  ];
  for (const [peers, http] of apart) {
    const yaml = `${BASE.replace('0.0.0.0', peers)}http: { host: ${http}, port: 7440 }\n`;
    assert.deepEqual(folder.mistakes(yaml), [], yaml);
  }
  assert.deepEqual(folder.mistakes(`${BASE}http: { port: 7440, enabled: false }\n`), []);
  const silent = BASE.replace('host: 0.0.0.0', 'enabled: false');
  assert.deepEqual(folder.mistakes(`${silent}http: { port: 7440 }\n`), []);
});

test('only the first mistakes are told, the rest are counted', () => {
  const keys = Array.from({ length: MAX_TOLD + 23 }, (_, index) => `strange${index}: x\n`);
  const mistakes = folder.mistakes(BASE + keys.join(''));
  assert.equal(mistakes.length, MAX_TOLD + 1);
  assert.match(mistakes[0] ?? '', /h.yaml:9:1: strange0 /);
  assert.equal(mistakes.at(-1), 'h.yaml: and 23 more mistakes');
});

test('long hosts, urls and devices are refused at once', () => {
  const long = 120_000;
  const started = performance.now();
  for (const yaml of [
    BASE.replace('0.0.0.0', `"${':'.repeat(long)}!"`),
    `${BASE}peers:\n  - { tag: spb, fingerprint: "sha256:abc", url: "wss://${'a.'.repeat(long / 2)}!" }\n`,
    `${BASE}export:\n  - { device: "P${'/'.repeat(long)},", match: 1 }\n`,
  ]) {
    assert.equal(folder.mistakes(yaml).length, 1);
  }
  // Quadratic time was 10 s and more for one of these.
  assert.ok(performance.now() - started < 3_000);
});

test('what a terminal would act on is printed as an escape', () => {
  const printed = folder
    .mistakes(`${BASE}"a\\e[2Jb": x\nca_file: "x\\u202e\\x9b"\n`)
    .concat(folder.warnings(BASE, { 'HINTMESH_\u001b[2J': 'x' }))
    .join('');
  assert.match(printed, /\\u\{1b\}\[2J: no setting/);
  assert.doesNotMatch(printed, /[\p{Cc}\p{Cf}]/u);
});

// One bad config per rule: each is told with its place and with what is allowed, and nothing else is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_TOLD } from '../../src/config/findings.ts';
import { generateIdentity, loadIdentity } from '../../src/mesh/identity.ts';
import { BASE, newFolder, REAL } from './folder.ts';

const folder = newFolder();
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

/** Where it is told (a place in `h.yaml`, or a variable), and in which words. */
type Told = readonly [where: string, words: RegExp];
interface Bad {
  readonly yaml: string;
  readonly env?: Record<string, string>;
  readonly told: readonly Told[];
}

function refuses(cases: Record<string, Bad>): void {
  for (const [name, { yaml, told, env }] of Object.entries(cases)) {
    test(name, () => {
      const mistakes = folder.mistakes(yaml, env);
      assert.equal(mistakes.length, told.length, mistakes.join('\n') || 'no mistake was found');
      for (const [index, [where, words]] of told.entries()) {
        const mistake = mistakes[index] ?? '';
        const place = where.startsWith('HINTMESH') ? where : `h.yaml:${where}`;
        assert.ok(mistake.startsWith(`${place}: `), `${mistake}\nis not at ${place}`);
        assert.match(mistake, words);
      }
    });
  }
}

const bad = (yaml: string, ...told: Told[]): Bad => ({ yaml, told });
/** BASE with one of its lines replaced. */
const having = (line: string, other: string, ...told: Told[]): Bad => {
  assert.ok(BASE.includes(line));
  return bad(BASE.replace(line, other), ...told);
};
/** BASE and more, which begins on line 9; a list's entries begin on line 10. */
const more = (yaml: string, ...told: Told[]): Bad => bad(`${BASE}${yaml}\n`, ...told);
const exporting = (yaml: string, ...told: Told[]): Bad => more(`export:\n${yaml}`, ...told);
const peering = (yaml: string, ...told: Told[]): Bad => more(`peers:\n${yaml}`, ...told);
const variable = (name: string, value: string, words: RegExp): Bad => ({
  yaml: BASE,
  env: { [name]: value },
  told: [[name, words]],
});

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
    'a boolean written no': variable('HINTMESH_LISTEN_WEBSOCKET_ENABLED', 'no', /enabled is "no"/),
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

describe('among its exports, a config is refused for', () => {
  refuses({
    'a rule without a source': exporting('  - match: 1', ['10:5', /neither a context nor a device/]),
    'a rule with two sources': exporting('  - { context: a, device: "PJSIP/{ext}", match: 1 }', [
      '10:5',
      /both a context and a device/,
    ]),
    'a rule without a match': exporting('  - context: a', ['10:5', /export\[0\].match is missing/]),
    'an empty match': exporting('  - context: a\n    match: []', ['11:12', /has 0 entries/]),
    'items of a match, all of them': exporting(
      '  - context: a\n    match: [_1, "1/2", _1.2, 9-1]',
      ['11:17', /match "1\/2" has a "\/"/],
      ['11:24', /match "_1.2" goes on after/],
      ['11:30', /match "9-1" runs backwards/],
    ),
    'a context with a blank': exporting('  - context: a b\n    match: 1', [
      '10:14',
      /context is "a b"; a context has/,
    ]),
    'a context that would split an AMI line': exporting('  - context: "a\\r\\nAction: x"\n    match: 1', [
      '10:14',
      /context has a line break/,
    ]),
    'extensions whose lamps have no room': exporting(`  - context: a\n    match: _${'X'.repeat(69)}`, [
      '11:12',
      /lamps EXT\*msk have 73 characters or more; Asterisk holds 72/,
    ]),
    'more patterns than can be compared': exporting(
      `  - { context: a, match: [${Array.from({ length: 2_001 }, (_, i) => `_X${i}`).join(', ')}] }`,
      ['10:3', /has 2001 items, 2001 of them patterns or ranges; at most 10000 and 2000/],
    ),
    'more extensions than a broker exports': exporting(
      Array.from({ length: 11 }, (_, i) => `  - { context: a, match: ${i + 10}0000-${i + 10}9999 }`).join(
        '\n',
      ),
      ['10:3', /names 110000 extensions; a broker exports at most 100000/],
    ),
  });

  const device = (template: string, words: RegExp, match = '_2XXX') =>
    exporting(`  - device: ${JSON.stringify(template)}\n    match: ${match}`, ['10:13', words]);
  refuses({
    'a device that is a lamp': device('Custom:{ext}*spb', /is a lamp/),
    'a device that is a lamp in other letters': device('CUSTOM:1001*spb', /is a lamp/, '1001'),
    'a device with two places': device('Local/{ext}@{ext}', /\{ext\} more than once/),
    'a device with another brace': device('PJSIP/{exten}', /has a "\{" or "\}" other than \{ext\}/),
    'one device for many extensions': device('PJSIP/2000', /has no \{ext\}, so every extension/),
    'one device for a range': device('PJSIP/2000', /has no \{ext\}/, '2000-2001'),
    'two devices in one': device('PJSIP/{ext}&SIP/1', /is no device/),
    'a device with a comma': device('PJSIP/{ext},x', /is no device/),
    'a device that would split an AMI line': device(
      'PJSIP/{ext}\r\nAction: x',
      /has a line break|is no device/,
    ),
    'a device without a technology': device('{ext}', /is no device/),
    'a device in the list twice': exporting('  - device: ["PJSIP/{ext}", "PJSIP/{ext}"]\n    match: _2XXX', [
      '10:29',
      /is in this list twice/,
    ]),
    'two rules for one extension': exporting(
      '  - { context: a, match: _1XXX }\n  - { device: "PJSIP/{ext}", match: [3000, 1500-1600] }',
      ['11:37', /export\[1\] and export\[0\] \(.*h.yaml:10:5\) can both mean extension 1500/],
    ),
    'rules that overlap, each pair': exporting(
      '  - { context: a, match: _1XX }\n  - { context: b, match: _10X }\n  - { context: c, match: 105 }',
      ['11:26', /export\[1\] and export\[0\].* 100;/],
      ['12:26', /export\[2\] and export\[0\].* 105;/],
      ['12:26', /export\[2\] and export\[1\].* 105;/],
    ),
  });
});

describe('among its peers, a config is refused for', () => {
  const spb = (line: string, ...told: Told[]) =>
    peering(`  - tag: spb\n    fingerprint: sha256:abc\n    ${line}`, ...told);
  const url = (text: string, words: RegExp) => spb(`url: ${text}`, ['12:10', words]);
  refuses({
    'our own tag': peering('  - { tag: msk, fingerprint: "sha256:abc" }', ['10:12', /"msk" is our own tag/]),
    'a bad tag': peering('  - { tag: 9sk, fingerprint: "sha256:abc" }', ['10:12', /starts with a digit/]),
    'a peer without a tag': peering('  - { fingerprint: "sha256:abc" }', [
      '10:5',
      /peers\[0\].tag is missing/,
    ]),
    'a tag, a fingerprint and a url given twice': peering(
      '  - { tag: spb, fingerprint: "sha256:abc", url: "wss://s:1" }\n'.repeat(2),
      ['11:12', /peers\[1\].tag is the same as peers\[0\].tag \(.*h.yaml:10:12\)/],
      ['11:30', /peers\[1\].fingerprint is the same as peers\[0\].fingerprint/],
      ['11:49', /peers\[1\].url is the same as peers\[0\].url/],
    ),
    'our own fingerprint': peering('  - { tag: spb, fingerprint: "sha256:own" }', [
      '10:30',
      /share one identity_file/,
    ]),
    'a fingerprint of another form': peering('  - { tag: spb, fingerprint: AB:CD }', [
      '10:30',
      /is no fingerprint; write what/,
    ]),
    'nothing to prove a peer by': peering('  - tag: spb', [
      '10:5',
      /has no fingerprint, so nothing proves who it is/,
    ]),
    'a gone state that is none': spb('gone_state: idle', [
      '12:17',
      /allowed: UNAVAILABLE, BUSY, INVALID, hold/,
    ]),
    'a url without wss': url('spb.example.com', /is no address of a peer; write wss:\/\/HOST:PORT/),
    'a url of another scheme': url('https://spb:7440', /is no address of a peer/),
    'a url with a path': url('wss://spb:7440/x', /is no address of a peer/),
    'a url without a port': url('wss://spb', /has no port; a broker listens on 7440/),
    'a url with a port out of range': url('wss://spb:70000', /is no address of a peer|outside 1 to 65535/),
    'a url in plaintext': url('ws://127.0.0.1:7440', /is plaintext; write wss/),
    'a url with a password': url('wss://me:letmein@spb:7440', /^((?!letmein).)*has a user or password in it/),
  });
});

describe('among what belongs together, a config is refused for', () => {
  refuses({
    'a peer that must dial us where we do not listen': bad(
      `${BASE.replace('host: 0.0.0.0', 'enabled: false')}peers:\n  - { tag: spb, fingerprint: "sha256:abc" }\n`,
      ['10:5', /has no url, so the peer must dial us, but listen.websocket.enabled is false/],
    ),
    'listening in plaintext for all': more('insecure: true', ['7:11', /is 0.0.0.0, but with insecure: true/]),
    'plaintext to another machine': bad(
      `${BASE.replace('0.0.0.0', '127.0.0.1')}insecure: true\npeers:\n  - { tag: spb, url: "ws://10.0.0.1:7440" }\n`,
      ['11:22', /plaintext to another machine/],
    ),
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

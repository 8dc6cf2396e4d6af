// Bad entries of the lists, `export` and `peers`: one per rule, told with its place and with what is allowed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matches, parseMatch } from '../../src/core/match.ts';
import { BASE } from './folder.ts';
import { bad, exporting, folder, peering, refuses, type Told } from './refuses.ts';

describe('among its exports, a config is refused for', () => {
  refuses({
    'a rule without a source': exporting('  - match: 1', [
      '10:5',
      /has none of context, device, channels, mailbox, presence; an extension has one source/,
    ]),
    'a rule with two sources': exporting('  - { context: a, device: "PJSIP/{ext}", match: 1 }', [
      '10:5',
      /has both context and device; an extension has one source/,
    ]),
    'a rule with devices and their channels': exporting(
      '  - { device: "PJSIP/{ext}", channels: "PJSIP/{ext}", match: 1 }',
      ['10:5', /has both device and channels/],
    ),
    'a rule with all sources': exporting(
      '  - { context: a, device: "PJSIP/{ext}", channels: "PJSIP/{ext}", match: 1 }',
      ['10:5', /has both context and device and channels/],
    ),
    'channels that are mistyped, and nothing more': exporting('  - chanels: PJSIP/{ext}\n    match: 1', [
      '10:5',
      /export\[0\].chanels is not a key; did you mean "channels"\?/,
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

  const channels = (template: string, words: RegExp, match = '2000-2099') =>
    exporting(`  - channels: ${JSON.stringify(template)}\n    match: ${match}`, ['10:15', words]);
  refuses({
    'channels of a lamp': channels('Custom:{ext}*spb', /is a lamp/),
    'channels of what never has any': channels('Custom:door{ext}', /never has channels, .* with device:/),
    'channels of a queue': channels('Queue:{ext}', /never has channels/),
    'channels of no technology': channels(
      '{ext}',
      /is no device of channels; the channel PJSIP\/1001-0000002a/,
    ),
    'channels of a technology that is none': channels('PJ.SIP/{ext}', /is no device of channels/),
    'channels with a comma': channels('PJSIP/{ext},x', /is no device of channels/),
    'channels in other letters': channels('pjsip/{ext}-home', /capitals count; write PJSIP\/\{ext\}-home$/),
    'one device for the channels of many': channels('PJSIP/2000', /has no \{ext\}, so every extension/),
    'channels with two places': channels('PJSIP/{ext}{ext}', /\{ext\} more than once/),
    'channels with another brace': channels('PJSIP/{exten}', /has a "\{" or "\}" other than/),
    'channels in the list twice': exporting('  - channels: ["SIP/{ext}", "SIP/{ext}"]\n    match: 1', [
      '10:29',
      /channels\[1\] "SIP\/\{ext\}" is in this list twice/,
    ]),
    'a pattern beside channels, each': exporting(
      '  - channels: PJSIP/{ext}\n    match: [_1XXX, 2000, _10., 3000-3001, _XXXXX]',
      ['11:13', /match "_1XXX" is a pattern, and beside channels .*; write 1000-1999$/],
      ['11:26', /match "_10\." is a pattern, .*; write ranges like 1000-1099, or the extensions one by one$/],
      ['11:43', /match "_XXXXX" is a pattern, .*; write ranges like/],
    ),
    'an item beside channels that names nothing at all': exporting(
      '  - channels: PJSIP/{ext}\n    match: [1001, 9-1]',
      ['11:19', /match "9-1" runs backwards/],
    ),
    'channels and hints of one extension': exporting(
      '  - { context: a, match: _1XXX }\n  - { channels: "PJSIP/{ext}", match: 1500-1600 }',
      ['11:39', /export\[1\] and export\[0\] \(.*h.yaml:10:5\) can both mean extension 1500/],
    ),
    'channels twice for one extension': exporting(
      '  - { channels: "SIP/{ext}", match: 1-5 }\n  - { channels: "PJSIP/{ext}", match: 5 }',
      ['11:39', /can both mean extension 5;/],
    ),
    'more channel extensions than a broker exports': exporting(
      Array.from(
        { length: 11 },
        (_, i) => `  - { channels: "PJSIP/{ext}", match: ${i + 10}0000-${i + 10}9999 }`,
      ).join('\n'),
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
    'a curve key that is none': spb('curve_key: "sha256:abc"', [
      '12:16',
      /curve_key is no key for ZeroMQ; write what .*keygen" printed, 40 characters in double quotes$/,
    ]),
    'a curve key without quotes': spb('curve_key: %abc{', [
      '12:16',
      /not valid YAML.*; a curve_key stands in double quotes$/,
    ]),
    'our own curve key': spb('curve_key: "z85:own"', [
      '12:16',
      /is our own curve_key: two PBXs share one identity_file; make one for each/,
    ]),
    'a next fingerprint that is none': spb('next_fingerprint: "abc"', [
      '12:23',
      /next_fingerprint is no fingerprint; write what the peer's/,
    ]),
    'a next curve key that follows none': spb('next_curve_key: "z85:abc"', [
      '12:21',
      /next_curve_key follows no curve_key; write it as curve_key/,
    ]),
    'our own curve key as the next one': spb('curve_key: "z85:abc"\n    next_curve_key: "z85:own"', [
      '13:21',
      /next_curve_key is our own curve_key/,
    ]),
    'the same next fingerprint as another one': spb('next_fingerprint: "sha256:abc"', [
      '12:23',
      /next_fingerprint is the same as peers\[0\].fingerprint/,
    ]),
    'a curve key given twice': peering(
      ['abc', 'abd']
        .map((name) => `  - { tag: ${name}, fingerprint: "sha256:${name}", curve_key: "z85:abc" }`)
        .join('\n'),
      ['11:55', /peers\[1\].curve_key is the same as peers\[0\].curve_key \(.*h.yaml:10:55\)/],
    ),
    'a transport that is none': spb('transport: zmq', ['12:16', /is "zmq"; allowed: websocket, zeromq$/]),
    'a transport that is none, of which nothing else is concluded': peering(
      '  - { tag: spb, transport: zmq, url: "tcp://s:1" }',
      ['10:28', /transport is "zmq"; allowed: websocket, zeromq$/],
    ),
    'ZeroMQ without a curve key': peering('  - { tag: spb, transport: zeromq, url: "tcp://s:1" }', [
      '10:5',
      /has transport: zeromq, but no curve_key, .*; write what .*keygen" printed \("hintmesh fingerprint"/,
    ]),
    'an address of ZeroMQ without that transport': url(
      'tcp://s:1',
      /"tcp:\/\/s:1" is tcp:\/\/, which goes with transport: zeromq .*; wss:\/\/ goes with both/,
    ),
    'one address for two peers, whatever the transport': peering(
      '  - { tag: spb, url: "wss://s:1", fingerprint: "sha256:abc" }\n  - { tag: nsk, url: "tcp://s:1", transport: zeromq, curve_key: "z85:nsk" }',
      ['11:22', /peers\[1\].url is the same as peers\[0\].url/],
    ),
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

describe('for a peer of ZeroMQ, a config is refused for', () => {
  const PEER = '{ tag: spb, transport: zeromq, curve_key: "z85:abc", url: "tcp://s:1" }';
  const url = (text: string, words: RegExp) =>
    peering(`  - ${PEER.replace('tcp://s:1', text)}`, ['10:63', words]);
  const own = (file: string, ...told: Told[]) =>
    bad(`${BASE.replace('identity.pem', file)}peers:\n  - ${PEER}\n  - ${ALSO}\n`, ...told);
  const ALSO = PEER.replace('spb', 'nsk').replace('abc', 'abd').replace('s:1', 's:2');
  folder.write('no-curve.pem', '-----BEGIN CERTIFICATE-----\nfake:msk:own\n');

  refuses({
    'an address in plaintext': url(
      'ws://127.0.0.1:1',
      /is plaintext, which ZeroMQ never is here; write tcp:/,
    ),
    'an address without a port': url('tcp://s', /has no port/),
    'an address with port 0': url('tcp://s:0', /outside 1 to 65535/),
    'an address of another form': url(
      'zmq://s:1',
      /is no address of a peer; write tcp:\/\/HOST:PORT, like tcp/,
    ),
    'an address that is no host': url('tcp://1.2.3.999:1', /is no address of a peer/),
    'an address with a path': url('tcp://s:1/x', /with nothing after the port/),
    'an address with a password': url('tcp://me:hunter2@s:1', /peers\[0\].url has a user or password in it/),
    'our own identity without a key for it, told once': own('no-curve.pem', [
      '10:28',
      /our identity_file has no key for ZeroMQ; add one with: openssl genpkey -algorithm X25519 >> \S*no-curve.pem \(the fingerprint stays\), then give the peers what "hintmesh fingerprint" prints$/,
    ]),
    'our own identity that cannot be read, for that alone': own('none.pem', ['2:16', /no such file/]),
    'no identity at all': bad(
      `tag: msk\nami: { secret_file: secret }\ninsecure: true\npeers:\n  - ${PEER.replace('tcp', 'wss')}\n`,
      ['5:28', /is zeromq, where we must prove who we are, but there is no identity_file; name one/],
    ),
  });

  test('nothing, with its key alone, with the url of either transport or none, beside a CA or insecure', () => {
    const { peers } = folder.config(`${BASE}peers:\n  - ${PEER}\n  - ${ALSO.replace('tcp', 'wss')}\n`);
    assert.deepEqual(
      peers.map(({ where: _, ...peer }) => peer),
      [
        { tag: 'spb', transport: 'zeromq', curveKey: 'z85:abc', url: 'tcp://s:1', goneState: 'UNAVAILABLE' },
        { tag: 'nsk', transport: 'zeromq', curveKey: 'z85:abd', url: 'wss://s:2', goneState: 'UNAVAILABLE' },
      ],
    );
    const dialsUs = PEER.replace(', url: "tcp://s:1"', '');
    const local = BASE.replace('0.0.0.0', '127.0.0.1');
    for (const yaml of [
      `${BASE}peers:\n  - ${dialsUs}\n`,
      `${BASE}ca_file: ca.pem\npeers:\n  - ${PEER}\n`,
      `${local}insecure: true\npeers:\n  - ${PEER}\n`,
      `${BASE}peers:\n  - ${PEER.replace('tcp://s:1', 'tcp://[::1]:7440')}\n`,
    ]) {
      assert.deepEqual(folder.mistakes(yaml), [], yaml);
    }
  });

  test('what it needs to be dialled, as any other', () => {
    const dialsUs = PEER.replace(', url: "tcp://s:1"', '');
    const silent = `${BASE.replace('host: 0.0.0.0', 'enabled: false')}peers:\n  - ${dialsUs}\n`;
    assert.match(folder.mistakes(silent).join(), /has no url, so the peer must dial us, but listen.enabled/);
    const local = `${BASE.replace('0.0.0.0', '127.0.0.1')}peers:\n  - ${dialsUs}\n`;
    assert.match(folder.warnings(local).join(), /but we listen on 127.0.0.1 only \(listen.host\)/);
  });
});

test('a key for ZeroMQ stays with a peer of the other transport, so that one word switches it', () => {
  const peer = '{ tag: spb, url: "wss://s:1", fingerprint: "sha256:abc", curve_key: "z85:abc" }';
  const { peers } = folder.config(`${BASE}peers:\n  - ${peer}\n`);
  assert.deepEqual([peers[0]?.curveKey, peers[0] && 'transport' in peers[0]], ['z85:abc', false]);
  const written = folder.config(`${BASE}peers:\n  - ${peer.replace('}', ', transport: websocket }')}\n`);
  assert.deepEqual(written.peers, peers);
});

describe('what is told to be written for a pattern beside channels', () => {
  const told = (pattern: string) => {
    const [mistake = ''] = folder.mistakes(
      `${BASE}export:\n  - { channels: "PJSIP/{ext}", match: "${pattern}" }\n`,
    );
    return / write (\S+)$/.exec(mistake)?.[1];
  };
  const ALL = ['', '+'].flatMap((sign) =>
    [1, 2, 3, 4].flatMap((digits) =>
      Array.from({ length: 10 ** digits }, (_, n) => sign + String(n).padStart(digits, '0')),
    ),
  );
  /** Of all extensions of one to four digits, those that the item names. */
  const named = (item: string) => {
    const parsed = parseMatch([item]);
    assert.ok(parsed.ok, item);
    return ALL.filter((extension) => matches(parsed.match, extension));
  };

  for (const pattern of [
    '_1XXX',
    '_10XX',
    '_X',
    '_NXX',
    '_1ZX',
    '_[2-4]X',
    '_1[5]XX',
    '_0X',
    '_1-XX',
    '_1001',
    '_+7',
  ]) {
    test(`${pattern}: what names the same extensions`, () => {
      const instead = told(pattern);
      assert.ok(instead !== undefined);
      assert.deepEqual(named(instead), named(pattern));
      assert.deepEqual(
        folder.mistakes(`${BASE}export:\n  - { channels: "PJSIP/{ext}", match: "${instead}" }\n`),
        [],
      );
    });
  }

  test('where no range names the same extensions: how ranges are written', () => {
    for (const pattern of ['_X5', '_1ZZ', '_[13]X', '_1!', '_+1X', '_*7X', '_1e[a-c]', '_XXXXX']) {
      assert.equal(told(pattern), undefined, pattern);
    }
  });
});

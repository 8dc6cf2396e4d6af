// Who gets through TLS and the upgrade, and what somebody who does not can hold.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type tls from 'node:tls';
import { DialError, type PeerAddress } from '../../src/mesh/contract.ts';
import type { Identity } from '../../src/mesh/identity.ts';
import { networkOf } from '../../src/mesh/listener.ts';
import { MAX_HEADER_BYTES, PATH } from '../../src/mesh/websocket-server.ts';
import { authority, expiredIdentity } from './authority.ts';
import { aa, bb, closeAll, dialler, listener, refusal, rest, stranger, toClose } from './tcp-ends.ts';
import { never, until } from './until.ts';
import { client, proof, strange, tlsTo } from './websocket-ends.ts';

afterEach(closeAll);

describe('who may connect', () => {
  test('no certificate: the connection is cut before a word, and the reason told', async () => {
    const { port, refusals } = await listener();
    const socket = await tlsTo(port, {});
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal(await rest(socket), '');
    assert.deepEqual(
      refusals.map(({ reason, remote }) => [reason, remote]),
      [['no-certificate', '127.0.0.1']],
    );
  });

  test('TLS 1.2 is refused, and plain TCP talk too', async () => {
    const { port, refusals } = await listener();
    await assert.rejects(tlsTo(port, { ...proof, maxVersion: 'TLSv1.2' }));
    await until(() => refusals.length === 1, 'noted');
    const socket = net.connect(port, '127.0.0.1');
    toClose.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await rest(socket);
    await until(() => refusals.length === 2, 'noted');
    for (const { reason, remote } of refusals)
      assert.deepEqual([reason, remote], ['bad-handshake', '127.0.0.1']);
  });

  test('an unknown key gets HTTP 403 with what to add, on any path, and never a WebSocket', async () => {
    const { port, refusals, channels } = await listener();
    for (const path of [PATH, '/', '/metrics']) {
      const socket = await tlsTo(port, strange);
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
      );
      const answer = await rest(socket);
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.ok(answer.includes(`unknown key ${stranger.fingerprint} : add it to peers`));
    }
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      ['unknown-key', 'unknown-key', 'unknown-key'],
    );
    assert.equal(channels.length, 0);
  });

  test('a known key gets a WebSocket on one path only; all else is 404 or 426, and the connection ends', async () => {
    const { port, channels } = await listener();
    for (const [path, upgrade, status] of [
      [PATH, '', 426],
      ['/', '', 404],
      ['/metrics', 'Connection: Upgrade\r\nUpgrade: websocket\r\n', 404],
    ] as const) {
      const socket = await tlsTo(port, proof);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
      assert.match(await rest(socket), new RegExp(`^HTTP/1.1 ${status} `));
    }
    assert.equal(channels.length, 0);
  });

  test('a pinned certificate may be long expired: the key is what is pinned', async () => {
    const expired = await expiredIdentity('aa');
    const { port, channels } = await listener({}, [{ tag: 'aa', fingerprint: expired.fingerprint }]);
    const transport = dialler({ identity: expired });
    await transport.dial({ tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${port}` }, never());
    await until(() => channels.length === 1, 'accepted');
    assert.equal(channels[0]?.peer, 'aa');
  });
});

describe('certificates of a CA', () => {
  const ours = authority('our CA');
  const theirs = authority('their CA');

  /** Dials `bb` as whoever holds `identity`; resolves to the tags that were proved, or the two refusals. */
  async function meet(
    identity: Identity,
    server: Identity,
    peers: PeerAddress[],
    peer: Partial<PeerAddress> = {},
  ) {
    const { ca } = await ours;
    const { port, channels, refusals } = await listener({ ca, identity: server }, peers);
    const transport = dialler({ ca, identity });
    const to = { tag: 'bb', url: `wss://127.0.0.1:${port}`, ...peer };
    const dialled = await transport.dial(to, never()).catch((error: DialError) => error);
    if (dialled instanceof DialError) {
      return { ours: dialled.refusal.reason, text: dialled.refusal.text, theirs: refusals[0]?.reason };
    }
    await until(() => channels.length === 1, 'accepted');
    return { dialled: dialled.peer, accepted: channels[0]?.peer };
  }

  test('a certificate with exactly one DNS name, the tag, proves it, in both directions', async () => {
    const { issue } = await ours;
    assert.deepEqual(await meet(await issue(['aa']), await issue(['bb']), [{ tag: 'aa' }]), {
      dialled: 'bb',
      accepted: 'aa',
    });
  });

  test('the common name proves nothing', async () => {
    const { issue } = await ours;
    const met = await meet(await issue([], { cn: 'aa' }), await issue(['bb']), [{ tag: 'aa' }]);
    assert.deepEqual([met.theirs, met.ours], ['bad-certificate', 'refused-by-peer']);
    assert.match(met.text ?? '', /no DNS name/);
  });

  test('two names, a name that is no peer, or the name of a pinned peer: refused', async () => {
    const { issue } = await ours;
    const server = await issue(['bb']);
    for (const [dns, peers] of [
      [['aa', 'cc'], [{ tag: 'aa' }]],
      [
        ['cc', 'aa'],
        [{ tag: 'aa' }, { tag: 'cc' }],
      ],
      [['cc'], [{ tag: 'aa' }]],
      [['aa'], [{ tag: 'aa', fingerprint: aa.fingerprint }]],
    ] as const) {
      const met = await meet(await issue(dns), server, [...peers]);
      assert.deepEqual([met.theirs, met.ours], ['bad-certificate', 'refused-by-peer'], dns.join());
    }
  });

  test('another CA, a self-signed certificate with the right name, one that has ended or not begun: refused', async () => {
    const { issue } = await ours;
    const server = await issue(['bb']);
    const peers = [{ tag: 'aa' }];
    for (const identity of [
      await (await theirs).issue(['aa']),
      aa,
      await issue(['aa'], { notAfter: new Date('2001-01-01') }),
      await issue(['aa'], { notBefore: new Date('2099-01-01') }),
    ]) {
      const met = await meet(identity, server, peers);
      assert.deepEqual([met.theirs, met.ours], ['unknown-key', 'refused-by-peer']);
    }
  });

  test('a name that would match, or is of another kind, is not the tag', async () => {
    const { issue } = await ours;
    const server = await issue(['bb']);
    for (const name of [
      ...['*', 'AA', 'aa.', '*.example.com', 'aa, DNS:bb', 'aa\0', ' aa'],
      ...([
        ['email', 'aa@example.com'],
        ['url', 'aa'],
        ['ip', '127.0.0.1'],
      ] as const),
    ]) {
      const met = await meet(await issue([name], { cn: 'aa' }), server, [{ tag: 'aa' }]);
      assert.deepEqual([met.theirs, met.ours], ['bad-certificate', 'refused-by-peer'], String(name));
    }
  });

  test('a peer is no CA: what it signs proves nobody, although its own certificate is good', async () => {
    const { issue } = await ours;
    const cc = await issue(['cc']);
    const met = await meet(await issue(['aa'], { by: cc }), await issue(['bb']), [
      { tag: 'aa' },
      { tag: 'cc' },
    ]);
    assert.deepEqual([met.theirs, met.ours], ['unknown-key', 'refused-by-peer']);
  });

  test('the dialling side holds the listener to the same', async () => {
    const { issue } = await ours;
    const us = await issue(['aa']);
    for (const server of [
      await issue(['cc']),
      await issue(['bb', 'cc']),
      await issue([], { cn: 'bb' }),
      await issue(['bb'], { notAfter: new Date('2001-01-01') }),
      await issue(['bb'], { notBefore: new Date('2099-01-01') }),
      await issue(['bb'], { by: await issue(['cc']) }),
      await issue(['*']),
      await (await theirs).issue(['bb']),
      bb,
    ]) {
      assert.equal((await meet(us, server, [{ tag: 'aa' }])).ours, 'bad-certificate');
    }
    assert.equal((await meet(us, await issue(['bb']), [{ tag: 'aa' }], bb)).ours, 'wrong-key');
  });

  test('pinned peers and peers of a CA live side by side', async () => {
    const { issue } = await ours;
    const met = await meet(aa, await issue(['bb']), [
      { tag: 'aa', fingerprint: aa.fingerprint },
      { tag: 'cc' },
    ]);
    assert.deepEqual(met, { dialled: 'bb', accepted: 'aa' });
  });

  test('without a CA of ours a peer without fingerprint is nobody: no public CA is trusted', async () => {
    const { port, refusals } = await listener({}, [{ tag: 'aa' }]);
    const to = { tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${port}` };
    assert.equal((await refusal(dialler().dial(to, never()))).reason, 'refused-by-peer');
    assert.equal(refusals[0]?.reason, 'unknown-key');
    const unpinned = await refusal(dialler().dial({ tag: 'bb', url: to.url }, never()));
    assert.equal(unpinned.reason, 'unknown-key');
    assert.ok(unpinned.text.includes(bb.fingerprint));
  });
});

describe('bounds on those who have not proved who they are', () => {
  test('whoever does not get through in time is cut, at whatever step it stops, and told of once each', async () => {
    const { port, refusals } = await listener({ handshakeTimeoutMs: 150 });
    const silent = net.connect(port, '127.0.0.1');
    toClose.push(() => silent.destroy());
    silent.on('error', () => {});
    const secured = await tlsTo(port, proof);
    const slow = await tlsTo(port, proof);
    slow.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n`);
    await Promise.all([silent, secured, slow].map(rest));
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      ['handshake-timeout', 'handshake-timeout', 'handshake-timeout'],
    );
  });

  test('too many connections of one address are refused; places are given back', async () => {
    const { port, refusals, channels } = await listener({ maxPerAddress: 3 });
    const idle: tls.TLSSocket[] = [];
    for (let n = 0; n < 3; n++) idle.push(await tlsTo(port, proof));
    await assert.rejects(tlsTo(port, proof));
    assert.deepEqual(
      refusals.map(({ reason, remote }) => [reason, remote]),
      [['too-many-connections', '127.0.0.1']],
    );
    for (const socket of idle) socket.destroy();
    const to = { tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${port}` };
    // The listener hears of it when it does.
    const transport = dialler();
    await until(async () => {
      await transport.dial(to, never()).catch(() => {});
      return channels.length === 1;
    }, 'accepted again');
  });

  test('an IPv6 address stands for its /64, an IPv4 address for itself', () => {
    for (const [address, network] of [
      ['192.0.2.7', '192.0.2.7'],
      ['unknown', 'unknown'],
      ['::1', '0:0:0:0::/64'],
      ['2001:db8::7', '2001:db8:0:0::/64'],
      ['2001:db8:0:1:a:b:c:d', '2001:db8:0:1::/64'],
      ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
      ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
      ['fe80::a%eth0', 'fe80:0:0:0::/64'],
    ] as const) {
      assert.equal(networkOf(address), network, address);
    }
  });

  test('strangers from one IPv6 /64 count together, whatever addresses they use; proved peers there do not', async (t) => {
    // Loopback has one IPv6 address only: here every connection is made to look as if it had one of its own. Node
    // asks for both address and port there.
    const sockets = net.Socket.prototype as unknown as {
      _getpeername(): { port?: number; address?: string };
    };
    const real = sockets._getpeername;
    t.mock.method(sockets, '_getpeername', function (this: net.Socket) {
      const { port, ...rest } = real.call(this);
      return port === undefined ? rest : { ...rest, port, address: `2001:db8::${port.toString(16)}` };
    });
    const { port, refusals } = await listener({ maxPerAddress: 3 });
    const proved = [];
    for (let n = 0; n < 4; n++) proved.push(await client(port));
    for (let n = 0; n < 3; n++) await tlsTo(port, proof);
    await assert.rejects(tlsTo(port, proof));
    assert.deepEqual(
      refusals.map(({ reason, text }) => [reason, text]),
      [['too-many-connections', 'more than 3 connections of 2001:db8:0:0::/64']],
    );
    assert.ok(proved.every((socket) => socket.readyState === socket.OPEN));
  });

  test('too many unproved connections: the oldest goes, so that silence cannot lock a peer out', async () => {
    const { port, refusals, channels } = await listener({ maxUnproved: 3 });
    const idle: tls.TLSSocket[] = [];
    for (let n = 0; n < 3; n++) idle.push(await tlsTo(port, proof));
    await dialler().dial({ tag: 'bb', fingerprint: bb.fingerprint, url: `wss://127.0.0.1:${port}` }, never());
    await until(() => channels.length === 1, 'a peer gets in');
    await until(() => idle[0]?.closed === true, 'the oldest is gone');
    assert.deepEqual([idle[1]?.closed, idle[2]?.closed], [false, false]);
    assert.deepEqual(
      refusals.map(({ reason, remote }) => [reason, remote]),
      [['too-many-connections', '127.0.0.1']],
    );
  });

  test('those who are proved do not count as unproved, but do count for their address', async () => {
    const { port } = await listener({ maxUnproved: 1, maxPerAddress: 4 });
    const proved = [];
    for (let n = 0; n < 4; n++) proved.push(await client(port));
    await assert.rejects(client(port));
    assert.ok(proved.every((socket) => socket.readyState === socket.OPEN));
  });

  test('a port that is used again at once does not escape the time limit', async () => {
    const { port } = await listener({ handshakeTimeoutMs: 300 });
    const silent: net.Socket[] = [];
    // Between two uses another program may take the port; then that one does not count.
    for (let tries = 0; tries < 200 && silent.length < 20; tries++) {
      const first = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
      first.on('error', () => {});
      await once(first, 'connect');
      const { localPort } = first;
      assert.ok(localPort !== undefined);
      first.resetAndDestroy();
      const again = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort });
      again.on('error', () => {});
      toClose.push(() => again.destroy());
      if (
        await once(again, 'connect').then(
          () => true,
          () => false,
        )
      )
        silent.push(again);
    }
    assert.equal(silent.length, 20);
    await until(() => silent.every((socket) => socket.closed), 'all are cut');
  });

  test('headers have an end', async () => {
    const { port, refusals } = await listener();
    const socket = await tlsTo(port, proof);
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(MAX_HEADER_BYTES)}\r\n\r\n`);
    await rest(socket);
    assert.equal(refusals[0]?.reason, 'bad-handshake');
  });
});

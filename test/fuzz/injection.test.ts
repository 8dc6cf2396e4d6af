// A peer with a good key tries to write into our Asterisk what it likes: whole brokers, real TLS, a simulated
// Asterisk, and every byte that arrives there looked at.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker } from '../../src/broker.ts';
import type { PeerAddress } from '../../src/mesh/contract.ts';
import { ALONE, HOST, hintRule, Site } from '../broker/sites.ts';
import { closeAll, OFTEN } from '../mesh/tcp-ends.ts';
import { type RawPeer, rawPeer } from '../mesh/tcp-mesh.ts';
import { identityOf } from '../mesh/tcp-world.ts';
import { until } from '../until.ts';
import { claimActions } from './oracle.ts';
import { Tap } from './tap.ts';

/** What ends a line or a packet, what closes a function, what a shell or a terminal would run. */
const EVIL = [
  '1001\r\nAction: Command\r\nCommand: core stop now\r\n\r\n',
  '1001)\r\nValue: INUSE\r\n\r\nAction: Originate\r\nChannel: Local/666@out',
  '1001\nAction: Logoff',
  '1001\rAction: Logoff',
  '1001\0Action: Logoff',
  '1001\u2028Action: Logoff',
  '1001\u0085Action: Logoff',
  '1001)${SHELL(touch /tmp/x)}',
  '1001*spb) Custom:1(',
  '1001,Custom:2001&PJSIP/1',
  '\x1b[2J\x9b2J',
  '\ud800',
];
/** A field of a peer's → the frames that have an evil text there, after a good hello and snapshot unless it is one. */
const FIELDS: Readonly<Record<string, (evil: string, tag: string) => object[]>> = {
  'the extension of a change': (evil) => [change([['device', evil, 'INUSE']])],
  'the extension of a snapshot': (evil) => [snapshot(2, [['device', evil, 'INUSE']])],
  'an extension that goes': (evil) => [change([['device', evil, null]])],
  'the state of a change': (evil) => [change([['device', '1001', evil]])],
  'the state of a snapshot': (evil) => [snapshot(2, [['device', '1001', evil]])],
  'the extension of a presence': (evil) => [change([['presence', evil, 'away', 'x', 'y']])],
  'the state of a presence': (evil) => [change([['presence', '1001', evil, 'x', 'y']])],
  'the texts of a presence': (evil) => [
    change([['presence', '1001', 'away', evil, 'y']]),
    change([['presence', '1001', 'away', 'x', evil]], 3),
  ],
  'a kind': (evil) => [change([[evil, '1001', 'INUSE']])],
  'what follows in an entry': (evil) => [change([['device', '1001', 'INUSE', evil]])],
  'a type': (evil) => [{ type: evil, seq: 2, text: evil }],
  'an unknown key': (evil) => [{ ...change([['device', '1001', 'INUSE']]), [evil]: evil }],
  'a refusal': (evil) => [{ type: 'refuse', code: evil, text: evil }],
  'the tag of hello': (evil, tag) => [{ ...hello(tag), tag: evil }],
  'the tag of hello, behind its own': (evil, tag) => [{ ...hello(tag), tag: `${tag}${evil}` }],
  'the peer of hello': (evil, tag) => [{ ...hello(tag), peer: evil }],
  'the epoch of hello': (evil, tag) => [{ ...hello(tag), epoch: evil }],
  'the kinds of hello': (evil, tag) => [{ ...hello(tag), kinds: ['device', evil] }],
};
/** A peer may dial 20 links at once (LINK_BURST), and one more is for what is honest. */
const CASES_PER_PEER = 18;

/** What becomes part of a lamp is tried with all; with what never does, each text has its turn at some fields. */
const LAMP_FIELDS = 8;
const CASES = Object.entries(FIELDS).flatMap(([field, frames], n) =>
  EVIL.filter((_, m) => n < LAMP_FIELDS || m % 3 === n % 3).map((evil) => ({ field, frames, evil })),
);
const TAGS = Array.from({ length: Math.ceil(CASES.length / CASES_PER_PEER) }, (_, n) => `p${n}`);

const ALL = [...TAGS, 'good', 'late'];

function hello(tag: string, epoch = `of${tag}`) {
  const limits = { frameBytes: 262_144, frameStates: 200 };
  return { type: 'hello', version: 1, tag, peer: 'msk', epoch, kinds: ['device'], limits };
}
const snapshot = (seq: number, entries: unknown[]) => ({ type: 'snapshot', seq, entries, last: true });
const change = (entries: unknown[], seq = 2) => ({ type: 'change', seq, entries });

let site: Site;
let tap: Tap;
let broker: Broker;

before(async () => {
  site = new Site('msk', await identityOf('msk'), {
    exports: [hintRule('ext-local', '_1XXX')],
    asterisk: { bootMs: 10, hints: { '1001': 'PJSIP/1001' }, devices: { 'PJSIP/1001': 'NOT_INUSE' } },
  });
  await site.asterisk.start();
  await site.asterisk.whenBooted();
  tap = await Tap.to(() => site.asterisk.port);
  const options = site.brokerOptions([]);
  const peers = await Promise.all(
    ALL.map(async (tag) => {
      return { tag, fingerprint: (await identityOf(tag)).fingerprint, goneState: 'UNAVAILABLE' as const };
    }),
  );
  broker = new Broker(
    {
      ...options,
      peers,
      ami: { ...options.ami, port: tap.port },
      tcp: { ...options.tcp, arrivals: OFTEN, maxPerAddress: 1_000 },
    },
    () => {},
    ALONE,
  );
  await broker.start();
  await until('Asterisk is up', () => broker.status().asterisk.up);
});

after(async () => {
  await closeAll();
  await broker.close();
  await tap.close();
  await site.asterisk.stop();
});

/** A link of a peer by hand: what it says first, and what comes after when it has been answered. */
async function dial(tag: string): Promise<RawPeer> {
  const to: PeerAddress = { tag: 'msk', url: `wss://${HOST}:${broker.address?.port}` };
  return rawPeer('websocket', tag, to);
}

const say = (peer: RawPeer, frame: object): void => peer.send(JSON.stringify(frame));

/** A good peer that is linked and has told this state of 1001. */
async function honest(tag: string, state: string, epoch?: string): Promise<RawPeer> {
  const peer = await dial(tag);
  say(peer, hello(tag, epoch));
  say(peer, snapshot(1, [['device', '1001', state]]));
  await lampIs(tag, state);
  return peer;
}

async function lampIs(tag: string, state: string): Promise<void> {
  const device = `Custom:1001*${tag}`;
  await until(`${device} is ${state}`, () => site.asterisk.pbx.deviceState(device) === state);
}

/** Everything that was ever written to Asterisk. Returns the lamps, `EXT*tag=STATE`. */
function written(): Set<string> {
  const lamps = new Set<string>();
  for (const bytes of tap.written) {
    const text = bytes.toString('latin1');
    // The last action may be under way.
    const whole = text.slice(0, text.lastIndexOf('\r\n\r\n') + 4);
    if (whole.length < 4) continue;
    for (const { Action, Variable, Value } of claimActions(whole, ALL)) {
      const lamp = /^DEVICE_STATE\(Custom:(.*)\)$/.exec(Variable ?? '')?.[1];
      if (Action === 'Setvar' && lamp) lamps.add(`${lamp}=${Value}`);
    }
  }
  return lamps;
}

test(`${CASES.length} times: nothing that a peer says in any field becomes more than a lamp of its own`, async () => {
  let at = 0;
  for (const { field, frames, evil } of CASES) {
    const tag = TAGS[Math.floor(at++ / CASES_PER_PEER)] ?? '';
    const peer = await dial(tag);
    const bad = frames(evil, tag);
    if (!('version' in (bad[0] ?? {}))) {
      say(peer, hello(tag));
      say(peer, snapshot(1, [['device', '1001', 'INUSE']]));
    }
    for (const frame of bad) say(peer, frame);
    // An answer to a ping, or the end of the link, comes after all that was said before.
    peer.send('{"type":"ping","id":77}');
    const done = (): boolean =>
      peer.closed !== undefined || peer.got.some((text) => text.includes('"id":77,"clock"'));
    await until(`${field}: ${JSON.stringify(evil)} is dealt with`, done);
    for (const text of peer.got) assert.match(text, /^[\x20-\x7e]*$/, 'what it is told is printable');
    peer.terminate();
  }
  const peer = await honest('good', 'RINGING');
  say(peer, change([['device', '1001', 'ONHOLD']]));
  await lampIs('good', 'ONHOLD');
  peer.terminate();
  const lamps = written();
  // Whoever is gone shows UNAVAILABLE: how long this takes does not matter.
  const expected = new Set(
    ALL.flatMap((tag) =>
      ['INUSE', 'UNAVAILABLE', 'RINGING', 'ONHOLD'].map((state) => `1001*${tag}=${state}`),
    ),
  );
  for (const lamp of lamps) assert.ok(expected.has(lamp), lamp);
  assert.ok(lamps.has('1001*good=ONHOLD') && lamps.has('1001*p0=INUSE'));
  assert.equal(tap.written.length, 1, 'the session with Asterisk never broke');
});

test('frames of an earlier session, said again, are worth nothing', async () => {
  const first = await honest('good', 'RINGING');
  const old = [
    snapshot(1, [['device', '1001', 'RINGING']]),
    change([['device', '1001', 'BUSY']]),
    { type: 'alive', seq: 3 },
  ];
  say(first, old[1] ?? {});
  await lampIs('good', 'BUSY');
  first.terminate();
  const second = await honest('good', 'INUSE');
  for (const frame of old) say(second, frame);
  await until('the link is dropped', () => second.closed !== undefined);
  assert.equal(site.asterisk.pbx.deviceState('Custom:1001*good'), 'INUSE');
  (await honest('good', 'NOT_INUSE')).terminate();
});

test('a hello of an earlier run, of another version, or with something left out: refused, and nothing is heard', async () => {
  const present = await honest('late', 'INUSE', 'present');
  const whole: Readonly<Record<string, unknown>> = hello('late', 'present');
  const cases: [string, object, string][] = [
    ['an earlier run', hello('late', 'earlier'), 'tag-in-use'],
    ['version 0', { ...whole, version: 0 }, 'bad-frame'],
    ['version 2', { ...whole, version: 2 }, 'version'],
    ['version "1"', { ...whole, version: '1' }, 'bad-frame'],
  ];
  for (const key of Object.keys(whole))
    cases.push([`no ${key}`, { ...whole, [key]: undefined }, 'bad-frame']);
  for (const [what, frame, code] of cases) {
    const peer = await dial('late');
    say(peer, frame);
    say(peer, snapshot(1, [['device', '1001', 'BUSY']]));
    await until(`${what}: refused`, () => peer.closed !== undefined);
    assert.ok(
      peer.got.some((text) => text.includes(`"code":"${code}"`)),
      `${what}: ${peer.got}`,
    );
  }
  assert.equal(present.closed, undefined, 'the link that is up goes on');
  assert.equal(site.asterisk.pbx.deviceState('Custom:1001*late'), 'INUSE');
});

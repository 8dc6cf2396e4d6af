// Mailboxes and presence: what the origin's sources say, and what is written for it elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../src/core/federation.ts';
import { NOT_SET, presenceOf } from '../../src/core/presence.ts';
import { device, hint, NOTHING, OneCore, out, presence, writes } from './one-core.ts';
import { hints, mailboxes, presences } from './rules.ts';
import { TIMING } from './world.ts';

const SPB = [{ tag: 'spb', goneState: 'UNAVAILABLE' }] as const;
const AWAY = presenceOf({ word: 'away', subtype: 'lunch', message: 'back at 2' });

test('a mailbox is an extension of its own: in use while it has new messages, gone with its box', () => {
  const one = new OneCore({
    exports: [hints('local', '_1XXX'), mailboxes('default', '_1XXX')],
    origins: SPB,
  });
  const boxes = [
    { mailbox: '1001@default', newMessages: 2 },
    { mailbox: '1002@default', newMessages: 0 },
    { mailbox: '1003@sales', newMessages: 1 },
    { mailbox: '2001@default', newMessages: 1 },
  ];
  assert.deepEqual(out(one.up({ hints: [hint('1001', 8)], mailboxes: boxes })), [
    'all: 1001=RINGING vm1001=INUSE vm1002=NOT_INUSE',
  ]);
  const changed = (mailbox: string, newMessages: number) =>
    out(one.input({ type: 'mailboxChanged', status: { mailbox, newMessages } }));
  assert.deepEqual(changed('1001@default', 3), [], 'one more is no other state');
  assert.deepEqual(changed('1001@default', 0), ['all: vm1001=NOT_INUSE']);
  assert.deepEqual(changed('1003@sales', 0), []);
  assert.deepEqual(changed('1009@default', 1), ['all: vm1009=INUSE']);
  assert.deepEqual(out(one.relisted({ hints: [hint('1001')], mailboxes: boxes.slice(0, 1) })), [
    'all: vm1002=null vm1009=null 1001=NOT_INUSE vm1001=INUSE',
  ]);
});

test('presence is told beside the state of the phone, and none where nothing was set', () => {
  const one = new OneCore({
    exports: [
      hints('local', '_1XXX'),
      presences('CustomPresence:{ext}', '_1XXX'),
      presences('custompresence:{ext}', '_1.'),
    ],
    origins: SPB,
  });
  const listed = [
    { presentity: 'CustomPresence:1001', presence: AWAY },
    { presentity: 'CustomPresence:1002', presence: NOT_SET },
    { presentity: 'CustomPresence:2001', presence: AWAY },
    { presentity: 'CustomPresence:1003*spb', presence: AWAY },
  ];
  assert.deepEqual(out(one.up({ hints: [hint('1001')], presences: listed })), [
    'all: 1001=NOT_INUSE presence 1001=away,lunch,back at 2',
  ]);
  const changed = (presentity: string, value = AWAY) =>
    out(one.input({ type: 'presenceChanged', status: { presentity, presence: value } }));
  assert.deepEqual(changed('CustomPresence:1001'), [], 'Asterisk repeats itself');
  assert.deepEqual(changed('CustomPresence:1001', NOT_SET), ['all: presence 1001=null']);
  assert.deepEqual(changed('CustomPresence:1002'), ['all: presence 1002=away,lunch,back at 2']);
  assert.deepEqual(changed('CustomPresence:1003*spb'), [], 'a lamp is never exported');
  assert.deepEqual(changed('custompresence:1003*spb'), []);
  assert.deepEqual(out(one.relisted({ hints: [hint('1001')] })), ['all: presence 1002=null']);
});

test("a peer's presence is written when it differs, goes to not_set with it, and to unavailable with its PBX", () => {
  const one = new OneCore({ origins: SPB });
  const held = presenceOf({ word: 'dnd', subtype: '', message: '' });
  one.up({ presences: [{ presentity: 'CustomPresence:2002*spb', presence: held }] });
  one.link('spb');
  const first = one.told(
    'spb',
    device('2001', 'INUSE'),
    presence('2001', 'away', 'a', 'b'),
    presence('2002', 'dnd'),
  );
  assert.deepEqual(writes(first), ['2001*spb=INUSE', 'presence 2001*spb=away,a,b']);
  one.answer(first);
  const echo = {
    presentity: 'CustomPresence:2001*spb',
    presence: presenceOf({ word: 'away', subtype: 'a', message: 'b' }),
  };
  assert.deepEqual(writes(one.input({ type: 'presenceChanged', status: echo })), []);
  one.now += 5_000;
  one.answer(one.heard('spb', { type: 'alive' }));
  const less = one.heard('spb', { type: 'change', entries: [presence('2001', null)] });
  assert.deepEqual(writes(less), ['presence 2001*spb=not_set']);
  one.answer(less);
  one.now += TIMING.suspectAfterMs + 100;
  assert.deepEqual(writes(one.input({ type: 'tick' })), [], 'suspect: all hold');
  for (let i = 0; i < 200; i += 1) {
    one.now += 100;
    one.answer(one.input({ type: 'tick' }));
  }
  const states = [...one.core.lamps()].map(({ kind, name, written }) => [kind, name, written]);
  assert.deepEqual(states, [
    ['presence', '2002*spb', presenceOf({ word: 'unavailable', subtype: '', message: '' })],
    ['device', '2001*spb', 'UNAVAILABLE'],
    ['presence', '2001*spb', presenceOf({ word: 'unavailable', subtype: '', message: '' })],
  ]);
});

test('a presence whose name Asterisk would cut is refused, and its phone has its lamp all the same', () => {
  const one = new OneCore({ origins: SPB });
  one.up();
  one.link('spb');
  const [fits, long] = ['1'.repeat(60), '1'.repeat(61)];
  const effects = one.told('spb', presence(fits, 'away'), presence(long, 'away'), device(long, 'INUSE'));
  assert.deepEqual(writes(effects), [`presence ${fits}*spb=away`, `${long}*spb=INUSE`]);
  const [note] = effects.filter(
    (effect) => effect.type === 'note' && effect.note.kind === 'extensionRefused',
  );
  assert.match(JSON.stringify(note), /its presence 1+\*spb would be longer than 64 characters/);
});

test('a presence that somebody else wrote is written again, as a lamp is', () => {
  const one = new OneCore({ origins: SPB });
  one.up();
  one.link('spb');
  one.answer(one.told('spb', presence('2001', 'chat')));
  const other = { presentity: 'CustomPresence:2001*spb', presence: AWAY };
  one.input({ type: 'presenceChanged', status: other });
  one.now += 1_100;
  assert.deepEqual(writes(one.input({ type: 'tick' })), ['presence 2001*spb=chat']);
});

test('a presence that was in the database of an Asterisk is forgotten when it is not there any more', () => {
  const one = new OneCore({ origins: SPB });
  one.up({ presences: [{ presentity: 'CustomPresence:2001*spb', presence: AWAY }] });
  assert.deepEqual(
    [...one.core.lamps()].map(({ name }) => name),
    ['2001*spb'],
  );
  one.input({ type: 'asteriskDown' });
  one.input({ type: 'asteriskUp', listing: NOTHING });
  assert.deepEqual([...one.core.lamps()], []);
});

test('where Asterisk takes no presence, lamps do not wait for what it refuses; it is tried again when all is read', () => {
  const one = new OneCore({ origins: SPB });
  one.up();
  one.link('spb');
  const many = Array.from({ length: 50 }, (_, i) => presence(`2${100 + i}`, 'away'));
  const answer = (effects: readonly Effect[]): string[] => {
    for (const effect of effects) {
      if (effect.type !== 'setLamp') continue;
      const absent = effect.kind === 'presence';
      const done = absent ? { ok: false, why: 'no PRESENCE_STATE', absent } : { ok: true };
      one.input({ type: 'writeDone', id: effect.id, ...done });
    }
    return writes(effects);
  };
  const first = answer(one.told('spb', ...many, device('2001', 'INUSE')));
  assert.equal(first.length, 10, 'the burst');
  one.now += 50;
  assert.deepEqual(answer(one.input({ type: 'tick' })), ['2001*spb=INUSE']);
  one.now += 20_000;
  assert.deepEqual(
    answer(one.input({ type: 'tick' })).filter((write) => write.startsWith('presence')),
    [],
  );
  assert.deepEqual([one.core.status(one.now).owed, one.core.status(one.now).refused], [0, 0]);
  assert.notEqual(answer(one.relisted()).length, 0, 'perhaps it can now');
});

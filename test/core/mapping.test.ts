// Who sees what, and under which name: views of exports, renumbering, what is imported, lamps without a tag.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { device, hint, OneCore, out, presence, writes } from './one-core.ts';
import { as, devices, hints, mailboxes, match, presences } from './rules.ts';
import { TIMING } from './world.ts';

const SPB = { tag: 'spb', goneState: 'UNAVAILABLE' } as const;
const EKB = { tag: 'ekb', goneState: 'BUSY' } as const;
const where = 'test:1:1';

test('a peer is told only what it may see, and peers that may see the same are told it once', () => {
  const exports = [
    { ...hints('local', '_1XXX'), to: ['spb', 'nsk'] },
    hints('local', '_2XXX'),
    { ...presences('CustomPresence:{ext}', '_1XXX'), to: ['ekb'] },
  ];
  const one = new OneCore({ exports, origins: [SPB, EKB, { tag: 'nsk', goneState: 'BUSY' }] });
  one.up({ hints: [hint('1001'), hint('2001')] });
  const views = ['spb', 'ekb', 'nsk'].map((peer) => out(one.link(peer)));
  assert.deepEqual(views, [
    ['100 lines 10: 1001=NOT_INUSE 2001=NOT_INUSE'],
    ['101 lines 01: 2001=NOT_INUSE'],
    ['102 lines 10: 1001=NOT_INUSE 2001=NOT_INUSE'],
  ]);
  const changed = out(one.input({ type: 'hintChanged', status: hint('1001', 1) }));
  assert.deepEqual(changed, ['all: 1001=INUSE', 'lines 10: 1001=INUSE'], 'all: for those who watch us');
});

test('who may see what can change while links are up: only those that it concerns are told anew', () => {
  const rule = hints('local', '_1XXX');
  const other = hints('local', '_2XXX');
  const one = new OneCore({ exports: [rule, other], origins: [SPB, EKB] });
  one.up({ hints: [hint('1001'), hint('2001')] });
  one.link('spb');
  one.link('ekb');
  assert.deepEqual(out(one.configure({ exports: [{ ...rule, to: ['ekb'] }, other] })), [
    '100 lines 0: 2001=NOT_INUSE',
  ]);
  assert.deepEqual(out(one.input({ type: 'hintChanged', status: hint('1001', 1) })), ['all: 1001=INUSE']);
  // One line for the other: the view has the name it had, and shows something else.
  assert.deepEqual(out(one.configure({ exports: [rule, { ...other, to: ['ekb'] }] })), [
    '100 lines 0: 1001=INUSE',
  ]);
  assert.deepEqual(out(one.configure({ exports: [rule, other] })), ['100 all: 1001=INUSE 2001=NOT_INUSE']);
});

test('a link that may see less than it was told ends, where a snapshot cannot be vouched for', () => {
  const rule = hints('local', '_1XXX');
  const one = new OneCore({ exports: [rule], origins: [SPB, EKB] });
  one.up({ hints: [hint('1001')] });
  one.link('spb');
  one.input({ type: 'asteriskDown' });
  const effects = one.configure({ exports: [{ ...rule, to: ['ekb'] }] });
  assert.deepEqual(
    effects.filter(({ type }) => type === 'dropLink'),
    [{ type: 'dropLink', link: 100, why: 'what it may see was changed' }],
  );
});

test('an extension is published under the name its line gives it, and goes when the line gives it another', () => {
  const seven = { ...hints('local', '_1XXX'), as: as('7') };
  const one = new OneCore({
    exports: [seven, { ...devices(['PJSIP/{ext}'], '_2XXX'), as: as('', 1) }],
    origins: [SPB],
  });
  one.link('spb');
  const states = [{ device: 'PJSIP/2001', state: 'BUSY' }] as const;
  assert.deepEqual(out(one.up({ hints: [hint('1001', 1)], devices: states })), [
    'all: 71001=INUSE 001=BUSY',
    '100 all: 71001=INUSE 001=BUSY',
  ]);
  assert.deepEqual(out(one.input({ type: 'hintChanged', status: hint('1001') })), ['all: 71001=NOT_INUSE']);
  assert.deepEqual(out(one.configure({ exports: [{ ...seven, as: as('8') }] })), [
    'all: 71001=null 001=null',
  ]);
  assert.deepEqual(out(one.relisted({ hints: [hint('1001', 1)] })), ['all: 81001=INUSE']);
});

test('of two lines that name an extension the first one counts', () => {
  const one = new OneCore({
    exports: [
      hints('local', '_1XXX'),
      devices(['PJSIP/{ext}'], '_1XXX', '_2XXX'),
      mailboxes('default', '1001'),
    ],
    origins: [SPB],
  });
  const status = { device: 'PJSIP/1001', state: 'BUSY' } as const;
  one.up({ hints: [hint('1001')], devices: [status] });
  assert.deepEqual(out(one.link('spb')), ['100 all: 1001=NOT_INUSE']);
  assert.deepEqual(out(one.input({ type: 'deviceChanged', status })), []);
});

test('only what an import line names is taken, by the name it gives', () => {
  const imports = [
    { from: 'spb', match: match('_20XX'), as: as('8'), where },
    { match: match('_1XXX'), where },
  ];
  const one = new OneCore({ origins: [{ ...SPB, imports }] });
  one.up();
  one.link('spb');
  const first = one.told(
    'spb',
    device('2001', 'INUSE'),
    device('2101', 'BUSY'),
    device('1001', 'RINGING'),
    presence('2001', 'away'),
  );
  assert.deepEqual(writes(first), ['82001*spb=INUSE', '1001*spb=RINGING', 'presence 82001*spb=away']);
  one.answer(first);
  const effects = one.heard('spb', {
    type: 'change',
    entries: [device('2101', 'INUSE'), device('2001', null)],
  });
  assert.deepEqual(writes(effects), ['82001*spb=INVALID']);
  assert.equal(one.core.status(0).origins[0]?.extensions, 1);
});

test('other import rules take a new snapshot: the link is dropped, and the lamps hold until then', () => {
  const one = new OneCore({ origins: [SPB, EKB] });
  one.up();
  one.link('spb');
  one.link('ekb');
  one.answer(one.told('spb', device('2001', 'INUSE'), device('2101', 'BUSY')));
  const imports = [{ match: match('_20XX'), where }];
  one.answer(one.configure({ origins: [{ ...SPB, imports: [] }, EKB] }));
  const changed = one.configure({ origins: [{ ...SPB, imports }, EKB] });
  assert.deepEqual(
    changed.filter(({ type }) => type === 'dropLink'),
    [{ type: 'dropLink', link: 100, why: 'what is imported from spb was changed' }],
  );
  assert.deepEqual(writes(changed), []);
  one.input({ type: 'linkDown', peer: 'spb', link: 100 });
  one.link('spb');
  assert.deepEqual(writes(one.told('spb', device('2001', 'INUSE'), device('2101', 'BUSY'))), [
    '2101*spb=INVALID',
  ]);
});

const PLAIN = [{ from: 'spb', match: match('_2XXX'), where }];

test('a plain lamp shows what the lamp with the tag shows, also when its PBX is gone', () => {
  const one = new OneCore({ origins: [{ ...SPB, plain: PLAIN }, EKB] });
  one.up();
  one.link('spb');
  const first = one.told('spb', device('2001', 'INUSE'), device('3001', 'BUSY'), presence('2001', 'away'));
  assert.deepEqual(writes(first), [
    '2001*spb=INUSE',
    '2001=INUSE',
    '3001*spb=BUSY',
    'presence 2001*spb=away',
    'presence 2001=away',
  ]);
  one.answer(first);
  assert.equal(one.core.status(0).origins.find(({ tag }) => tag === 'spb')?.lamps, 5);
  one.input({ type: 'linkDown', peer: 'spb', link: 100 });
  one.now = 1;
  one.input({ type: 'tick' });
  const seen = new Map<string, string>();
  while (one.now < 20_000) {
    one.now += 500;
    const effects = one.input({ type: 'tick' });
    one.answer(effects);
    for (const write of writes(effects)) seen.set(...(write.split('=') as [string, string]));
  }
  assert.deepEqual(
    [seen.get('2001'), seen.get('presence 2001'), seen.get('3001*spb')],
    ['UNAVAILABLE', 'unavailable', 'UNAVAILABLE'],
  );
});

test('a plain lamp found in Asterisk, or that a hint names, shows what is known of it before its PBX is heard, and after', () => {
  const one = new OneCore({ origins: [{ ...SPB, plain: PLAIN }] });
  const found = [
    { device: 'Custom:2001', state: 'INUSE' },
    { device: 'Custom:1001', state: 'INUSE' },
  ] as const;
  const named = [hint('2002', 0, 'Custom:2002'), hint('1002', 0, 'Custom:1002')];
  const first = one.up({ devices: found, hints: named });
  assert.deepEqual(writes(first), ['2002=UNAVAILABLE'], 'one that was never written would show idle');
  one.answer(first);
  one.now = TIMING.firstSyncMs + 100;
  one.input({ type: 'asteriskAnswered' });
  let gone = writes(one.input({ type: 'tick' }));
  while (gone.length === 0 && one.now < 40_000) {
    one.now += 500;
    gone = writes(one.input({ type: 'tick' }));
  }
  assert.deepEqual(gone, ['2001=UNAVAILABLE']);
  one.link('spb');
  const told = one.told('spb', device('2001', 'RINGING'));
  assert.deepEqual(writes(told).sort(), ['2001*spb=RINGING', '2001=RINGING', '2002=INVALID']);
});

test('a plain lamp that is none any more is cleared; one that is new is lit at once', () => {
  const one = new OneCore({ origins: [{ ...SPB, plain: PLAIN }] });
  one.up();
  one.link('spb');
  one.answer(one.told('spb', device('2001', 'INUSE'), device('3001', 'BUSY')));
  const moved = [{ from: 'spb', match: match('_3XXX'), as: as('', 1), where }];
  const effects = one.configure({ origins: [{ ...SPB, plain: moved }] });
  one.answer(effects);
  assert.deepEqual(writes(effects).sort(), ['001=BUSY', '2001=INVALID']);
  one.answer(one.heard('spb', { type: 'change', entries: [device('2001', 'RINGING')] }));
  // It shows nothing of ours any more, so it is free for others.
  const other = { device: 'Custom:2001', state: 'BUSY' } as const;
  one.input({ type: 'deviceChanged', status: other });
  one.relisted({ devices: [other] });
  one.now += 5_000;
  assert.deepEqual(writes(one.input({ type: 'tick' })), []);
  assert.equal(one.core.lamp('2001').desired, undefined);
});

test('a hint or device that is a plain lamp is never exported', () => {
  const exports = [hints('local', '_[12]XXX'), devices(['Custom:{ext}'], '_3XXX')];
  const plain = [{ from: 'spb', match: match('_2XXX', '_3XXX'), where }];
  const one = new OneCore({ exports, origins: [{ ...SPB, plain }] });
  const status = { device: 'Custom:3001', state: 'INUSE' } as const;
  const listing = { hints: [hint('2001', 1, 'Custom:2001'), hint('1001', 1)], devices: [status] };
  const effects = one.up(listing);
  assert.deepEqual(out(effects), ['all: 1001=INUSE']);
  assert.ok(effects.some((effect) => effect.type === 'note' && effect.note.kind === 'hintNamesLamp'));
  assert.deepEqual(out(one.input({ type: 'deviceChanged', status })), []);
  // Without the plain lamps they are what they look like.
  one.configure({ origins: [SPB] });
  assert.deepEqual(out(one.relisted(listing)), ['all: 2001=INUSE 3001=INUSE']);
});

test('a plain lamp can go over from one PBX to another, whichever comes first', () => {
  for (const [from, to] of [
    ['spb', 'ekb'],
    ['ekb', 'spb'],
  ] as const) {
    const line = (tag: string) => [{ from: tag, match: match('_2XXX'), where }];
    const origins = (owner: string) =>
      [SPB, EKB].map((origin) => (origin.tag === owner ? { ...origin, plain: line(owner) } : origin));
    const one = new OneCore({ origins: origins(from) });
    one.up();
    one.link('spb');
    one.link('ekb');
    one.answer(one.told(from, device('2001', 'INUSE')));
    one.answer(one.told(to, device('2001', 'RINGING')));
    assert.deepEqual(writes(one.configure({ origins: origins(to) })), ['2001=RINGING']);
    assert.deepEqual(writes(one.heard(from, { type: 'change', entries: [device('2001', 'BUSY')] })), [
      `2001*${from}=BUSY`,
    ]);
    assert.deepEqual(writes(one.heard(to, { type: 'change', entries: [device('2001', 'BUSY')] })), [
      `2001*${to}=BUSY`,
      '2001=BUSY',
    ]);
  }
});

test('a plain lamp that becomes an extension of our own is not written once', () => {
  const one = new OneCore({ origins: [{ ...SPB, plain: PLAIN }] });
  one.up();
  one.link('spb');
  one.answer(one.told('spb', device('2001', 'INUSE')));
  const exports = [devices(['Custom:{ext}'], '_2XXX')];
  assert.deepEqual(writes(one.configure({ exports, origins: [SPB] })), []);
  const listed = [{ device: 'Custom:2001', state: 'RINGING' }] as const;
  const effects = one.relisted({ devices: listed });
  assert.deepEqual([writes(effects), out(effects)], [[], ['all: 2001=RINGING']]);
});

test('a plain lamp that goes over to a PBX that was never heard shows what that PBX shows when it is gone', () => {
  const line = (tag: string) => [{ from: tag, match: match('_2XXX'), where }];
  for (const before of [[SPB], [SPB, { tag: 'nsk', goneState: 'BUSY' } as const]]) {
    const one = new OneCore({
      origins: before.map((origin) => ({ ...origin, plain: line(origin.tag === 'spb' ? 'spb' : 'no') })),
    });
    one.up();
    one.link('spb');
    one.answer(one.told('spb', device('2001', 'INUSE')));
    const nsk = { tag: 'nsk', goneState: 'BUSY', plain: line('nsk') } as const;
    one.answer(one.configure({ origins: [SPB, nsk] }));
    for (let i = 0; i < 200; i += 1) {
      one.now += 100;
      if (i % 10 === 0) one.answer(one.heard('spb', { type: 'alive' }));
      one.answer(one.input({ type: 'tick' }));
    }
    assert.equal(one.core.lamp('2001').written, 'BUSY');
    assert.equal(one.core.status(one.now).origins.find(({ tag }) => tag === 'nsk')?.lamps, 1);
  }
});

test('a plain lamp that goes over while its write waits to be tried again is owed by nobody afterwards', () => {
  const line = (tag: string) => [{ from: tag, match: match('_2XXX'), where }];
  const one = new OneCore({ origins: [EKB, { ...SPB, plain: line('spb') }] });
  one.up();
  one.link('spb');
  for (const effect of one.told('spb', device('2001', 'INUSE'))) {
    const ok = effect.type === 'setLamp' && effect.lamp !== '2001';
    if (effect.type === 'setLamp') one.input({ type: 'writeDone', id: effect.id, ok });
  }
  one.answer(one.configure({ origins: [{ ...EKB, plain: line('ekb') }, SPB] }));
  one.link('ekb');
  one.answer(one.told('ekb', device('2001', 'BUSY')));
  for (let i = 0; i < 30; i += 1) {
    one.now += 1_000;
    one.answer(one.input({ type: 'tick' }));
  }
  const { owed, refused } = one.core.status(one.now);
  assert.deepEqual([one.core.lamp('2001').written, owed, refused], ['BUSY', 0, 0]);
});

test('a line that moved in the file is no change for exports either', () => {
  const rule = mailboxes('default', '_1XXX');
  const one = new OneCore({ exports: [rule], origins: [SPB] });
  one.up({ mailboxes: [{ mailbox: '1001@default', newMessages: 0 }] });
  one.configure({ exports: [{ ...rule, where: 'test:7:1' }] });
  assert.equal(one.core.status(0).exportsRead, true);
  const status = { mailbox: '1001@default', newMessages: 1 };
  assert.deepEqual(out(one.input({ type: 'mailboxChanged', status })), ['all: vm1001=INUSE']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ExportNews, type ExportRule, Exports, MAX_EXPORTS } from '../../src/core/exports.ts';
import { devicesOfHint, lampOfDevice } from '../../src/core/names.ts';
import type { HintStatus } from '../../src/core/source.ts';
import { devices, hints } from './rules.ts';

function told(news: ExportNews): string[] {
  return news.entries.map(({ extension, state }) => `${extension}=${state}`);
}

function row(extension: string, status: number, hint = `PJSIP/${extension}`, context = 'local'): HintStatus {
  return { context, extension, hint, status };
}

test('only the extensions of a rule’s own context are exported', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  const news = exports.listed({
    hints: [row('1001', 0), row('2001', 1), row('1002', 8, 'PJSIP/1002', 'other')],
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
  });
  assert.deepEqual(told(news), ['1001=NOT_INUSE']);
});

test('a repeated state is no news: a reload of 4 000 hints publishes nothing', () => {
  const exports = new Exports([hints('local', '_XXXX')]);
  const all = Array.from({ length: 4_000 }, (_, i) => row(String(1_000 + i), i % 2));
  exports.listed({ hints: all, devices: [], channels: [], presences: [], mailboxes: [] });
  for (const status of all) assert.deepEqual(exports.hintChanged(status).entries, []);
  assert.deepEqual(
    exports.listed({ hints: all, devices: [], channels: [], presences: [], mailboxes: [] }).entries,
    [],
  );
});

test('an extension that no list shows any more is removed, unless asking for it shows it', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  exports.listed({
    hints: [row('1001', 1), row('1002', 1)],
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
  });
  assert.deepEqual(exports.toAsk([row('1001', 1)]), [{ context: 'local', extension: '1002' }]);
  const kept = exports.listed({
    hints: [row('1001', 1), row('1002', 0)],
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
  });
  assert.deepEqual(told(kept), ['1002=NOT_INUSE']);
  const gone = exports.listed({
    hints: [row('1001', 1), row('1002', -1, '')],
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
  });
  assert.deepEqual(told(gone), ['1002=null']);
  assert.deepEqual(exports.toAsk([row('1001', 1)]), []);
});

test('extensions named by range or one by one are asked for when no list shows them; patterns are not', () => {
  const exports = new Exports([hints('local', '1000-1003', '7', '_2XXX')]);
  const asked = exports.toAsk([row('1001', 0)]).map(({ extension }) => extension);
  assert.deepEqual(asked, ['1000', '1002', '1003', '7']);
  assert.equal(
    exports.toAsk([row('1001', 0, '', 'other')]).length,
    5,
    'a row of another context shows nothing',
  );
});

test('a hint removed by event is removed', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  exports.listed({ hints: [row('1001', 1)], devices: [], channels: [], presences: [], mailboxes: [] });
  assert.deepEqual(told(exports.hintChanged(row('1001', -2))), ['1001=null']);
});

test('an event without the hint’s text counts for a hint that is known, and asks for a relist otherwise', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  exports.listed({ hints: [row('1001', 0)], devices: [], channels: [], presences: [], mailboxes: [] });
  assert.deepEqual(told(exports.hintChanged(row('1001', 8, ''))), ['1001=RINGING']);
  const unknown = exports.hintChanged(row('1002', 8, ''));
  assert.deepEqual(unknown.entries, []);
  assert.equal(unknown.relist, true);
});

test('a hint of which even the list does not tell the devices is not exported, and not asked about again and again', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  exports.listed({ hints: [row('1001', 0)], devices: [], channels: [], presences: [], mailboxes: [] });
  assert.deepEqual(
    told(
      exports.listed({
        hints: [row('1001', 1, '')],
        devices: [],
        channels: [],
        presences: [],
        mailboxes: [],
      }),
    ),
    ['1001=null'],
  );
  assert.equal(exports.hintChanged(row('1001', 8, '')).relist, false);
  assert.deepEqual(told(exports.hintChanged(row('1001', 8))), ['1001=RINGING']);
});

test('a hint that names a lamp is not exported, said once, and exported again when it no longer does', () => {
  const exports = new Exports([hints('local', '_1XXX')]);
  exports.listed({ hints: [row('1003', 1)], devices: [], channels: [], presences: [], mailboxes: [] });
  const latch = row('1003', 1, 'Custom:l1003&custom:1003*spb');
  const news = exports.hintChanged(latch);
  assert.deepEqual(told(news), ['1003=null']);
  assert.equal(news.namesLamp.length, 1);
  assert.equal(exports.hintChanged(latch).namesLamp.length, 0);
  assert.deepEqual(told(exports.hintChanged(row('1003', 1))), ['1003=INUSE']);
});

test('the devices of one extension aggregate, and only known ones count', () => {
  const exports = new Exports([devices(['PJSIP/{ext}', 'SIP/{ext}-desk'], '_1XXX')]);
  const change = (device: string, state: 'INUSE' | 'RINGING' | 'NOT_INUSE') =>
    told(exports.deviceChanged({ device, state }));
  assert.deepEqual(change('PJSIP/1001', 'NOT_INUSE'), ['1001=NOT_INUSE']);
  assert.deepEqual(change('SIP/1001-desk', 'INUSE'), ['1001=INUSE']);
  assert.deepEqual(change('PJSIP/1001', 'RINGING'), ['1001=RINGINUSE']);
  assert.deepEqual(change('SIP/1001', 'NOT_INUSE'), []);
  assert.deepEqual(change('PJSIP/2001', 'INUSE'), []);
  assert.deepEqual(
    told(
      exports.listed({
        hints: [],
        devices: [{ device: 'PJSIP/1001', state: 'INUSE' }],
        channels: [],
        presences: [],
        mailboxes: [],
      }),
    ),
    ['1001=INUSE'],
  );
});

test('a device without a placeholder makes the one extension its rule names', () => {
  const exports = new Exports([devices(['PJSIP/alice', 'PJSIP/alice-soft'], '1001')]);
  assert.deepEqual(told(exports.deviceChanged({ device: 'PJSIP/alice-soft', state: 'BUSY' })), ['1001=BUSY']);
  assert.deepEqual(told(exports.deviceChanged({ device: 'PJSIP/alice-soft2', state: 'BUSY' })), []);
});

test('nothing is ever exported from a lamp, nor from a hint that names one', () => {
  const rules: ExportRule[] = [hints('local', '_X.'), devices(['Custom:{ext}', 'PJSIP/{ext}'], '_[*a-z].')];
  const device = fc.oneof(
    fc.constantFrom(
      'Custom:1001*spb',
      'custom:1001*spb',
      'Custom:*76*msk',
      'CUSTOM:a*b.c',
      'PJSIP/1001',
      'Custom:x1',
    ),
    fc.string({ maxLength: 12 }),
  );
  const extension = fc.stringMatching(/^[0-9*a-z][0-9*a-z]{0,6}$/);
  const news = fc.oneof(
    fc.record({ extension, devices: fc.array(device, { maxLength: 3 }), status: fc.constantFrom(0, 1, 8) }),
    fc.record({ device }),
  );
  fc.assert(
    fc.property(fc.array(news, { maxLength: 30 }), (events) => {
      const exports = new Exports(rules);
      const hintOf = new Map<string, string>();
      for (const event of events) {
        if ('device' in event) {
          const { entries } = exports.deviceChanged({ device: event.device, state: 'INUSE' });
          if (lampOfDevice(event.device)) assert.deepEqual(entries, []);
        } else {
          const hint = event.devices.join('&');
          if (hint !== '') hintOf.set(event.extension, hint);
          exports.hintChanged(row(event.extension, event.status, hint));
        }
      }
      for (const entry of exports.entries()) {
        const hint = hintOf.get(entry.extension);
        if (hint !== undefined && /^[0-9]/.test(entry.extension))
          assert.ok(!devicesOfHint(hint).some((device) => lampOfDevice(device)), hint);
      }
    }),
  );
});

test('more extensions than may be exported are left out, and not remembered either', () => {
  const exports = new Exports([hints('local', '_X!')]);
  let leftOut = 0;
  for (let i = 0; i < MAX_EXPORTS + 10; i += 1) leftOut += exports.hintChanged(row(String(i), 0)).leftOut;
  assert.deepEqual([exports.size, leftOut, exports.toAsk([]).length], [MAX_EXPORTS, 10, MAX_EXPORTS]);
});

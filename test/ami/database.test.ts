// The rows of lamps and presences in Asterisk's database: what may be asked of them, and what each answer means.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type Database, DatabaseError, inDatabase, RemovalForbidden } from '../../src/ami/database.ts';
import { encode, Unwritable } from '../../src/ami/encode.ts';
import { TIMES } from '../../src/ami/limits.ts';
import { DEFAULT_USER, SimulatedAsterisk } from '../sim/asterisk.ts';
import type { AmiUser } from '../sim/session.ts';
import { until } from '../until.ts';

const user = (username: string, write: string, read = 'system'): AmiUser => ({
  username,
  secret: 'dummy-secret',
  read,
  write,
});

const pbx = new SimulatedAsterisk({
  bootMs: 50,
  refusalMs: 10,
  users: [
    DEFAULT_USER,
    user('pruner', 'system,call'),
    user('callonly', 'call'),
    user('deaf', 'system,call', 'call'),
  ],
  hints: { '1001*old': 'Custom:1001*old' },
});

beforeEach(async () => {
  pbx.pbx.astdb.set('1001*old', 'INUSE').set('1002*old', 'INUSE');
  await pbx.start();
});

afterEach(() => pbx.stop({ wipe: true }));

function as<T>(username: string, work: (database: Database) => Promise<T>): Promise<T> {
  const who = { host: '127.0.0.1', port: pbx.port, username, secret: 'dummy-secret' };
  return inDatabase(who, work, { ...TIMES, boot: 300 });
}

test('only rows of lamps and presences can be named at all, with a tag or without', () => {
  for (const name of ['DBGet', 'DBDel'] as const) {
    assert.deepEqual(encode({ name, device: 'custom:*76100*b.example.com' }), {
      action: name,
      family: 'CustomDevstate',
      key: '*76100*b.example.com',
    });
    assert.deepEqual(encode({ name, presentity: 'CustomPresence:2001' }), {
      action: name,
      family: 'CustomPresence',
      key: '2001',
    });
    for (const device of ['Custom:', 'PJSIP/1001', '1001*old', 'Custom:a/1*old', 'Custom:1*old\nX: y']) {
      assert.throws(() => encode({ name, device }), Unwritable, device);
    }
    for (const presentity of ['Custom:1001*old', 'CustomPresence:a/1', 'CustomPresence:1*old\nX: y']) {
      assert.throws(() => encode({ name, presentity }), Unwritable, presentity);
    }
  }
});

test('everything is read once Asterisk has booted, not before', async () => {
  await as('pruner', async ({ listing }) => {
    assert.equal(pbx.booted, true);
    assert.deepEqual(
      listing.hints.map(({ hint }) => hint),
      ['Custom:1001*old'],
    );
    assert.deepEqual(listing.devices.map(({ device }) => device).sort(), [
      'Custom:1001*old',
      'Custom:1002*old',
    ]);
  });
  await until('the session is over', () => pbx.sessions === 0);
});

test('a row goes, and its device stays as it is or goes dark', async () => {
  await as('pruner', async (database) => {
    assert.equal(await database.has({ device: 'Custom:1001*old' }), true);
    await database.remove({ device: 'Custom:1001*old' }, false);
    await database.remove({ device: 'Custom:1002*old' }, true);
    assert.equal(await database.has({ device: 'Custom:1001*old' }), false);
    assert.deepEqual([...pbx.pbx.astdb], []);
    assert.equal(pbx.pbx.deviceState('Custom:1001*old'), 'INUSE');
    assert.equal(pbx.pbx.deviceState('Custom:1002*old'), 'INVALID');
    // Somebody else was quicker.
    await database.remove({ device: 'Custom:1001*old' }, false);
    assert.deepEqual([...pbx.pbx.astdb], []);
  });
});

test('the row of a presence goes, and nothing is said any more where somebody might believe it', async () => {
  pbx.pbx.presences.astdb.set('1001*old', 'away').set('1002*old', 'dnd,,at lunch');
  await pbx.stop();
  await pbx.start();
  const [stays, dark] = [
    { presentity: 'CustomPresence:1001*old' },
    { presentity: 'CustomPresence:1002*old' },
  ];
  await as('pruner', async (database) => {
    assert.equal(database.listsPresences, true);
    assert.deepEqual(database.listing.presences.map(({ presentity }) => presentity).sort(), [
      'CustomPresence:1001*old',
      'CustomPresence:1002*old',
    ]);
    assert.equal(await database.has(stays), true);
    await database.remove(stays, false);
    await database.remove(dark, true);
    assert.equal(await database.has(stays), false);
    assert.deepEqual([...pbx.pbx.presences.astdb], []);
    assert.equal(pbx.pbx.presences.of(stays.presentity)?.word, 'away');
    assert.equal(pbx.pbx.presences.of(dark.presentity)?.word, 'not_set');
    // The rows of the lamps of that name are other ones.
    assert.deepEqual([...pbx.pbx.astdb.keys()].sort(), ['1001*old', '1002*old']);
  });
});

test('an Asterisk without lists: of presences, there are none; of devices, nothing can be seen', async () => {
  const noList = new SimulatedAsterisk({ bootMs: 10, presenceStateModule: false });
  const old = new SimulatedAsterisk({ bootMs: 10, shape: '1.8' });
  const asked = { username: 'hintmesh', secret: 'dummy-secret', host: '127.0.0.1' };
  try {
    await Promise.all([noList.start(), old.start()]);
    noList.pbx.presences.write('CustomPresence:1001*old', 'away');
    await inDatabase({ ...asked, port: noList.port }, async ({ listsPresences, listing }) => {
      assert.deepEqual([listsPresences, listing.presences], [false, []]);
    });
    await assert.rejects(
      inDatabase({ ...asked, port: old.port }, async () => {}),
      {
        message: /^Asterisk 1\.8\.32\.3 has no list of its devices .* look with: asterisk -rx 'database show/,
      },
    );
  } finally {
    await Promise.all([noList.stop(), old.stop()]);
  }
});

test('a user who may not is told the line of manager.conf, and nothing was written', async () => {
  let written = 0;
  pbx.onSetvar = () => {
    written += 1;
  };
  await as('hintmesh', async (database) => {
    assert.equal(await database.has({ device: 'Custom:1001*old' }), true);
    await assert.rejects(database.remove({ device: 'Custom:1002*old' }, true), (error: Error) => {
      assert.ok(error instanceof RemovalForbidden);
      assert.match(
        error.message,
        /write write=call,reporting,system in section \[hintmesh\] of manager.conf$/,
      );
      return true;
    });
  });
  await as('callonly', (database) =>
    assert.rejects(database.has({ device: 'Custom:1001*old' }), {
      message: /^the manager user may not do DBGet; write write=call,reporting in section \[callonly\]/,
    }),
  );
  assert.equal(written, 0);
  assert.equal(pbx.pbx.astdb.size, 2);
});

test('a session that does not come about, or is lost, is an error that says why', async () => {
  await assert.rejects(
    as('nobody', async () => {}),
    (error: Error) => {
      assert.ok(error instanceof DatabaseError);
      assert.match(error.message, /^Asterisk refused the login of manager user "nobody"/);
      return true;
    },
  );
  // Without FullyBooted it is not known whether there are hints already.
  await assert.rejects(
    as('deaf', async () => {}),
    { message: /read=call,system in section \[deaf\]/ },
  );
  await as('pruner', async (database) => {
    pbx.drop();
    await assert.rejects(database.has({ device: 'Custom:1001*old' }), {
      message: /^DBGet: the session (has )?ended/,
    });
  });
});

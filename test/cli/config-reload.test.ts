// A reload, step by step: what happens in which order, what is refused as a whole, and that reloads never overlap.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConfigReload, RELOAD_EVERY_MS } from '../../src/cli/config-reload.ts';
import type { Logger } from '../../src/cli/log.ts';
import { StateDirectory } from '../../src/cli/state-directory.ts';
import { formatFinding } from '../../src/config/findings.ts';
import { TAGS_FILE } from '../../src/config/tags.ts';
import type { Reloaded } from '../../src/http/contract.ts';
import { newFolder } from '../config/folder.ts';

const folder = newFolder();
const STATE = join(folder.path, 'state');
const BEFORE = `tag: msk
insecure: true
state_dir: state
ami: { secret_file: secret }
`;
const PEER = 'peers: [{ tag: spb }]\n';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly text: string;
}

/** A broker that runs on BEFORE, with a file that says `after`. */
function newReload(after: string) {
  const made = {
    file: after,
    steps: [] as string[],
    told: new Map<string, string | undefined>(),
    lines: [] as Line[],
    level: 'info',
    reads: 0,
    fail: undefined as Error | undefined,
  };
  const write =
    (level: string) =>
    ({ event }: { event: string }, text: string): void => {
      made.lines.push({ level, event, text });
    };
  const logger = {
    warn: write('warn'),
    info: write('info'),
    get level() {
      return made.level;
    },
    set level(level) {
      made.steps.push(`level ${level}`);
      made.level = level;
    },
  } as unknown as Logger;
  const reload = new ConfigReload(folder.config(BEFORE), {
    load: async () => {
      made.reads += 1;
      return folder.load(made.file);
    },
    broker: {
      reconfigure: ({ peers, formerTags }) => {
        // Whoever starts after a crash now must know the new peers.
        const memory = join(STATE, TAGS_FILE);
        const remembered = existsSync(memory) ? JSON.parse(readFileSync(memory, 'utf8')).tags : 'nothing';
        made.steps.push(
          `peers ${peers.map(({ tag }) => tag)}, former ${formerTags}, remembered ${remembered}`,
        );
        if (made.fail) throw made.fail;
      },
      tell: (code, text) => made.told.set(code, text),
    },
    logger,
    state: new StateDirectory(STATE, logger),
    service: {
      reloading: () => made.steps.push('reloading'),
      reloaded: () => made.steps.push('reloaded'),
    },
  });
  return { made, reload };
}

/** Without the warnings that BEFORE is good for. */
function plain(reloaded: Reloaded): Reloaded {
  const { warnings: _, ...rest } = { warnings: [], ...reloaded };
  return rest;
}

test('a new config is remembered before the broker gets it, and told with all that changed', async () => {
  const { made, reload } = newReload(`${BEFORE}${PEER}log: { level: debug }\n`);
  const reloaded = await reload.request();
  assert.ok(reloaded.ok);
  assert.deepEqual(reloaded.changes.toSorted(), ['log.level info → debug', 'peer spb added']);
  assert.deepEqual(made.steps, [
    'reloading',
    'level debug',
    'peers spb, former spb, remembered spb',
    'reloaded',
  ]);
  assert.deepEqual(
    [...made.told],
    [
      ['memory-unwritable', undefined],
      ['reload-refused', undefined],
    ],
  );
  const last = made.lines.at(-1);
  assert.deepEqual([last?.level, last?.event], ['info', 'reloaded']);
  for (const change of reloaded.changes) assert.ok(last?.text.includes(change));
  const again = await reload.request();
  assert.ok(again.ok);
  assert.deepEqual(again.changes, []);
  assert.match(made.lines.at(-1)?.text ?? '', /nothing changed/);
});

test('a peer that is taken out stays remembered', async () => {
  rmSync(STATE, { recursive: true, force: true });
  const { made, reload } = newReload(BEFORE + PEER);
  await reload.request();
  made.file = BEFORE;
  assert.deepEqual(plain(await reload.request()), { ok: true, changes: ['peer spb removed'] });
  assert.equal(made.steps.at(-2), 'peers , former spb, remembered spb');
});

test('a wrong config changes nothing, and each mistake and their sum are told', async () => {
  const { made, reload } = newReload(`${BEFORE}log: { level: loud }\nfrob: 1\n`);
  const reloaded = await reload.request();
  assert.ok(!reloaded.ok);
  assert.equal(reloaded.mistakes.length, 2);
  assert.match(reloaded.mistakes[0] ?? '', /h.yaml:5:15: log.level is "loud"/);
  assert.deepEqual(made.steps, ['reloading', 'reloaded']);
  assert.equal(made.level, 'info');
  const refused = made.lines.filter(({ event }) => event === 'reload-refused');
  assert.ok(refused.every(({ level }) => level === 'warn'));
  const sum = `the config was not taken, and what ran before goes on: ${reloaded.mistakes[0]} (and 1 more)`;
  assert.deepEqual(
    refused.map(({ text }) => text),
    [...reloaded.mistakes, sum],
  );
  assert.equal(made.told.get('reload-refused'), sum);

  made.file = BEFORE;
  assert.ok((await reload.request()).ok);
  assert.ok(made.told.has('reload-refused') && made.told.get('reload-refused') === undefined);
});

test('a config that needs a restart is refused as a whole, by the names of what does', async () => {
  const { made, reload } = newReload(
    `${BEFORE.replace('msk', 'spb')}log: { level: debug }\nhttp: { port: 1 }\n`,
  );
  assert.deepEqual(await reload.request(), {
    ok: false,
    mistakes: [
      'tag, http.port changed, which needs a restart of the broker; until then nothing of the file is taken',
    ],
  });
  assert.deepEqual(made.steps, ['reloading', 'reloaded']);
});

test('warnings of a config are told at each reload, in the log and to whoever asked', async () => {
  const { made, reload } = newReload(BEFORE);
  const answer = await reload.request();
  await reload.request();
  const warnings = folder.load(BEFORE).warnings.map(({ text }) => text);
  assert.deepEqual(answer.ok && answer.warnings, folder.load(BEFORE).warnings.map(formatFinding));
  assert.ok(warnings.length > 0);
  assert.deepEqual(
    made.lines
      .filter(({ level, event }) => level === 'warn' && event === 'config-warning')
      .map(({ text }) => text),
    [...warnings, ...warnings],
  );
});

test('whoever asks while a reload runs shares one that comes after it', async () => {
  const { made, reload } = newReload(BEFORE + PEER);
  const first = reload.request();
  const others = Array.from({ length: 100 }, () => reload.request());
  made.file = BEFORE;
  assert.deepEqual(plain(await first), { ok: true, changes: ['peer spb added'] });
  for (const other of others)
    assert.deepEqual(plain(await other), { ok: true, changes: ['peer spb removed'] });
  assert.equal(made.reads, 2);
  assert.deepEqual(
    made.steps.filter((step) => step.startsWith('relo')),
    ['reloading', 'reloaded', 'reloading', 'reloaded'],
  );
  await Promise.all([reload.request(), reload.request().then(() => reload.request())]);
  assert.equal(made.reads, 5);
});

test('signals that come one after another, faster than reloads may follow, are a few reloads', async () => {
  const { made, reload } = newReload(BEFORE + PEER);
  const begun = performance.now();
  const answers: Promise<Reloaded>[] = [];
  while (performance.now() - begun < RELOAD_EVERY_MS) {
    answers.push(reload.request());
    await nextTurn();
  }
  const all = await Promise.all(answers);
  assert.ok(answers.length > 10 && all.every(({ ok }) => ok));
  // The first at once, one after the distance, and one for those who asked while that waited.
  assert.ok(made.reads >= 2 && made.reads <= 3, `${made.reads} for ${answers.length}`);
});

test('a mistake of ours is told like any other refusal, and the next reload is tried', async () => {
  const { made, reload } = newReload(BEFORE + PEER);
  made.fail = new Error('oops');
  const reloaded = await reload.request();
  assert.ok(!reloaded.ok);
  assert.match(
    reloaded.mistakes.join(),
    /^a mistake in hintmesh, the config may be half in use; restart: oops$/,
  );
  assert.match(made.told.get('reload-refused') ?? '', /oops/);
  assert.deepEqual(made.steps.at(-1), 'reloaded');
  made.fail = undefined;
  assert.deepEqual(plain(await reload.request()), { ok: true, changes: ['peer spb added'] });
});

test('a broker that ends is not touched any more, also by a reload that has begun', async () => {
  const { made, reload } = newReload(BEFORE + PEER);
  const begun = reload.request();
  reload.stop();
  assert.deepEqual(await begun, { ok: false, mistakes: ['the broker is stopping'] });
  assert.deepEqual(made.steps, ['reloading'], 'what manages the service hears that it stops, and no more');
});

test('a memory that cannot be written is told, and the config taken all the same', async () => {
  rmSync(STATE, { recursive: true, force: true });
  folder.write('state', 'a file');
  const { made, reload } = newReload(BEFORE + PEER);
  assert.deepEqual(plain(await reload.request()), { ok: true, changes: ['peer spb added'] });
  assert.match(made.told.get('memory-unwritable') ?? '', /lamps of peers that leave will not be repaired/);
  rmSync(STATE);
  assert.deepEqual(plain(await reload.request()), { ok: true, changes: [] });
  assert.ok(made.told.has('memory-unwritable') && made.told.get('memory-unwritable') === undefined);
  assert.equal(made.steps.at(-2), 'peers spb, former spb, remembered spb');
});

// What a run keeps in its state directory, and what it says when it cannot.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Logger } from '../../src/cli/log.ts';
import { StateDirectory } from '../../src/cli/state-directory.ts';
import { readToken, TOKEN_FILE } from '../../src/cli/token.ts';
import { MAX_TAGS, TAGS_FILE } from '../../src/config/tags.ts';
import { newFolder } from '../config/folder.ts';

const folder = newFolder();
const URL = 'http://127.0.0.1:7441';

function newState(name: string) {
  const path = join(folder.path, name);
  const logged: string[] = [];
  const logger = {
    warn: ({ event }: { event: string }, text: string) => logged.push(`${event}: ${text}`),
  } as unknown as Logger;
  return { path, logged, state: new StateDirectory(path, logger) };
}

const peers = (...tags: string[]) => tags.map((tag) => ({ tag }));

test('the token is for its owner only, another at each run, and written once', async () => {
  const { path, state, logged } = newState('token');
  await state.publishToken(URL);
  const file = join(path, TOKEN_FILE);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readToken(path), { token: state.token, file, url: URL });
  const { ino } = statSync(file);
  await state.publishToken();
  assert.equal(statSync(file).ino, ino);
  const next = newState('token').state;
  await next.publishToken();
  assert.notEqual(next.token, state.token);
  assert.deepEqual(readToken(path), { token: next.token, file, url: null });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual([logged, state.trouble], [[], undefined]);
});

test('a run knows the epoch of the one before, which tells nothing of its token', async () => {
  const first = newState('epochs').state;
  assert.equal(first.formerEpoch, undefined);
  await first.publishToken(URL);
  const second = newState('epochs').state;
  assert.equal(second.formerEpoch, first.epoch);
  assert.notEqual(second.epoch, first.epoch);
  assert.match(first.epoch, /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(first.epoch, first.token);
});

test('a token that is gone or damaged is written again, with the address', async () => {
  const { path, state } = newState('lost');
  const file = join(path, TOKEN_FILE);
  await state.publishToken(URL);
  for (const spoil of [() => rmSync(file), () => writeFileSync(file, 'x'), () => writeFileSync(file, '')]) {
    spoil();
    await state.publishToken();
    assert.deepEqual(readToken(path), { token: state.token, file, url: URL });
  }
});

test('every peer of every run is remembered, the latest longest', async () => {
  await newState('tags').state.remember(peers('spb'));
  const { state } = newState('tags');
  await state.remember(peers('nsk'));
  assert.deepEqual(state.tags, ['spb', 'nsk']);
  await state.remember([]);
  assert.deepEqual(state.tags, ['spb', 'nsk']);
  const many = Array.from({ length: MAX_TAGS }, (_, at) => `p${at}`);
  await state.remember(peers(...many));
  assert.deepEqual(state.tags, many);
  assert.deepEqual(newState('tags').state.tags, []);
});

test('what cannot be written is told, in the log each time and as a trouble until it can', async () => {
  folder.write('taken', 'a file, no folder');
  const { path, state, logged } = newState('taken');
  await state.remember(peers('spb'));
  await state.publishToken();
  const [tags = '', token = ''] = logged;
  assert.match(
    tags,
    /^state-unwritable: cannot write to state_dir .*taken \(\w+\): lamps of peers that leave will not be repaired$/,
  );
  assert.match(token, /^state-unwritable: .*: hintmesh reload and leave do not work \(kill -HUP does\)$/);
  assert.deepEqual(logged.length, 2);
  const twice = 'lamps of peers that leave will not be repaired, and hintmesh reload and leave do not work';
  assert.match(
    state.trouble ?? '',
    new RegExp(`^cannot write to state_dir \\S+ \\(\\w+\\): ${twice} \\(kill -HUP does\\)$`),
  );
  assert.deepEqual(state.tags, ['spb']);

  rmSync(path);
  await state.remember([]);
  await state.publishToken();
  assert.equal(state.trouble, undefined);
  assert.equal(readToken(path).token, state.token);
  assert.deepEqual(JSON.parse(readFileSync(join(path, TAGS_FILE), 'utf8')).tags, ['spb']);
});

test('a memory that cannot be read is told, left as it is, and taken again when it can be read', async () => {
  const { path, state, logged } = newState('unreadable');
  mkdirSync(join(path, TAGS_FILE), { recursive: true });
  await state.remember(peers('spb'));
  assert.match(
    logged.join('\n'),
    /^state-unreadable: cannot read .*tags.json: it is not a regular file; [^\n]*$/,
  );
  assert.match(state.trouble ?? '', /^cannot read /);
  rmSync(join(path, TAGS_FILE), { recursive: true });
  writeFileSync(join(path, TAGS_FILE), '{"version":1,"tags":["nsk"]}');
  await state.remember(peers('spb'));
  assert.deepEqual(state.tags, ['nsk', 'spb']);
  assert.equal(state.trouble, undefined);
});

// The memory of former peers: what it survives.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DAMAGED_FILE, MAX_TAGS, readTags, rememberTags, TAGS_FILE } from '../../src/config/tags.ts';
import { newFolder } from './folder.ts';

const folder = newFolder();
let made = 0;
const newState = (text?: string): string => {
  made += 1;
  const path = join(folder.path, `state-${made}`);
  if (text === undefined) return path;
  mkdirSync(path);
  writeFileSync(join(path, TAGS_FILE), text);
  return path;
};

test('tags that are remembered are there at the next start, and stay when a peer leaves', async () => {
  const state = newState();
  assert.deepEqual(readTags(state), { tags: [], found: 'none' });
  await rememberTags(state, readTags(state), ['spb', 'nsk']);
  assert.deepEqual(readTags(state), { tags: ['spb', 'nsk'], found: 'whole' });
  await rememberTags(state, readTags(state), ['nsk', 'b.example.com']);
  assert.deepEqual(readTags(state).tags, ['spb', 'nsk', 'b.example.com']);
  assert.deepEqual(readdirSync(state), [TAGS_FILE]);
});

test('nothing is written when nothing is new', async () => {
  const state = newState();
  await rememberTags(state, { tags: ['spb'], found: 'whole' }, ['spb']);
  assert.throws(() => readFileSync(join(state, TAGS_FILE)), { code: 'ENOENT' });
});

test('a damaged file is an empty memory with a warning, whatever is in it', () => {
  const damaged = [
    '',
    '{',
    'null',
    '[]',
    '{"tags":1}',
    '{"tags":["Not A Tag"]}',
    '{"tags":[1]}',
    '\u0000',
    '{"tags":["a-b"]}',
  ];
  for (const text of damaged) {
    const { tags, warning } = readTags(newState(text));
    assert.deepEqual(tags, [], text);
    assert.match(warning ?? '', /damaged and taken for empty/, text);
  }
});

test('a file that is too big, or none, is an empty memory with a warning', () => {
  const huge = newState(' '.repeat(256 * 1024 + 1));
  assert.match(readTags(huge).warning ?? '', /bytes; at most/);
  const folderInstead = newState('x');
  mkdirSync(join(folderInstead, 'sub'));
  mkdirSync(join(folderInstead, 'sub', TAGS_FILE));
  assert.match(readTags(join(folderInstead, 'sub')).warning ?? '', /not a regular file/);
});

test('the oldest tags are forgotten at the bound', async () => {
  const state = newState();
  const many = Array.from({ length: MAX_TAGS }, (_, index) => `t${index}`);
  await rememberTags(state, { tags: many, found: 'whole' }, ['new']);
  const { tags } = readTags(state);
  assert.equal(tags.length, MAX_TAGS);
  assert.deepEqual([tags[0], tags.at(-1)], ['t1', 'new']);
});

test('a directory that cannot be made rejects', async () => {
  const file = folder.write('file', 'x');
  await assert.rejects(rememberTags(join(file, 'state'), { tags: [], found: 'none' }, ['spb']), {
    code: 'ENOTDIR',
  });
});

test('a damaged file is put aside before a new one is written', async () => {
  const state = newState('{ "tags": ["nsk", ');
  await rememberTags(state, readTags(state), ['spb']);
  assert.deepEqual(readTags(state), { tags: ['spb'], found: 'whole' });
  assert.equal(readFileSync(join(state, DAMAGED_FILE), 'utf8'), '{ "tags": ["nsk", ');
});

test('a file that could not be read is left as it is', async () => {
  const text = `${JSON.stringify({ tags: ['nsk'] })}${' '.repeat(256 * 1024)}`;
  const state = newState(text);
  const known = readTags(state);
  assert.equal(known.found, 'unreadable');
  await rememberTags(state, known, ['spb']);
  assert.deepEqual(readdirSync(state), [TAGS_FILE]);
  assert.equal(readFileSync(join(state, TAGS_FILE), 'utf8'), text);
});

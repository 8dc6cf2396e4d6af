// Log lines on their way into the journal: told as what they are, and only there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { isJournal, withPriority } from '../../src/cli/journal.ts';
import { newFolder } from '../config/folder.ts';
import { until } from '../until.ts';
import { brokerFiles } from './broker-files.ts';
import { MAIN } from './spawn.ts';

const folder = newFolder();

/** A file that is open, and how `JOURNAL_STREAM` would name it. */
function opened(name: string): { path: string; fd: number; stream: string } {
  const path = folder.write(name, '');
  const fd = openSync(path, 'a');
  after(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  return { path, fd, stream: `${dev}:${ino}` };
}

test('each level has its priority, whatever the line holds', () => {
  assert.equal(withPriority('{"level":"error","msg":"x"}\n'), '<3>{"level":"error","msg":"x"}\n');
  assert.equal(withPriority('{"level":"warn"}\n'), '<4>{"level":"warn"}\n');
  assert.equal(withPriority('{"level":"info","msg":"\\"level\\":\\"error\\""}\n').startsWith('<'), false);
  assert.equal(withPriority('{"level":"debug"}\n'), '<7>{"level":"debug"}\n');
});

test('the journal is known by its device and inode, and nothing else is taken for it', () => {
  const { fd, stream } = opened('one');
  assert.equal(isJournal(fd, { JOURNAL_STREAM: stream }), true);
  assert.equal(isJournal(opened('other').fd, { JOURNAL_STREAM: stream }), false);
  assert.equal(isJournal(fd, { JOURNAL_STREAM: 'nonsense' }), false);
  assert.equal(isJournal(fd, {}), false);
  assert.equal(isJournal(9_999, { JOURNAL_STREAM: stream }), false);
});

for (const toJournal of [true, false]) {
  test(`a broker ${toJournal ? 'gives the journal priorities' : 'prints plain JSON to anything else'}`, async () => {
    const files = await brokerFiles();
    const { path, fd, stream } = opened(`log-${toJournal}`);
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'run', '-c', files.file], {
      stdio: ['ignore', fd, 'inherit'],
      env: { PATH: process.env['PATH'], JOURNAL_STREAM: toJournal ? stream : '1:1' },
    });
    after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const lines = (): string[] => readFileSync(path, 'utf8').split('\n').filter(Boolean);
    await until('it misses its Asterisk', () =>
      lines().some((line) => line.includes('asterisk-unavailable')),
    );
    child.kill('SIGTERM');
    await ended;
    const begins = new Set(lines().map((line) => line.slice(0, line.indexOf('{'))));
    const errors = lines().filter((line) => line.includes('"level":"error"'));
    assert.ok(errors.length > 0);
    if (!toJournal) assert.deepEqual([...begins], ['']);
    else {
      assert.ok(errors.every((line) => line.startsWith('<3>{')));
      assert.deepEqual([...begins].sort(), ['', '<3>', '<4>']);
    }
  });
}

// The way of log lines to a stream that is slow, full, or gone: what is kept, what is dropped, what is told.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { LogOutput, MAX_LOG_BACKLOG_BYTES } from '../../src/cli/log-output.ts';

/** A stream that takes a line, or refuses it, when it is told to. */
function newStream() {
  const taken: string[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    decodeStrings: false,
    // Like process.stdout, which goes on after an error.
    autoDestroy: false,
    write: (line: string, _, done) => {
      waiting.push((error) => {
        if (!error) taken.push(line);
        done(error);
      });
    },
  });
  const next = async (error?: Error) => {
    waiting.shift()?.(error);
    await new Promise(setImmediate);
  };
  return { stream, taken, next };
}

test('what waits for a reader is bounded; what is dropped is counted, and told once when lines arrive', async () => {
  const { stream, taken, next } = newStream();
  const told: number[] = [];
  const tell = (count: number): void => {
    told.push(count);
    output.write(`lost ${count}`);
  };
  let losing = 0;
  const output = new LogOutput(stream, tell, () => {
    losing += 1;
  });
  const line = 'x'.repeat(1024);
  const fit = MAX_LOG_BACKLOG_BYTES / line.length;
  for (let count = 0; count < fit + 5; count++) output.write(line);
  assert.ok(stream.writableLength <= MAX_LOG_BACKLOG_BYTES);
  assert.equal(losing, 5, 'said at once, not when somebody reads again');
  for (let count = 0; count < fit; count++) await next();
  assert.deepEqual(told, [5]);
  await next();
  await next();
  assert.deepEqual(told, [5]);
  assert.deepEqual([taken.length, taken.at(-1)], [fit + 1, 'lost 5']);
});

test('a line that the stream refuses is counted, and so is the count when its own line is lost', async () => {
  const written: string[] = [];
  let full = true;
  const stream = {
    writableLength: 0,
    on: () => stream,
    write: (line: string, done: (error?: Error) => void) => {
      if (!full) written.push(line);
      done(full ? new Error('ENOSPC') : undefined);
    },
  } as unknown as Writable;
  let relapse = true;
  const tell = (count: number): void => {
    full = relapse;
    output.write(`lost ${count}`);
  };
  const output = new LogOutput(stream, tell, () => {});
  for (const line of ['a', 'b', 'c']) output.write(line);
  full = false;
  output.write('d');
  relapse = false;
  full = false;
  output.write('e');
  assert.deepEqual(written, ['d', 'e', 'lost 3']);
});

test('a lost line that is logged as lost goes round once, and is counted', async () => {
  const { stream, taken, next } = newStream();
  const told: number[] = [];
  let said = 0;
  const line = 'x'.repeat(MAX_LOG_BACKLOG_BYTES);
  const output = new LogOutput(
    stream,
    (count) => told.push(count),
    () => {
      said += 1;
      output.write('a line is lost');
    },
  );
  for (const each of [line, 'a', 'b']) output.write(each);
  assert.equal(said, 2);
  await next();
  assert.deepEqual([taken.length, told], [1, [4]]);
});

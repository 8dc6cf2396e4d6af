import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REPORT_EVENTS } from '../../src/report.ts';

test('docs/log.md names every event of the log, once', () => {
  const rows = readFileSync('docs/log.md', 'utf8').matchAll(/^\| `([a-z-]+)` \| (?:debug|info|warn|error)/gm);
  const named = [...rows].map(([, event]) => event ?? '');
  assert.equal(new Set(named).size, named.length);
  const own: readonly string[] = REPORT_EVENTS;
  assert.deepEqual(
    named.filter((event) => own.includes(event)),
    own,
  );
  // The others are logged by `hintmesh run` itself, around the broker.
  const run = readdirSync('src/cli').map((file) => readFileSync(`src/cli/${file}`, 'utf8'));
  for (const event of named.filter((each) => !own.includes(each))) {
    assert.ok(
      run.some((text) => text.includes(`'${event}'`)),
      `nothing logs ${event}`,
    );
  }
  for (const [, event = ''] of run.join('\n').matchAll(/event: '([a-z-]+)'/g)) {
    assert.ok(named.includes(event), `${event} is not in docs/log.md`);
  }
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REPORT_EVENTS } from '../../src/report.ts';

/** Events that `hintmesh run` itself logs, around the broker. */
function eventsOfTheCommand(): string[] {
  const texts = readdirSync('src/cli').map((file) => readFileSync(`src/cli/${file}`, 'utf8'));
  const found = texts.flatMap((text) =>
    [...text.matchAll(/event: '([a-z-]+)'(?: \| '([a-z-]+)')?/g)].flatMap(([, ...events]) =>
      events.filter(Boolean),
    ),
  );
  return [...new Set(found)].sort();
}

test('docs/log.md names every event of the log, once', () => {
  const rows = readFileSync('docs/log.md', 'utf8').matchAll(/^\| `([a-z-]+)` \| (?:debug|info|warn|error)/gm);
  const named = [...rows].map(([, event]) => event ?? '');
  const own: readonly string[] = REPORT_EVENTS;
  assert.deepEqual(
    named.filter((event) => own.includes(event)),
    own,
  );
  assert.deepEqual(named.filter((event) => !own.includes(event)).sort(), eventsOfTheCommand());
});

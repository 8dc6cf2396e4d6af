import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REPORT_EVENTS } from '../../src/report.ts';

test('docs/log.md names every event of the log, once', () => {
  const rows = readFileSync('docs/log.md', 'utf8').matchAll(/^\| `([a-z-]+)` \| (?:debug|info|warn|error)/gm);
  const named = [...rows].map(([, event]) => event).filter((event) => !OF_THE_COMMAND.includes(event ?? ''));
  assert.deepEqual(named, [...REPORT_EVENTS]);
});

/** Written by `hintmesh run` itself, around the broker. */
const OF_THE_COMMAND = ['config-warning', 'reload-unsupported', 'log-lines-lost', 'start-failed'];

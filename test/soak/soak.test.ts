// A soak of seconds: that the machinery works, that lamps end right, and that nothing of it is left. What it is for,
// a trend over half an hour, it cannot tell.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MINUTES = 0.05;

/** Command lines of processes that name `text`. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes(text) ? [line.replaceAll('\0', ' ')] : [];
      } catch {
        return []; // it has just ended
      }
    });
}

test('a soak of seconds ends with all lamps right, a row for each broker, and nothing left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hintmesh-soak-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const soak = spawn(process.execPath, ['--import', 'tsx', MAIN, '--minutes', String(MINUTES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  after(() => soak.kill('SIGKILL'));
  let out = '';
  soak.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const [code] = await once(soak, 'close');
  assert.equal(code, 0, out);
  for (const broker of ['msk', 'spb', 'ekb']) {
    assert.match(out, new RegExp(`^ +\\d+ +${broker} +\\d+( +\\d+(\\.\\d)?){10} `, 'm'));
  }
  assert.match(out, /^\d+ changes in /m);
  assert.match(out, /^all lamps are right at the end$/m);
  assert.match(out, /^too short a run to tell a trend$/m);
  assert.deepEqual(
    processesWith(folder).filter((line) => !line.includes('soak.test')),
    [],
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('hintmesh-soak-')),
    [],
  );
});

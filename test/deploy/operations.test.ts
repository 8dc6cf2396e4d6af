// docs/operations.md against the code: every condition with its severity, every path, and commands that exist.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CONDITIONS } from '../../src/conditions.ts';
import { METRICS } from '../../src/http/metric-list.ts';

const docs = readFileSync('docs/operations.md', 'utf8');

/** Heading → what stands below it, up to the next one. */
function sections(text: string): Map<string, string> {
  const parts = text.split(/^#{2,3} /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]));
}

describe('docs/operations.md', () => {
  const all = sections(docs);

  test('it tells every condition with its severity, in the order of the list, and no other', () => {
    const told = [...all.keys()].filter((heading) => heading.startsWith('`'));
    assert.deepEqual(
      told,
      Object.entries(CONDITIONS).map(([code, { severity }]) => `\`${code}\` (${severity})`),
    );
    for (const heading of told)
      assert.ok((all.get(heading) ?? '').length > 150, `${heading} is told at length`);
  });

  test('it names no metric that is none', () => {
    const named = new Set([...docs.matchAll(/`(hintmesh_\w+)`/g)].map(([, name]) => name));
    const known = new Set(METRICS.map(({ name }) => name));
    assert.deepEqual(
      [...named].filter((name) => !known.has(name ?? '')),
      [],
    );
    assert.equal(named.size, known.size);
  });

  test('it names the paths and the commands that there are', () => {
    const routes = readFileSync('src/http/routes.ts', 'utf8');
    const paths = [...routes.matchAll(/\[\s*'(\/[a-z/]*)'/g)].map(([, path = '']) => path);
    assert.ok(paths.length > 5);
    for (const path of paths) assert.ok(new RegExp(`\`[A-Z ]*${path}\``).test(docs), path);
    const program = readFileSync('src/cli/program.ts', 'utf8');
    const commands = new Set([...program.matchAll(/command\('(\w+)'/g)].map(([, name]) => name));
    const told = [...docs.matchAll(/(?:`|^ {4}|&& )hintmesh ([a-z]+)\b/gm)].map(([, name]) => name);
    assert.ok(told.length > 10);
    for (const name of told) assert.ok(commands.has(name), `hintmesh ${name}`);
  });

  test('every place and file that it leads to is there', () => {
    const slugs = [...docs.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, link = ''] of docs.matchAll(/\]\(([^)]+)\)/g)) {
      if (link.startsWith('#')) assert.ok(slugs.includes(link.slice(1)), link);
      else assert.ok(existsSync(`docs/${link}`), link);
    }
  });
});

// How a bad config is written in the tests: a case for each, with the place and the words that it is told in. Owns
// the folder these configs lie in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, newFolder } from './folder.ts';

export const folder = newFolder();

/** Where it is told (a place in `h.yaml`, or a variable), and in which words. */
export type Told = readonly [where: string, words: RegExp];
export interface Bad {
  readonly yaml: string;
  readonly env?: Record<string, string>;
  readonly told: readonly Told[];
}

/** One test for each case. */
export function refuses(cases: Record<string, Bad>): void {
  for (const [name, { yaml, told, env }] of Object.entries(cases)) {
    test(name, () => {
      const mistakes = folder.mistakes(yaml, env);
      assert.equal(mistakes.length, told.length, mistakes.join('\n') || 'no mistake was found');
      for (const [index, [where, words]] of told.entries()) {
        const mistake = mistakes[index] ?? '';
        const place = where.startsWith('HINTMESH') ? where : `h.yaml:${where}`;
        assert.ok(mistake.startsWith(`${place}: `), `${mistake}\nis not at ${place}`);
        assert.match(mistake, words);
      }
    });
  }
}

export const bad = (yaml: string, ...told: Told[]): Bad => ({ yaml, told });
/** BASE with one of its lines replaced. */
export const having = (line: string, other: string, ...told: Told[]): Bad => {
  assert.ok(BASE.includes(line));
  return bad(BASE.replace(line, other), ...told);
};
/** BASE and more, which begins on line 9; a list's entries begin on line 10. */
export const more = (yaml: string, ...told: Told[]): Bad => bad(`${BASE}${yaml}\n`, ...told);
export const exporting = (yaml: string, ...told: Told[]): Bad => more(`export:\n${yaml}`, ...told);
export const peering = (yaml: string, ...told: Told[]): Bad => more(`peers:\n${yaml}`, ...told);
export const variable = (name: string, value: string, words: RegExp): Bad => ({
  yaml: BASE,
  env: { [name]: value },
  told: [[name, words]],
});

// Whether real Asterisks can be had here. Owns the one decision: run, skip (and say so), or fail.
import { provision, type Root, type Roots, SUITES, whyNot } from './provision.ts';

export interface Available {
  /** For node:test: `false`, or why the tests are skipped. */
  readonly skip: false | string;
  /** Fails where there are none; tests that are skipped do not ask. */
  roots(): Roots;
}

/**
 * Finds the real Asterisks, making them when they are missing. Where that cannot be, says so in one line and
 * the tests are skipped; with HINTMESH_REQUIRE_ASTERISK=1 it fails instead, so that a pipeline cannot be green
 * having tested nothing.
 */
export async function available(): Promise<Available> {
  const roots = await find();
  if (typeof roots !== 'string') return { skip: false, roots: () => roots };
  const text = `real Asterisks cannot be had here: ${roots}`;
  if (process.env['HINTMESH_REQUIRE_ASTERISK'] === '1') throw new Error(text);
  console.log(`${text}; their tests are skipped`);
  return {
    skip: text,
    roots: () => {
      throw new Error(text);
    },
  };
}

/** The roots, or why there are none. */
async function find(): Promise<Roots | string> {
  const why = whyNot();
  if (why !== undefined) return why;
  try {
    return await provision((line) => console.log(line));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Each version once. */
export function eachRoot({ skip, roots }: Available): readonly { title: string; root: () => Root }[] {
  return SUITES.map((suite) => ({
    title: skip === false ? `Asterisk ${roots()[suite].version}` : suite,
    root: () => roots()[suite],
  }));
}

/** Both pairings of the two versions. */
export function eachPairing({ skip, roots }: Available): readonly {
  title: string;
  origin: () => Root;
  receiver: () => Root;
}[] {
  const name = (suite: (typeof SUITES)[number]): string => (skip === false ? roots()[suite].version : suite);
  const [newer, older] = SUITES;
  return [
    { from: newer, to: older },
    { from: older, to: newer },
  ].map(({ from, to }) => ({
    title: `Asterisk ${name(from)} → ${name(to)}`,
    origin: () => roots()[from],
    receiver: () => roots()[to],
  }));
}

/**
 * Mistakes that are put into copies of src/, one at a time: fuzzing that does not find them finds nothing. Whoever
 * changes src/ so that a text is no longer found gives the plant its new text.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kind } from './generate.ts';
import { type Failure, run } from './run.ts';
import { loadSource, SRC } from './source.ts';

const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url));

interface Change {
  /** In src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Plant {
  readonly name: string;
  readonly kind: Kind;
  readonly changes: readonly Change[];
  /** What is said of it. */
  readonly found: RegExp;
  /** What shows at the end only is not to be waited for. */
  readonly inputs?: number;
  /** Also tried in CI. */
  readonly quick?: boolean;
}

/** Inputs within which each must be found. */
export const PLANT_INPUTS = 3_000;

export const PLANTS: readonly Plant[] = [
  {
    name: 'a state that is none is taken',
    kind: 'mesh',
    changes: [
      {
        file: 'mesh/frames.ts',
        find: 'if (!isDeviceState(state)) throw',
        replace: "if (state === '?') throw",
      },
    ],
    found: /the state /,
    quick: true,
  },
  {
    name: 'an extension may be anything',
    kind: 'mesh',
    changes: [
      {
        file: 'core/names.ts',
        find: 'return text.length < MAX_LAMP_NAME && EXTENSION.test(text);',
        replace: "return text !== '';",
      },
    ],
    found: /the extension /,
  },
  {
    name: 'an action has a line break in a value, and nobody looks',
    kind: 'mesh',
    changes: [
      {
        file: 'ami/encode.ts',
        find: 'value: writable(action.state),',
        replace: 'value: `${writable(action.state)}\\r\\nCommand: core stop now`,',
      },
      { file: 'ami/encode.ts', find: 'if (CONTROL.test(value)) throw', replace: "if (key === '') throw" },
    ],
    found: /the headers .*Command/,
    quick: true,
  },
  {
    name: 'a frame that is no JSON throws what nobody expects',
    kind: 'mesh',
    changes: [
      {
        file: 'mesh/frames.ts',
        find: 'throw new FrameError(`not JSON: ${printable(text)}`);',
        replace: 'throw new TypeError(text);',
      },
    ],
    found: /TypeError/,
    quick: true,
  },
  {
    name: 'a frame may have any number of entries',
    kind: 'mesh',
    changes: [{ file: 'mesh/frames.ts', find: '.max(MAX_FRAME_STATES, `more', replace: '.max(1e9, `more' }],
    found: /201 entries/,
  },
  {
    name: 'frames out of order are taken',
    kind: 'mesh',
    changes: [
      { file: 'core/replica.ts', find: 'if (seq !== this.#lastSeq + 1) {', replace: 'if (seq < 1) {' },
    ],
    found: /was taken after/,
  },
  {
    name: 'a peer may have any tag',
    kind: 'mesh',
    changes: [
      { file: 'mesh/link.ts', find: 'if (hello.tag !== this.peer) {', replace: "if (hello.tag === '') {" },
    ],
    found: /the hello of /,
  },
  {
    name: 'each link leaves something behind',
    kind: 'mesh',
    changes: [
      {
        file: 'mesh/link.ts',
        find: '  start(): void {',
        replace: '  start(): void {\n    LEFT.push(Array(20_000).fill(this));',
      },
      {
        file: 'mesh/link.ts',
        find: 'export class Link {',
        replace: 'const LEFT: unknown[] = [];\nexport class Link {',
      },
    ],
    found: /the heap grew/,
    inputs: 500,
    quick: true,
  },
  {
    name: 'a packet swallows all that follows',
    kind: 'ami',
    changes: [
      {
        file: 'ami/packets.ts',
        find: 'if (this.#lines > 0 && !take',
        replace: "if (this.#lines > 0 && this.#message['response'] !== 'Follows' && !take",
      },
    ],
    found: /it is deaf/,
    quick: true,
  },
  {
    name: 'a promise that nobody waits for is rejected',
    kind: 'ami',
    changes: [
      {
        file: 'ami/connection.ts',
        find: 'const large = this.#packets.feed(',
        replace:
          "if (text.length > 2_000) void Promise.reject(new RangeError('late'));\n    const large = this.#packets.feed(",
      },
    ],
    found: /RangeError: late/,
  },
  {
    name: "Asterisk's words are told as they are",
    kind: 'ami',
    changes: [
      { file: 'ami/message.ts', find: "cut.replace(/[^\\x20-\\x7e]/g, '?')", replace: 'cut' },
      { file: 'ami/message.ts', find: 'text.length > MAX_TOLD', replace: 'text.length > 1e9' },
    ],
    found: /a text /,
  },
];

/** The mutated text of a file. Throws when what is to be replaced is not there exactly once. */
export function planted({ file, find, replace }: Change, folder = SRC): string {
  const text = readFileSync(join(folder, file), 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`${file} has "${find}" ${times} times, not once`);
  return text.replace(find, () => replace);
}

/** What fuzzing says of it. */
export async function hunt(plant: Plant, seed: number): Promise<Failure | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'hintmesh-plant-'));
  try {
    const copy = join(folder, 'src');
    cpSync(SRC, copy, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(PACKAGES, join(folder, 'node_modules'));
    for (const change of plant.changes) writeFileSync(join(copy, change.file), planted(change, copy));
    return (await run(plant.kind, seed, plant.inputs ?? PLANT_INPUTS, await loadSource(copy))).failure;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const plant of PLANTS) {
    const failure = await hunt(plant, Number(process.argv[2] ?? 1));
    if (failure === undefined || !plant.found.test(failure.why)) process.exitCode = 1;
    console.log(`${plant.name.padEnd(60)} ${failure?.why.split('\n')[0]?.slice(0, 100) ?? 'NOT FOUND'}`);
  }
}

/**
 * The memory of a broker: the tags it ever had as peers. Owns `tags.json` in the state directory. A tag that
 * is a peer no more may still have lit lamps in Asterisk's database, which keeps Custom states for ever.
 */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isTag } from '../core/names.ts';
import { readBounded } from './files.ts';
import { replaceFile } from './write.ts';

export const TAGS_FILE = 'tags.json';
/** Where a damaged `tags.json` is kept, beside the new one, for the admin to mend. */
export const DAMAGED_FILE = 'tags.json.bad';
/** Tags that are remembered; the oldest go first. A federation that changes this often needs no memory of it. */
export const MAX_TAGS = 1_000;
const MAX_BYTES = 256 * 1024;

export interface RememberedTags {
  readonly tags: readonly string[];
  /** What became of the file; an unreadable one may hold tags that must not be lost. */
  readonly found: 'none' | 'whole' | 'damaged' | 'unreadable';
  /** One sentence, when the memory could not be read and is taken for empty. */
  readonly warning?: string;
}

/** Never throws: a broker without its memory still serves its peers. No file yet is an empty memory. */
export function readTags(stateDir: string): RememberedTags {
  const file = join(stateDir, TAGS_FILE);
  const read = readBounded(file, MAX_BYTES);
  if ('why' in read) {
    if (read.code === 'ENOENT' || read.code === 'ENOTDIR') return { tags: [], found: 'none' };
    const warning = `cannot read ${file}: ${read.why}; it is left as it is, and lamps of former peers are not repaired`;
    return { tags: [], found: 'unreadable', warning };
  }
  const tags = parseTags(read.text);
  if (tags !== undefined) return { tags, found: 'whole' };
  return {
    tags: [],
    found: 'damaged',
    warning: `${file} is damaged and taken for empty (kept as ${DAMAGED_FILE}); lamps of former peers are not repaired`,
  };
}

/**
 * Adds tags, if new, and writes the file so that a crash leaves the old one or the new one, whole. Makes the
 * directory. Rejects when it cannot write; `known` is what {@link readTags} gave: a file that could not be read is
 * not written, a damaged one is put aside first.
 */
export async function rememberTags(
  stateDir: string,
  { tags: known, found }: RememberedTags,
  added: readonly string[],
): Promise<void> {
  const fresh = added.filter((tag) => !known.includes(tag));
  if (fresh.length === 0 || found === 'unreadable') return;
  const tags = [...new Set([...known, ...fresh])].slice(-MAX_TAGS);
  await mkdir(stateDir, { recursive: true, mode: 0o750 });
  const file = join(stateDir, TAGS_FILE);
  if (found === 'damaged') await rename(file, join(stateDir, DAMAGED_FILE));
  await replaceFile(file, `${JSON.stringify({ version: 1, tags }, null, 2)}\n`, 0o640);
}

function parseTags(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const tags = typeof value === 'object' && value !== null && 'tags' in value ? value.tags : undefined;
    if (!Array.isArray(tags) || tags.length > MAX_TAGS) return undefined;
    return tags.every((tag): tag is string => typeof tag === 'string' && isTag(tag)) ? tags : undefined;
  } catch {
    return undefined;
  }
}

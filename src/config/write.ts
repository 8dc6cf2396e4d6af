/** Files that must be whole: written, flushed to the disk, and only then in place. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes a file that is not there yet, or rejects (`EEXIST`) and leaves the one that is. */
export async function createFile(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Makes the file or replaces it: whoever looks, also after a crash, finds the old text or the new. */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const beside = join(dirname(file), `.${randomUUID()}.tmp`);
  await createFile(beside, text, mode);
  try {
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Files that are whole or absent, whatever dies meanwhile, and on the disk when a function returns. */
import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const ownerOnly = 0o600;

/** A reader sees the old file or the whole new one. */
export async function replaceFile(path: string, text: string, mode = ownerOnly): Promise<void> {
  await putInPlace(path, text, mode, rename);
}

/** Leaves a file that is there: of several that make it at the same moment, one does. */
export async function createFile(path: string, text: string): Promise<void> {
  await putInPlace(path, text, ownerOnly, async (draft) => {
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(draft);
  });
}

/** The draft's name has a dot in front: what collects a folder's files does not take it for one. */
async function putInPlace(
  path: string,
  text: string,
  mode: number,
  put: (draft: string, path: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const draft = `${folder}/.${randomBytes(12).toString('hex')}.draft`;
  try {
    await writeFile(draft, text, { mode, flag: 'wx', flush: true });
    await put(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushFolder(folder);
}

/** A name that a power cut could take back is not kept. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

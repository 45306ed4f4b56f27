/**
 * A copy of the working tree in which sources are edited, so that the tree itself never is, and others may go on working
 * in it. Its packages are the ones of the tree: they are linked. What was compiled is not copied: tests run on sources.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export type EditedCopy = {
  readonly directory: string;
  /** Runs `work` while the file has what `edit` makes of it. A file that is not there is an empty one. */
  edited<T>(file: string, edit: (text: string) => string, work: () => Promise<T>): Promise<T>;
  remove(): Promise<void>;
};

const leftOut = new Set(['node_modules', 'dist', 'coverage']);
const isSource = (path: string) => !leftOut.has(basename(path)) && !basename(path).startsWith('.');

export async function copyOf(root: string): Promise<EditedCopy> {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-protections-'));
  for (const name of readdirSync(root).filter(isSource))
    await cp(join(root, name), join(directory, name), { recursive: true, filter: isSource });
  for (const folder of ['.', ...workspacesOf(root)]) {
    const modules = join(root, folder, 'node_modules');
    if (existsSync(modules)) await symlink(modules, join(directory, folder, 'node_modules'));
  }
  return {
    directory,
    async edited(file, edit, work) {
      const path = join(directory, file);
      const text = existsSync(path) ? await readFile(path, 'utf8') : '';
      await writeFile(path, edit(text));
      try {
        return await work();
      } finally {
        await writeFile(path, text);
      }
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function workspacesOf(root: string): string[] {
  return ['packages', 'services'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
}

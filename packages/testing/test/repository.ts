import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const repositoryRoot = join(__dirname, '../../..');

/** What tools make, and what is not ours. */
const generated = ['node_modules', 'dist', 'coverage'];
const hiddenKept = ['.ci', '.github'];

const isOurs = (name: string) => !generated.includes(name) && (!name.startsWith('.') || hiddenKept.includes(name));

function foldersBelow(path: string): string[] {
  const children = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && isOurs(entry.name),
  );
  return [path, ...children.flatMap(({ name }) => foldersBelow(join(path, name)))];
}

const fromRoot = (path: string) => relative(repositoryRoot, path).split(sep).join('/');

/** Every source file, by its path from the root. Does not ask git: a downloaded copy is tested too. */
export function repositoryFiles(): string[] {
  return foldersBelow(repositoryRoot)
    .flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isFile() && !entry.name.endsWith('.tsbuildinfo') ? [fromRoot(join(folder, entry.name))] : [],
      ),
    )
    .filter((file) => file !== '')
    .toSorted();
}

export function emptyFolders(): string[] {
  return foldersBelow(repositoryRoot)
    .filter((folder) => readdirSync(folder).length === 0)
    .map(fromRoot);
}

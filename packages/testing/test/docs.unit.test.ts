import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryFiles, repositoryRoot } from './repository';

const pages = repositoryFiles().filter((file) => file.endsWith('.md'));

describe('the documents', () => {
  test.each(pages)('%s names no file that does not exist', (page) => {
    const text = readFileSync(join(repositoryRoot, page), 'utf8');
    const named = [...text.matchAll(/`((?:services|packages|infra|docs)\/[\w./-]+\.\w+)`/g)].map(
      ([, path = '']) => path,
    );
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) =>
      join(dirname(page), path),
    );
    // Build output is named where a program is meant; its source must be there.
    const source = (path: string) => path.replace('/dist/', '/src/').replace(/(\/src\/.*)\.js$/, '$1.ts');
    expect([...named, ...linked].filter((path) => !existsSync(join(repositoryRoot, source(path))))).toEqual([]);
  });
});

/** `docs/guarantees.md` promises nothing that no test holds: each row of its tables names tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryFiles, repositoryRoot } from './repository';

const page = 'docs/guarantees.md';
const text = readFileSync(join(repositoryRoot, page), 'utf8');

const files = new Map([...text.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, name = '', path = '']) => [name, path]));

type Link = { readonly title: string; readonly path: string | undefined };

const linksIn = (cell: string): Link[] =>
  [...cell.matchAll(/\[([^\]]+)\](?:\[([\w-]+)\]|\(([^)\s]+)\))/g)].map(([, title = '', name, path]) => ({
    title: title.replaceAll('`', ''),
    path: path ?? files.get(name ?? ''),
  }));

type Row = { readonly name: string; readonly held: readonly Link[] };

/** Rows of the tables that say what holds them, by their first cells. */
function rowsOf(markdown: string): Row[] {
  const cellsOf = (line: string) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
  let heldAt = -1;
  return markdown.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) {
      heldAt = -1;
      return [];
    }
    const cells = cellsOf(line);
    if (heldAt < 0) {
      heldAt = cells.indexOf('held by');
      return [];
    }
    if (/^\|[\s:|-]+$/.test(line)) return [];
    return [{ name: cells.slice(0, 2).join(': '), held: linksIn(cells[heldAt] ?? '') }];
  });
}

const isDecision = ({ path }: Link) => path?.startsWith('adr/') === true;

/** Titles stand in quotes of any kind; a rule has a short name that stands alone. */
function isIn(source: string, title: string): boolean {
  if (/^[A-Z]+\d+[a-z]?$/.test(title)) return new RegExp(`\\b${title}\\b`).test(source);
  const written = [title, title.replaceAll("'", "\\'")];
  return written.some((each) => ["'", '"', '`'].some((quote) => source.includes(`${quote}${each}${quote}`)));
}

/** Tests, and what they import for more than its types, however far away: nothing else of a `test` folder ever runs. */
const run = reachedFrom(repositoryFiles().filter((file) => file.endsWith('.test.ts')));

function reachedFrom(tests: readonly string[]): ReadonlySet<string> {
  const reached = new Set(tests);
  for (const file of reached) {
    const source = readFileSync(join(repositoryRoot, file), 'utf8');
    for (const [, imported = ''] of source.matchAll(/^(?:(?:im|ex)port (?!type )[^;]*?from |import )'(\.[^']+)'/gm)) {
      const path = `${join(dirname(file), imported)}.ts`;
      if (path.includes('/test/') && existsSync(join(repositoryRoot, path))) reached.add(path);
    }
  }
  return reached;
}

/** Undefined when the link names a test, or a decision, that is there. */
function problemOf(link: Link): string | undefined {
  const { title, path } = link;
  if (path === undefined) return `${title}: the file is not listed`;
  const file = join(repositoryRoot, 'docs', path);
  if (!existsSync(file)) return `${title}: ${path} does not exist`;
  if (isDecision(link)) return undefined;
  if (!/\/test\/|\.test\.ts$/.test(path)) return `${title}: ${path} is no test`;
  if (!run.has(join('docs', path))) return `${title}: no test reaches ${path}`;
  return isIn(readFileSync(file, 'utf8'), title) ? undefined : `${title}: not in ${path}`;
}

describe(page, () => {
  const rows = rowsOf(text);

  test('has tables that say what holds each row', () => {
    expect(rows.length).toBeGreaterThan(15);
  });

  test.each(rows)('$name', ({ held }) => {
    expect(held.length).toBeGreaterThan(0);
    expect(held.map(problemOf).filter((problem) => problem !== undefined)).toEqual([]);
  });

  test('lists no file that no row names', () => {
    const named = rows.flatMap(({ held }) => held.map(({ path }) => path));
    expect([...files.values()].filter((path) => !named.includes(path))).toEqual([]);
  });
});

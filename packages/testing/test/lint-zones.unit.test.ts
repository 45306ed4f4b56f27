/** The zones are worth what they refuse: bad files, in a tree laid out like this repository, under its own rules. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './repository';

type Report = { readonly diagnostics: readonly { code: string; message: string; help?: string; filename: string }[] };

const importing = (module: string) => `import { x } from '${module}';\nexport const y = x;\n`;
const imports = 'eslint(no-restricted-imports)';

/** File, what is in it, the rule that refuses it, and what the rule says. */
const refused: readonly [string, string, string, RegExp][] = [
  ['services/a/src/domain/imports-adapter.ts', importing('../adapters/x'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-app.ts', importing('../app/x'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-http.ts', importing('../http/x'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-node.ts', importing('node:fs'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-pg.ts', importing('pg'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-store.ts', importing('@daybook/event-store'), imports, /Pure code does no IO/],
  ['services/a/src/domain/imports-runtime.ts', importing('@daybook/runtime'), imports, /Pure code does no IO/],
  ['packages/core/src/imports-node.ts', importing('node:crypto'), imports, /Pure code does no IO/],
  ['packages/contracts/src/imports-express.ts', importing('express'), imports, /Pure code does no IO/],
  ['services/a/src/app/imports-service.ts', importing('@services/b'), imports, /Services talk through contracts/],
  ['services/a/src/app/reaches-across.ts', importing('../../../b/src/x'), imports, /package entry point/],
  ['services/a/src/app/reaches-over.ts', importing('../../../services/b/src/x'), imports, /Services talk through/],
  ['services/a/src/app/reaches-inside.ts', importing('@daybook/http/dist/app'), imports, /package entry point/],
  ['services/a/src/adapters/imports-kafkajs.ts', importing('kafkajs'), imports, /Use @daybook\/messaging/],
  ['services/a/src/adapters/imports-esdb.ts', importing('@eventstore/db-client'), imports, /Use @daybook\/event-store/],
  ['services/a/src/app/opens-platform.ts', importing('@daybook/service'), imports, /Only a composition root/],
  ['services/a/src/domain/opens-platform.ts', importing('@daybook/service'), imports, /Pure code does no IO/],
  ['packages/http/src/opens-platform.ts', importing('@daybook/service'), imports, /Only a composition root/],
  ['packages/messaging/src/opens-platform.ts', importing('@daybook/service'), imports, /Only a composition root/],
  ['packages/standalone/src/opens-platform.ts', importing('@daybook/service'), imports, /Only a composition root/],
  ['packages/e2e/test/reaches-inside.ts', importing('../../../services/a/src/app/x'), imports, /package entry point/],
  ['packages/testing/src/imports-service.ts', importing('@services/a'), imports, /Services talk through contracts/],
  ['services/a/src/domain/reads-env.ts', 'export const x = process.env;\n', 'eslint(no-restricted-globals)', /process/],
  ['packages/money/src/uses-number.ts', "export const x = Number('1');\n", 'eslint(no-restricted-globals)', /Number/],
  ['services/a/src/app/any.ts', 'export const x: any = 1;\n', 'typescript(no-explicit-any)', /any/],
  ['services/a/src/app/default.ts', 'export default 1;\n', 'import(no-default-export)', /default/],
  ['services/a/src/app/prints.ts', "console.log('x');\n", 'eslint(no-console)', /console/],
  ['services/a/src/app/long.ts', 'export let x = 0;\n' + 'x += 1;\n'.repeat(400), 'eslint(max-lines)', /lines/],
  [
    'services/a/src/app/long-function.ts',
    `export function f(x: number): number {\n${'  x += 1;\n'.repeat(70)}  return x;\n}\n`,
    'eslint(max-lines-per-function)',
    /lines/,
  ],
  ['services/a/src/app/cycle-a.ts', importing('./cycle-b'), 'import(no-cycle)', /cycle/i],
];

const accepted: readonly [string, string][] = [
  ['services/a/src/app/cycle-b.ts', "export { y as x } from './cycle-a';\n"],
  ['services/a/src/app/good.ts', importing('@daybook/http')],
  ['services/a/src/domain/good.ts', importing('@daybook/core')],
  ['services/a/src/service.ts', importing('@daybook/service')],
  ['services/a/test/good.ts', importing('../src/app/x')],
  ['packages/messaging/src/good.ts', importing('kafkajs')],
  ['packages/standalone/src/good.ts', importing('@services/a')],
  ['packages/e2e/test/simulation/good.ts', importing('../../../../services/a/src/app/good')],
];

describe('the lint zones', () => {
  let report: Report;
  let tree: string;

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'daybook-lint-'));
    copyFileSync(join(repositoryRoot, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
    for (const [file, text] of [...refused, ...accepted]) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), text);
    }
    const oxlint = join(repositoryRoot, 'node_modules/.bin/oxlint');
    const { stdout } = spawnSync(oxlint, ['-c', '.oxlintrc.json', '--format', 'json', '.'], {
      cwd: tree,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    report = JSON.parse(stdout) as Report;
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const found = (file: string) =>
    report.diagnostics
      .filter(({ filename }) => filename.replaceAll('\\', '/').endsWith(file))
      .map(({ code, message, help }) => ({ code, text: `${message} ${help ?? ''}` }));

  test.each(refused)('%s is refused', (file, _text, code, says) => {
    expect(found(file)).toContainEqual({ code, text: expect.stringMatching(says) as string });
  });

  test.each(accepted.slice(1))('%s is accepted', (file) => {
    expect(found(file)).toEqual([]);
  });
});

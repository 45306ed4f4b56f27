/** What `npm run test:protections` needs to say anything: edits that fit, and tests that are there. */
import { parseSync } from '@swc/core';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StaleEdit, withoutProtection } from '../src/protections/protection';
import { protections } from '../src/protections/protections';

const root = join(__dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('there are enough, and each has a name of its own', () => {
  expect(protections.length).toBeGreaterThanOrEqual(25);
  expect(new Set(protections.map(({ name }) => name)).size).toBe(protections.length);
});

describe.each(protections.map((protection) => [protection.name, protection] as const))('%s', (_name, protection) => {
  const { file, held } = protection;

  test('can be taken out of the source, which can still be read then', () => {
    expect(file).not.toMatch(/\/test\/|\.test\.ts$/);
    const edited = withoutProtection(read(file), protection);
    if (file.endsWith('.ts')) expect(() => parseSync(edited, { syntax: 'typescript', target: 'es2023' })).not.toThrow();
  });

  test('names a test that is there', () => {
    const { title, definedIn = held.file } = held;
    expect(held.file).toMatch(/\.(unit|int)\.test\.ts$/);
    expect(existsSync(join(root, held.file))).toBe(true);
    expect(["'", '"', '`'].some((quote) => read(definedIn).includes(`${quote}${title}${quote}`))).toBe(true);
  });
});

test('an edit that does not fit its file once is stale', () => {
  const edit = { ...protections[0]!, find: 'if (safe)', replace: 'if (true)' };
  expect(withoutProtection('a if (safe) b', edit)).toBe('a if (true) b');
  for (const text of ['', 'if (safe) if (safe)']) expect(() => withoutProtection(text, edit)).toThrow(StaleEdit);
  expect(() => withoutProtection('if (safe)', { ...edit, replace: edit.find })).toThrow(StaleEdit);
});

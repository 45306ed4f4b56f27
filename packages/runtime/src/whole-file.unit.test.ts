import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFile, replaceFile } from './whole-file';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-files-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => readFileSync(path, 'utf8');

test('of many that make a file at once one does, and it stays what it is', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, n) => createFile(path, `${n}`)));
  const first = read();
  await createFile(path, 'later');
  expect(read()).toBe(first);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a file that is replaced has the new text and mode, and is for its owner alone unless said otherwise', async () => {
  writeFileSync(path, 'before', { mode: 0o644 });
  await replaceFile(path, 'after');
  expect([read(), statSync(path).mode & 0o777]).toEqual(['after', 0o600]);
  await replaceFile(path, 'read only', 0o400);
  expect([read(), statSync(path).mode & 0o777]).toEqual(['read only', 0o400]);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('what cannot be put in its place leaves nothing behind, and what was there', async () => {
  await expect(replaceFile(join(folder, 'missing', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  // A folder of the name is neither replaced nor taken for the file.
  await expect(replaceFile(folder, 'x')).rejects.toMatchObject({ code: 'EISDIR' });
  await createFile(path, 'kept');
  await expect(replaceFile(join(path, 'file'), 'x')).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect(read()).toBe('kept');
  expect(readdirSync(folder)).toEqual(['file']);
});

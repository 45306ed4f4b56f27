import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSecrets } from './secrets';
import { writeSecretFiles } from './write-secret-files';

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'daybook-secrets-'));
  file = join(home, 'secrets.json');
});
afterEach(() => rmSync(home, { recursive: true }));

const stored = () => JSON.parse(readFileSync(file, 'utf8')) as unknown;

test('two first starts at once use the same keys, which are those in the file', async () => {
  const [one, other] = await Promise.all([loadSecrets(home), loadSecrets(home)]);
  expect(one).toEqual(other);
  expect(stored()).toEqual(one);
  expect(await loadSecrets(home)).toEqual(one);
  expect(readdirSync(home)).toEqual(['secrets.json']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('keys that an older instance lacks are added, and the others kept', async () => {
  const { signerPassword: _added, ...kept } = await loadSecrets(home);
  writeFileSync(file, JSON.stringify(kept));
  const secrets = await loadSecrets(home);
  expect(secrets).toMatchObject({ ...kept, signerPassword: expect.any(String) });
  expect(stored()).toEqual(secrets);
});

describe('key files', () => {
  const ofLedger = () => join(home, 'services', 'ledger');
  const keyFile = () => join(ofLedger(), 'personal-data-key');
  beforeEach(() => mkdirSync(ofLedger(), { recursive: true }));

  test('one that was left empty is written, for its owner alone', async () => {
    writeFileSync(keyFile(), '', { mode: 0o400 });
    await writeSecretFiles(home);
    expect(readFileSync(keyFile(), 'utf8')).toBe((await loadSecrets(home)).personalDataKey);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o400);
    expect(readdirSync(ofLedger())).toEqual(['checkpoint-private-key', 'internal-token', 'personal-data-key']);
  });

  test('one that has a key is kept', async () => {
    writeFileSync(keyFile(), 'own key');
    await writeSecretFiles(home);
    expect(readFileSync(keyFile(), 'utf8')).toBe('own key');
  });
});

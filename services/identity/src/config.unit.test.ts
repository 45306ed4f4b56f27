import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describeConfig } from '@daybook/runtime';
import { configSchema, loadConfig } from './config';

const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const publicOnly = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
const key = () => randomBytes(32).toString('base64');
const good = {
  DATABASE_URL: 'postgres://localhost/daybook',
  INTERNAL_TOKEN: 'x'.repeat(32),
  TOKEN_PRIVATE_KEY: pem('P-256'),
  SECRETS_KEY: key(),
  PERSONAL_DATA_KEY: key(),
};

describe('config', () => {
  test('accepts a P-256 key, also with its line breaks written out', () => {
    expect(loadConfig(good).TOKEN_TTL_DAYS).toBe(365);
    expect(() =>
      loadConfig({ ...good, TOKEN_PRIVATE_KEY: good.TOKEN_PRIVATE_KEY.replaceAll('\n', '\\n') }),
    ).not.toThrow();
  });

  test.each([
    ['another curve', pem('P-384')],
    ['another algorithm', rsa.toString()],
    ['a public key', publicOnly.toString()],
    ['a forged body', good.TOKEN_PRIVATE_KEY.replace(/[A-Z]/g, 'A')],
    ['no PEM', 'secret'],
  ])('refuses %s and names the setting', (_, value) => {
    expect(() => loadConfig({ ...good, TOKEN_PRIVATE_KEY: value })).toThrow(/^ {2}TOKEN_PRIVATE_KEY: must be a PEM/m);
  });

  test('never shows a key', () => {
    const shown = JSON.stringify(loadConfig(good));
    expect(shown).not.toContain('PRIVATE KEY--');
    expect(shown).not.toContain(good.SECRETS_KEY);
  });

  test('describes every setting', () => {
    for (const row of describeConfig(configSchema).split('\n').slice(2)) expect(row).toMatch(/\| \S.* \|$/);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { describeConfig } from '@daybook/runtime';
import { configSchema, loadConfig } from './config';

const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).publicKey;
const valid = {
  DATABASE_URL: 'postgres://localhost/daybook',
  INTERNAL_TOKEN: 'x'.repeat(32),
  IDENTITY_URL: 'http://identity:8080/',
  INTENTS_URL: 'http://intents:8080',
  LEDGER_URL: 'http://ledger:8080',
  CHAIN_WATCHER_URL: 'http://chain-watcher:8080',
  NOTIFICATIONS_URL: 'http://notifications:8080',
  SETTLEMENT_URL: 'http://settlement:8080',
  TOKEN_PUBLIC_KEY: pem('P-256'),
};

test('the defaults are those of the documents', () => {
  const config = loadConfig(valid);
  expect(config).toMatchObject({
    HTTP_PORT: 8080,
    PAY_RATE_LIMIT_PER_MINUTE: 100,
    RATE_LIMIT_PER_MINUTE: 6_000,
    PUBLIC_RATE_LIMIT_PER_MINUTE: 100,
    PAY_SIGNATURE_ABOVE: 100_000n,
    TRUSTED_PROXIES: [],
    IDENTITY_URL: 'http://identity:8080',
  });
  expect(loadConfig({ ...valid, PAY_SIGNATURE_ABOVE: 'off' }).PAY_SIGNATURE_ABOVE).toBeNull();
  expect(loadConfig({ ...valid, PAY_SIGNATURE_ABOVE: '0' }).PAY_SIGNATURE_ABOVE).toBe(0n);
  expect(loadConfig({ ...valid, TOKEN_PUBLIC_KEY: valid.TOKEN_PUBLIC_KEY.replaceAll('\n', '\\n') })).toBeDefined();
});

test.each([
  ['TOKEN_PUBLIC_KEY', 'nonsense'],
  ['TOKEN_PUBLIC_KEY', pem('P-384')],
  ['TRUSTED_PROXIES', '10.0.0.0/8,true'],
  ['TRUSTED_PROXIES', '1'],
  ['PAY_SIGNATURE_ABOVE', '1000.001'],
  ['PAY_SIGNATURE_ABOVE', '-1'],
  ['RATE_LIMIT_PER_MINUTE', '0'],
  ['PAY_RATE_LIMIT_PER_MINUTE', 'many'],
  ['LEDGER_URL', 'ledger:8080'],
  ['IDENTITY_URL', undefined],
])('a wrong %s stops the start by its name', (name, value) => {
  expect(() => loadConfig({ ...valid, [name]: value })).toThrow(`${name}:`);
});

test('every setting is described', () => {
  const rows = describeConfig(configSchema).split('\n').slice(2);
  for (const row of rows) expect(row).toMatch(/\| .{10,} \|$/);
});

import { createHash, generateKeyPairSync } from 'node:crypto';
import { describeConfig } from '@daybook/runtime';
import { configSchema, loadConfig } from './config';

const pair = (namedCurve: string) =>
  generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const pem = (namedCurve: string) => pair(namedCurve).publicKey;
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
});

test.each([
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

describe('the keys of tokens', () => {
  const load = (text: string) => loadConfig({ ...valid, TOKEN_PUBLIC_KEY: text }).TOKEN_PUBLIC_KEY;
  const [one, other] = [pem('P-256'), pem('P-256')];
  const escaped = (text: string) => text.replaceAll('\n', '\\n');

  test.each([
    ['one', one, 1],
    ['one in a line', escaped(one), 1],
    ['two', one + other, 2],
    ['two with an empty line between them and around', `\n${one}\r\n${other}\n`, 2],
    ['two in a line', escaped(one + other), 2],
  ])('may be %s', (_name, text, count) => {
    expect(load(text).size).toBe(count);
  });

  test('are found by the first 16 digits of the SHA-256 of what they are in DER', () => {
    const pemOf = (base64: string) => `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`;
    const der = (text: string) => Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64');
    const ids = [one, other].map((text) => createHash('sha256').update(der(text)).digest('hex').slice(0, 16));
    expect([...load(one + other).keys()]).toEqual(ids);
    expect(load(pemOf(der(one).toString('base64'))).has(ids[0]!)).toBe(true);
  });

  const notKeys = 'must be the PEM of a public key on curve P-256, or of several';
  test.each([
    ['nonsense', 'nonsense', notKeys],
    ['a key on another curve', pem('P-384'), notKeys],
    ['a good one and one on another curve', one + pem('secp256k1'), notKeys],
    ['a good one and one that was cut off', one + other.slice(0, 60), notKeys],
    ['a good one and something else', `${one}and`, notKeys],
    ['a key twice', one + other + one, 'has a key twice'],
    ['a private key', pair('P-256').privateKey, 'has a private key, which belongs to identity only'],
    ['a private key beside a public one', one + pair('P-256').privateKey, 'has a private key'],
  ])('may not be %s', (_name, text, problem) => {
    expect(() => load(text)).toThrow(`TOKEN_PUBLIC_KEY: ${problem}`);
    expect(() => load(escaped(text))).toThrow(`TOKEN_PUBLIC_KEY: ${problem}`);
  });
});

test('every setting is described', () => {
  const rows = describeConfig(configSchema).split('\n').slice(2);
  for (const row of rows) expect(row).toMatch(/\| .{10,} \|$/);
});

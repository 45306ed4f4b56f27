import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { callTokens, ConfigError, describeConfig, parseConfig, serviceSettings } from './config';
import { secretsKeySettings } from './sealing';

const schema = z.object(serviceSettings);
const valid = { DATABASE_URL: 'postgres://localhost/daybook', INTERNAL_TOKEN: 'x'.repeat(32) };

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    parseConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  test('fills in the defaults', () => {
    expect(parseConfig(schema, valid)).toMatchObject({ HTTP_PORT: 0, MESSAGING: 'postgres', LOG_LEVEL: 'info' });
  });

  test('reports every problem, each naming its setting', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://localhost/daybook',
      INTERNAL_TOKEN: 'short',
      HTTP_PORT: '70000',
      LOG_LEVEL: 'loud',
    });
    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'HTTP_PORT',
      'INTERNAL_TOKEN',
      'LOG_LEVEL',
    ]);
  });

  test('wants brokers when messages go over Kafka', () => {
    expect(problemsOf({ ...valid, MESSAGING: 'kafka' })).toEqual(['KAFKA_BROKERS: required when MESSAGING is kafka']);
    expect(problemsOf({ ...valid, MESSAGING: 'kafka', KAFKA_BROKERS: 'a:9092, b:9092' })).toEqual([]);
    expect(problemsOf({ ...valid, EVENT_STORE: 'eventstoredb' })).toEqual([
      'EVENTSTOREDB_URL: required when EVENT_STORE is eventstoredb',
    ]);
    const cluster = { ...valid, EVENT_STORE: 'eventstoredb', EVENTSTOREDB_URL: 'esdb://a:2113,b:2113?tls=false' };
    expect(problemsOf(cluster)).toEqual([]);
    expect(problemsOf({ ...cluster, EVENTSTOREDB_URL: 'http://a:2113' })).toHaveLength(1);
  });

  test.each([
    ['3', 1],
    ['4', 0],
    ['100', 0],
    ['101', 1],
  ])('a pool of %s connections has %s problems', (DATABASE_POOL_MAX, problems) => {
    expect(problemsOf({ ...valid, DATABASE_POOL_MAX })).toHaveLength(problems);
  });

  test('treats an empty value as absent', () => {
    expect(problemsOf({ ...valid, HTTP_PORT: '' })).toEqual([]);
    expect(problemsOf({ ...valid, DATABASE_URL: '' })).toHaveLength(1);
  });

  test('reads a secret from the file that <NAME>_FILE names, and names the setting when it cannot', () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-config-'));
    const file = join(folder, 'token');
    writeFileSync(file, `${'y'.repeat(32)}\n`);
    const { DATABASE_URL } = valid;
    expect(parseConfig(schema, { DATABASE_URL, INTERNAL_TOKEN_FILE: file }).INTERNAL_TOKEN.reveal()).toBe(
      'y'.repeat(32),
    );
    expect(problemsOf({ DATABASE_URL, INTERNAL_TOKEN_FILE: `${file}.missing` })[0]).toContain(
      'INTERNAL_TOKEN_FILE: cannot be read (ENOENT)',
    );
    rmSync(folder, { recursive: true });
  });

  test('takes a second internal token, which has to be as long as the first', () => {
    const revealed = (env: Record<string, string>) =>
      callTokens(parseConfig(schema, env)).map((token) => token.reveal());
    expect(revealed(valid)).toEqual(['x'.repeat(32)]);
    expect(revealed({ ...valid, INTERNAL_TOKEN_ALSO: '' })).toEqual(['x'.repeat(32)]);
    expect(revealed({ ...valid, INTERNAL_TOKEN_ALSO: 'z'.repeat(32) })).toEqual(['x'.repeat(32), 'z'.repeat(32)]);
    expect(problemsOf({ ...valid, INTERNAL_TOKEN_ALSO: 'z'.repeat(31) })[0]).toContain('INTERNAL_TOKEN_ALSO:');
  });

  test('refuses a sealing key that is there twice, however it is written, and does not print it', () => {
    const sealing = z.object(secretsKeySettings('secrets'));
    const [one, other, third] = [1, 2, 3].map(() => randomBytes(32).toString('base64'));
    const problemOf = (...old: readonly (string | undefined)[]) => {
      try {
        parseConfig(sealing, { SECRETS_KEY: one, SECRETS_KEYS_OLD: old.join(',') });
      } catch (error) {
        return String(error);
      }
      return null;
    };
    expect([problemOf(), problemOf(other), problemOf(other, third)]).toEqual([null, null, null]);
    const repeated =
      'ConfigError: invalid configuration\n  SECRETS_KEYS_OLD: has a key twice, or the one of SECRETS_KEY';
    expect(problemOf(other, one)).toBe(repeated);
    expect(problemOf(one?.replace('=', ''))).toBe(repeated);
    expect(problemOf(other, third, other)).toBe(repeated);
    expect(problemOf('short')).toContain('SECRETS_KEYS_OLD: must be keys of 32 bytes');
    expect(problemOf('short')).not.toContain('short');
  });

  test('does not print a secret', () => {
    expect(JSON.stringify(parseConfig(schema, valid))).not.toContain(valid.INTERNAL_TOKEN);
  });
});

test('describeConfig has one row a setting, with its default or that it is required', () => {
  const lines = describeConfig(schema).split('\n');
  expect(lines).toHaveLength(2 + Object.keys(serviceSettings).length);
  expect(lines).toContainEqual(expect.stringMatching(/^\| `DATABASE_URL` \| required \| .+ \|$/));
  expect(lines).toContainEqual(expect.stringMatching(/^\| `LOG_LEVEL` \| `info` \| .+ \|$/));
});

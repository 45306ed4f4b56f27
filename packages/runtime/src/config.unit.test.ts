import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, describeConfig, parseConfig, serviceSettings } from './config';

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

  test('treats an empty value as absent', () => {
    expect(problemsOf({ ...valid, HTTP_PORT: '' })).toEqual([]);
    expect(problemsOf({ ...valid, DATABASE_URL: '' })).toHaveLength(1);
  });

  test('reads a secret from the file that <NAME>_FILE names, and names the setting when it cannot', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'daybook-config-')), 'token');
    writeFileSync(file, `${'y'.repeat(32)}\n`);
    const { DATABASE_URL } = valid;
    expect(parseConfig(schema, { DATABASE_URL, INTERNAL_TOKEN_FILE: file }).INTERNAL_TOKEN.reveal()).toBe(
      'y'.repeat(32),
    );
    expect(problemsOf({ DATABASE_URL, INTERNAL_TOKEN_FILE: `${file}.missing` })[0]).toContain(
      'INTERNAL_TOKEN_FILE: cannot be read (ENOENT)',
    );
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

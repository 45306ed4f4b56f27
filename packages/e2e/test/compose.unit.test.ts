import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyTopicsConfigSchema, republishConfigSchema } from '@daybook/messaging';
import { configSchema as signer } from '@daybook/signer';
import { seedConfigSchema, writeSecretFiles } from '@daybook/standalone';
import { configSchema as chainWatcher } from '@services/chain-watcher';
import { configSchema as gateway } from '@services/gateway';
import { configSchema as identity } from '@services/identity';
import { configSchema as intents } from '@services/intents';
import { configSchema as ledger } from '@services/ledger';
import { configSchema as notifications } from '@services/notifications';
import { configSchema as settlement } from '@services/settlement';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import type { z } from 'zod';

type Container = {
  image: string;
  entrypoint?: string[];
  command?: string[];
  volumes?: (string | object)[];
  environment?: Record<string, string>;
  env_file?: { path: string; required: boolean }[];
  build?: { context: string; dockerfile: string };
  depends_on?: Record<string, unknown>;
  healthcheck?: unknown;
  restart?: string;
  ports?: string[];
};
type Compose = { services: Record<string, Container> };

const root = join(__dirname, '../../..');
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
const serviceSchemas: Record<string, z.ZodObject> = {
  'chain-watcher': chainWatcher,
  gateway,
  identity,
  intents,
  ledger,
  notifications,
  settlement,
};
const programs: Record<string, z.ZodObject> = {
  ...serviceSchemas,
  signer,
  seed: seedConfigSchema,
  topics: applyTopicsConfigSchema,
  republish: republishConfigSchema,
};
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'daybook:local');

describe('docker-compose.yml', () => {
  test('is valid by the Compose specification', () => {
    const schema = JSON.parse(readFileSync(require.resolve('docker-compose/schema/compose-spec.json'), 'utf8')) as {
      $schema?: string;
    };
    delete schema.$schema;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    const validate = ajv.compile(schema);
    expect(validate(compose) ? [] : validate.errors).toEqual([]);
    expect(validate({ services: { gateway: { imagine: 'x' } } })).toBe(false);
  });

  test('has every service of the repository, and nothing that it does not start', () => {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(programs)));
    const others = Object.keys(compose.services).filter((name) => !(name in programs));
    expect(others.toSorted()).toEqual(['eventstoredb', 'kafka', 'postgres', 'secrets']);
  });

  test.each(ours)('%s runs a program that the repository builds', (_name, { entrypoint = [], command = [], build }) => {
    const [program, script = ''] = [...entrypoint, ...command];
    expect(program).toBe('node');
    const source = script.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
    expect(existsSync(join(root, source)) ? 'exists' : `missing ${source}`).toBe('exists');
    if (build !== undefined) expect(existsSync(join(root, build.context, build.dockerfile))).toBe(true);
  });

  test.each(Object.entries(programs))(
    '%s is given settings that its schema knows, and all that it requires',
    (name, schema) => {
      const given = Object.keys(compose.services[name]?.environment ?? {}).map((setting) =>
        setting.replace(/_FILE$/, ''),
      );
      const known = Object.keys(schema.shape);
      expect(given.filter((setting) => !known.includes(setting))).toEqual([]);
      const required = known.filter((setting) => !(schema.shape[setting] as z.ZodType).safeParse(undefined).success);
      expect(required.filter((setting) => !given.includes(setting))).toEqual([]);
    },
  );

  test('a container finds the secret files that it reads, and no other', async () => {
    const home = mkdtempSync(join(tmpdir(), 'daybook-compose-'));
    try {
      await writeSecretFiles(home);
      for (const [name, { environment = {}, volumes = [] }] of ours) {
        const read = Object.entries(environment).flatMap(([setting, value]) =>
          setting.endsWith('_FILE') ? [value.replace('/run/daybook/', '')] : [],
        );
        const whole = volumes.includes('secrets:/run/daybook');
        expect(whole ? [name, read] : name).toEqual(['secrets', 'seed'].includes(name) ? [name, []] : name);
        if (read.length === 0) continue;
        const subpath = `services/${name}`;
        const mount = { type: 'volume', source: 'secrets', target: '/run/daybook', read_only: true };
        expect(volumes).toContainEqual({ ...mount, volume: { subpath } });
        expect(readdirSync(join(home, subpath))).toEqual(read.toSorted());
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test('the image is built with the npm of the repository', () => {
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      packageManager: string;
    };
    const dockerfile = readFileSync(join(root, 'infra/docker/Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`npm install --global ${packageManager} `);
  });

  test('a service reaches the others by their names, at the port they listen on', () => {
    const urls = ours.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(
        ([name]) => name.endsWith('_URL') && !['DATABASE_URL', 'BASE_URL', 'EVENTSTOREDB_URL'].includes(name),
      ),
    );
    for (const [, value] of urls) {
      const { hostname, port } = new URL(value);
      expect(compose.services[hostname]?.environment?.HTTP_PORT).toBe(port);
    }
  });

  test('services keep their events where EVENT_STORE says, and EventStoreDB is there when its profile is', () => {
    const { profiles, healthcheck, ports } = compose.services.eventstoredb as Container & { profiles?: string[] };
    expect(profiles).toEqual(['eventstoredb']);
    expect(healthcheck).toBeDefined();
    expect(ports).toBeUndefined();
    for (const [, { environment, depends_on: dependsOn }] of ours.filter(([name]) => name in serviceSchemas)) {
      expect(environment).toMatchObject({ EVENT_STORE: '${EVENT_STORE:-postgres}' });
      expect(new URL(environment?.EVENTSTOREDB_URL ?? '').host).toBe('eventstoredb:2113');
      expect(dependsOn).toMatchObject({ eventstoredb: { condition: 'service_healthy', required: false } });
    }
  });

  test('the keys of hot wallets are where no other container looks', () => {
    const { signer: own, ...others } = compose.services;
    expect(own?.volumes).toContain('signer:/var/lib/signer');
    expect(own?.ports).toBeUndefined();
    const elsewhere = Object.values(others).flatMap(({ volumes = [] }) => volumes);
    expect(elsewhere.filter((volume) => JSON.stringify(volume).startsWith('"signer:'))).toEqual([]);
    const password = /signer-password/;
    for (const { environment = {} } of Object.values(others)) expect(JSON.stringify(environment)).not.toMatch(password);
  });

  test('those that must agree on the chains read one file, and nothing overrides it', () => {
    const readers = ours.filter(([, { env_file: files }]) => files !== undefined);
    expect(readers.map(([name]) => name).toSorted()).toEqual(['chain-watcher', 'settlement', 'signer']);
    for (const [, { env_file: files, environment = {} }] of readers) {
      expect(files).toEqual([{ path: 'chains.env', required: false }]);
      expect(
        Object.keys(environment).filter((name) => /_RPC_URL$|_API_URL$|_CONTRACT$|_MODE$|_CAPS$/.test(name)),
      ).toEqual([]);
    }
    expect(readFileSync(join(root, '.gitignore'), 'utf8')).toMatch(/^chains\.env$/m);
  });

  test('whatever is to stay up is started again, servers like services', () => {
    const staying = Object.entries(compose.services).filter(([, { healthcheck }]) => healthcheck !== undefined);
    expect(staying.map(([name]) => name)).toEqual(
      expect.arrayContaining(['postgres', 'kafka', 'eventstoredb', 'signer']),
    );
    for (const [name, { restart }] of staying) expect([name, restart]).toEqual([name, 'unless-stopped']);
  });

  test('Postgres ends transactions that anyone leaves open', () => {
    expect(compose.services.postgres?.command).toContain('idle_in_transaction_session_timeout=60s');
  });

  test('no documented one-off command starts services anew because its shell has other settings', () => {
    const documents = ['README.md', 'packages/messaging/README.md', 'docker-compose.yml'];
    const commands = documents.flatMap((document) => [
      ...readFileSync(join(root, document), 'utf8').matchAll(/docker compose run ((?:--[a-z-]+ )*)([a-z-]+)/g),
    ]);
    expect(commands.length).toBeGreaterThanOrEqual(documents.length);
    const dependencies = (name: string): string[] =>
      Object.keys(compose.services[name]?.depends_on ?? {}).flatMap((each) => [each, ...dependencies(each)]);
    for (const [command, options = '', name = ''] of commands) {
      const settled = dependencies(name).every((each) => !JSON.stringify(compose.services[each]).includes('${'));
      expect([command, settled || options.includes('--no-deps')]).toEqual([command, true]);
    }
  });

  test('whatever waits for health waits for something that has a health check', () => {
    for (const [, { depends_on: dependsOn = {} }] of Object.entries(compose.services)) {
      for (const [name, wait] of Object.entries(dependsOn)) {
        expect(compose.services[name]).toBeDefined();
        if ((wait as { condition: string }).condition === 'service_healthy')
          expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });
});

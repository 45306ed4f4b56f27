import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { hasRepeatedKey } from './keyring';
import { Secret } from './secret';
import { StartRefusal } from './start-refusal';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A secret setting. Also accepted as `<NAME>_FILE`, the path of a file that holds it. */
export const secretSetting = (lengthMin: number) =>
  z
    .string()
    .min(lengthMin)
    .transform((value) => new Secret(value))
    .meta({ secret: true });

/** Of a node: a secret, as it may hold a key. */
export const nodeUrlSetting = z
  .url({ protocol: /^https?$/ })
  .transform((url) => new Secret(url))
  .optional()
  .meta({ secret: true });

/** What a setting lists with commas between. */
export const entriesOf = (list: string) =>
  list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

export const portSetting = z.coerce.number().int().min(0).max(65_535);
export const durationMsSetting = (max: number) => z.coerce.number().int().min(0).max(max);

/** Settings that every service has, described once. */
export const serviceSettings = {
  HTTP_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  HTTP_PORT: portSetting.default(0).describe('Port to listen on; 0 chooses a free one.'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).describe('Postgres of this service, as a postgres:// URL.'),
  // Half are for consumers. Of the others, one publishes for as long as the broker takes; with another, appends go on.
  DATABASE_POOL_MAX: z.coerce.number().int().min(4).max(100).default(8).describe('Connections kept at most; 4 to 100.'),
  EVENT_STORE: z.enum(['postgres', 'eventstoredb']).default('postgres').describe('Where the log of events is kept.'),
  EVENTSTOREDB_URL: z
    .string()
    .regex(/^esdb(\+discover)?:\/\/./)
    .optional()
    .describe('EventStoreDB, as an esdb:// or esdb+discover:// URL; required when EVENT_STORE is eventstoredb.'),
  EVENTSTOREDB_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9_-]*$/)
    .default('daybook')
    .describe('What the names of all streams begin with there; two Daybooks on one server need two.'),
  MESSAGING: z.enum(['postgres', 'kafka']).default('postgres').describe('Transport of messages between services.'),
  KAFKA_BROKERS: z
    .string()
    .default('')
    .transform(entriesOf)
    .describe('Comma-separated host:port list; required when MESSAGING is kafka.'),
  KAFKA_SESSION_TIMEOUT_MS: durationMsSetting(300_000)
    .pipe(z.number().min(1_000))
    .default(15_000)
    .describe('Silence after which a process loses its partitions to others of its group, in milliseconds.'),
  INTERNAL_TOKEN: secretSetting(32).describe('Shared by the services: authenticates their calls to each other.'),
  INTERNAL_TOKEN_ALSO: secretSetting(32)
    .optional()
    .describe('A second token that calls are accepted with, while INTERNAL_TOKEN is replaced; none are made with it.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is logged.'),
  SHUTDOWN_GRACE_MS: durationMsSetting(120_000)
    .default(25_000)
    .describe('Time to finish work after SIGTERM, in milliseconds.'),
} as const;

export type ServiceSettings = Readonly<z.output<z.ZodObject<typeof serviceSettings>>>;

/** The tokens that calls of other services are accepted with. */
export function callTokens({ INTERNAL_TOKEN, INTERNAL_TOKEN_ALSO }: ServiceSettings): readonly Secret[] {
  return INTERNAL_TOKEN_ALSO === undefined ? [INTERNAL_TOKEN] : [INTERNAL_TOKEN, INTERNAL_TOKEN_ALSO];
}

/** Pure but for the files that `<NAME>_FILE` names. Reports every problem, each naming its setting. */
export function parseConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Environment,
): Readonly<z.output<z.ZodObject<Shape>>> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = settingOf(env, name, problems);
    if (value !== undefined) values[name] = value;
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  } else if (problems.length === 0) {
    const { MESSAGING, KAFKA_BROKERS, EVENT_STORE, EVENTSTOREDB_URL, ...choices } = parsed.data as Choices;
    if (MESSAGING === 'kafka' && KAFKA_BROKERS?.length === 0)
      problems.push('KAFKA_BROKERS: required when MESSAGING is kafka');
    if (EVENT_STORE === 'eventstoredb' && EVENTSTOREDB_URL === undefined)
      problems.push('EVENTSTOREDB_URL: required when EVENT_STORE is eventstoredb');
    const { SECRETS_KEY, SECRETS_KEYS_OLD = [] } = choices;
    if (SECRETS_KEY !== undefined && hasRepeatedKey([SECRETS_KEY, ...SECRETS_KEYS_OLD]))
      problems.push('SECRETS_KEYS_OLD: has a key twice, or the one of SECRETS_KEY');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(parsed.data as z.output<z.ZodObject<Shape>>);
}

/** Settings that others depend on. */
type Choices = {
  readonly MESSAGING?: string;
  readonly KAFKA_BROKERS?: readonly string[];
  readonly EVENT_STORE?: string;
  readonly EVENTSTOREDB_URL?: string;
  readonly SECRETS_KEY?: Secret;
  readonly SECRETS_KEYS_OLD?: readonly Secret[];
};

export class ConfigError extends StartRefusal {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`invalid configuration\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

function settingOf(env: Environment, name: string, problems: string[]): string | undefined {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(`${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    return undefined;
  }
}

/** The Markdown table of a service's README: one row a setting, in the order of the schema. */
export function describeConfig(schema: z.ZodObject): string {
  const rows = Object.entries(schema.shape).map(([name, setting]) => {
    const json = z.toJSONSchema(setting as z.ZodType, { io: 'input', unrepresentable: 'any' }) as {
      default?: unknown;
      secret?: boolean;
    };
    const required = !(setting as z.ZodType).safeParse(undefined).success;
    const fallback = required
      ? 'required'
      : json.default === undefined || json.default === ''
        ? 'none'
        : `\`${String(json.default)}\``;
    return `| \`${name}\` | ${fallback} | ${(setting as z.ZodType).description ?? ''} |`;
  });
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

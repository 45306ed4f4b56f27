import { resolve } from 'node:path';
import { durationMsSetting, parseConfig, portSetting, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

export const configSchema = z.object({
  DAYBOOK_HOME: z
    .string()
    .default('.daybook')
    .transform((path) => resolve(path))
    .describe('Directory of all state; deleting it is a clean start.'),
  DAYBOOK_PORT: portSetting
    .default(8080)
    .describe('Port of the gateway on 127.0.0.1; every other port is chosen free.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('Postgres to use instead of the embedded one.'),
  EVENT_STORE: serviceSettings.EVENT_STORE,
  EVENTSTOREDB_URL: serviceSettings.EVENTSTOREDB_URL,
  EVENTSTOREDB_NAMESPACE: serviceSettings.EVENTSTOREDB_NAMESPACE,
  MESSAGING: z.enum(['postgres', 'kafka']).default('postgres').describe('Transport of messages between services.'),
  KAFKA_BROKERS: serviceSettings.KAFKA_BROKERS,
  KAFKA_REPLICATION_FACTOR: z.coerce
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('Replicas of the topics that a start on Kafka declares.'),
  EVM_RPC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('EVM node to use instead of the embedded development node.'),
  EVM_CHAIN_ID: z.coerce.number().int().min(1).default(31_337).describe('Chain id that the EVM node must have.'),
  EVM_USDT_CONTRACT: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hexadecimal digits')
    .optional()
    .describe('USDT contract on EVM_RPC_URL; without it a test token is deployed there.'),
  INTENT_TTL_MS: durationMsSetting(7 * 24 * 3_600_000)
    .optional()
    .describe('Lifetime of a payment intent in milliseconds, instead of the 30 minutes of the intents service.'),
  CHECKPOINT_DELAY_MS: durationMsSetting(86_400_000)
    .optional()
    .describe('Time that a new event waits for a signed checkpoint at most, in milliseconds, instead of 10 seconds.'),
  PAY_RATE_LIMIT_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Requests a minute on pay for each credential, instead of 100.'),
  LOG_LEVEL: serviceSettings.LOG_LEVEL,
  SHUTDOWN_GRACE_MS: serviceSettings.SHUTDOWN_GRACE_MS,
});

export type Config = Readonly<z.output<typeof configSchema>>;

export function loadConfig(env: Environment): Config {
  return parseConfig(configSchema, env);
}

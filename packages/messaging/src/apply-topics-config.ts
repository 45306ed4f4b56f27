import { parseConfig, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

export const applyTopicsConfigSchema = z.object({
  KAFKA_BROKERS: serviceSettings.KAFKA_BROKERS.refine((brokers) => brokers.length > 0, 'required').describe(
    'Comma-separated host:port list.',
  ),
  KAFKA_REPLICATION_FACTOR: z.coerce
    .number()
    .int()
    .min(1)
    .max(10)
    .optional()
    .describe('Copies of each topic; by default as declared.'),
  LOG_LEVEL: serviceSettings.LOG_LEVEL,
});

export function loadApplyTopicsConfig(env: Environment) {
  return parseConfig(applyTopicsConfigSchema, env);
}

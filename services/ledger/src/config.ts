import { parseSigningKey } from '@daybook/proof';
import {
  durationMsSetting,
  parseConfig,
  sealingKeySetting,
  secretSetting,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';

const signingKeySetting = secretSetting(1)
  .refine(isSigningKey, 'must be an Ed25519 private key, PEM or its 32 bytes in base64')
  .meta({ secret: true })
  .optional();

function isSigningKey(key: { reveal(): string }): boolean {
  try {
    parseSigningKey(key.reveal());
    return true;
  } catch {
    return false;
  }
}

export const configSchema = z.object({
  ...serviceSettings,
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    'Master key of personal data in events, 32 bytes in base64. Losing it loses the notes of all transfers.',
  ),
  BATCH_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Commands that are appended together at most.'),
  RECORDS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(2_000)
    .describe(
      'Finished commands of a book whose answers stay in memory, about; older answers are read from the journal. With many, ' +
        'their records are there long enough to be moved among old objects, which costs more than reading the few that are asked for again.',
    ),
  RECORD_FILTER_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .max(4_096)
    .default(32)
    .describe('Memory that tells new ids from used ones, a book, in MiB: about half a million ids each.'),
  SNAPSHOT_EVENTS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(100_000_000)
    .default(100_000)
    .describe(
      'Events of a book from one snapshot to the next, or as many as it has accounts if those are more: what a start reads at most.',
    ),
  QUEUE_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Commands of a book that may wait for their answer; more are refused until some are answered.'),
  CHECKPOINT_SIGNING_KEY: signingKeySetting.describe(
    'Private Ed25519 key that signs checkpoints of the books, PEM or 32 bytes in base64. Without it none are signed.',
  ),
  CHECKPOINT_FORMER_KEY: signingKeySetting.describe(
    'The signing key before it, on a change of keys, until it has introduced the new one to every book.',
  ),
  CHECKPOINT_ORIGIN: z
    .string()
    .regex(/^[\x21-\x7e]{1,150}$/)
    .default('daybook')
    .describe('Whose books these are, as every checkpoint says. It must not change.'),
  CHECKPOINT_EVENTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('New events of a book after which a checkpoint is signed at once.'),
  CHECKPOINT_DELAY_MS: durationMsSetting(86_400_000)
    .default(10_000)
    .describe('Time that a new event waits for a checkpoint at most, in milliseconds.'),
  CHECK_INTERVAL_S: z.coerce
    .number()
    .int()
    .min(0)
    .max(604_800)
    .default(3_600)
    .describe('Seconds from one check of the books and read models to the next; 0 for none.'),
  CHECK_FULL_EVERY: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(24)
    .describe('Every so manieth of these checks is a full one; the others look at what is new.'),
  CLEARING_DEADLINE_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(31_536_000)
    .default(259_200)
    .describe('Seconds that an item may stand on a clearing account before a check reports it.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const settings = z.strictObject({
  partitions: z.number().int().min(1).max(1_000),
  replicationFactor: z.number().int().min(1),
  minInsyncReplicas: z.number().int().min(1),
  /** -1 keeps messages for ever, which is what lets a new group start from the beginning. */
  retentionMs: z.number().int().min(-1),
  messageBytesMax: z.number().int().min(1),
});

const file = z
  .strictObject({
    defaults: settings,
    topics: z.array(settings.partial().extend({ name: z.string().regex(/^[a-z-]+\.[a-z-]+$/) })),
  })
  .transform(({ defaults, topics }) => topics.map((topic) => ({ ...defaults, ...topic }) as Topic));

export type Topic = z.output<typeof settings> & { readonly name: string };

/** The topics of `infra/kafka/topics.json`, which both transports follow. No other topic exists. */
export function declaredTopics(): readonly Topic[] {
  return file.parse(JSON.parse(readFileSync(join(__dirname, '../../../infra/kafka/topics.json'), 'utf8')));
}

import { createHmac } from 'node:crypto';
import type { Secret } from '@daybook/runtime';

/** Keyed, so that the log does not tell whether guessed content is what was recorded. `what` keeps uses of one key apart. */
export function keyedDigest(key: Secret, what: string, content: unknown): string {
  return createHmac('sha256', Buffer.from(key.reveal(), 'base64'))
    .update(`${what} ${JSON.stringify(content)}`)
    .digest('hex');
}

/** The same whichever order the fields came in. */
export function sortedFields(fields: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

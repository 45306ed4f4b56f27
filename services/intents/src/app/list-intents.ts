import type { CallOutcome, CallRequest, listIntents as listIntentsCall } from '@daybook/contracts';
import { instant } from '@daybook/contracts';
import { z } from 'zod';
import type { FindIntents, PageKey } from '../ports';

const cursorKey = z.tuple([instant, z.uuid()]);

/** Pages of a tenant's intents. `findIntents` sees every intent that was created before the call. */
export function listIntents(findIntents: FindIntents) {
  return async (request: CallRequest<typeof listIntentsCall>): Promise<CallOutcome<typeof listIntentsCall>> => {
    const { cursor, limit, ...filter } = request;
    const after = cursor === null ? null : readCursor(cursor);
    if (after === undefined) return { ok: false, rejection: 'cursor_invalid' };
    // One more than asked for tells whether there is a next page.
    const found = await findIntents({ ...filter, after, limit: limit + 1 });
    const intents = found.slice(0, limit);
    const last = intents.at(-1);
    const nextCursor = found.length > limit && last !== undefined ? writeCursor(last) : null;
    return { ok: true, value: { intents, nextCursor } };
  };
}

function writeCursor({ createdAt, intentId }: PageKey): string {
  return Buffer.from(JSON.stringify([createdAt, intentId])).toString('base64url');
}

function readCursor(cursor: string): PageKey | undefined {
  try {
    const [createdAt, intentId] = cursorKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { createdAt, intentId };
  } catch {
    return undefined;
  }
}

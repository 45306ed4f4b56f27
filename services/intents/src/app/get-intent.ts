import type { CallOutcome, CallRequest, getIntent as getIntentCall } from '@daybook/contracts';
import { z } from 'zod';
import type { IntentStore } from '../ports';
import { streamOf } from './intent-stream';
import { viewOf } from './intent-view';

/** A strong read: the fold of the stream. Another tenant's or mode's intent does not exist for the caller. */
export function getIntent(intents: IntentStore) {
  return async (request: CallRequest<typeof getIntentCall>): Promise<CallOutcome<typeof getIntentCall>> => {
    const intentId = z.uuid().safeParse(request.intentId.toLowerCase());
    if (!intentId.success) return { ok: false, rejection: 'intent_not_found' };
    const { state } = await intents.load(streamOf(intentId.data));
    if (state.stage === 'none' || state.tenantId !== request.tenantId || state.mode !== request.mode)
      return { ok: false, rejection: 'intent_not_found' };
    return { ok: true, value: { intent: viewOf(state) } };
  };
}

import { z } from 'zod';
import { defineCall } from '../call-contract';
import { label, minorUnits, mode, tenantId } from '../fields';
import { intentCurrencies, intentStatusChanged } from '../intent-events';

/** An intent as its owner sees it: the published full state. */
export const intentView = intentStatusChanged.data.omit({ at: true, tenantId: true, mode: true });

export const createIntent = defineCall({
  name: 'intents.create-intent',
  request: z.strictObject({
    tenantId,
    mode,
    currency: z.enum(intentCurrencies),
    amount: minorUnits,
    orderId: label,
    /**
     * The caller's idempotency key. Without one, the latest intent of equal order, currency and amount is the original
     * while it is open, paid or settled: a second charge of the same order needs a key.
     */
    idempotencyKey: z.string().nullable(),
  }),
  /** `replayed`: the intent was there before this call; a call that was sent again after a lost answer says so too. */
  response: z.object({ intent: intentView, replayed: z.boolean() }),
  rejections: ['idempotency_key_reused', 'currency_not_available'],
});

export const getIntent = defineCall({
  name: 'intents.get-intent',
  request: z.strictObject({ tenantId, mode, intentId: z.string() }),
  response: z.object({ intent: intentView }),
  rejections: ['intent_not_found'],
});

/** Newest first. Each intent appears once while others are being created. */
export const listIntents = defineCall({
  name: 'intents.list-intents',
  request: z.strictObject({
    tenantId,
    mode,
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
    status: intentStatusChanged.data.shape.status.nullable(),
    orderId: z.string().nullable(),
  }),
  response: z.object({ intents: z.array(intentView), nextCursor: z.string().nullable() }),
  rejections: ['cursor_invalid'],
});

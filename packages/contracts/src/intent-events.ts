import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import { defineEvent } from './event-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'intents.intents';
const key = (data: { intentId: string }) => data.intentId;

export const intentCurrencies = ['UPI', 'USDT_TRC20', 'USDT_SOL', 'SOL', 'ETH', 'USDT_ERC20'] as const;

/** The asset that an intent of a currency is paid in. */
export const intentAssets: Readonly<Record<(typeof intentCurrencies)[number], AssetCode>> = {
  UPI: 'INR',
  USDT_TRC20: 'USDT_TRC20',
  USDT_SOL: 'USDT_SOL',
  SOL: 'SOL',
  ETH: 'ETH',
  USDT_ERC20: 'USDT_ERC20',
};
export const intentStatuses = [
  'pending',
  'confirming',
  'partially_paid',
  'paid',
  'settled',
  'expired',
  'underpaid',
] as const;
export const intentExceptions = ['overpaid', 'paid_late', 'underpaid', 'wrong_asset'] as const;

const common = z.object({ intentId: z.uuid(), tenantId, mode, asset });

export const intentStatusChanged = defineEvent({
  type: 'IntentStatusChanged',
  version: 1,
  topic,
  summary: "An intent's status or its received amounts changed. Carries the full state.",
  key,
  data: common.extend({
    orderId: z.string(),
    currency: z.enum(intentCurrencies),
    amount: minorUnits,
    /** Seen on chain and not reverted, final or not. */
    amountReceived: minorUnits,
    /** Final, and applied to this intent. */
    amountApplied: minorUnits,
    /** Final, in the intent's asset, and owed back to the payer. */
    amountRefundable: minorUnits,
    status: z.enum(intentStatuses),
    exceptions: z.array(z.enum(intentExceptions)),
    paymentAddress: z.string(),
    transactionHash: z.string().nullable(),
    createdAt: timestamp,
    expiresAt: timestamp,
    verifiedAt: timestamp.nullable(),
    at: timestamp,
  }),
});

/** Where money is that came to an intent's address and is not applied to the intent. */
export const receiptPlaces = ['credited', 'held', 'refundable', 'suspense'] as const;
const receiptPlace = z.enum(receiptPlaces);

/** Before version 2, whatever was not applied was refundable. */
const untilPolicies = { credited: '0', held: '0', suspense: '0' };

export const paymentReceived = defineEvent({
  type: 'PaymentReceived',
  version: 2,
  topic,
  summary:
    'A final deposit was attributed: `applied` to the intent, `credited` to the merchant beside it, `held` until somebody ' +
    'decides, `refundable` to the payer, or in `suspense`. They add up to it.',
  key,
  data: common.extend({
    depositId: z.uuid(),
    chain: z.string(),
    applied: minorUnits,
    credited: minorUnits,
    held: minorUnits,
    refundable: minorUnits,
    suspense: minorUnits,
    at: timestamp,
  }),
  upcast: { 1: (raw) => ({ ...untilPolicies, ...(raw as object) }) },
});

export const intentPaid = defineEvent({
  type: 'IntentPaid',
  version: 1,
  topic,
  summary:
    'The amount is in the journal and can be settled to the merchant: what was asked for, or what the tenant takes for it.',
  key,
  data: common.extend({ amount: minorUnits, at: timestamp }),
});

export const intentUnderpaid = defineEvent({
  type: 'IntentUnderpaid',
  version: 2,
  topic,
  summary: 'The intent expired with less than its amount; what was applied is now at `place`.',
  key,
  data: common.extend({ amount: minorUnits, place: receiptPlace, at: timestamp }),
  upcast: { 1: (raw) => ({ place: 'refundable', ...(raw as object) }) },
});

export const receiptMoved = defineEvent({
  type: 'ReceiptMoved',
  version: 1,
  topic,
  summary: 'Somebody decided on an exception: what a deposit had at `from` is now at `to`.',
  key,
  data: common.extend({
    /** One for each move, and the id of its transaction in the journal. */
    moveId: z.uuid(),
    depositId: z.uuid(),
    amount: minorUnits,
    from: receiptPlace,
    to: receiptPlace,
    /** Credential that decided. */
    actor: z.string(),
    at: timestamp,
  }),
});

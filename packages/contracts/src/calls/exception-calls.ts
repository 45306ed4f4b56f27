import { assetCodes } from '@daybook/money';
import { z } from 'zod';
import { defineCall } from '../call-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from '../fields';
import { receiptPlaces } from '../intent-events';

export const exceptionKinds = ['receipt', 'payment'] as const;
export const exceptionStatuses = ['open', 'closed'] as const;
/** Why somebody may have to look. The last three are of payments through providers, whose money is credited as it came. */
export const exceptionReasons = [
  'overpaid',
  'paid_late',
  'underpaid',
  'wrong_asset',
  'amount_differs',
  'paid_after_failure',
  'disputed',
] as const;
export const policyParts = ['under', 'over', 'late', 'wrong_asset', 'dust'] as const;
/** What is to be done: somebody decides, finds out whose it is, or pays it back; or looks at a payment and dismisses it. */
export const exceptionNextActions = ['decide', 'identify', 'refund', 'review'] as const;
/** `credit` the merchant, owe it back (`refund`), put or keep it in suspense (`suspend`); `dismiss` a payment's. */
export const exceptionActions = ['credit', 'refund', 'suspend', 'dismiss'] as const;

export const exceptionView = z.object({
  /** The deposit's id, or the payment's. */
  exceptionId: z.string(),
  kind: z.enum(exceptionKinds),
  tenantId,
  mode,
  /** The intent's id, or the payment's. */
  subject: z.string(),
  asset,
  /** What came in all. */
  amountReceived: minorUnits,
  /** What is at `place`: the part that is not applied to the intent. */
  amount: minorUnits,
  place: z.enum(receiptPlaces),
  reasons: z.array(z.enum(exceptionReasons)),
  /** Part of the tenant's policy that said where it goes; null when none was asked. */
  decidedBy: z.enum(policyParts).nullable(),
  status: z.enum(exceptionStatuses),
  /** Null when nothing is left to do. */
  nextAction: z.enum(exceptionNextActions).nullable(),
  /** What may be done with it now. */
  actions: z.array(z.enum(exceptionActions)),
  chain: z.string().nullable(),
  /** On its chain, or at its provider. */
  transactionReference: z.string().nullable(),
  receivedAt: timestamp,
  updatedAt: timestamp,
});

/** Of every tenant of the mode, the longest waiting first. */
export const listExceptions = defineCall({
  name: 'intents.list-exceptions',
  request: z.strictObject({
    mode,
    tenantId: tenantId.nullable(),
    status: z.enum(exceptionStatuses).nullable(),
    kind: z.enum(exceptionKinds).nullable(),
    place: z.enum(receiptPlaces).nullable(),
    reason: z.enum(exceptionReasons).nullable(),
    asset: asset.nullable(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({ exceptions: z.array(exceptionView), nextCursor: z.string().nullable() }),
  rejections: ['cursor_invalid'],
});

/** A repeat changes nothing: what is already so is accepted again. */
export const resolveException = defineCall({
  name: 'intents.resolve-exception',
  request: z.strictObject({
    mode,
    exceptionId: z.string(),
    action: z.enum(exceptionActions),
    /** Credential that decides. */
    actor: z.string(),
  }),
  response: z.object({ exception: exceptionView }),
  rejections: ['exception_not_found', 'action_not_possible', 'exception_already_credited'],
});

/** Where money goes that cannot be applied to its intent. */
export const receiptPolicyView = z.strictObject({
  under: z.strictObject({
    /** An intent with no more than this missing, in 1/10,000 of its amount, is paid. */
    toleranceBps: z.number().int().min(0).max(1_000),
    place: z.enum(['held', 'refundable']),
  }),
  over: z.enum(['credited', 'held', 'refundable']),
  late: z.enum(['credited', 'held', 'refundable']),
  wrongAsset: z.enum(['held', 'refundable', 'suspense']),
  dust: z.strictObject({
    /** Minor units; less than that is dust. */
    below: z.partialRecord(z.enum(assetCodes), minorUnits),
    place: z.enum(receiptPlaces),
  }),
});

/** `changedAt` is null while it is the default. */
const receiptPolicyAnswer = z.object({ policy: receiptPolicyView, changedAt: timestamp.nullable() });

export const getReceiptPolicy = defineCall({
  name: 'intents.get-receipt-policy',
  request: z.strictObject({ tenantId, mode }),
  response: receiptPolicyAnswer,
});

/** Replaces all of it, for what is received from then on. */
export const setReceiptPolicy = defineCall({
  name: 'intents.set-receipt-policy',
  request: z.strictObject({ tenantId, mode, policy: receiptPolicyView, actor: z.string() }),
  response: receiptPolicyAnswer,
});

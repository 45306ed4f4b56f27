/**
 * The stored form of an intent's events: private to this service. What others see is mapped from them by the relay.
 * Amounts are decimal strings in the bytes and bigint in the domain.
 */
import {
  asset,
  intentCurrencies,
  intentExceptions,
  intentStatuses,
  minorUnits,
  mode,
  policyParts,
  receiptPlaces,
} from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { GatewayEvent } from '../domain/payment-gateways';
import type { IntentEvent } from '../domain/payment-intent';
import type { PaymentEvent } from '../domain/provider-payment';
import type { QuoteEvent } from '../domain/quote';
import type { ReceiptPolicyEvent } from '../domain/receipt-policy';
import { quoteDefinitions } from './stored-quotes';
import { gatewayDefinitions, paymentDefinitions } from './stored-payments';
import { receiptPolicyDefinitions } from './stored-receipt-policies';

const terms = z.object({
  intentId: z.string(),
  tenantId: z.string(),
  mode,
  orderId: z.string(),
  currency: z.enum(intentCurrencies),
  asset,
  amount: minorUnits,
  paymentAddress: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
});

const summary = terms.extend({
  amountReceived: minorUnits,
  amountApplied: minorUnits,
  amountRefundable: minorUnits,
  status: z.enum(intentStatuses),
  exceptions: z.array(z.enum(intentExceptions)),
  transactionHash: z.string().nullable(),
  verifiedAt: z.string().nullable(),
});

const common = z.object({
  intentId: z.string(),
  tenantId: z.string(),
  mode,
  at: z.string(),
  change: summary.nullable(),
});

const deposit = z.object({
  depositId: z.string(),
  chain: z.string(),
  transactionId: z.string(),
  asset,
  amount: minorUnits,
  at: z.string(),
});

const place = z.enum(receiptPlaces);
const decidedBy = z.enum(policyParts).nullable();

/** Before there were policies, whatever was not applied was refundable. */
const beforePolicies = { credited: '0', held: '0', suspense: '0', decidedBy: null };

const intentDefinitions = {
  IntentCreated: { version: 1, data: common.extend({ terms }) },
  DepositSeen: { version: 1, data: common.extend({ deposit }) },
  DepositReverted: { version: 1, data: common.extend({ deposit }) },
  DepositConfirmed: {
    version: 2,
    data: common.extend({
      deposit,
      applied: minorUnits,
      credited: minorUnits,
      held: minorUnits,
      refundable: minorUnits,
      suspense: minorUnits,
      exception: z.enum(intentExceptions).nullable(),
      decidedBy,
    }),
    upcast: { 1: (data: unknown) => ({ ...beforePolicies, ...(data as object) }) },
  },
  DepositBooked: { version: 1, data: common.extend({ depositId: z.string() }) },
  IntentPaid: { version: 1, data: common.extend({ asset, amount: minorUnits }) },
  IntentExpired: { version: 1, data: common },
  IntentUnderpaid: {
    version: 2,
    data: common.extend({ asset, amount: minorUnits, place, decidedBy }),
    upcast: { 1: (data: unknown) => ({ place: 'refundable', decidedBy: null, ...(data as object) }) },
  },
  IntentSettled: { version: 1, data: common.extend({ settlementId: z.string(), ledgerReference: z.string() }) },
  ReceiptMoved: {
    version: 1,
    data: common.extend({
      depositId: z.string(),
      move: z.number().int().positive(),
      asset,
      amount: minorUnits,
      from: place,
      to: place,
      actor: z.string(),
    }),
  },
} as const;

export type StoredEventOfIntents = IntentEvent | GatewayEvent | PaymentEvent | ReceiptPolicyEvent | QuoteEvent;

export const intentEvents: EventCodec<IntentEvent> = defineStoredEvents(intentDefinitions);
export const gatewayEvents: EventCodec<GatewayEvent> = defineStoredEvents(gatewayDefinitions);
export const paymentEvents: EventCodec<PaymentEvent> = defineStoredEvents(paymentDefinitions);
export const receiptPolicyEvents: EventCodec<ReceiptPolicyEvent> = defineStoredEvents(receiptPolicyDefinitions);
export const quoteEvents: EventCodec<QuoteEvent> = defineStoredEvents(quoteDefinitions);

/** All of them, for readers of the whole log. */
export const storedEvents: EventCodec<StoredEventOfIntents> = defineStoredEvents({
  ...intentDefinitions,
  ...gatewayDefinitions,
  ...paymentDefinitions,
  ...receiptPolicyDefinitions,
  ...quoteDefinitions,
});

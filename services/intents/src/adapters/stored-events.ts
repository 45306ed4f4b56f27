/**
 * The stored form of an intent's events: private to this service. What others see is mapped from them by the relay.
 * Amounts are decimal strings in the bytes and bigint in the domain.
 */
import { asset, intentCurrencies, intentExceptions, intentStatuses, minorUnits, mode } from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { GatewayEvent } from '../domain/payment-gateways';
import type { IntentEvent } from '../domain/payment-intent';
import type { PaymentEvent } from '../domain/provider-payment';
import { gatewayDefinitions, paymentDefinitions } from './stored-payments';

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

const intentDefinitions = {
  IntentCreated: { version: 1, data: common.extend({ terms }) },
  DepositSeen: { version: 1, data: common.extend({ deposit }) },
  DepositReverted: { version: 1, data: common.extend({ deposit }) },
  DepositConfirmed: {
    version: 1,
    data: common.extend({
      deposit,
      applied: minorUnits,
      refundable: minorUnits,
      exception: z.enum(intentExceptions).nullable(),
    }),
  },
  DepositBooked: { version: 1, data: common.extend({ depositId: z.string() }) },
  IntentPaid: { version: 1, data: common.extend({ asset, amount: minorUnits }) },
  IntentExpired: { version: 1, data: common },
  IntentUnderpaid: { version: 1, data: common.extend({ asset, amount: minorUnits }) },
  IntentSettled: { version: 1, data: common.extend({ settlementId: z.string(), ledgerReference: z.string() }) },
} as const;

export const intentEvents: EventCodec<IntentEvent> = defineStoredEvents(intentDefinitions);
export const gatewayEvents: EventCodec<GatewayEvent> = defineStoredEvents(gatewayDefinitions);
export const paymentEvents: EventCodec<PaymentEvent> = defineStoredEvents(paymentDefinitions);

/** All of them, for readers of the whole log. */
export const storedEvents: EventCodec<IntentEvent | GatewayEvent | PaymentEvent> = defineStoredEvents({
  ...intentDefinitions,
  ...gatewayDefinitions,
  ...paymentDefinitions,
});

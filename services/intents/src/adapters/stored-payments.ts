/** The stored form of gateways and payments: private to this service. Secrets are sealed, people's words encrypted. */
import {
  minorUnits,
  mode,
  paymentCurrencies,
  paymentExceptions,
  paymentProviders,
  paymentStatuses,
} from '@daybook/contracts';
import { z } from 'zod';

const number = z.number().int().positive();
const currency = z.enum(paymentCurrencies);
const exceptions = z.array(z.enum(paymentExceptions)).readonly();
const at = z.string();

const terms = z.object({
  transactionId: z.string(),
  number,
  tenantId: z.string(),
  mode,
  gatewayId: z.string(),
  gatewayNumber: number,
  provider: z.enum(paymentProviders),
  userNumber: number.nullable(),
  asset: currency,
  amount: minorUnits,
  encryptedDetails: z.string(),
  createdAt: z.string(),
});

const summary = terms.extend({
  amountReceived: minorUnits.nullable(),
  returned: z.object({ refunded: minorUnits, chargedBack: minorUnits, disputed: z.boolean() }).exactOptional(),
  status: z.enum(paymentStatuses),
  failure: z.string().nullable(),
  exceptions,
  reference: z.string().nullable(),
  updatedAt: z.string(),
});

const common = z.object({ summary, at });

export const gatewayDefinitions = {
  GatewayAdded: {
    version: 1,
    data: z.object({
      gateway: z.object({
        gatewayId: z.string(),
        tenantId: z.string(),
        mode,
        number,
        name: z.string(),
        provider: z.enum(paymentProviders),
        currencies: z.array(currency).readonly(),
        sealedSettings: z.string(),
        settingsDigest: z.string(),
      }),
      at,
    }),
  },
  GatewayEnabledSet: { version: 1, data: z.object({ gatewayId: z.string(), number, enabled: z.boolean(), at }) },
  GatewaySettingsReplaced: {
    version: 1,
    data: z.object({
      gatewayId: z.string(),
      number,
      replacementId: z.string(),
      sealedSettings: z.string(),
      settingsDigest: z.string(),
      previousUntil: z.string().nullable(),
      at,
    }),
  },
} as const;

export const paymentDefinitions = {
  PaymentCreated: { version: 1, data: common.extend({ terms: terms.extend({ contentHash: z.string() }) }) },
  PaymentOpened: {
    version: 1,
    data: common.extend({
      reference: z.string(),
      session: z.record(z.string(), z.string()),
      reopened: z.literal(true).exactOptional(),
    }),
  },
  PaymentProcessing: { version: 1, data: common },
  PaymentReopened: { version: 1, data: common },
  PaymentDeclined: { version: 1, data: common.extend({ attempt: number }) },
  PaymentFailed: { version: 1, data: common.extend({ reason: z.string() }) },
  PaymentTaken: { version: 1, data: common.extend({ amount: minorUnits, exceptions }) },
  PaymentBooked: { version: 1, data: common.extend({ ledgerReference: z.string() }) },
  PaymentReturned: {
    version: 1,
    data: common.extend({
      change: number,
      before: minorUnits,
      refunded: minorUnits,
      chargedBack: minorUnits,
      disputed: z.boolean(),
      raised: exceptions,
    }),
  },
  PaymentExceptionDismissed: { version: 1, data: common.extend({ actor: z.string() }) },
} as const;

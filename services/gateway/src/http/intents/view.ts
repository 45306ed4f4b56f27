import { intentCurrencies, intentExceptions, intentStatuses, type intentView } from '@daybook/contracts';
import { jsonNumber } from '@daybook/http';
import { z } from 'zod';
import { amountNumber, timestampField } from '../fields';

export type Intent = z.output<typeof intentView>;
export type IntentCurrency = (typeof intentCurrencies)[number];

export function isIntentCurrency(text: string): text is IntentCurrency {
  return (intentCurrencies as readonly string[]).includes(text);
}

/** The fields of an intent that every answer about it has. */
export const intentShape = {
  intent_id: z.uuid(),
  amount: z.number(),
  currency: z.enum(intentCurrencies),
  payment_address: z.string().meta({ description: 'Where to pay. For UPI, a upi:// link.' }),
  status: z.enum(intentStatuses),
  order_id: z.string(),
  created_at: timestampField,
  expires_at: timestampField,
  amount_received: z.number().meta({ description: 'Seen so far, final or not.' }),
  amount_refundable: z.number().meta({ description: 'Final, and owed back to the payer.' }),
  exceptions: z.array(z.enum(intentExceptions)),
};

export const statusShape = {
  transaction_hash: z.string().nullable(),
  verified_at: timestampField.nullable(),
};

export function describeIntent(intent: Intent) {
  return {
    intent_id: intent.intentId,
    amount: amountNumber(intent.amount, intent.asset),
    currency: intent.currency,
    payment_address: intent.paymentAddress,
    status: intent.status,
    order_id: intent.orderId,
    created_at: intent.createdAt,
    expires_at: intent.expiresAt,
    amount_received: amountNumber(intent.amountReceived, intent.asset),
    amount_refundable: amountNumber(intent.amountRefundable, intent.asset),
    exceptions: intent.exceptions,
  };
}

export function describeStatus(intent: Intent) {
  return { transaction_hash: intent.transactionHash, verified_at: intent.verifiedAt };
}

/** The reference's example, with our additional fields. */
export const intentExample = {
  intent_id: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  amount: jsonNumber('99.50'),
  currency: 'USDT_TRC20',
  payment_address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  status: 'pending',
  order_id: 'INV_298418_XYZ',
  created_at: '2023-11-20T14:32:00.000Z',
  expires_at: '2023-11-20T15:32:00.000Z',
  amount_received: jsonNumber('0.00'),
  amount_refundable: jsonNumber('0.00'),
  exceptions: [],
};

export const settledExample = {
  ...intentExample,
  status: 'settled',
  amount_received: jsonNumber('99.50'),
  transaction_hash: '25a589255a298bf6fbe1e28bc0da0a631c15e2b0f6bd7d3bb4d1c2cb1d2a1e4f',
  verified_at: '2023-11-20T14:35:12.000Z',
};

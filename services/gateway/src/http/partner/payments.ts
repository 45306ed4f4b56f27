import { randomUUID } from 'node:crypto';
import { createPayment, getPayment, paymentCurrencies, paymentStatuses } from '@daybook/contracts';
import { FailureError, jsonNumber, numberToken, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountNumber, amountOf, amountToken, optionalKeyHeader, optionalText, text } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect, partnerRejections, paymentRefused, providerUnavailable } from './dialect';
import { gatewayNumber, transactionId } from './fields';
import { receivedFields, receivedOf } from './transaction-views';

type Deps = { readonly services: Pick<Services, 'intents'> };

export function paymentRoutes(deps: Deps): Route[] {
  return [create(deps), status(deps)];
}

const metadataKeysMax = 20;
const metadataLengthMax = 500;

/** Values are kept as text: numbers as their digits. */
const metadata = z
  .record(text(40), z.union([text(metadataLengthMax), numberToken(metadataLengthMax)]))
  .refine((fields) => Object.keys(fields).length <= metadataKeysMax, `must have at most ${metadataKeysMax} keys`);

/** What the payer's side goes on with, by provider. */
const session = {
  payment_intent_id: z.string().optional(),
  client_secret: z.string().optional(),
  hosted_url: z.string().optional(),
  charge_id: z.string().optional(),
  approval_url: z.string().optional(),
  paypal_order_id: z.string().optional(),
};

type NotOpened = { readonly status: string; readonly failure: string | null };

function notOpened({ status: now, failure }: NotOpened, replayed: boolean, idempotencyKey: string): Failure {
  if (now !== 'failed') return providerUnavailable(idempotencyKey);
  const refused = paymentRefused(failure ?? 'no reason given');
  return replayed ? { ...refused, replayed } : refused;
}

const openExample = {
  success: true,
  transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  payment_intent_id: 'pi_1234567890',
  client_secret: 'pi_1234_secret_5678',
};

function create({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'post',
    path: '/api/payments',
    summary: 'Create a payment',
    description:
      'Opens a payment at the provider of a gateway. What the payer goes on with: ' +
      '`payment_intent_id` and `client_secret` for Stripe, `hosted_url` and `charge_id` for Coinbase, ' +
      '`approval_url` and `paypal_order_id` for PayPal. With an `Idempotency-Key` a repeat is answered with the first payment.',
    access: ['partner'],
    request: {
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({
        gateway_id: gatewayNumber,
        amount: amountToken,
        currency: z.enum(paymentCurrencies),
        description: optionalText(500),
        metadata: metadata.nullish(),
      }),
      bodyExample: {
        gateway_id: 3,
        amount: jsonNumber('100.00'),
        currency: 'USD',
        description: 'Payment for services',
        metadata: { order_id: 'ORD123456', customer_name: 'John Doe' },
      },
    },
    responses: {
      200: {
        description: 'The payment is open at the provider.',
        schema: z.strictObject({ success: z.literal(true), transaction_id: z.string(), ...session }),
        example: openExample,
        headers: replayedHeader,
      },
      ...errorsOf(partnerDialect, [
        ...bodyFailures,
        invalidField('amount', 'must be greater than zero'),
        partnerRejections.currency_not_supported,
        partnerRejections.gateway_not_found,
        partnerRejections.gateway_disabled,
        partnerRejections.idempotency_key_reused,
        paymentRefused('the card is not accepted'),
        providerUnavailable('0b8f6c0e-3c1f-4f39-8a55-9d2d8f1f6a10'),
      ]),
    },
    async handle({ caller, headers, body }) {
      // Made here at the latest: the call to the service may be sent twice.
      const idempotencyKey = headers['Idempotency-Key'] ?? randomUUID();
      const outcome = await intents(createPayment, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        gatewayNumber: body.gateway_id,
        currency: body.currency,
        amount: amountOf(body.amount, body.currency),
        description: body.description,
        metadata: body.metadata ?? {},
        userNumber: caller.userNumber,
        idempotencyKey,
      });
      const { payment, session: opened, replayed } = accepted<typeof createPayment>(outcome, partnerRejections);
      if (opened === null) throw new FailureError(notOpened(payment, replayed, idempotencyKey));
      return {
        headers: replayedIf(replayed),
        body: { success: true, transaction_id: payment.transactionId, ...opened },
      };
    },
  });
}

function status({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/payments/{transaction_id}/status',
    summary: 'Check payment status',
    description:
      'The payment as it is now. `completed` means that the provider took the money and the journal has it: `amount`, or what ' +
      '`amount_received` says if there is any. `refunded` means that all of it went back to the payer since, in refunds or ' +
      'disputes. `gateway_reference` is null until the provider has answered.',
    access: ['partner'],
    request: { params: z.strictObject({ transaction_id: transactionId }), query: z.strictObject({}) },
    paramsInvalid: partnerRejections.payment_not_found,
    responses: {
      200: {
        description: 'The payment.',
        schema: z.strictObject({
          success: z.literal(true),
          transaction_id: z.string(),
          status: z.enum(paymentStatuses),
          amount: z.number(),
          currency: z.enum(paymentCurrencies),
          gateway_reference: z.string().nullable(),
          ...receivedFields,
        }),
        example: {
          success: true,
          transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
          status: 'completed',
          amount: jsonNumber('100.00'),
          currency: 'USD',
          gateway_reference: 'pi_1234567890',
        },
      },
      ...errorsOf(partnerDialect, [partnerRejections.payment_not_found]),
    },
    async handle({ caller, params }) {
      const { tenantId, mode } = caller;
      const outcome = await intents(getPayment, { tenantId, mode, transactionId: params.transaction_id });
      const { payment } = accepted<typeof getPayment>(outcome, partnerRejections);
      return {
        body: {
          success: true,
          transaction_id: payment.transactionId,
          status: payment.status,
          amount: amountNumber(payment.amount, payment.asset),
          currency: payment.asset,
          gateway_reference: payment.providerReference,
          ...receivedOf(payment),
        },
      };
    },
  });
}

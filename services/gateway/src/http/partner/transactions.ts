import { getPayment, listPayments, paymentCurrencies, type paymentView } from '@daybook/contracts';
import { jsonNumber } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountNumber, timestampField } from '../fields';
import { accepted } from '../rejections';
import { errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect, partnerRejections } from './dialect';
import { transactionId } from './fields';

type Deps = { readonly services: Pick<Services, 'intents'> };

export function transactionRoutes(deps: Deps): Route[] {
  return [list(deps), details(deps)];
}

export const transactionTypes = ['deposit', 'withdrawal', 'transfer', 'payment', 'settlement'] as const;
export const transactionStatuses = ['pending', 'processing', 'completed', 'failed', 'refunded'] as const;

const limitMax = 100;
/** Deeper than that a list is narrowed by dates. */
const offsetMax = 9_900;
const dayMs = 86_400_000;

const wholeNumber = (from: number, to: number, otherwise: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,8})$/, `must be a whole number from ${from} to ${to}`)
    .default(String(otherwise))
    .transform((digits) => parseInt(digits, 10))
    .refine((number) => number >= from && number <= to, `must be a whole number from ${from} to ${to}`)
    .meta({ override: { type: 'integer', minimum: from, maximum: to, default: otherwise } });

const day = z.iso.date('must be a date such as 2023-09-01');

const shape = {
  id: z.number().int(),
  transaction_id: z.string(),
  amount: z.number(),
  currency: z.enum(paymentCurrencies),
  type: z.enum(transactionTypes),
  status: z.enum(transactionStatuses),
  description: z.string().nullable(),
  eth_transaction_hash: z.string().nullable(),
  created_at: timestampField,
  updated_at: timestampField,
};

const example = {
  id: 456,
  transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  amount: jsonNumber('100.00'),
  currency: 'USD',
  type: 'payment',
  status: 'completed',
  description: 'Payment for services',
  eth_transaction_hash: null,
  created_at: '2023-09-01T12:00:00.000Z',
  updated_at: '2023-09-01T12:05:00.000Z',
};

const query = z
  .strictObject({
    type: z.enum(transactionTypes).optional(),
    status: z.enum(transactionStatuses).optional(),
    start_date: day.optional().meta({ description: 'First day, UTC.' }),
    end_date: day.optional().meta({ description: 'Last day, UTC; all of it counts.' }),
    limit: wholeNumber(1, limitMax, 50),
    offset: wholeNumber(0, offsetMax, 0),
  })
  .refine(({ start_date: from, end_date: to }) => from === undefined || to === undefined || from <= to, {
    path: ['end_date'],
    message: 'must not be before start_date',
  });

function list({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/transactions',
    summary: 'Get transaction history',
    description: 'Newest first. `total` counts all that the filters leave.',
    access: ['partner'],
    request: { query },
    responses: {
      200: {
        description: 'A page.',
        schema: z.strictObject({
          transactions: z.array(z.strictObject(shape)),
          total: z.number().int(),
          limit: z.number().int(),
          offset: z.number().int(),
        }),
        example: { transactions: [example], total: 127, limit: 50, offset: 0 },
      },
      ...errorsOf(partnerDialect, [invalidField('type', 'is not a type of transaction')]),
    },
    async handle({ caller: { tenantId, mode }, query: asked }) {
      const { type, status, limit, offset } = asked;
      const none = { payments: [], total: 0 };
      // Nothing else is recorded as a transaction, and a provider's payment is never given back here.
      const isPayment = (type === undefined || type === 'payment') && status !== 'refunded';
      const found = isPayment
        ? accepted<typeof listPayments>(
            await intents(listPayments, {
              tenantId,
              mode,
              status: status ?? null,
              from: asked.start_date === undefined ? null : midnight(asked.start_date, 0),
              to: asked.end_date === undefined ? null : midnight(asked.end_date, 1),
              limit: limit + offset,
            }),
            {},
          )
        : none;
      const page = found.payments.slice(offset, offset + limit);
      return { body: { transactions: page.map(describe), total: found.total, limit, offset } };
    },
  });
}

function midnight(date: string, daysLater: number): string {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) + daysLater * dayMs).toISOString();
}

function describe(payment: z.output<typeof paymentView>) {
  return {
    id: payment.number,
    transaction_id: payment.transactionId,
    amount: amountNumber(payment.amount, payment.asset),
    currency: payment.asset,
    type: 'payment',
    status: payment.status,
    description: payment.description,
    eth_transaction_hash: null,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
  };
}

function details({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/transactions/{transaction_id}',
    summary: 'Get transaction details',
    description: 'One transaction, with what it was made through.',
    access: ['partner'],
    request: { params: z.strictObject({ transaction_id: transactionId }), query: z.strictObject({}) },
    paramsInvalid: partnerRejections.payment_not_found,
    responses: {
      200: {
        description: 'The transaction.',
        schema: z.strictObject({
          ...shape,
          user_id: z.number().int().nullable(),
          institution_id: z.number().int().nullable(),
          gateway_id: z.number().int().nullable(),
          blockchain_transaction: z.null(),
        }),
        example: { ...example, user_id: 123, institution_id: null, gateway_id: 3, blockchain_transaction: null },
      },
      ...errorsOf(partnerDialect, [partnerRejections.payment_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params }) {
      const outcome = await intents(getPayment, { tenantId, mode, transactionId: params.transaction_id });
      const { payment } = accepted<typeof getPayment>(outcome, partnerRejections);
      return {
        body: {
          ...describe(payment),
          user_id: payment.userNumber,
          institution_id: null,
          gateway_id: payment.gatewayNumber,
          blockchain_transaction: null,
        },
      };
    },
  });
}

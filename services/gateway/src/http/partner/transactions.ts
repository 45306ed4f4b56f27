import {
  getInstitutionTransfer,
  getPayment,
  getSend,
  listOutgoing,
  listPayments,
  outgoingTypes,
  type CallRequest,
} from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { accepted } from '../rejections';
import { errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect, partnerRejections } from './dialect';
import { transactionId } from './fields';
import {
  detailedExample,
  detailedPayment,
  detailedSend,
  detailedTransaction,
  detailedTransfer,
  listedExample,
  listedOutgoing,
  listedPayment,
  listedTransaction,
  outgoingStatusOf,
  paymentStatusOf,
  transactionStatuses,
  transactionTypes,
} from './transaction-views';

type Deps = { readonly services: Pick<Services, 'intents' | 'settlement'> };

export function transactionRoutes(deps: Deps): Route[] {
  return [list(deps), details(deps)];
}

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

function list({ services }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/transactions',
    summary: 'Get transaction history',
    description:
      'Newest first: payments through providers, transfers through institutions, and what was sent on a chain, which is a ' +
      '`settlement` if it went through the settlement contract, else a `withdrawal`. A transfer that came back is ' +
      '`refunded`. `total` counts all that the filters leave.',
    access: ['partner'],
    request: { query },
    responses: {
      200: {
        description: 'A page.',
        schema: z.strictObject({
          transactions: z.array(listedTransaction),
          total: z.number().int(),
          limit: z.number().int(),
          offset: z.number().int(),
        }),
        example: { transactions: [listedExample], total: 127, limit: 50, offset: 0 },
      },
      ...errorsOf(partnerDialect, [invalidField('type', 'is not a type of transaction')]),
    },
    async handle({ caller: { tenantId, mode }, query: asked }) {
      const { limit, offset } = asked;
      const from = asked.start_date === undefined ? null : midnight(asked.start_date, 0);
      const to = asked.end_date === undefined ? null : midnight(asked.end_date, 1);
      // All that the page and those before it hold may be of one service.
      const listing = { tenantId, mode, from, to, limit: offset + limit };
      const parts = await Promise.all([payments(services, listing, asked), outgoing(services, listing, asked)]);
      const page = parts
        .flatMap(({ transactions }) => transactions)
        .toSorted(newestFirst)
        .slice(offset, offset + limit);
      const total = parts.reduce((sum, part) => sum + part.total, 0);
      return { body: { transactions: page, total, limit, offset } };
    },
  });
}

function midnight(date: string, daysLater: number): string {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) + daysLater * dayMs).toISOString();
}

type Listing = Omit<CallRequest<typeof listPayments>, 'status'>;
type Filters = Pick<z.output<typeof query>, 'type' | 'status'>;
type Listed = ReturnType<typeof listedPayment> | ReturnType<typeof listedOutgoing>;
type Part = { readonly transactions: readonly Listed[]; readonly total: number };

/** The order of both services' lists. Neither time nor number ever changes, so pages do not repeat or skip. */
function newestFirst(one: Listed, other: Listed): number {
  if (one.created_at !== other.created_at) return one.created_at > other.created_at ? -1 : 1;
  return other.id - one.id;
}

async function payments({ intents }: Deps['services'], listing: Listing, { type, status }: Filters): Promise<Part> {
  const asked = status === undefined ? null : paymentStatusOf(status);
  if ((type !== undefined && type !== 'payment') || asked === undefined) return { transactions: [], total: 0 };
  const found = accepted<typeof listPayments>(await intents(listPayments, { ...listing, status: asked }), {});
  return { transactions: found.payments.map(listedPayment), total: found.total };
}

async function outgoing({ settlement }: Deps['services'], listing: Listing, { type, status }: Filters): Promise<Part> {
  const asked = type === undefined ? null : outgoingTypes.find((known) => known === type);
  if (asked === undefined) return { transactions: [], total: 0 };
  const filters = { type: asked, status: status === undefined ? null : outgoingStatusOf(status) };
  const found = accepted<typeof listOutgoing>(await settlement(listOutgoing, { ...listing, ...filters }), {});
  return { transactions: found.transactions.map(listedOutgoing), total: found.total };
}

function details({ services: { intents, settlement } }: Deps): Route {
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
      200: { description: 'The transaction.', schema: detailedTransaction, example: detailedExample },
      ...errorsOf(partnerDialect, [partnerRejections.payment_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params }) {
      const asked = { tenantId, mode, transactionId: params.transaction_id };
      // The id does not tell what it names.
      const payment = await intents(getPayment, asked);
      if (payment.ok) return { body: detailedPayment(payment.value.payment) };
      const send = await settlement(getSend, asked);
      if (send.ok) return { body: detailedSend(send.value.send) };
      const outcome = await settlement(getInstitutionTransfer, asked);
      const { transfer } = accepted<typeof getInstitutionTransfer>(outcome, {
        transfer_not_found: partnerRejections.payment_not_found,
      });
      return { body: detailedTransfer(transfer) };
    },
  });
}

import {
  getInstitutionTransfer,
  getMovements,
  getPayment,
  getPayments,
  getSend,
  listMovements,
  listPayments,
  movementTypes,
  type CallRequest,
  type transactionKey,
} from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { calendarDay } from '../fields';
import { accepted } from '../rejections';
import { errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect, partnerRejections } from './dialect';
import { transactionId } from './fields';
import {
  detailedDeposit,
  detailedExample,
  detailedPayment,
  detailedSend,
  detailedTransaction,
  detailedTransfer,
  listedExample,
  listedMovement,
  listedPayment,
  listedTransaction,
  movementStatusOf,
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

/** What stands for no end where an end has to be given. */
const noEnd = '9999-12-31';

const query = z
  .strictObject({
    type: z.enum(transactionTypes).optional(),
    status: z.enum(transactionStatuses).optional(),
    start_date: calendarDay.optional().meta({ description: 'First day, UTC.' }),
    end_date: z
      .preprocess((date) => (date === noEnd ? undefined : date), calendarDay.optional())
      .meta({
        description: `Last day, UTC; all of it counts. ${noEnd} is no end.`,
        override: { type: 'string', format: 'date' },
      }),
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
      'Newest first: payments through providers, transfers through institutions, what was sent on a chain, which is a ' +
      '`settlement` if it went through the settlement contract, else a `withdrawal`, and what came to your wallets, a ' +
      '`deposit`, once it is final. A transfer that came back is `refunded`. `total` counts all that the filters leave.',
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
      const { limit, offset, start_date: first, end_date: last } = asked;
      const from = first === undefined ? null : midnight(first, 0);
      const to = last === undefined ? null : midnight(last, 1);
      // All that the page and those before it hold may be of one service.
      const listing = { tenantId, mode, from, to, limit: offset + limit };
      const parts = await Promise.all([payments(services, listing, asked), movements(services, listing, asked)]);
      const page = parts
        .flatMap(({ keys }) => keys)
        .toSorted(newestFirst)
        .slice(offset, offset + limit);
      const total = parts.reduce((sum, part) => sum + part.total, 0);
      const transactions = await rowsOf(services, { tenantId, mode }, page);
      return { body: { transactions, total, limit, offset } };
    },
  });
}

function midnight(date: string, daysLater: number): string {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) + daysLater * dayMs).toISOString();
}

type Listing = Omit<CallRequest<typeof listPayments>, 'status'>;
type Filters = Pick<z.output<typeof query>, 'type' | 'status'>;
type Key = z.output<typeof transactionKey> & { readonly keptBy: 'intents' | 'settlement' };
type Part = { readonly keys: readonly Key[]; readonly total: number };
const none: Part = { keys: [], total: 0 };

/** The order of both services' lists. Neither time nor number ever changes, so pages do not repeat or skip. */
function newestFirst(one: Key, other: Key): number {
  if (one.createdAt !== other.createdAt) return one.createdAt > other.createdAt ? -1 : 1;
  return other.number - one.number;
}

async function payments({ intents }: Deps['services'], listing: Listing, { type, status }: Filters): Promise<Part> {
  if (type !== undefined && type !== 'payment') return none;
  const filters = { status: status ?? null };
  const found = accepted<typeof listPayments>(await intents(listPayments, { ...listing, ...filters }), {});
  return { keys: found.payments.map((key) => ({ ...key, keptBy: 'intents' })), total: found.total };
}

async function movements({ settlement }: Deps['services'], listing: Listing, { type, status }: Filters): Promise<Part> {
  const asked = type === undefined ? null : movementTypes.find((known) => known === type);
  if (asked === undefined) return none;
  const filters = { type: asked, status: status === undefined ? null : movementStatusOf(status) };
  const found = accepted<typeof listMovements>(await settlement(listMovements, { ...listing, ...filters }), {});
  return { keys: found.transactions.map((key) => ({ ...key, keptBy: 'settlement' })), total: found.total };
}

/** A list may be long: only the rows of the page are read whole. */
async function rowsOf(
  { intents, settlement }: Deps['services'],
  owner: Pick<Listing, 'tenantId' | 'mode'>,
  page: readonly Key[],
) {
  const asked = (service: Key['keptBy']) => {
    const transactionIds = page.filter(({ keptBy }) => keptBy === service).map(({ transactionId }) => transactionId);
    return transactionIds.length === 0 ? undefined : { ...owner, transactionIds };
  };
  const [ofIntents, ofSettlement] = [asked('intents'), asked('settlement')];
  const [paid, sent] = await Promise.all([
    ofIntents && intents(getPayments, ofIntents),
    ofSettlement && settlement(getMovements, ofSettlement),
  ]);
  const rows = new Map(
    [
      ...(paid === undefined ? [] : accepted<typeof getPayments>(paid, {}).payments.map(listedPayment)),
      ...(sent === undefined ? [] : accepted<typeof getMovements>(sent, {}).transactions.map(listedMovement)),
    ].map((row) => [row.transaction_id, row]),
  );
  return page.flatMap(({ transactionId: id }) => rows.get(id) ?? []);
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
      const transfer = await settlement(getInstitutionTransfer, asked);
      if (transfer.ok) return { body: detailedTransfer(transfer.value.transfer) };
      return { body: detailedDeposit(await depositOf(settlement, asked)) };
    },
  });
}

type Asked = CallRequest<typeof getInstitutionTransfer>;

async function depositOf(settlement: Services['settlement'], { transactionId: id, ...owner }: Asked) {
  const found = accepted<typeof getMovements>(await settlement(getMovements, { ...owner, transactionIds: [id] }), {});
  const [deposit] = found.transactions;
  if (deposit?.type !== 'deposit') throw new FailureError(partnerRejections.payment_not_found);
  return deposit;
}

import {
  accountTypes,
  asset,
  getBalance,
  getIntent,
  getTransfer,
  listAccounts,
  listTransactions,
  type CallOutcome,
} from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { cursor, limit, pathId, timestampField } from '../fields';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections, subjectNotFound } from './dialect';

type Deps = { readonly services: Pick<Services, 'ledger' | 'intents'> };
type Balance = Extract<CallOutcome<typeof getBalance>, { ok: true }>['value'];
type Transaction = Extract<CallOutcome<typeof listTransactions>, { ok: true }>['value']['transactions'][number];

const decimal = z.string().regex(/^-?\d+(\.\d+)?$/);
const account = z.strictObject({
  account_id: z.string(),
  asset,
  type: z.enum(accountTypes),
  posted: decimal,
  held: decimal,
  available: decimal,
  incoming: decimal,
  frozen: z.boolean(),
  updated_at: timestampField,
});
const accountExample = {
  account_id: 'WALLET123',
  asset: 'TXC',
  type: 'liability',
  posted: '1250.75',
  held: '0.00',
  available: '1250.75',
  incoming: '50.00',
  frozen: false,
  updated_at: '2026-02-11T10:00:00.000Z',
};

export function ledgerRoutes(deps: Deps): Route[] {
  return [listAll(deps), readAccount(deps), listJournal(deps)];
}

/** Operations read every tenant's accounts, in the credential's mode; everybody else their own. */
function readerOf(caller: Credential) {
  return { mode: caller.mode, tenantId: caller.scopes.includes('ops') ? null : caller.tenantId };
}

const decimalOf = (units: bigint, code: AssetCode) => formatAmount(units, assets[code].scale);

function describeAccount(balance: Balance) {
  return {
    account_id: balance.accountId,
    asset: balance.asset,
    type: balance.type,
    posted: decimalOf(balance.posted, balance.asset),
    held: decimalOf(balance.held, balance.asset),
    available: decimalOf(balance.available, balance.asset),
    incoming: decimalOf(balance.incoming, balance.asset),
    frozen: balance.frozen,
    updated_at: balance.updatedAt,
  };
}

function listAll({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts',
    summary: 'List accounts',
    description: 'Accounts with their balances, by account id.',
    access: ['ledger:read', 'ops'],
    request: { query: z.strictObject({ limit, cursor: cursor.optional() }) },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ accounts: z.array(account), next_cursor: z.string().nullable() }),
        example: { accounts: [accountExample], next_cursor: null },
      },
      ...errorsOf(nativeDialect, [nativeRejections.cursor_invalid]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(listAccounts, {
        ...readerOf(caller),
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listAccounts>(outcome, nativeRejections);
      return { body: { accounts: page.accounts.map(describeAccount), next_cursor: page.nextCursor } };
    },
  });
}

function readAccount({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts/{id}',
    summary: 'Read an account',
    description: 'Its balance as the ledger has it now.',
    access: ['ledger:read', 'ops'],
    request: { params: z.strictObject({ id: pathId }), query: z.strictObject({}) },
    paramsInvalid: nativeRejections.account_not_found,
    responses: {
      200: { description: 'The account.', schema: account, example: accountExample },
      ...errorsOf(nativeDialect, [nativeRejections.account_not_found]),
    },
    async handle({ caller, params }) {
      const outcome = await ledger(getBalance, { ...readerOf(caller), accountId: params.id });
      return { body: describeAccount(accepted<typeof getBalance>(outcome, nativeRejections)) };
    },
  });
}

const transaction = z.strictObject({
  transaction_id: z.string(),
  cause: z.strictObject({ type: z.string(), id: z.string(), subject: z.string() }),
  rule: z.string(),
  entries: z.array(
    z.strictObject({ account_id: z.string(), asset, direction: z.enum(['debit', 'credit']), amount: decimal }),
  ),
  ledger_reference: z.string(),
  sequence: z.number().int(),
  posted_at: timestampField,
});

function describeTransaction(posted: Transaction) {
  return {
    transaction_id: posted.transactionId,
    cause: { type: posted.cause.type, id: posted.cause.id, subject: posted.cause.subject },
    rule: posted.rule,
    entries: posted.entries.map((entry) => ({
      account_id: entry.accountId,
      asset: entry.asset,
      direction: entry.direction,
      amount: decimalOf(entry.amount, entry.asset),
    })),
    ledger_reference: posted.ledgerReference,
    sequence: posted.sequence,
    posted_at: posted.postedAt,
  };
}

function listJournal({ services }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/transactions',
    summary: 'List journal transactions',
    description: 'Oldest first; of one subject (an intent, a transfer, an account) or all. A subject of nobody is 404.',
    access: ['ledger:read', 'ops'],
    request: { query: z.strictObject({ subject: pathId.optional(), limit, cursor: cursor.optional() }) },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ transactions: z.array(transaction), next_cursor: z.string().nullable() }),
        example: {
          transactions: [
            {
              transaction_id: 'TX2001',
              cause: { type: 'transfer', id: 'TX2001', subject: 'TX2001' },
              rule: 'transfer@1',
              entries: [
                { account_id: 'WALLET123', asset: 'TXC', direction: 'debit', amount: '150.00' },
                { account_id: 'WALLET999', asset: 'TXC', direction: 'credit', amount: '150.00' },
              ],
              ledger_reference: `0x${'9f86d081'.repeat(8)}`,
              sequence: 17,
              posted_at: '2026-02-11T10:06:10.000Z',
            },
          ],
          next_cursor: null,
        },
      },
      ...errorsOf(nativeDialect, [nativeRejections.cursor_invalid, subjectNotFound]),
    },
    async handle({ caller, query }) {
      const outcome = await services.ledger(listTransactions, {
        ...readerOf(caller),
        subject: query.subject ?? null,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listTransactions>(outcome, nativeRejections);
      if (query.subject !== undefined && page.transactions.length === 0)
        await requireSubject(services, caller, query.subject);
      return { body: { transactions: page.transactions.map(describeTransaction), next_cursor: page.nextCursor } };
    },
  });
}

/**
 * A subject without transactions is either one of the caller's for which nothing has been posted yet, or an id that it
 * does not have: another tenant's is answered as nobody's. Operations read every tenant's, and are not asked.
 */
async function requireSubject(services: Deps['services'], caller: Credential, subject: string): Promise<void> {
  const { tenantId, mode } = readerOf(caller);
  if (tenantId === null) return;
  const answers = await Promise.all([
    services.intents(getIntent, { tenantId, mode, intentId: subject }),
    services.ledger(getTransfer, { tenantId, mode, transferId: subject }),
    services.ledger(getBalance, { tenantId, mode, accountId: subject }),
  ]);
  if (!answers.some(({ ok }) => ok)) throw new FailureError(subjectNotFound);
}

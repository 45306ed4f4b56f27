import {
  getBalance,
  getHold,
  getInstitutionTransfer,
  getIntent,
  getPayment,
  getSend,
  getTransfer,
  searchTransactions,
  type CallRequest,
} from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { cursor, limit } from '../fields';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, subjectNotFound } from './dialect';
import { journalId, journalIdsOf, sequenceMeant } from './journal-ids';
import {
  metadataFilter,
  ofTenant,
  ranges,
  rangesOf,
  readerOf,
  tenantInvalid,
  watermark,
  watermarkExample,
} from './ledger-fields';
import { ledgerRejections } from './ledger-rejections';
import { describeTransaction, transaction, transactionExample } from './ledger-views';
import { accountIdOf, accountRef } from './own-accounts';
import { requireAccount } from './require-account';

type Deps = { readonly services: Pick<Services, 'ledger' | 'intents' | 'settlement'> };

/** What is in the journal of the caller's accounts. */
export function ledgerJournalRoutes(deps: Deps): Route[] {
  return [listAll(deps), readOne(deps)];
}

const unfiltered = {
  transactionId: null,
  subject: null,
  accountId: null,
  effectiveFrom: null,
  effectiveTo: null,
  recordedFrom: null,
  recordedTo: null,
  metadata: {},
  cursor: null,
};

function listAll({ services }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/transactions',
    summary: 'List transactions',
    description:
      'Oldest first, in the order of recording, those that fit everything asked; pages give each once while others are ' +
      'posted. Of a subject (a transaction, a hold, an intent, a payment, a transfer, an account): what it caused, and ' +
      'itself where it is a transaction; where a key of yours is also an id that Daybook gave out, what either caused. ' +
      'An account or a subject of nobody is 404, and to operators an empty list.',
    access: ['ledger:read', 'ops'],
    request: {
      query: z.strictObject({
        account: accountRef.optional().meta({ description: 'With an entry on it. Name of an own account, or an id.' }),
        subject: journalId.optional(),
        ...ofTenant,
        ...ranges,
        metadata: metadataFilter,
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({
          transactions: z.array(transaction),
          next_cursor: z.string().nullable(),
          watermark,
        }),
        example: { transactions: [transactionExample], next_cursor: null, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [
        ledgerRejections.cursor_invalid,
        tenantInvalid,
        subjectNotFound,
        ledgerRejections.account_not_found,
      ]),
    },
    async handle({ caller, query }) {
      const asked = {
        ...readerOf(caller, query),
        ...unfiltered,
        ...rangesOf(query),
        accountId: query.account === undefined ? null : accountIdOf(caller, query.account),
        ...(query.subject === undefined ? {} : { subjects: subjectsOf(caller, query.subject) }),
        metadata: query.metadata,
        limit: query.limit,
        cursor: query.cursor ?? null,
      };
      const page = await search(services, asked);
      if (page.transactions.length === 0) {
        if (query.account !== undefined) await requireAccount(services.ledger, caller, query.account);
        if (query.subject !== undefined) await requireSubject(services, caller, query.subject);
      }
      return {
        body: {
          transactions: page.transactions.map((each) => describeTransaction(caller, each)),
          next_cursor: page.nextCursor,
          watermark: page.watermark,
        },
      };
    },
  });
}

type SearchRequest = CallRequest<typeof searchTransactions>;

async function search({ ledger }: Pick<Services, 'ledger'>, request: SearchRequest) {
  return accepted<typeof searchTransactions>(await ledger(searchTransactions, request), ledgerRejections);
}

/**
 * What a subject may stand as in the journal: a transaction or hold of the caller's, a thing of another kind, an account.
 * It may be all of them: whoever takes an id that was given out as a key does not lose sight of what it was given out for.
 */
function subjectsOf(caller: Credential, subject: string): string[] {
  const ids = journalIdsOf(caller, subject);
  const accountId = accountIdOf(caller, subject);
  return [...new Set([...ids, accountId])];
}

/**
 * A subject without transactions that fit is one of the caller's, of which there are others or none yet, or an id that it
 * does not have: another tenant's is answered as nobody's. Operations read every tenant's, and are not asked.
 */
async function requireSubject(services: Deps['services'], caller: Credential, subject: string): Promise<void> {
  const { tenantId, mode } = readerOf(caller);
  if (tenantId === null) return;
  const answers = await Promise.allSettled([
    services.intents(getIntent, { tenantId, mode, intentId: subject }),
    services.intents(getPayment, { tenantId, mode, transactionId: subject }),
    services.settlement(getInstitutionTransfer, { tenantId, mode, transactionId: subject }),
    services.settlement(getSend, { tenantId, mode, transactionId: subject }),
    services.ledger(getTransfer, { tenantId, mode, transferId: subject }),
    services.ledger(getHold, { tenantId, mode, holdId: subject }),
    services.ledger(getBalance, { tenantId, mode, accountId: accountIdOf(caller, subject) }),
  ]);
  if (answers.some((answer) => answer.status === 'fulfilled' && answer.value.ok)) return;
  // Who could not be asked may know it.
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  // The filters beside it may be what left nothing.
  const subjects = subjectsOf(caller, subject);
  const any = await search(services, { ...readerOf(caller), ...unfiltered, subjects, limit: 1 });
  if (any.transactions.length === 0) throw new FailureError(subjectNotFound);
}

function readOne({ services }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/transactions/{id}',
    summary: 'Read a transaction',
    description: 'With its entries, and what took it back.',
    access: ['ledger:read', 'ops'],
    request: { params: z.strictObject({ id: journalId }), query: z.strictObject({ sequence: sequenceMeant }) },
    paramsInvalid: ledgerRejections.transaction_not_found,
    responses: {
      200: {
        description: 'The transaction.',
        schema: transaction.extend({ watermark }),
        example: { ...transactionExample, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [ledgerRejections.transaction_not_found]),
    },
    async handle({ caller, params, query }) {
      for (const transactionId of journalIdsOf(caller, params.id)) {
        const page = await search(services, { ...readerOf(caller), ...unfiltered, transactionId, limit: 1 });
        const [found] = page.transactions;
        if (found !== undefined && found.sequence === (query.sequence ?? found.sequence))
          return { body: { ...describeTransaction(caller, found), watermark: page.watermark } };
      }
      throw new FailureError(ledgerRejections.transaction_not_found);
    },
  });
}

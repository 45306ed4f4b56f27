import {
  bulkOperationsMax,
  getBookTransaction,
  operateBook,
  operateBookInBulk,
  type CallOutcome,
} from '@daybook/contracts';
import { FailureError, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { amountOf, amountToken, idempotencyKey, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { journalId, newIdShown } from './journal-ids';
import { dryRun, dryRunShown, keyHeader, keyInvalid, readerOf, writerOf } from './ledger-fields';
import { fieldOfAccount, posting, postOf, postingRejections, type AccountsNamed } from './ledger-postings';
import { assetOfEntries, bulkRejections, ledgerRejections, namingAccount } from './ledger-rejections';
import { ledgerReferenceExample } from './ledger-views';

type Deps = { readonly services: Pick<Services, 'ledger'> };

/** Posting and taking back. */
export function ledgerTransactionRoutes(deps: Deps): Route[] {
  return [postOne(deps), postMany(deps), reverseOne(deps)];
}

/** Largest body of a bulk, in bytes. */
const bulkBytesMax = 6_000_000;
const bulkHasNoKey = invalidField('Idempotency-Key', 'must be absent: each transaction of a bulk has its own id');

const postingFailures = (table: typeof ledgerRejections | typeof bulkRejections): readonly Failure[] => [
  table.entries_invalid,
  table.effective_in_future,
  table.asset_mismatch,
  assetOfEntries,
  table.recording_not_allowed,
  table.account_not_found,
  table.id_reserved,
  table.id_reused,
  table.period_closed,
  table.account_frozen,
  table.entries_unbalanced,
  table.insufficient_balance,
  table.ceiling_exceeded,
];

const receipt = {
  transaction_id: z.string(),
  ledger_reference: z.string().nullable().meta({ description: 'Of the event that recorded it; null in a dry run.' }),
  posted_at: timestampField,
};
const receiptExample = {
  transaction_id: 'order-1024',
  ledger_reference: ledgerReferenceExample,
  posted_at: '2026-02-11T10:06:10.000Z',
};
const postingExample = {
  debit: 'cash',
  credit: 'sales',
  asset: 'INR',
  amount: '150.00',
  description: 'Order 1024',
  metadata: { order: '1024' },
};

function postOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/transactions',
    summary: 'Post a transaction',
    description:
      "Entries on the caller's own accounts; operators post to any. The `Idempotency-Key` is the id of the transaction, " +
      'for ever: a repeat gets the original answer, refusals included, with `Idempotent-Replayed: true`. The answer means ' +
      'that it is durable.',
    access: ['ledger:write', 'ops'],
    request: {
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ ...posting, dry_run: dryRun }),
      bodyExample: postingExample,
    },
    responses: {
      200: {
        description: 'Posted, or posted before with the same key.',
        schema: z.strictObject({ ...receipt, dry_run: dryRunShown }),
        example: { ...receiptExample, dry_run: false },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [...bodyFailures, keyInvalid, ...postingFailures(ledgerRejections)]),
    },
    async handle({ caller, headers, body }) {
      const transactionId = headers['Idempotency-Key'];
      const outcome = await ledger(operateBook, {
        ...writerOf(caller),
        dryRun: body.dry_run,
        operation: postOf(caller, body, transactionId),
      });
      const naming = namingAccount(caller, fieldOfAccount(caller, body));
      const posted = accepted<typeof operateBook>(outcome, postingRejections(body, ledgerRejections), naming);
      return {
        headers: replayedIf(posted.replayed),
        body: {
          transaction_id: newIdShown(caller, transactionId),
          ledger_reference: posted.ledgerReference,
          posted_at: posted.at,
          dry_run: body.dry_run,
        },
      };
    },
  });
}

const result = z.strictObject({
  transaction_id: z.string(),
  status: z.enum(['posted', 'rejected']),
  ledger_reference: z.string().nullable(),
  posted_at: timestampField.nullable(),
  replayed: z.boolean(),
  code: z.string().nullable().meta({ description: 'Why it was rejected.' }),
  title: z.string().nullable(),
});

type BulkAnswer = Extract<CallOutcome<typeof operateBookInBulk>, { ok: true }>['value'];
type Outcome = BulkAnswer['outcomes'][number];
type Failed = NonNullable<BulkAnswer['failed']>;
type Refused = Extract<Outcome, { ok: false }>;

/** Why one of a bulk was refused. */
function refusalOf(caller: Credential, { rejection, about }: Omit<Refused, 'ok'>, sent: AccountsNamed): Failure {
  const failure = postingRejections(sent, bulkRejections)[rejection];
  if (about === undefined || about === null) return failure;
  return namingAccount(caller, fieldOfAccount(caller, sent))(failure, rejection, about);
}

function describeResult(caller: Credential, sent: AccountsNamed & { readonly id: string }, outcome: Outcome) {
  const transactionId = newIdShown(caller, sent.id);
  if (outcome.ok)
    return {
      transaction_id: transactionId,
      status: 'posted',
      ledger_reference: outcome.ledgerReference,
      posted_at: outcome.at,
      replayed: outcome.replayed,
      code: null,
      title: null,
    };
  const { code, message } = refusalOf(caller, outcome, sent);
  return {
    transaction_id: transactionId,
    status: 'rejected',
    ledger_reference: null,
    posted_at: null,
    replayed: outcome.replayed,
    code,
    title: message,
  };
}

function failureOf(caller: Credential, { index, ...refused }: Failed, sent: AccountsNamed): Failure {
  const failure = refusalOf(caller, refused, sent);
  const field = ['transactions', index, ...(failure.field === undefined ? [] : [failure.field])].join('.');
  return { ...failure, field, ...(refused.replayed ? { replayed: true } : {}) };
}

function postMany({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/transactions/bulk',
    summary: 'Post up to 10,000 transactions',
    description:
      'In their order, each on what those before it left. Each has an id of its own, which is what the ' +
      '`Idempotency-Key` is to a single one: a bulk is repeated by sending it again. With `atomic` all are posted or ' +
      'none: the answer is then the refusal of the first that could not be, and its field says which; its id is used ' +
      'up, the others are free. Without, each has its own result. The body has at most ' +
      `${bulkBytesMax.toLocaleString('en-US')} bytes.`,
    access: ['ledger:write', 'ops'],
    bodyBytesMax: bulkBytesMax,
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        atomic: z.boolean(),
        transactions: z
          .array(z.strictObject({ id: idempotencyKey, ...posting }))
          .min(1)
          .max(bulkOperationsMax),
        dry_run: dryRun,
      }),
      bodyExample: { atomic: true, transactions: [{ id: 'order-1024', ...postingExample }] },
    },
    responses: {
      200: {
        description: 'The results, in the order of the transactions. With `atomic` all of them are posted.',
        schema: z.strictObject({
          posted: z.number().int(),
          rejected: z.number().int(),
          results: z.array(result),
          dry_run: dryRunShown,
        }),
        example: {
          posted: 1,
          rejected: 0,
          results: [{ ...receiptExample, status: 'posted', replayed: false, code: null, title: null }],
          dry_run: false,
        },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [...bodyFailures, bulkHasNoKey, ...postingFailures(bulkRejections)]),
    },
    async handle({ caller, body, raw }) {
      // Who sends one counts on it, and it would not hold.
      if (raw.header('Idempotency-Key') !== undefined) throw new FailureError(bulkHasNoKey);
      const { atomic, transactions, dry_run: isDryRun } = body;
      const outcome = await ledger(operateBookInBulk, {
        ...writerOf(caller),
        dryRun: isDryRun,
        atomic,
        operations: transactions.map((each, index) => postOf(caller, each, each.id, `transactions.${index}.`)),
      });
      const { outcomes, failed } = accepted<typeof operateBookInBulk>(outcome, {});
      if (failed !== null) throw new FailureError(failureOf(caller, failed, transactions[failed.index]!));
      const results = outcomes.map((each, index) => describeResult(caller, transactions[index]!, each));
      const posted = outcomes.filter(({ ok }) => ok).length;
      return {
        headers: replayedIf(outcomes.every(({ replayed }) => replayed)),
        body: { posted, rejected: outcomes.length - posted, results, dry_run: isDryRun },
      };
    },
  });
}

function reverseOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/transactions/{id}/reverse',
    summary: 'Reverse a transaction',
    description:
      'Posts the opposite entries, linked to it: all that is left, or an amount where it is two entries in one asset. ' +
      'More than was posted is never taken back. The `Idempotency-Key` is the id of the reversal.',
    access: ['ledger:write', 'ops'],
    request: {
      params: z.strictObject({ id: journalId }),
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ amount: amountToken.optional(), dry_run: dryRun }),
      bodyExample: { amount: '50.00' },
    },
    paramsInvalid: ledgerRejections.transaction_not_found,
    responses: {
      200: {
        description: 'Reversed, or reversed before with the same key.',
        schema: z.strictObject({ ...receipt, reverses: z.string(), dry_run: dryRunShown }),
        example: { ...receiptExample, transaction_id: 'undo-1024', reverses: 'order-1024', dry_run: false },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.reversal_only_in_full,
        ledgerRejections.transaction_not_found,
        ledgerRejections.id_reserved,
        ledgerRejections.id_reused,
        ledgerRejections.transaction_not_reversible,
        ledgerRejections.transaction_already_reversed,
        ledgerRejections.account_frozen,
        ledgerRejections.amount_exceeds_remaining,
        ledgerRejections.insufficient_balance,
        ledgerRejections.ceiling_exceeded,
      ]),
    },
    async handle({ caller, params, headers, body }) {
      const reversalId = headers['Idempotency-Key'];
      const amount = body.amount === undefined ? null : await partOf(body.amount);
      const outcome = await ledger(operateBook, {
        ...writerOf(caller),
        dryRun: body.dry_run,
        operation: { type: 'reverse', reversalId, transactionId: params.id, amount },
      });
      const naming = namingAccount(caller, () => undefined);
      const reversed = accepted<typeof operateBook>(outcome, ledgerRejections, naming);
      return {
        headers: replayedIf(reversed.replayed),
        body: {
          transaction_id: newIdShown(caller, reversalId),
          ledger_reference: reversed.ledgerReference,
          posted_at: reversed.at,
          reverses: params.id,
          dry_run: body.dry_run,
        },
      };

      /** The asset of the transaction says how many decimals there may be. */
      async function partOf(token: string): Promise<bigint> {
        const found = await ledger(getBookTransaction, { ...readerOf(caller), transactionId: params.id });
        const { entries } = accepted<typeof getBookTransaction>(found, ledgerRejections);
        const [first] = entries;
        if (first === undefined) throw new FailureError(ledgerRejections.transaction_not_found);
        return amountOf(token, first.asset);
      }
    },
  });
}

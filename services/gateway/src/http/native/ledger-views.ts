/** How entries and transactions of the journal are shown. */
import { asset, type CallOutcome, type listEntries, type searchTransactions } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import { timestampField } from '../fields';
import { shownId } from './journal-ids';
import { decimal, decimalOf, metadataShown } from './ledger-fields';
import { accountRefOf } from './own-accounts';

type EntryView = Extract<CallOutcome<typeof listEntries>, { ok: true }>['value']['entries'][number];
type TransactionView = Extract<CallOutcome<typeof searchTransactions>, { ok: true }>['value']['transactions'][number];

export const ledgerReferenceExample = `0x${'9f86d081'.repeat(8)}`;

/** One line of a transaction. */
const line = z.strictObject({
  account_id: z.string(),
  asset,
  direction: z.enum(['debit', 'credit']),
  amount: decimal,
});

type Line = {
  readonly accountId: string;
  readonly asset: AssetCode;
  readonly direction: 'debit' | 'credit';
  readonly amount: bigint;
};

function describeLine(caller: Credential, entry: Line) {
  return {
    account_id: accountRefOf(caller, entry.accountId),
    asset: entry.asset,
    direction: entry.direction,
    amount: decimalOf(entry.amount, entry.asset),
  };
}

export const entry = z.strictObject({
  sequence: z.number().int().meta({ description: "Of the journal's event." }),
  entry_index: z.number().int(),
  transaction_id: z.string(),
  account_id: z.string(),
  asset,
  direction: z.enum(['debit', 'credit']),
  amount: decimal,
  balance: decimal.meta({ description: 'Of the account after this entry, in the order of recording.' }),
  account_version: z.number().int().meta({ description: 'Entries of the account up to this one.' }),
  effective_at: timestampField,
  posted_at: timestampField,
});

export const entryExample = {
  sequence: 17,
  entry_index: 0,
  transaction_id: 'TX2001',
  account_id: 'cash',
  asset: 'INR',
  direction: 'debit',
  amount: '150.00',
  balance: '1250.75',
  account_version: 3,
  effective_at: '2026-02-11T10:06:10.000Z',
  posted_at: '2026-02-11T10:06:10.000Z',
} as const;

export function describeEntry(caller: Credential, view: EntryView) {
  return {
    sequence: view.sequence,
    entry_index: view.entryIndex,
    transaction_id: shownId(caller, view.transactionId),
    ...describeLine(caller, view),
    balance: decimalOf(view.balance, view.asset),
    account_version: view.accountVersion,
    effective_at: view.effectiveAt,
    posted_at: view.postedAt,
  };
}

/** A transaction without its lines. */
export const transactionHead = z.strictObject({
  transaction_id: z.string(),
  cause: z.strictObject({ type: z.string(), id: z.string(), subject: z.string() }),
  rule: z.string(),
  actor: z.string().nullable().meta({
    description: 'Id of the credential that asked for it, told to the side that posted it and to operators.',
  }),
  description: z.string().nullable(),
  metadata: metadataShown,
  adjustment_for: timestampField.nullable().meta({
    description: 'When it really happened, if that was in a period that was closed by then.',
  }),
  reverses: z.string().nullable(),
  ledger_reference: z.string(),
  sequence: z.number().int(),
  effective_at: timestampField,
  posted_at: timestampField,
});

export const transaction = transactionHead.extend({
  reversed_by: z.array(z.string()),
  entries: z.array(line),
  limit_breaches: z
    .array(z.strictObject({ account_id: z.string(), crossed: z.enum(['floor', 'ceiling']) }))
    .meta({ description: 'Accounts that it left beyond a limit, which only recorded facts may.' }),
});

export const transactionHeadExample = {
  transaction_id: 'TX2001',
  cause: { type: 'posting', id: 'TX2001', subject: 'TX2001' },
  rule: 'posting@1',
  actor: '018f2f7a-0000-7000-8000-00000000000c',
  description: 'Order 1024',
  metadata: { order: '1024' },
  adjustment_for: null,
  reverses: null,
  ledger_reference: ledgerReferenceExample,
  sequence: 17,
  effective_at: '2026-02-11T10:06:10.000Z',
  posted_at: '2026-02-11T10:06:10.000Z',
};

export const transactionExample = {
  ...transactionHeadExample,
  reversed_by: [],
  entries: [
    { account_id: 'cash', asset: 'INR', direction: 'debit', amount: '150.00' },
    { account_id: 'sales', asset: 'INR', direction: 'credit', amount: '150.00' },
  ],
  limit_breaches: [],
};

type Head = Omit<TransactionView, 'entries' | 'reversedBy' | 'limitBreaches'>;

export function describeHead(caller: Credential, view: Head) {
  const { cause, reverses } = view;
  return {
    transaction_id: shownId(caller, view.transactionId),
    cause: {
      type: cause.type,
      id: shownId(caller, cause.id),
      subject: shownId(caller, accountRefOf(caller, cause.subject)),
    },
    rule: view.rule,
    actor: view.actor ?? null,
    description: view.description,
    metadata: view.metadata,
    adjustment_for: view.adjustmentFor,
    reverses: reverses === null ? null : shownId(caller, reverses),
    ledger_reference: view.ledgerReference,
    sequence: view.sequence,
    effective_at: view.effectiveAt,
    posted_at: view.postedAt,
  };
}

export function describeTransaction(caller: Credential, view: TransactionView) {
  return {
    ...describeHead(caller, view),
    reversed_by: view.reversedBy.map((id) => shownId(caller, id)),
    entries: view.entries.map((each) => describeLine(caller, each)),
    limit_breaches: view.limitBreaches.map(({ accountId, crossed }) => ({
      account_id: accountRefOf(caller, accountId),
      crossed,
    })),
  };
}

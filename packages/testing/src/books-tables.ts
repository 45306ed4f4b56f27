/** The ledger's read models against the fold of its journal: every row, every column that the fold knows. */
import type { Book, Violation } from './books-fold';

/** A row as Postgres gives it: bigint and numeric as text. */
export type Row = Readonly<Record<string, unknown>>;

export type BookTables = {
  readonly accounts: readonly Row[];
  readonly transfers: readonly Row[];
  readonly transactions: readonly Row[];
  readonly entries: readonly Row[];
  readonly holds: readonly Row[];
};

/** As the journal writes an instant. */
const instant = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;

/** The tables compared, and the statement that reads one book of each. */
export const bookTableQueries: Readonly<Record<keyof BookTables, string>> = {
  accounts: `select account_id, tenant_id, asset, type, floor::text, ceiling::text, posted::text, held::text, incoming::text,
      frozen, version::text from accounts_v1 where mode = $1`,
  transfers: `select transfer_id, debit_tenant_id, debit_account_id, credit_tenant_id, credit_account_id, asset,
      amount::text, reference_id, status, failure, ledger_reference from transfers_v1 where mode = $1`,
  transactions: `select sequence::text, transaction_id, tenant_id, cause_type, cause_id, subject, rule,
      ledger_reference, ${instant('effective_at')} from transactions_v1 where mode = $1`,
  entries: `select sequence::text, entry_index::text, transaction_id, account_id, tenant_id, asset, direction,
      amount::text, balance::text, account_version::text, ${instant('effective_at')} from entries_v1 where mode = $1`,
  holds: `select hold_id, account_id, tenant_id, asset, amount::text, captured::text, remaining::text, status,
      ${instant('expires_at')} from holds_v1 where mode = $1`,
};

export function compareTables(book: Book, tables: BookTables): readonly Violation[] {
  const expected = expectedTables(book);
  return [
    ...compare('accounts_v1', ['account_id'], expected.accounts, tables.accounts),
    ...compare('transfers_v1', ['transfer_id'], expected.transfers, tables.transfers),
    ...compare('transactions_v1', ['sequence'], expected.transactions, tables.transactions),
    ...compare('entries_v1', ['sequence', 'entry_index'], expected.entries, tables.entries),
    ...compare('holds_v1', ['hold_id'], expected.holds, tables.holds),
  ];
}

/** What the tables should hold. */
export function expectedTables(book: Book): BookTables {
  return {
    accounts: [...book.accounts].map(([account_id, account]) => ({
      account_id,
      tenant_id: account.tenantId,
      asset: account.asset,
      type: account.type,
      floor: account.floor?.toString() ?? null,
      ceiling: account.ceiling?.toString() ?? null,
      posted: account.posted.toString(),
      held: account.held.toString(),
      incoming: account.incoming.toString(),
      frozen: account.frozen,
      version: account.version.toString(),
    })),
    transfers: [...book.transfers].map(([transfer_id, { fields, amount, status, failure, reference }]) => ({
      transfer_id,
      debit_tenant_id: fields['debitTenantId'],
      debit_account_id: fields['debitAccountId'],
      credit_tenant_id: fields['creditTenantId'],
      credit_account_id: fields['creditAccountId'],
      asset: fields['asset'],
      amount: amount.toString(),
      reference_id: fields['referenceId'],
      status,
      failure,
      ledger_reference: reference,
    })),
    transactions: book.transactions.map((transaction) => ({
      sequence: `${transaction.sequence}`,
      transaction_id: transaction.transactionId,
      tenant_id: transaction.tenantId,
      cause_type: transaction.causeType,
      cause_id: transaction.causeId,
      subject: transaction.subject,
      rule: transaction.rule,
      ledger_reference: transaction.reference,
      effective_at: transaction.effectiveAt,
    })),
    entries: book.transactions.flatMap(({ sequence, transactionId, effectiveAt, entries }) =>
      entries.map((entry, index) => ({
        sequence: `${sequence}`,
        entry_index: `${index}`,
        transaction_id: transactionId,
        account_id: entry.accountId,
        tenant_id: book.accounts.get(entry.accountId)?.tenantId ?? null,
        asset: entry.asset,
        direction: entry.direction,
        amount: entry.amount.toString(),
        balance: entry.balance.toString(),
        account_version: `${entry.accountVersion}`,
        effective_at: effectiveAt,
      })),
    ),
    holds: [...book.holds].map(([hold_id, hold]) => ({
      hold_id,
      account_id: hold.accountId,
      tenant_id: book.accounts.get(hold.accountId)?.tenantId ?? null,
      asset: hold.asset,
      amount: hold.amount.toString(),
      captured: hold.captured.toString(),
      remaining: hold.remaining.toString(),
      status: hold.status,
      expires_at: hold.expiresAt,
    })),
  };
}

function compare(table: string, key: readonly string[], expected: readonly Row[], actual: readonly Row[]): Violation[] {
  const keyOf = (row: Row) => key.map((column) => String(row[column])).join(' ');
  const rows = new Map(actual.map((row) => [keyOf(row), row]));
  const violations: Violation[] = [];
  const violate = (message: string) => violations.push({ rule: 'projection', where: table, message });
  for (const wanted of expected) {
    const name = keyOf(wanted);
    const row = rows.get(name);
    rows.delete(name);
    if (row === undefined) violate(`${name} is missing`);
    for (const [column, value] of row === undefined ? [] : Object.entries(wanted)) {
      if (row?.[column] !== value)
        violate(`${name}: ${column} is ${String(row?.[column])}, the journal says ${String(value)}`);
    }
  }
  for (const name of rows.keys()) violate(`${name} is not in the journal`);
  return violations;
}

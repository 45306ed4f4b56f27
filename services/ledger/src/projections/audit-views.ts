/**
 * The SQL views that auditors read, as data: statements, comments and the table in docs/auditor.md are made of it. Names and
 * columns stay; what changes meaning gets a new name. A view runs with the rights of whoever reads it
 * (`security_invoker`), so that the row-level security of the read models holds for it; the two that read the journal
 * itself run with ours, and are for the operator's auditors alone.
 *
 * Every row says which event it comes from, `mode` and `sequence`, and how far the read models were when it was read,
 * `applied_sequence` and `applied_at`.
 */
import { sha256Hex } from '@daybook/runtime';
import type { AuditView } from './audit-view';
import { balanceViews } from './audit-views-balances';
import { eventViews } from './audit-views-events';

/** Columns that mean the same wherever they are. */
const shared: Readonly<Record<string, string>> = {
  mode: 'The book: sandbox or live.',
  sequence: 'Place in the book of the journal event that this comes from, from 0, without gaps.',
  last_sequence: 'Place in the book of the last journal event that touched it.',
  applied_sequence: 'Last journal event of the book that the read models showed when this was read.',
  applied_at: 'When that event was recorded.',
  account_id: 'The account.',
  tenant_id: 'Owner of the account; null for the operator.',
  asset: 'Code of the asset; amounts are in its minor units.',
  type: 'asset, liability, income, expense or equity: debits raise assets and expenses, credits raise the rest.',
  entry_index: 'Place of the entry in its event, from 0.',
  transaction_id: 'Id of the balanced set of entries.',
  direction: 'debit or credit.',
  amount: 'Minor units, greater than zero.',
  balance: 'Balance of the account on its normal side after this entry, in the order of recording.',
  account_version: 'Number of entries of the account up to this one.',
  effective_at: 'When it happened.',
  posted_at: 'When it was recorded, not before it happened.',
  debits: 'Sum of the debit entries.',
  credits: 'Sum of the credit entries.',
  rule: 'Posting rule and its version.',
  cause_type: 'Kind of what it was posted for.',
  cause_id: 'Id of what it was posted for: a deposit, a settlement, a transfer, a request.',
  subject: 'What groups the transactions of one intent, one transfer or one hold.',
  ledger_reference: "0x and the hex SHA-256 of the journal event's exact bytes.",
  event_type: 'Type of the journal event.',
  correlation_id: 'Id of the request or message that began it all; it is in logs and answers too.',
  causation_id: 'Id of the request or message that caused this event.',
  reverses: 'The transaction that this one takes back; null for none.',
  actor: 'Who asked for it; null when nobody did.',
  metadata: "What its poster noted; shown to the poster's auditors only.",
};

export const auditViews: readonly AuditView[] = [...balanceViews, ...eventViews];

/** What is said of a column. */
function commentOf(view: AuditView, column: string): string {
  const comment = view.columns[column] ?? shared[column];
  if (comment === undefined) throw new Error(`${view.name}.${column} has no comment`);
  return comment;
}

function statementsOf(view: AuditView, create: string): readonly string[] {
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  return [
    `${create} ledger.${view.name} with (${view.journal ? 'security_barrier' : 'security_invoker'} = true) as\n${view.select}`,
    `comment on view ledger.${view.name} is ${literal(`v${view.version}: ${view.comment}`)}`,
    ...Object.keys(view.columns).map(
      (column) => `comment on column ledger.${view.name}.${column} is ${literal(commentOf(view, column))}`,
    ),
    // Row-level security shows nothing to whoever is not an auditor, and only auditors may use the schema.
    `grant select on ledger.${view.name} to public`,
  ];
}

const further = auditViews.map((view) => ({
  name: view.name,
  statements: statementsOf(view, 'create or replace view'),
}));

/** As it was taken from the first release on: another text of the same views would replace them all at a start. */
const hash = sha256Hex(
  [
    ...auditViews.map(({ name }) => `drop view if exists ledger.${name}`),
    ...auditViews.flatMap((view) => statementsOf(view, 'create view')),
  ].join('\n'),
);

/** What the generations of the read models are shown with. */
export const ledgerViews = { hash, further };

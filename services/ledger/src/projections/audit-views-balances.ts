/** Views of accounts, transactions and entries, and of what they come to. */
import { applied, appliedColumns, withMark, type AuditView } from './audit-view';

export const balanceViews: readonly AuditView[] = [
  {
    name: 'audit_watermark',
    version: 1,
    comment: 'How far the read models are, a row each book. Everything up to there is in all of them.',
    columns: { mode: null, sequence: 'The last event applied.', at: 'When it was recorded.' },
    select: 'select mode, sequence, at from ledger.watermarks_v1',
  },
  {
    name: 'audit_accounts',
    version: 1,
    comment: 'Every account with its balances on its normal side.',
    columns: {
      mode: null,
      account_id: null,
      tenant_id: null,
      asset: null,
      type: null,
      floor: 'Lowest available balance that an authorizing movement may leave; null for none.',
      posted: 'Sum of its entries.',
      held: 'Promised to holds, and to transfers that are being confirmed.',
      available: 'posted - held.',
      incoming: 'Promised to it by transfers that are being confirmed.',
      frozen: 'Whether authorizing movements are refused.',
      version: 'Number of its entries.',
      opened_at: 'When it was opened.',
      updated_at: 'Time of the last event that touched it.',
      opened_sequence: 'Journal event that opened it.',
      last_sequence: null,
      debits: null,
      credits: null,
      ceiling: 'Highest balance that an authorizing movement may leave; null for none.',
      ...appliedColumns,
    },
    select: `select a.mode, a.account_id, a.tenant_id, a.asset, a.type, a.floor, a.posted, a.held,
       a.posted - a.held as available, a.incoming, a.frozen, a.version, a.opened_at, a.updated_at, a.opened_sequence,
       a.last_sequence, a.debits,
       case when a.type in ('asset', 'expense') then a.debits - a.posted else a.debits + a.posted end as credits,
       a.ceiling, ${applied}
  from ledger.accounts_v1 a ${withMark} a.mode`,
  },
  {
    name: 'audit_account_changes',
    version: 1,
    comment:
      'Every opening, freezing and unfreezing of an account, and every change of its limits: what was set, and by whom.',
    columns: {
      mode: null,
      sequence: null,
      account_id: null,
      tenant_id: null,
      change: 'opened, limits, frozen or unfrozen.',
      floor: 'What it was set to; null for none, and where limits were not set.',
      ceiling: 'What it was set to; null for none, and where limits were not set.',
      rule: 'Posting rule that needed the account; null when it was asked for.',
      actor: null,
      correlation_id: null,
      causation_id: null,
      changed_at: 'When it was recorded.',
      ...appliedColumns,
    },
    select: `select c.mode, c.sequence, c.account_id, c.tenant_id, c.change, c.floor, c.ceiling, c.rule, c.actor,
       c.correlation_id, c.causation_id, c.changed_at, ${applied}
  from ledger.account_changes_v1 c ${withMark} c.mode`,
  },
  {
    name: 'audit_transactions',
    version: 1,
    comment: 'Every balanced set of entries, what it was posted for, and what took it back.',
    columns: {
      mode: null,
      sequence: null,
      transaction_id: null,
      tenant_id: 'Whose it is; null for the operator.',
      cause_type: null,
      cause_id: null,
      subject: null,
      rule: null,
      ledger_reference: null,
      effective_at: null,
      posted_at: null,
      adjustment_for:
        'When it really happened, if that was in a period closed by then; effective_at is the first instant still open.',
      reverses: null,
      reversed_by: 'Transactions that take this one back, whole or in part; null for none.',
      event_type: null,
      correlation_id: null,
      causation_id: null,
      description: "Text of its poster; shown to the poster's auditors only.",
      metadata: null,
      actor: null,
      ...appliedColumns,
    },
    select: `select t.mode, t.sequence, t.transaction_id, t.tenant_id, t.cause_type, t.cause_id, t.subject, t.rule,
       t.ledger_reference, t.effective_at, t.posted_at, t.adjustment_for, t.reverses,
       (select array_agg(r.transaction_id order by r.sequence) from ledger.transactions_v1 r
         where r.mode = t.mode and r.reverses = t.transaction_id) as reversed_by,
       t.event_type, t.correlation_id, t.causation_id, d.description, d.metadata, t.actor, ${applied}
  from ledger.transactions_v1 t
  left join ledger.transaction_details_v1 d on d.mode = t.mode and d.sequence = t.sequence
  ${withMark} t.mode`,
  },
  {
    name: 'audit_entries',
    version: 1,
    comment: 'Every entry, with the balance of its account after it.',
    columns: {
      mode: null,
      sequence: null,
      entry_index: null,
      transaction_id: null,
      account_id: null,
      tenant_id: null,
      asset: null,
      direction: null,
      amount: null,
      balance: null,
      account_version: null,
      posted_at: null,
      effective_at: null,
      account_debits: 'Sum of the debit entries of the account up to this one.',
      ...appliedColumns,
    },
    select: `select e.mode, e.sequence, e.entry_index, e.transaction_id, e.account_id, e.tenant_id, e.asset, e.direction,
       e.amount, e.balance, e.account_version, e.posted_at, e.effective_at, e.account_debits, ${applied}
  from ledger.entries_v1 e ${withMark} e.mode`,
  },
  {
    name: 'audit_lineage',
    version: 1,
    comment:
      'From a balance down: each entry of an account, its transaction, the journal event, the rule and the cause.',
    columns: {
      mode: null,
      account_id: null,
      tenant_id: null,
      account_version: null,
      is_latest: "Whether the balance is the account's present one.",
      balance: null,
      direction: null,
      amount: null,
      asset: null,
      sequence: null,
      entry_index: null,
      transaction_id: null,
      event_type: null,
      ledger_reference: null,
      rule: null,
      cause_type: null,
      cause_id: null,
      subject: null,
      reverses: null,
      correlation_id: null,
      causation_id: null,
      effective_at: null,
      posted_at: null,
      actor: null,
      ...appliedColumns,
    },
    select: `select e.mode, e.account_id, e.tenant_id, e.account_version, e.account_version = a.version as is_latest,
       e.balance, e.direction, e.amount, e.asset, e.sequence, e.entry_index, e.transaction_id, t.event_type,
       t.ledger_reference, t.rule, t.cause_type, t.cause_id, t.subject, t.reverses, t.correlation_id, t.causation_id,
       e.effective_at, e.posted_at, t.actor, ${applied}
  from ledger.entries_v1 e
  join ledger.accounts_v1 a on a.mode = e.mode and a.account_id = e.account_id
  join ledger.transactions_v1 t on t.mode = e.mode and t.sequence = e.sequence
  ${withMark} e.mode`,
  },
  {
    name: 'audit_late_entries',
    version: 1,
    comment: 'The entries that were recorded later than they were effective.',
    columns: {
      mode: null,
      sequence: null,
      entry_index: null,
      account_id: null,
      tenant_id: null,
      direction: null,
      amount: null,
      effective_at: null,
      posted_at: null,
      late_by: 'posted_at - effective_at.',
      ...appliedColumns,
    },
    select: `select l.mode, l.sequence, l.entry_index, l.account_id, l.tenant_id, l.direction, l.amount, l.effective_at,
       l.posted_at, l.posted_at - l.effective_at as late_by, ${applied}
  from ledger.late_entries_v1 l ${withMark} l.mode`,
  },
  {
    name: 'audit_daily_balances',
    version: 1,
    comment:
      'Days with entries of each account, by the effective clock, in UTC. For one account in any time zone, fast on a long history: audit_daily_balances_between.',
    columns: {
      mode: null,
      account_id: null,
      tenant_id: null,
      asset: null,
      day: 'Day in UTC.',
      opening: 'Balance on the normal side at its begin; the closing of the day before it.',
      debits: 'Sum of the debit entries of the day.',
      credits: 'Sum of the credit entries of the day.',
      closing: 'Balance on the normal side at its end.',
      entries: 'Number of entries of the day.',
      last_sequence: 'Place in the book of the last journal event with an entry of the day.',
      ...appliedColumns,
    },
    select: `select d.mode, d.account_id, a.tenant_id, a.asset, d.day,
       sum(d.moved) over days - d.moved as opening, d.debits, d.credits, sum(d.moved) over days as closing, d.entries,
       d.last_sequence, ${applied}
  from (select g.mode, g.account_id, g.day, g.debits, g.credits, g.entries, g.last_sequence, x.type,
               case when x.type in ('asset', 'expense') then g.debits - g.credits else g.credits - g.debits end as moved
          from (select e.mode, e.account_id, (e.effective_at at time zone 'UTC')::date as day,
                       coalesce(sum(e.amount) filter (where e.direction = 'debit'), 0) as debits,
                       coalesce(sum(e.amount) filter (where e.direction = 'credit'), 0) as credits,
                       count(*) as entries, max(e.sequence) as last_sequence
                  from ledger.entries_v1 e group by 1, 2, 3) g
          join ledger.accounts_v1 x on x.mode = g.mode and x.account_id = g.account_id) d
  join ledger.accounts_v1 a on a.mode = d.mode and a.account_id = d.account_id
  ${withMark} d.mode
window days as (partition by d.mode, d.account_id order by d.day)`,
  },
  {
    name: 'audit_trial_balance',
    version: 1,
    comment:
      'Debits and credits of each asset and type of account, as the read models stand. In each asset net sums to zero over the whole book. At another moment: audit_trial_balance_as_of.',
    columns: {
      mode: null,
      asset: null,
      type: null,
      accounts: 'Number of accounts.',
      debits: null,
      credits: null,
      net: 'debits - credits.',
      ...appliedColumns,
    },
    select: `select b.mode, b.asset, b.type, b.accounts, b.debits, b.credits, b.debits - b.credits as net, ${applied}
  from (select a.mode, a.asset, a.type, count(*) as accounts, sum(a.debits) as debits,
               sum(case when a.type in ('asset', 'expense') then a.debits - a.posted else a.debits + a.posted end)
                 as credits
          from ledger.accounts_v1 a group by 1, 2, 3) b
  ${withMark} b.mode`,
  },
];

/** Views of what else happened: holds, reversals, breaches, refusals, closings; and of the journal itself. */
import { applied, appliedColumns, withMark, type AuditView } from './audit-view';

export const eventViews: readonly AuditView[] = [
  {
    name: 'audit_holds',
    version: 1,
    comment: 'Money promised and not moved: holds with what became of them, and transfers that are being confirmed.',
    columns: {
      mode: null,
      kind: 'hold or transfer.',
      hold_id: 'Id of the hold or the transfer.',
      account_id: 'The account that it is held on.',
      tenant_id: null,
      asset: null,
      amount: null,
      captured: 'What has become entries.',
      remaining: 'What is still held.',
      status: 'open, captured, released or expired.',
      expires_at: 'From then on it cannot be captured; null for never.',
      placed_at: 'When it was recorded.',
      sequence: 'Place in the book of the journal event that placed it.',
      last_sequence: null,
      actor: 'Who placed it; shown to the auditors of that side only, null for a transfer.',
      metadata: 'What its placer noted; shown to the auditors of that side only.',
      ...appliedColumns,
    },
    select: `select h.mode, h.kind, h.hold_id, h.account_id, h.tenant_id, h.asset, h.amount, h.captured, h.remaining,
       h.status, h.expires_at, h.placed_at, h.sequence, h.last_sequence, d.actor, d.metadata, ${applied}
  from (select mode, 'hold' as kind, hold_id, account_id, tenant_id, asset, amount, captured, remaining, status,
               expires_at, placed_at, placed_sequence as sequence, last_sequence
          from ledger.holds_v1
        union all
        select mode, 'transfer', transfer_id, account_id, tenant_id, asset, amount, 0, amount, 'open', null, placed_at,
               sequence, sequence
          from ledger.audit_pending_transfers()) h
  left join ledger.hold_details_v1 d on d.mode = h.mode and d.sequence = h.sequence
  ${withMark} h.mode`,
  },
  {
    name: 'audit_reversals',
    version: 1,
    comment: 'Every transaction that was taken back, with what took it back.',
    columns: {
      mode: null,
      transaction_id: 'The transaction that was taken back.',
      sequence: 'Place in the book of its journal event.',
      posted_at: null,
      reversal_id: 'The transaction that takes it back.',
      reversal_sequence: 'Place in the book of its journal event.',
      reversed_at: 'When that was recorded.',
      rule: 'Posting rule of the reversal.',
      ...appliedColumns,
    },
    select: `select r.mode, t.transaction_id, t.sequence, t.posted_at, r.transaction_id as reversal_id,
       r.sequence as reversal_sequence, r.posted_at as reversed_at, r.rule, ${applied}
  from ledger.transactions_v1 r
  join ledger.transactions_v1 t on t.mode = r.mode and t.transaction_id = r.reverses
  ${withMark} r.mode
 where r.reverses is not null`,
  },
  {
    name: 'audit_limit_breaches',
    version: 1,
    comment: 'Facts that left an account below its floor or above its ceiling: exceptions for a person to resolve.',
    columns: {
      mode: null,
      sequence: null,
      transaction_id: null,
      account_id: null,
      tenant_id: null,
      crossed: 'floor or ceiling.',
      limit_now: 'The limit as it is now.',
      available_now: 'What is available in the account now: what a floor bounds.',
      posted_at: null,
      ...appliedColumns,
      posted_now: 'What is posted to the account now: what a ceiling bounds.',
    },
    select: `select b.mode, b.sequence, t.transaction_id, b.account_id, b.tenant_id, b.crossed,
       case b.crossed when 'floor' then a.floor else a.ceiling end as limit_now, a.posted - a.held as available_now,
       t.posted_at, ${applied}, a.posted as posted_now
  from ledger.limit_breaches_v1 b
  join ledger.transactions_v1 t on t.mode = b.mode and t.sequence = b.sequence
  join ledger.accounts_v1 a on a.mode = b.mode and a.account_id = b.account_id
  ${withMark} b.mode`,
  },
  {
    name: 'audit_rejections',
    version: 1,
    comment: 'Every command that a rule refused: who asked what, and why not.',
    columns: {
      mode: null,
      sequence: null,
      command_id: 'Id under which it was asked.',
      command_type: 'What was asked.',
      rejection: 'Why not.',
      tenant_id: 'Who asked; null for the operator.',
      actor: 'Who of them, where that is known.',
      request: 'What was asked for, without personal data.',
      correlation_id: null,
      causation_id: null,
      rejected_at: 'When.',
      ...appliedColumns,
    },
    select: `select r.mode, r.sequence, r.command_id, r.command_type, r.rejection, r.tenant_id, r.actor, r.request,
       r.correlation_id, r.causation_id, r.rejected_at, ${applied}
  from ledger.rejections_v1 r ${withMark} r.mode`,
  },
  {
    name: 'audit_periods',
    version: 1,
    comment: 'Every closing of a period. What happened before open_from and is recorded later is an adjustment.',
    columns: {
      mode: null,
      sequence: null,
      close_id: 'Id of the closing.',
      through: 'Last instant of the period.',
      open_from: 'First instant that is still open.',
      actor: null,
      closed_at: 'When it was closed.',
      adjustments: 'Transactions posted since then for what had happened in the period or before.',
      ...appliedColumns,
    },
    select: `select p.mode, p.sequence, p.close_id, p.through, p.open_from, p.actor, p.closed_at,
       (select count(*) from ledger.transactions_v1 t
         where t.mode = p.mode and t.sequence > p.sequence and t.adjustment_for <= p.through) as adjustments, ${applied}
  from ledger.closed_periods_v1 p ${withMark} p.mode`,
  },
  {
    name: 'audit_journal',
    version: 1,
    comment:
      "Every event of the journal, without its content: for the operator's auditors. A part of it, fast: audit_journal_between.",
    columns: {
      mode: null,
      sequence: null,
      event_type: null,
      event_version: 'Version of its stored form.',
      event_id: 'Id of the event.',
      ledger_reference: null,
      bytes: 'Size of its content.',
      recorded_at: 'When the store took it.',
      correlation_id: null,
      causation_id: null,
    },
    select: `select substr(v.stream, 6) as mode, v.revision as sequence, v.type as event_type, v.version as event_version,
       v.id as event_id, '0x' || encode(sha256(v.payload), 'hex') as ledger_reference, octet_length(v.payload) as bytes,
       v.recorded_at, v.metadata ->> 'correlationId' as correlation_id, v.metadata ->> 'causationId' as causation_id
  from ledger.events v where v.stream like 'book-%' and ledger.audit_everything()`,
    journal: true,
  },
  {
    name: 'audit_gaps',
    version: 1,
    comment:
      "Places in the journal where the next event does not follow the one before; none, when all is well. For the operator's auditors.",
    columns: {
      mode: null,
      expected: 'The sequence that should follow.',
      found: 'The sequence that does.',
    },
    select: `select substr(g.stream, 6) as mode, g.expected, g.found
  from (select a.stream, a.first_revision as found,
               coalesce(lag(a.last_revision) over (partition by a.stream order by a.first_revision) + 1, 0) as expected
          from ledger.appends a where a.stream like 'book-%') g
 where g.found <> g.expected and ledger.audit_everything()`,
    journal: true,
  },
];

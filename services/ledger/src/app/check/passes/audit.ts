/** The tables beside transactions_v1 and entries_v1 that tell auditors more of an event, and the watermarks of all. */
import { canonicalJson } from '../canonical-json';
import { remembered, type LogPass, type StatePass, type TablePass } from '../table-pass';
import { postedBy } from './transactions';

const lateEntriesPass: LogPass = {
  kind: 'log',
  table: 'late_entries_v1',
  key: ['mode', 'node', 'account_id', 'effective_at', 'sequence', 'entry_index'],
  columns: [
    'mode',
    'node',
    'account_id',
    'effective_at',
    'posted_at',
    'sequence',
    'entry_index',
    'tenant_id',
    'direction',
    'amount',
  ],
  folded: ['tenant_id'],
  rows({ event, sequence, entries }, { mode }) {
    const posted = postedBy(event);
    if (posted === null || posted.effectiveAt >= posted.postedAt) return [];
    const node = roundestWithin(Date.parse(posted.effectiveAt), Date.parse(posted.postedAt) - 1);
    return entries.map((entry) => ({
      mode,
      node,
      account_id: entry.accountId,
      effective_at: posted.effectiveAt,
      posted_at: posted.postedAt,
      sequence: String(sequence),
      entry_index: String(entry.index),
      tenant_id: entry.account.tenantId,
      direction: entry.direction,
      amount: entry.amount.toString(),
    }));
  },
};

/** The number from one to another, both included and above zero, that most powers of two divide. */
function roundestWithin(from: number, to: number): string {
  for (let power = 2 ** 48; power > 1; power /= 2) {
    const multiple = Math.floor(to / power) * power;
    if (multiple >= Math.max(from, 1)) return String(multiple);
  }
  return String(to);
}

const accountChangesPass: LogPass = {
  kind: 'log',
  table: 'account_changes_v1',
  key: ['mode', 'sequence'],
  columns: [
    'mode',
    'sequence',
    'account_id',
    'tenant_id',
    'change',
    'floor',
    'ceiling',
    'rule',
    'actor',
    'correlation_id',
    'causation_id',
    'changed_at',
  ],
  folded: ['tenant_id'],
  rows({ event, sequence, metadata }, { mode, accounts }) {
    if (!('accountId' in event)) return [];
    const change = accountChanges[event.type];
    if (change === undefined) return [];
    const limits = event.type === 'AccountOpened' || event.type === 'AccountLimitsSet' ? event : null;
    return [
      {
        mode,
        sequence: String(sequence),
        account_id: event.accountId,
        tenant_id: accounts.get(event.accountId)?.tenantId ?? null,
        change,
        floor: limits?.floor?.toString() ?? null,
        ceiling: limits?.ceiling?.toString() ?? null,
        rule: event.type === 'AccountOpened' ? event.rule : null,
        actor: 'actor' in event ? event.actor : null,
        correlation_id: metadata.correlationId,
        causation_id: metadata.causationId,
        changed_at: event.at,
      },
    ];
  },
};

const accountChanges: Readonly<Record<string, string>> = {
  AccountOpened: 'opened',
  AccountLimitsSet: 'limits',
  AccountFrozen: 'frozen',
  AccountUnfrozen: 'unfrozen',
};

const detailsPass: LogPass = {
  kind: 'log',
  table: 'transaction_details_v1',
  key: ['mode', 'sequence'],
  columns: ['mode', 'sequence', 'tenant_id', 'description', 'metadata'],
  rows({ event, sequence }, { mode }) {
    if (event.type !== 'TransactionPosted') return [];
    const { tenantId, description, metadata } = event;
    if (description === null && metadata === null) return [];
    const json = metadata && canonicalJson(metadata);
    return [{ mode, sequence: String(sequence), tenant_id: tenantId, description, metadata: json }];
  },
};

const metadataPass: LogPass = {
  kind: 'log',
  table: 'transaction_metadata_v1',
  key: ['mode', 'sequence', 'name'],
  columns: ['mode', 'name', 'value', 'sequence'],
  rows({ event, sequence }, { mode }) {
    if (event.type !== 'TransactionPosted') return [];
    return Object.entries(event.metadata ?? {}).map(([name, value]) => ({
      mode,
      name,
      value,
      sequence: String(sequence),
    }));
  },
};

const breachesPass: LogPass = {
  kind: 'log',
  table: 'limit_breaches_v1',
  key: ['mode', 'sequence', 'account_id', 'crossed'],
  columns: ['mode', 'sequence', 'account_id', 'tenant_id', 'crossed'],
  folded: ['tenant_id'],
  rows({ event, sequence }, { mode, accounts }) {
    if (event.type !== 'TransactionPosted') return [];
    const row = (crossed: string) => (account_id: string) => ({
      mode,
      sequence: String(sequence),
      account_id,
      tenant_id: accounts.get(account_id)?.tenantId ?? null,
      crossed,
    });
    return [...event.floorBreaches.map(row('floor')), ...event.ceilingBreaches.map(row('ceiling'))];
  },
};

const rejectionsPass: LogPass = {
  kind: 'log',
  table: 'rejections_v1',
  key: ['mode', 'sequence'],
  columns: [
    'mode',
    'sequence',
    'command_id',
    'command_type',
    'rejection',
    'tenant_id',
    'actor',
    'request',
    'correlation_id',
    'causation_id',
    'rejected_at',
  ],
  rows({ event, sequence, metadata }, { mode }) {
    if (event.type !== 'CommandRejected') return [];
    return [
      {
        mode,
        sequence: String(sequence),
        command_id: event.commandId,
        command_type: event.commandType,
        rejection: event.rejection,
        tenant_id: event.tenantId,
        actor: event.actor,
        request: canonicalJson(event.request),
        correlation_id: metadata.correlationId,
        causation_id: metadata.causationId,
        rejected_at: event.at,
      },
    ];
  },
};

const closedPeriodsPass: LogPass = {
  kind: 'log',
  table: 'closed_periods_v1',
  key: ['mode', 'sequence'],
  columns: ['mode', 'sequence', 'close_id', 'through', 'open_from', 'actor', 'closed_at'],
  rows({ event, sequence }, { mode }) {
    if (event.type !== 'PeriodClosed') return [];
    const { closeId, through, openFrom, actor, at } = event;
    return [
      { mode, sequence: String(sequence), close_id: closeId, through, open_from: openFrom, actor, closed_at: at },
    ];
  },
};

const watermarksPass: StatePass = {
  kind: 'state',
  table: 'watermarks_v1',
  key: ['mode'],
  columns: ['mode', 'sequence', 'at'],
  partition: null,
  begin({ mode }) {
    let last: { readonly sequence: string; readonly at: string } | undefined;
    return {
      step({ event, sequence }) {
        last = { sequence: String(sequence), at: event.at };
      },
      rows: () => (last === undefined ? [] : [{ mode, ...last }]),
    };
  },
};

export const auditPasses: readonly TablePass[] = [
  accountChangesPass,
  remembered(lateEntriesPass),
  detailsPass,
  metadataPass,
  breachesPass,
  rejectionsPass,
  closedPeriodsPass,
  watermarksPass,
];

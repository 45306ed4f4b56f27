/** Pages of the audit calls. Each is found by one range of an index, in the order of the journal. */
import type { Pool } from 'pg';
import type { AuditLists, HoldsQuery, RejectionsQuery } from '../app/audit-lists';
import { assetOf } from './accounts';
import { findEntries, findLineage } from './audit-entries';
import { searchTransactions } from './audit-transactions';
import { markedRows, values } from './marked-rows';

export function auditLists(pool: Pool): AuditLists {
  return {
    findEntries: (query) => findEntries(pool, query),
    findTransactions: (query) => searchTransactions(pool, query),
    findLineage: (query) => findLineage(pool, query),
    findHolds: (query) => findHolds(pool, query),
    findRejections: (query) => findRejections(pool, query),
  };
}

type HoldStatus = 'open' | 'captured' | 'released' | 'expired';
type HoldRow = {
  hold_id: string;
  account_id: string;
  asset: string;
  amount: string;
  captured: string;
  remaining: string;
  status: HoldStatus;
  expires_at: Date | null;
  actor: string | null;
  metadata: Record<string, string> | null;
  placed_at: Date;
  placed_sequence: string;
  last_sequence: string;
};

async function findHolds(pool: Pool, { mode, tenantId, accountId, status, metadata, after, limit }: HoldsQuery) {
  const { all, put } = values(mode);
  const where = ['h.mode = $1'];
  // What only the placer's side may see is left out for another tenant, which then does not find the hold by it either.
  let details = 'd.mode = h.mode and d.sequence = h.placed_sequence';
  if (tenantId !== null) {
    const asker = put(tenantId);
    where.push(`h.tenant_id = ${asker}`);
    details += ` and d.tenant_id = ${asker}`;
  }
  if (accountId !== null) where.push(`h.account_id = ${put(accountId)}`);
  if (status !== null) where.push(`h.status = ${put(status)}`);
  if (Object.keys(metadata).length > 0) where.push(`d.metadata @> ${put(JSON.stringify(metadata))}::jsonb`);
  if (after !== null) where.push(`h.placed_sequence < ${put(after.sequence)}`);
  const { rows, watermark } = await markedRows<HoldRow>(
    pool,
    `select h.hold_id, h.account_id, h.asset, h.amount, h.captured, h.remaining, h.status, h.expires_at, d.actor,
            d.metadata, h.placed_at, h.placed_sequence, h.last_sequence
     from holds_v1 h left join hold_details_v1 d on ${details}
     where ${where.join(' and ')} order by h.placed_sequence desc limit ${put(limit)}`,
    all,
  );
  const holds = rows.map((row) => ({
    holdId: row.hold_id,
    accountId: row.account_id,
    asset: assetOf(row.asset),
    amount: BigInt(row.amount),
    captured: BigInt(row.captured),
    remaining: BigInt(row.remaining),
    status: row.status,
    expiresAt: row.expires_at?.toISOString() ?? null,
    actor: row.actor,
    metadata: row.metadata ?? {},
    placedAt: row.placed_at.toISOString(),
    placedSequence: Number(row.placed_sequence),
    lastSequence: Number(row.last_sequence),
  }));
  return { holds, watermark };
}

type RejectionRow = {
  sequence: string;
  command_id: string;
  command_type: string;
  rejection: string;
  tenant_id: string | null;
  actor: string | null;
  request: Record<string, string>;
  correlation_id: string;
  causation_id: string;
  rejected_at: Date;
};

async function findRejections(pool: Pool, { mode, tenantId, rejection, after, limit }: RejectionsQuery) {
  const { all, put } = values(mode);
  const where = ['mode = $1'];
  if (tenantId !== null) where.push(`tenant_id = ${put(tenantId)}`);
  if (rejection !== null) where.push(`rejection = ${put(rejection)}`);
  if (after !== null) where.push(`sequence < ${put(after.sequence)}`);
  const { rows, watermark } = await markedRows<RejectionRow>(
    pool,
    `select sequence, command_id, command_type, rejection, tenant_id, actor, request, correlation_id, causation_id,
            rejected_at
     from rejections_v1 where ${where.join(' and ')} order by sequence desc limit ${put(limit)}`,
    all,
  );
  const rejections = rows.map((row) => ({
    sequence: Number(row.sequence),
    commandId: row.command_id,
    commandType: row.command_type,
    rejection: row.rejection,
    tenantId: row.tenant_id,
    actor: row.actor,
    request: row.request,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    at: row.rejected_at.toISOString(),
  }));
  return { rejections, watermark };
}

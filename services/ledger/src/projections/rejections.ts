/**
 * rejections_v1: every command that a rule refused: who asked what, and why not.
 * Source: the books. Order: each book's own. Serves: list-rejections, audit_rejections.
 */
import { defineTable, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { ownRows } from './audit-policies';
import { modeOf } from './place';

const rejectionsTable = defineTable({
  name: 'rejections_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    command_id: { type: 'text' },
    command_type: { type: 'text' },
    rejection: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true },
    actor: { type: 'text', nullable: true },
    request: { type: 'jsonb' },
    correlation_id: { type: 'text' },
    causation_id: { type: 'text' },
    rejected_at: { type: 'timestamptz' },
  },
  key: ['mode', 'sequence'],
  indexes: [{ name: 'by_tenant', on: ['mode', 'tenant_id', 'sequence'] }],
  readers: ownRows,
});

export const rejectionsProjection: TableProjection<SealedEvent> = {
  name: 'rejections',
  version: 1,
  tables: [rejectionsTable],
  handlers: {
    CommandRejected({ commandId, commandType, rejection, tenantId, actor, request, at }, place, rows) {
      rows.insert(rejectionsTable, {
        mode: modeOf(place),
        sequence: place.revision,
        command_id: commandId,
        command_type: commandType,
        rejection,
        tenant_id: tenantId,
        actor,
        request: JSON.stringify(request),
        correlation_id: place.metadata.correlationId,
        causation_id: place.metadata.causationId,
        rejected_at: at,
      });
    },
  },
};

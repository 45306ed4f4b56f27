/**
 * closed_periods_v1: every closing of a period. Nothing is effective before the last one's `open_from` any more.
 * Source: the books. Order: each book's own. Serves: audit_periods.
 */
import { defineTable, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { everyAuditor } from './audit-policies';
import { modeOf } from './place';

const closedPeriodsTable = defineTable({
  name: 'closed_periods_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    close_id: { type: 'text' },
    through: { type: 'timestamptz' },
    open_from: { type: 'timestamptz' },
    actor: { type: 'text' },
    closed_at: { type: 'timestamptz' },
  },
  key: ['mode', 'sequence'],
  readers: everyAuditor,
});

export const closedPeriodsProjection: TableProjection<SealedEvent> = {
  name: 'closed_periods',
  version: 1,
  tables: [closedPeriodsTable],
  handlers: {
    PeriodClosed({ closeId, through, openFrom, actor, at }, place, rows) {
      rows.insert(closedPeriodsTable, {
        mode: modeOf(place),
        sequence: place.revision,
        close_id: closeId,
        through,
        open_from: openFrom,
        actor,
        closed_at: at,
      });
    },
  },
};

/**
 * watermarks_v1: the last event of each book that the read models show. It moves with them, in one transaction.
 * Source: the books, every event. Serves: every answer from read models, audit_watermark.
 */
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import { bookEventCodec, type SealedEvent } from '../adapters/stored-events';
import { everyAuditor } from './audit-policies';
import { modeOf } from './place';

const watermarksTable = defineTable({
  name: 'watermarks_v1',
  kind: 'kept',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    at: { type: 'timestamptz' },
  },
  key: ['mode'],
  readers: everyAuditor,
});

export const watermarksProjection: TableProjection<SealedEvent> = {
  name: 'watermarks',
  version: 1,
  tables: [watermarksTable],
  keys: (_event, place, wanted) => wanted.row(watermarksTable, modeOf(place)),
  handlers: Object.fromEntries(bookEventCodec.types.map((type) => [type, move])),
};

function move({ at }: SealedEvent, place: StoredEvent, rows: Rows): void {
  const mode = modeOf(place);
  const sequence = place.revision;
  if (rows.get(watermarksTable, mode) === undefined) rows.insert(watermarksTable, { mode, sequence, at });
  else Object.assign(rows.change(watermarksTable, mode), { sequence, at });
}

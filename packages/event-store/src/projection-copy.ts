/**
 * Many new rows of a table by `COPY` in binary format: the server takes them page by page instead of one by one, and the
 * next are encoded while it does.
 */
import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { byteSink, writeInt16, writerOf } from './binary-values';
import type { Tx } from './database';
import type { ProjectionTable } from './projection-table';
import type { RawRow } from './projection-rows';

/** Fewer are cheaper as one statement among others: a copy waits for its answer before the next statement is sent. */
export const copiedRowsMin = 500;

/** Enough for the server to be busy with while the next ones are encoded. */
const rowsPerChunk = 1_000;

/** Signature, no flags, no extension. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);

export async function copyIn(tx: Tx, schema: string, table: ProjectionTable, rows: readonly RawRow[]): Promise<void> {
  const names = Object.keys(table.columns).join(', ');
  const text = `copy ${schema}.${table.name} (${names}) from stdin (format binary)`;
  // The driver's pipeline takes no query that writes by itself. Every answer has come: nothing is in the pipeline.
  const connection: { pipeline: boolean } = tx;
  const { pipeline: before } = connection;
  connection.pipeline = false;
  try {
    await pipeline(Readable.from(chunksOf(table, rows), { highWaterMark: 2 }), tx.query(copyFrom(text)));
  } finally {
    connection.pipeline = before;
  }
}

function* chunksOf({ columns }: ProjectionTable, rows: readonly RawRow[]): Generator<Buffer> {
  yield header;
  const writers = Object.entries(columns).map(([name, { type }]) => ({ name, write: writerOf(type) }));
  let bytesPerRow = 256;
  for (let from = 0; from < rows.length; from += rowsPerChunk) {
    const to = Math.min(from + rowsPerChunk, rows.length);
    const sink = byteSink((to - from) * bytesPerRow);
    for (let index = from; index < to; index++) {
      const row = rows[index]!;
      writeInt16(sink, writers.length);
      for (const { name, write } of writers) write(sink, row[name]!);
    }
    bytesPerRow = Math.ceil((sink.length / (to - from)) * 1.1);
    yield sink.bytes.subarray(0, sink.length);
  }
  yield trailer;
}

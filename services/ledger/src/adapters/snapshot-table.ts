/**
 * Snapshots of one book in Postgres. Parts are stored as they come, under the id of their writing; the snapshot is there
 * when its row is, which names the writing. So a snapshot never changes once it is there: engines that write the one of
 * the same place at the same time each write parts of their own, the first row wins, and whoever reads is not disturbed.
 */
import { randomUUID } from 'node:crypto';
import { inTransaction, withConnection, type Tx } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SnapshotTable, StoredSnapshot } from './book-memory';
import { bytesOf, numbersOf } from './number-bytes';

type SnapshotRow = { sequence: string; head: string; state_hash: string; unstored: Buffer; writing: string };

export function snapshotTable(pool: Pool, stream: string): SnapshotTable {
  return {
    latest: () =>
      inTransaction(pool, async (tx) => {
        // Row and parts as of one moment: a newer snapshot may be written, and the parts of this one dropped, meanwhile.
        await tx.query('set transaction isolation level repeatable read read only');
        return latestOf(tx, stream);
      }),
    async add(snapshot, parts, stateHash) {
      const writing = randomUUID();
      const { sequence } = snapshot;
      try {
        await withConnection(pool, async (client) => {
          let part = 0;
          for await (const bytes of parts) {
            await client.query(
              'insert into book_snapshot_parts (writing, part, stream, sequence, bytes) values ($1, $2, $3, $4, $5)',
              [writing, part++, stream, sequence, bytes],
            );
          }
        });
        await inTransaction(pool, async (tx) => {
          if (!(await isFirst(tx, { ...snapshot, stateHash: stateHash(), stream, writing }))) await drop(tx, writing);
          await dropOlder(tx, stream);
        });
      } catch (error) {
        // What is left of it goes with the next snapshots, if it cannot be dropped now.
        await drop(pool, writing).catch(() => undefined);
        throw error;
      }
    },
  };
}

async function latestOf(tx: Tx, stream: string): Promise<StoredSnapshot | undefined> {
  const { rows } = await tx.query<SnapshotRow>(
    `select sequence, head, state_hash, unstored, writing from book_snapshots
      where stream = $1 order by sequence desc limit 1`,
    [stream],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const parts = await tx.query<{ bytes: Buffer }>(
    'select bytes from book_snapshot_parts where writing = $1 order by part',
    [row.writing],
  );
  return {
    sequence: Number(row.sequence),
    head: row.head,
    stateHash: row.state_hash,
    parts: parts.rows.map(({ bytes }) => bytes),
    unstored: numbersOf(row.unstored),
  };
}

type Written = Omit<StoredSnapshot, 'parts'> & { readonly stream: string; readonly writing: string };

/** False when the snapshot of this place is there. */
async function isFirst(tx: Tx, { stream, sequence, head, stateHash, unstored, writing }: Written): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into book_snapshots (stream, sequence, head, state_hash, unstored, writing)
     values ($1, $2, $3, $4, $5, $6) on conflict (stream, sequence) do nothing`,
    [stream, sequence, head, stateHash, bytesOf(unstored), writing],
  );
  return rowCount === 1;
}

async function drop(on: Pool | Tx, writing: string): Promise<void> {
  await on.query('delete from book_snapshot_parts where writing = $1', [writing]);
}

/** The newest two stay. */
async function dropOlder(tx: Tx, stream: string): Promise<void> {
  const older = `stream = $1 and sequence < (select sequence from book_snapshots where stream = $1
                                              order by sequence desc offset 1 limit 1)`;
  await tx.query(`delete from book_snapshot_parts where ${older}`, [stream]);
  await tx.query(`delete from book_snapshots where ${older}`, [stream]);
}

/** The journal's Merkle tree and its signed checkpoints on Postgres. Rows are added once; adding one again changes nothing. */
import type { Mode } from '@daybook/contracts';
import { inTransaction, runAll } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { RecordedCheckpoint, TreeTable } from '../app/journal-tree';
import type { CheckpointTable } from '../app/checkpoints';
import type { TreeRows } from '../app/tree-examination';

type CheckpointRow = {
  readonly size: string;
  readonly sequence: string;
  readonly checkpoint: string;
  readonly signature: string;
  readonly changes_key: boolean;
};

const checkpointColumns = 'size, sequence, checkpoint, signature, changes_key';

export function treeTable(pool: Pool, mode: Mode): TreeTable & CheckpointTable {
  const checkpoints = checkpointsOf(pool, mode);
  return {
    async count(level) {
      const { rows } = await pool.query<{ count: string }>(
        'select coalesce(max(index) + 1, 0) as count from merkle_nodes where mode = $1 and level = $2',
        [mode, level],
      );
      return Number(rows[0]!.count);
    },
    hashes: hashesOf(pool, mode),
    async add(nodes, recorded) {
      const statements = [
        ...(nodes.length === 0
          ? []
          : [
              {
                text: `insert into merkle_nodes (mode, level, index, hash)
                       select $1, * from unnest($2::smallint[], $3::bigint[], $4::bytea[]) on conflict do nothing`,
                values: [
                  mode,
                  nodes.map(({ level }) => level),
                  nodes.map(({ index }) => index),
                  nodes.map(({ hash }) => hash),
                ],
              },
            ]),
        ...recorded.map(({ size, sequence, text, signature, changesKey }) => ({
          text: `insert into signed_checkpoints (mode, ${checkpointColumns}) values ($1, $2, $3, $4, $5, $6)
                 on conflict do nothing`,
          values: [mode, size, sequence, text, signature, changesKey],
        })),
      ];
      if (statements.length > 0) await inTransaction(pool, (tx) => runAll(tx, statements));
    },
    latest: async () => (await checkpoints('true order by size desc limit 1', []))[0] ?? null,
    firstCovering: async (size) => (await checkpoints('size >= $2 order by size limit 1', [size]))[0] ?? null,
    within: (from, to) => checkpoints('size between $2 and $3 order by size', [from, to]),
    keyChanges: (upTo) => checkpoints('changes_key and size <= $2 order by size', [upTo]),
  };
}

/** The same tables as a check looks at them. */
export function treeRows(pool: Pool, mode: Mode): TreeRows {
  const checkpoints = checkpointsOf(pool, mode);
  return {
    hashes: hashesOf(pool, mode),
    recordedBefore: (sequence) => checkpoints('sequence < $2', [sequence]),
    recordedFrom: (sequence) => checkpoints('sequence >= $2', [sequence]),
    async levels() {
      const { rows } = await pool.query<{ level: number; first: string; last: string }>(
        'select level, min(index) as first, max(index) as last from merkle_nodes where mode = $1 group by level',
        [mode],
      );
      return rows.map(({ level, first, last }) => ({ level, first: Number(first), last: Number(last) }));
    },
  };
}

function checkpointsOf(pool: Pool, mode: Mode) {
  return async (condition: string, values: readonly unknown[]): Promise<RecordedCheckpoint[]> => {
    const { rows } = await pool.query<CheckpointRow>(
      `select ${checkpointColumns} from signed_checkpoints where mode = $1 and ${condition}`,
      [mode, ...values],
    );
    return rows.map(recordedOf);
  };
}

function hashesOf(pool: Pool, mode: Mode): TreeTable['hashes'] {
  return async (level, from, to) => {
    const { rows } = await pool.query<{ hash: Buffer }>(
      'select hash from merkle_nodes where mode = $1 and level = $2 and index >= $3 and index < $4 order by index',
      [mode, level, from, to],
    );
    return rows.map(({ hash }) => hash);
  };
}

function recordedOf(row: CheckpointRow): RecordedCheckpoint {
  return {
    size: Number(row.size),
    sequence: Number(row.sequence),
    text: row.checkpoint,
    signature: row.signature,
    changesKey: row.changes_key,
  };
}

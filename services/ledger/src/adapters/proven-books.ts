/** The books with their trees, as proofs, exports and the signing of checkpoints see them. */
import type { Mode } from '@daybook/contracts';
import { readersOf, type EventStore } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import { parseCheckpoint } from '@daybook/proof';
import type { Pool } from 'pg';
import { treeRows, treeTable } from './tree-table';
import { contentHashOf, streamOf, type Books } from '../app/books';
import type { BookToSign } from '../app/checkpoints';
import {
  journalTree,
  type JournalBytes,
  type ReadJournal,
  type RecordedCheckpoint,
  type ScanJournal,
} from '../app/journal-tree';
import type { ProvenBook, ProvenTransaction } from '../app/proofs';
import type { Reader } from '../app/status';
import type { BookToExamine } from '../app/tree-examination';

export type ProvenBooksDeps = {
  readonly pool: Pool;
  /** In the pool's database unless a simulation brings its own. */
  readonly tableOf?: (mode: Mode) => ReturnType<typeof treeTable>;
  readonly store: EventStore;
  readonly books: Books;
  /** Of this instance. Each book appends its own name. */
  readonly origin: string;
};

export function provenBook(deps: ProvenBooksDeps, mode: Mode): ProvenBook & BookToSign & BookToExamine {
  const { pool, store, books } = deps;
  const stream = streamOf(mode);
  const table = deps.tableOf?.(mode) ?? treeTable(pool, mode);
  const read: ReadJournal = (from, to) => store.readStream(stream, { from: BigInt(from), limit: to - from });
  const scan: ScanJournal = (from, to) => store.scanStream(stream, { from: BigInt(from), to: BigInt(to - 1) });
  const tree = journalTree({ read, scan, table, checkpointOf });
  const length = () => books.of(mode).read((state) => state.length);
  return {
    mode,
    origin: `${deps.origin}/${stream}`,
    table,
    read,
    tree,
    length,
    scan,
    checkpointOf,
    rows: treeRows(pool, mode),
    async reached() {
      const size = await length();
      await tree.reach(size);
      return size;
    },
    async record({ text, signature }, after) {
      const { size, root, keyId } = parseCheckpoint(text);
      const { ok } = await books.of(mode).submit({
        type: 'SignCheckpoint',
        // Nobody can take this id before.
        checkpointId: `checkpoint:${sha256Hex(signature)}`,
        contentHash: contentHashOf({ text, signature }),
        size,
        after,
        root: root.toString('base64'),
        keyId,
        checkpoint: text,
        signature,
      });
      return ok;
    },
  };
}

/** As it is recorded: its signature is for those to verify who sign on behind it, and for whoever is shown it. */
function checkpointOf({ type, payload }: JournalBytes[number], sequence: number): RecordedCheckpoint | null {
  if (type !== 'CheckpointSigned') return null;
  const { checkpoint: text, signature } = JSON.parse(payload.toString('utf8')) as {
    checkpoint: string;
    signature: string;
  };
  const { size, nextKey } = parseCheckpoint(text);
  return { text, signature, size, sequence, changesKey: nextKey !== null };
}

/** What is withheld is what row-level security hides of the same transaction. */
const findTransactionSql = `
  select t.sequence, $3::uuid is not null and (
           exists (select from transaction_details_v1 d
                    where d.mode = t.mode and d.sequence = t.sequence and d.tenant_id is distinct from $3)
           or exists (select from limit_breaches_v1 b
                       where b.mode = t.mode and b.sequence = t.sequence and b.tenant_id is distinct from $3)) as withheld
    from transactions_v1 t
   where t.mode = $1 and t.transaction_id = $2
     and ($3::uuid is null or exists (
           select from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence and e.tenant_id = $3))`;

export async function findProvenTransaction(
  pool: Pool,
  { mode, tenantId, transactionId }: { mode: Mode; tenantId: string | null; transactionId: string },
): Promise<ProvenTransaction | null> {
  const { rows } = await pool.query<{ sequence: string; withheld: boolean }>(findTransactionSql, [
    mode,
    transactionId,
    tenantId,
  ]);
  const row = rows[0];
  return row === undefined ? null : { sequence: Number(row.sequence), withheld: row.withheld };
}

/** Every subscriber of the journal that is to go on, by name. */
export async function readJournalReaders(pool: Pool): Promise<readonly Reader[]> {
  const readers = await readersOf(pool);
  return readers.map(({ name, applied, movedAt }) => ({
    name,
    applied: Number(applied),
    movedAt: movedAt.toISOString(),
  }));
}

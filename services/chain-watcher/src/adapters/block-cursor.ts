/**
 * The cursor of one chain in Postgres. Every change names the tip that it builds on, so that two watchers, or one
 * that was slow and one that took over, cannot both move it.
 */
import { assert, OperationalError } from '@daybook/core';
import { inTransaction, type Tx } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { BlockReference, LinkedBlock } from '../domain/reorg';
import type { BlockCursor } from '../ports';

/**
 * Blocks kept below the tip: the deepest reorg that can be followed. Far deeper than any confirmation rule. More are kept
 * while a deposit in them awaits its confirmation, or was reverted in spite of them, because passes that fail late change
 * nothing about it and yet move the tip.
 */
const blocksKept = 1024;

type Row = { readonly number: string; readonly hash: string };
const referenceOf = (row: Row): BlockReference => ({ number: Number(row.number), hash: row.hash });

export function blockCursor(pool: Pool, chain: string): BlockCursor {
  const tipQuery = 'select number, hash from cursor_blocks where chain = $1 order by number desc limit 1';

  /** The cursor's row is the lock of its blocks. */
  async function lockedTip(tx: Tx): Promise<BlockReference> {
    await tx.query('select 1 from cursors where chain = $1 for update', [chain]);
    const { rows } = await tx.query<Row>(tipQuery, [chain]);
    assert(rows[0], `the cursor of ${chain} has no blocks`);
    return referenceOf(rows[0]);
  }

  return {
    async tip() {
      const { rows } = await pool.query<Row>(tipQuery, [chain]);
      return rows[0] && referenceOf(rows[0]);
    },
    async genesisHash() {
      const { rows } = await pool.query<{ genesis_hash: string }>('select genesis_hash from cursors where chain = $1', [
        chain,
      ]);
      return rows[0]?.genesis_hash;
    },
    async begin(genesisHash, block) {
      await inTransaction(pool, async (tx) => {
        const { rowCount } = await tx.query(
          'insert into cursors (chain, genesis_hash) values ($1, $2) on conflict do nothing',
          [chain, genesisHash],
        );
        if (rowCount === 0) throw conflict(chain);
        await insert(tx, chain, [block]);
      });
    },
    async hashAt(number) {
      const { rows } = await pool.query<{ hash: string }>(
        'select hash from cursor_blocks where chain = $1 and number = $2',
        [chain, number],
      );
      return rows[0]?.hash;
    },
    async extend(blocks) {
      const last = blocks.at(-1);
      if (last === undefined) return;
      await inTransaction(pool, async (tx) => {
        let tip = await lockedTip(tx);
        for (const block of blocks) {
          if (block.number <= tip.number || block.parentHash !== tip.hash) throw conflict(chain);
          tip = block;
        }
        await insert(tx, chain, blocks);
        await forget(tx, chain, last.number - blocksKept);
      });
    },
    async blocks() {
      const { rows } = await pool.query<Row & { parent_hash: string }>(
        'select number, hash, parent_hash from cursor_blocks where chain = $1 order by number desc',
        [chain],
      );
      return rows.map((row) => ({ ...referenceOf(row), parentHash: row.parent_hash }));
    },
    async unwind(tip, fork) {
      await inTransaction(pool, async (tx) => {
        const locked = await lockedTip(tx);
        if (locked.number !== tip.number || locked.hash !== tip.hash) throw conflict(chain);
        await tx.query('delete from cursor_blocks where chain = $1 and number > $2', [chain, fork.number]);
      });
    },
  };
}

async function insert(tx: Tx, chain: string, blocks: readonly LinkedBlock[]): Promise<void> {
  await tx.query(
    `insert into cursor_blocks (chain, number, hash, parent_hash)
     select $1, * from unnest($2::bigint[], $3::text[], $4::text[])`,
    [
      chain,
      blocks.map(({ number }) => number),
      blocks.map(({ hash }) => hash),
      blocks.map(({ parentHash }) => parentHash),
    ],
  );
}

/** Forgets the blocks up to this number, as far as no deposit needs them. */
async function forget(tx: Tx, chain: string, number: number): Promise<void> {
  await tx.query(
    `delete from cursor_blocks where chain = $1 and number <= $2
       and number < coalesce(
         (select min(block_number) from deposits_v1 where chain = $1 and status = 'seen'), $2 + 1)
       and number < coalesce(
         (select min(place.block_number) from reverted_places_v1 place
          join cursor_blocks block
            on block.chain = place.chain and block.number = place.block_number and block.hash = place.block_hash
          where place.chain = $1 and place.block_number <= $2), $2 + 1)`,
    [chain, number],
  );
}

function conflict(chain: string): OperationalError {
  return new OperationalError('version_conflict', true, { detail: `another watcher moved the cursor of ${chain}` });
}

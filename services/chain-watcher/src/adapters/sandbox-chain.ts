/**
 * A simulated chain in this service's Postgres: hash-linked blocks that are mined on demand, transfers with ids in the
 * spelling of the chain it stands for, reorganisations for tests. It is read through the same port as a real chain, so
 * a simulated deposit takes the path of a real one.
 *
 * A block's hash covers its number, its parent and the number of reorganisations before it: a block that is mined
 * again is another block. The chain's row is the lock of its blocks.
 */
import { createHash } from 'node:crypto';
import { assert } from '@daybook/core';
import { inTransaction, type Tx } from '@daybook/event-store';
import type { AssetCode } from '@daybook/money';
import { sha256Hex } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { BlockReference, LinkedBlock } from '../domain/reorg';
import type { SimulatedChain, SimulatedDeposit, Transfer, WatchedAddresses } from '../ports';

export const sandboxChains = ['sandbox-tron', 'sandbox-solana', 'sandbox-upi'] as const;
export type SandboxChainName = (typeof sandboxChains)[number];

const noParent = '0'.repeat(64);
/** Every simulated transaction moves one amount to one address. */
const onlyIndex = 0;

export type SandboxChain = SimulatedChain & {
  /** Creates the genesis block, once. */
  start(): Promise<void>;
  /** Replaces the newest `depth` blocks by as many and one more; their transfers are mined again, or dropped. */
  reorganise(depth: number, transfers: 'reinclude' | 'drop'): Promise<void>;
  mine(): Promise<BlockReference>;
};

export function sandboxChain(pool: Pool, chain: SandboxChainName): SandboxChain {
  const locked = <T>(work: (tx: Tx, forks: number) => Promise<T>) =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<{ forks: number }>(
        'select forks from sandbox_chains where chain = $1 for update',
        [chain],
      );
      assert(rows[0], `${chain} is not started`);
      return work(tx, rows[0].forks);
    });

  return {
    chain,
    async start() {
      await pool.query('insert into sandbox_chains (chain) values ($1) on conflict do nothing', [chain]);
      await locked(async (tx, forks) => {
        if ((await headOf(tx, chain)) === undefined) await mineBlock(tx, chain, forks);
      });
    },
    async stop() {
      // The pool is the service's.
    },
    async verify() {
      // Nothing to compare: the chain is our own.
    },
    faultOf: async () => undefined,
    async head() {
      const head = await headOf(pool, chain);
      assert(head, `${chain} is not started`);
      return head;
    },
    async genesisHash() {
      const genesis = (await blocksBetween(pool, chain, 0, 0))[0];
      assert(genesis, `${chain} is not started`);
      return genesis.hash;
    },
    /** Depth decides. */
    finalized: async () => undefined,
    hashAt: async (number) => (await blocksBetween(pool, chain, number, number))[0]?.hash,
    async blocksAfter(number, limit, watched) {
      const [blocks, transfers] = [
        await blocksBetween(pool, chain, number + 1, number + limit),
        await transfersBetween(pool, chain, number + 1, number + limit),
      ];
      // Transfers may be moved to other blocks between two reads; the blocks' hashes then differ.
      const still = new Set((await blocksBetween(pool, chain, number + 1, number + limit)).map(({ hash }) => hash));
      const changed = blocks.findIndex(({ hash }) => !still.has(hash));
      return blocks
        .slice(0, changed === -1 ? blocks.length : changed)
        .map((block) => ({ ...block, transfers: wantedOf(transfers, block.number, watched) }));
    },
    async finalTransfers({ number, hash }, watched) {
      const transfers = await transfersBetween(pool, chain, number, number);
      const [block] = await blocksBetween(pool, chain, number, number);
      return block?.hash === hash ? wantedOf(transfers, number, watched) : undefined;
    },
    deposit: (deposit) => locked((tx, forks) => include(tx, chain, forks, deposit)),
    mineUnconfirmed: (confirmations) =>
      locked(async (tx, forks) => {
        const head = await headOf(tx, chain);
        const { rows } = await tx.query<{ newest: string | null }>(
          'select max(block_number) as newest from sandbox_transfers where chain = $1',
          [chain],
        );
        const newest = rows[0]?.newest ?? null;
        if (newest !== null && Number(newest) > head!.number - confirmations + 1) await mineBlock(tx, chain, forks);
      }),
    mine: () => locked((tx, forks) => mineBlock(tx, chain, forks)),
    reorganise: (depth, transfers) => locked((tx, forks) => reorganise(tx, chain, forks, { depth, transfers })),
  };
}

async function include(
  tx: Tx,
  chain: SandboxChainName,
  forks: number,
  deposit: SimulatedDeposit,
): ReturnType<SimulatedChain['deposit']> {
  const { rows } = await tx.query<{
    transaction_id: string;
    asset: string;
    address: string;
    amount: string;
    block_number: string | null;
  }>(
    `select transaction_id, asset, address, amount, block_number from sandbox_transfers
     where chain = $1 and deposit_key = $2`,
    [chain, deposit.depositKey],
  );
  const existing = rows[0];
  if (existing) {
    const same =
      existing.asset === deposit.asset &&
      existing.address === deposit.address &&
      BigInt(existing.amount) === deposit.amount;
    if (!same) return { ok: false, rejection: 'deposit_exists_with_different_fields' };
    if (existing.block_number !== null)
      return { ok: true, transactionId: existing.transaction_id, blockNumber: Number(existing.block_number) };
  }
  const transactionId = existing?.transaction_id ?? (await freeTransactionId(tx, chain, deposit.depositKey));
  const { number } = await mineBlock(tx, chain, forks);
  await tx.query(
    `insert into sandbox_transfers (chain, deposit_key, transaction_id, asset, address, amount, block_number)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (chain, deposit_key) do update set block_number = excluded.block_number`,
    [chain, deposit.depositKey, transactionId, deposit.asset, deposit.address, deposit.amount, number],
  );
  return { ok: true, transactionId, blockNumber: number };
}

/** Twelve digits are few: two keys of one chain may come to the same id. */
async function freeTransactionId(tx: Tx, chain: SandboxChainName, depositKey: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const id = transactionIdOf(chain, attempt === 0 ? depositKey : `${depositKey}:${attempt}`);
    const taken = await tx.query('select 1 from sandbox_transfers where chain = $1 and transaction_id = $2', [
      chain,
      id,
    ]);
    if (taken.rowCount === 0) return id;
  }
}

async function reorganise(
  tx: Tx,
  chain: SandboxChainName,
  forks: number,
  { depth, transfers }: { readonly depth: number; readonly transfers: 'reinclude' | 'drop' },
): Promise<void> {
  const head = await headOf(tx, chain);
  assert(head && depth >= 1 && depth <= head.number, `cannot replace ${depth} blocks of ${chain}`);
  const fork = head.number - depth;
  await tx.query('update sandbox_chains set forks = forks + 1 where chain = $1', [chain]);
  await tx.query('delete from sandbox_blocks where chain = $1 and number > $2', [chain, fork]);
  await tx.query('update sandbox_transfers set block_number = $3 where chain = $1 and block_number > $2', [
    chain,
    fork,
    transfers === 'reinclude' ? fork + 1 : null,
  ]);
  for (let mined = 0; mined <= depth; mined++) await mineBlock(tx, chain, forks + 1);
}

async function mineBlock(tx: Tx, chain: string, forks: number): Promise<BlockReference> {
  const parent = await headOf(tx, chain);
  const number = parent === undefined ? 0 : parent.number + 1;
  const parentHash = parent?.hash ?? noParent;
  // The genesis of each database is its own, so that one that was wiped is recognised.
  const salt =
    parent === undefined ? (await tx.query<{ id: string }>('select gen_random_uuid() as id')).rows[0]!.id : '';
  const hash = sha256Hex(`${chain}:${number}:${parentHash}:${forks}:${salt}`);
  await tx.query('insert into sandbox_blocks (chain, number, hash, parent_hash) values ($1, $2, $3, $4)', [
    chain,
    number,
    hash,
    parentHash,
  ]);
  return { number, hash };
}

async function headOf(db: Pool | Tx, chain: string): Promise<BlockReference | undefined> {
  const { rows } = await db.query<{ number: string; hash: string }>(
    'select number, hash from sandbox_blocks where chain = $1 order by number desc limit 1',
    [chain],
  );
  return rows[0] && { number: Number(rows[0].number), hash: rows[0].hash };
}

async function blocksBetween(pool: Pool, chain: string, first: number, last: number): Promise<LinkedBlock[]> {
  const { rows } = await pool.query<{ number: string; hash: string; parent_hash: string }>(
    'select number, hash, parent_hash from sandbox_blocks where chain = $1 and number between $2 and $3 order by number',
    [chain, first, last],
  );
  return rows.map(({ number, hash, parent_hash }) => ({ number: Number(number), hash, parentHash: parent_hash }));
}

type Placed = Transfer & { readonly blockNumber: number };

async function transfersBetween(pool: Pool, chain: string, first: number, last: number): Promise<Placed[]> {
  const { rows } = await pool.query<{
    transaction_id: string;
    asset: AssetCode;
    address: string;
    amount: string;
    block_number: string;
  }>(
    `select transaction_id, asset, address, amount, block_number from sandbox_transfers
     where chain = $1 and block_number between $2 and $3 order by transaction_id`,
    [chain, first, last],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    index: onlyIndex,
    asset: row.asset,
    to: row.address,
    amount: BigInt(row.amount),
    // Nobody has a key of a simulated address.
    spenders: [],
    blockNumber: Number(row.block_number),
  }));
}

function wantedOf(transfers: readonly Placed[], number: number, watched: WatchedAddresses): Transfer[] {
  return transfers
    .filter(({ to, blockNumber }) => blockNumber === number && watched.has(to))
    .map(({ blockNumber: _number, ...transfer }) => transfer);
}

/** Tron: 64 hex digits. Solana: a base58 signature of 64 bytes. UPI: a reference of 12 digits. */
export function transactionIdOf(chain: SandboxChainName, depositKey: string): string {
  const digest = createHash('sha512').update(`${chain}:${depositKey}`).digest();
  switch (chain) {
    case 'sandbox-tron':
      return digest.subarray(0, 32).toString('hex');
    case 'sandbox-solana':
      return base58(digest);
    case 'sandbox-upi':
      return ((digest.readBigUInt64BE() % 900_000_000_000n) + 100_000_000_000n).toString();
  }
}

/** Bitcoin's alphabet; a leading zero byte is a `1`. */
function base58(bytes: Uint8Array): string {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let digits = '';
  for (let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`); rest > 0n; rest /= 58n)
    digits = alphabet[Number(rest % 58n)] + digits;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + digits;
}

/** Balances beside deposits, in Postgres: addresses and deposits as projected, findings in a table of their own. */
import type { AssetCode } from '@daybook/money';
import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { BalanceBook } from '../ports';

type Row = { address: string; reference: string; asset: AssetCode; amount: string; block_number: string };

export function balanceBook(pool: Pool, chain: string, now: Clock): BalanceBook {
  return {
    async addressesBelow(place, limit) {
      const { rows } = await pool.query<{ place: string; address: string }>(
        `select id as place, address from addresses_v1
         where chain = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
        [chain, place, limit],
      );
      return rows;
    },
    async explained(address, asset, blockNumber) {
      const { rows } = await pool.query<{ sum: string | null }>(
        `select sum(amount) from deposits_v1
         where chain = $1 and address = $2 and asset = $3 and block_number <= $4 and status <> 'reverted'`,
        [chain, address, asset, blockNumber],
      );
      return BigInt(rows[0]?.sum ?? 0);
    },
    async record({ address, asset, amount, blockNumber }) {
      if (amount === 0n) {
        const ended = 'delete from unexplained_balances where chain = $1 and address = $2';
        return ((await pool.query(ended, [chain, address])).rowCount ?? 0) > 0;
      }
      const { rowCount } = await pool.query(
        `insert into unexplained_balances (chain, address, asset, amount, block_number, found_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (chain, address) do update
         set asset = excluded.asset, amount = excluded.amount, block_number = excluded.block_number,
             found_at = excluded.found_at
         where unexplained_balances.amount <> excluded.amount`,
        [chain, address, asset, amount, blockNumber, now().toISOString()],
      );
      return (rowCount ?? 0) > 0;
    },
    async unexplained(limit) {
      const { rows } = await pool.query<Row & { count: string }>(
        `select u.address, a.reference, u.asset, u.amount, u.block_number, count(*) over () as count
         from unexplained_balances u join addresses_v1 a on a.chain = u.chain and a.address = u.address
         where u.chain = $1 order by abs(u.amount) desc, u.address limit $2`,
        [chain, limit],
      );
      const balances = rows.map(({ address, reference, asset, amount, block_number: blockNumber }) => ({
        address,
        reference,
        asset,
        amount: BigInt(amount),
        blockNumber: Number(blockNumber),
      }));
      return { count: Number(rows[0]?.count ?? 0), balances };
    },
  };
}

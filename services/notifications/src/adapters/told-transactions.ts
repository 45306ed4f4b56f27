/** told_transactions: what receivers were last told of each transaction. A row for each; no event depends on it. */
import type { Tx } from '@daybook/event-store';

export async function replaceToldTransaction(
  tx: Tx,
  transactionId: string,
  shown: string,
): Promise<string | undefined> {
  const { rows } = await tx.query<{ shown: string }>('select shown from told_transactions where transaction_id = $1', [
    transactionId,
  ]);
  await tx.query(
    `insert into told_transactions (transaction_id, shown) values ($1, $2)
     on conflict (transaction_id) do update set shown = excluded.shown`,
    [transactionId, shown],
  );
  return rows[0]?.shown;
}

/** told_intents: what receivers were last told of each intent. A row of its own for each; no event depends on it. */
import type { Tx } from '@daybook/event-store';
import type { Told } from '../consumers/intents';

export async function replaceTold(tx: Tx, intentId: string, { exceptions, shown }: Told): Promise<Told | undefined> {
  const { rows } = await tx.query<{ exceptions: string[]; shown: string }>(
    'select exceptions, shown from told_intents where intent_id = $1',
    [intentId],
  );
  await tx.query(
    `insert into told_intents (intent_id, exceptions, shown) values ($1, $2, $3)
     on conflict (intent_id) do update set exceptions = excluded.exceptions, shown = excluded.shown`,
    [intentId, exceptions, shown],
  );
  return rows[0];
}

/**
 * intents.payments, settlement.sends, settlement.institution-transfers: what changed for a partner in one of its
 * transactions becomes deliveries of the `partner` dialect. What was last told of a transaction is kept in the
 * transaction that claims the message; the messages of one transaction arrive in order. Appends have deterministic ids,
 * so a message that is handled twice schedules once.
 */
import {
  institutionTransferStatusChanged,
  paymentStatusChanged,
  sendStatusChanged,
  type EventContract,
} from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { on, type Subscription } from '@daybook/messaging';
import type { z } from 'zod';
import {
  institutionTransferTransaction,
  paymentTransaction,
  sendTransaction,
  shownOfTransaction,
  type Transaction,
} from '../app/payloads';
import { scheduleTransaction, type ScheduleDeps } from '../app/schedule-deliveries';
import type { Tenant } from '../app/webhooks';

/** Port: keeps what is told now, in the transaction that claims the message, and returns what was told before. */
export type ReplaceToldTransaction = (tx: Tx, transactionId: string, shown: string) => Promise<string | undefined>;

/** One subscription for each kind of transaction. */
export function transactionConsumers(
  deps: ScheduleDeps,
  replaceTold: ReplaceToldTransaction,
): readonly [payments: Subscription, sends: Subscription, transfers: Subscription] {
  const about = <Data extends z.ZodType<Tenant>>(
    group: string,
    contract: EventContract<string, Data>,
    transactionOf: (fact: z.output<Data>) => Transaction,
  ): Subscription => ({
    group,
    topic: contract.topic,
    handlers: [
      on(contract, async (tx, { id, data, streamVersion, correlationId }) => {
        const transaction = transactionOf(data);
        const shown = shownOfTransaction(transaction);
        // A transaction also changes in ways that its payload does not show: telling of those would be the same again.
        if ((await replaceTold(tx, transaction.transaction_id, shown)) === shown) return;
        const source = { messageId: id, sequence: streamVersion, correlationId };
        await scheduleTransaction(deps, { tenantId: data.tenantId, mode: data.mode }, transaction, source);
      }),
    ],
  });
  return [
    about('notifications.payments', paymentStatusChanged, paymentTransaction),
    about('notifications.sends', sendStatusChanged, sendTransaction),
    about('notifications.institution-transfers', institutionTransferStatusChanged, institutionTransferTransaction),
  ];
}

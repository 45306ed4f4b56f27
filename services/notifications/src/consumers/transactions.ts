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
  walletFunded,
  type EventContract,
} from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { on, type Subscription } from '@daybook/messaging';
import type { z } from 'zod';
import {
  depositTransaction,
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
  const handlerOf = <Data extends z.ZodType<Tenant>>(
    contract: EventContract<string, Data>,
    transactionOf: (fact: z.output<Data>) => Transaction | undefined,
  ) =>
    on(contract, async (tx, { id, data, streamVersion, correlationId }) => {
      const transaction = transactionOf(data);
      if (transaction === undefined) return;
      const shown = shownOfTransaction(transaction);
      // A transaction also changes in ways that its payload does not show: telling of those would be the same again.
      if ((await replaceTold(tx, transaction.transaction_id, shown)) === shown) return;
      const source = { messageId: id, sequence: streamVersion, correlationId };
      await scheduleTransaction(deps, { tenantId: data.tenantId, mode: data.mode }, transaction, source);
    });

  return [
    {
      group: 'notifications.payments',
      topic: paymentStatusChanged.topic,
      handlers: [handlerOf(paymentStatusChanged, paymentTransaction)],
    },
    {
      group: 'notifications.sends',
      topic: sendStatusChanged.topic,
      handlers: [handlerOf(sendStatusChanged, sendTransaction), handlerOf(walletFunded, depositOf)],
    },
    {
      group: 'notifications.institution-transfers',
      topic: institutionTransferStatusChanged.topic,
      handlers: [handlerOf(institutionTransferStatusChanged, institutionTransferTransaction)],
    },
  ];
}

/** Undefined for a deposit of before deposits were transactions. */
function depositOf({ receipt, ...fact }: z.output<typeof walletFunded.data>): Transaction | undefined {
  return receipt && depositTransaction({ ...fact, receipt });
}

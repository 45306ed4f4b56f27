/**
 * settlement.sends → facts: the chain took a send, a hot wallet was funded, or filled by a sweep. The send's id and the
 * deposit's are their transactions' ids, so a message that comes again posts nothing more. Changes of a send's status are not
 * for this service.
 */
import { sendFinal, sweepReceived, walletFunded } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';

export function sendsSubscription(postFact: PostFact): Subscription {
  return {
    group: 'ledger.sends',
    topic: sendFinal.topic,
    handlers: [
      on(sendFinal, async (_tx, { data }) => {
        const { mode, transactionId, tenantId, walletId, asset, amount, feeAsset, fee, amountHoldId, feeHoldId, at } =
          data;
        // Their order is a part of the hash that tells a repeat.
        const sent = { transactionId, tenantId, walletId, asset, amount, feeAsset, fee, amountHoldId, feeHoldId };
        await postFact({ mode, fact: { type: 'chain_send', ...sent }, effectiveAt: at });
      }),
      on(walletFunded, async (_tx, { data }) => {
        const { mode, depositId, walletId, tenantId, asset, amount, at } = data;
        const fact = { type: 'wallet_funding', depositId, walletId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
      on(sweepReceived, async (_tx, { data }) => {
        const { mode, depositId, walletId, chain, asset, amount, at } = data;
        const fact = { type: 'wallet_sweep', depositId, walletId, chain, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}

/**
 * chain-watcher.deposits: what came to hot wallets, once it is final. A deposit has its own stream, so a repeat finds it
 * recorded. Change of our own transactions is no deposit. Deposits to other addresses are not for this service.
 */
import { depositConfirmed } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { claimStream, fundingStream, walletIdOfReference } from '../app/send-streams';
import type { FundingStore } from '../ports';

export function depositsSubscription(fundings: FundingStore): Subscription {
  return {
    group: 'settlement.deposits',
    topic: depositConfirmed.topic,
    handlers: [
      on(depositConfirmed, async (_tx, message) => {
        const { depositId, chain, transactionId, reference, tenantId, mode, asset, amount } = message.data;
        const walletId = walletIdOfReference(reference);
        if (walletId === undefined) return;
        // Claimed before it was broadcast, so whoever sees the deposit sees the claim.
        const { state } = await fundings.load(claimStream(chain, transactionId));
        if (state.claim?.walletId === walletId) return;
        const funding = { depositId, walletId, tenantId, mode, chain, asset, amount };
        const outcome = await fundings.handle(
          fundingStream(depositId),
          { type: 'RecordFunding', funding, at: message.occurredAt },
          { commandId: message.id, correlationId: message.correlationId, causationId: message.id },
        );
        if (!outcome.ok) throw new Error(`deposit ${depositId} of wallet ${walletId}: ${outcome.rejection}`);
      }),
    ],
  };
}

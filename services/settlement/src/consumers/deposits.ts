/**
 * chain-watcher.deposits: what came to hot wallets, once it is final. A deposit has its own stream, so a repeat finds it
 * recorded. Change of our own transactions is no deposit. Deposits to other addresses are not for this service.
 */
import { depositConfirmed } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { uuidv7 } from '@daybook/runtime';
import { claimStream, fundingStream, receiptIdOf, walletIdOfReference } from '../app/send-streams';
import type { FundingStore } from '../ports';

export function depositsSubscription(fundings: FundingStore, nextNumber: () => Promise<number>): Subscription {
  return {
    group: 'settlement.deposits',
    topic: depositConfirmed.topic,
    handlers: [
      on(depositConfirmed, async (_tx, message) => {
        const { depositId, chain, transactionId: hash, reference, tenantId, mode, asset, amount } = message.data;
        const walletId = walletIdOfReference(reference);
        if (walletId === undefined) return;
        // Claimed before it was broadcast, so whoever sees the deposit sees the claim.
        const { state } = await fundings.load(claimStream(chain, hash));
        if (state.claim?.walletId === walletId) return;
        const { address: toAddress, blockNumber } = message.data;
        // A repeat asks for a number and leaves it: numbers have gaps.
        const receipt = {
          transactionId: receiptIdOf(depositId),
          number: await nextNumber(),
          hash,
          toAddress,
          blockNumber,
        };
        const funding = { depositId, walletId, tenantId, mode, chain, asset, amount, receipt };
        const outcome = await fundings.handle(
          fundingStream(depositId),
          { type: 'RecordFunding', funding, at: message.occurredAt },
          // Of its own: two who handle the message at once have other numbers, and one of them is first.
          { commandId: uuidv7(), correlationId: message.correlationId, causationId: message.id },
        );
        if (!outcome.ok) throw new Error(`deposit ${depositId} of wallet ${walletId}: ${outcome.rejection}`);
      }),
    ],
  };
}

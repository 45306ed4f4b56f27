/**
 * settlement.institution-transfers → facts: an institution paid out what was held for it, or it came back. The transfer's id
 * is its transaction's id, so a message that comes again posts nothing more. A refusal of the institution releases the
 * hold, once. Changes of status are not for this service.
 */
import { institutionTransferFailed, institutionTransferReturned, institutionTransferSettled } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';
import type { ReleaseFor } from '../app/release-for';

export function institutionTransfersSubscription(postFact: PostFact, releaseFor: ReleaseFor): Subscription {
  return {
    group: 'ledger.institution-transfers',
    topic: institutionTransferSettled.topic,
    handlers: [
      on(institutionTransferSettled, async (_tx, { data }) => {
        const { mode, transactionId, holdId, institutionId, tenantId, asset, amount, at } = data;
        const type = 'institution_transfer';
        const fact = { type, transactionId, holdId, institutionId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
      on(institutionTransferFailed, async (_tx, { data: { mode, transactionId, holdId } }) => {
        await releaseFor({ mode, holdId, reason: `institution transfer ${transactionId} failed` });
      }),
      on(institutionTransferReturned, async (_tx, { data }) => {
        const { mode, transactionId, institutionId, tenantId, asset, amount, at } = data;
        const type = 'institution_transfer_return';
        const fact = { type, transactionId, institutionId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}

/**
 * chain-watcher.deposits: what came to hot wallets, once it is final. A deposit has its own stream, and so has a sweep, so a
 * repeat finds it recorded. Change of our own transactions is neither. What comes to other addresses is not for this service.
 */
import { depositConfirmed, sweepConfirmed } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { uuidv7 } from '@daybook/runtime';
import type { z } from 'zod';
import { claimStream, fundingStream, receiptIdOf, walletIdOfReference } from '../app/send-streams';
import type { FundingCommand, Sweep } from '../domain/wallet-funding';
import type { FundingStore } from '../ports';

type Came = z.output<typeof depositConfirmed.data>;
type Cause = { readonly id: string; readonly correlationId: string };

export function depositsSubscription(fundings: FundingStore, nextNumber: () => Promise<number>): Subscription {
  return {
    group: 'settlement.deposits',
    topic: depositConfirmed.topic,
    handlers: [
      on(depositConfirmed, async (_tx, message) => {
        const came = await cameToWallet(fundings, message.data);
        if (came === undefined) return;
        const { transactionId: hash, address: toAddress, blockNumber } = message.data;
        // A repeat asks for a number and leaves it: numbers have gaps.
        const receipt = {
          transactionId: receiptIdOf(came.depositId),
          number: await nextNumber(),
          hash,
          toAddress,
          blockNumber,
        };
        const funding = { ...came, receipt };
        await record(fundings, came, { type: 'RecordFunding', funding, at: message.occurredAt }, message);
      }),
      on(sweepConfirmed, async (_tx, message) => {
        const sweep = await cameToWallet(fundings, message.data);
        if (sweep === undefined) return;
        await record(fundings, sweep, { type: 'RecordSweep', sweep, at: message.occurredAt }, message);
      }),
    ],
  };
}

/** Undefined of what came to no hot wallet, and of change. */
async function cameToWallet(fundings: FundingStore, data: Came): Promise<Sweep | undefined> {
  const { depositId, chain, transactionId, reference, tenantId, mode, asset, amount } = data;
  const walletId = walletIdOfReference(reference);
  if (walletId === undefined) return undefined;
  // Claimed before it was broadcast, so whoever sees the deposit sees the claim.
  const { state } = await fundings.load(claimStream(chain, transactionId));
  if (state.claim?.walletId === walletId) return undefined;
  return { depositId, walletId, tenantId, mode, chain, asset, amount };
}

async function record(
  fundings: FundingStore,
  { depositId, walletId }: Sweep,
  command: FundingCommand,
  cause: Cause,
): Promise<void> {
  // Of its own: two who handle the message at once have other numbers, and one of them is first.
  const context = { commandId: uuidv7(), correlationId: cause.correlationId, causationId: cause.id };
  const outcome = await fundings.handle(fundingStream(depositId), command, context);
  if (!outcome.ok) throw new Error(`deposit ${depositId} of wallet ${walletId}: ${outcome.rejection}`);
}

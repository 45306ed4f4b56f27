import { payWavering, type SandboxBlock } from '@daybook/embedded';
import type { EvmPlace } from '../evm-node';
import type { Progress } from './progress';
import type { Shop } from './shop';

/** In wei. */
const amount = { text: '0.05', units: 50_000_000_000_000_000n };
/** Twice this is less than the block producer waits for somebody who makes the blocks. */
const noticedWithinMs = 12_000;
const settledWithinMs = 20_000;

/**
 * Pays an intent in a block that is then replaced by one without the payment, and brings the payment back in another
 * block: the intent is open again in between, and in the end it is settled once. Returns the intent's id.
 */
export async function reorganisePayment(evm: EvmPlace, shop: Shop, progress: Progress): Promise<string> {
  const { intent_id: intentId, payment_address: to } = await shop.createIntent(amount.text, 'ETH');
  const payment = await payWavering({ rpcUrl: evm.rpcUrl, to, amount: amount.units });
  try {
    progress.step(`paid in transaction ${payment.transactionHash}, in ${named(payment.block)}`);
    await shop.follow(intentId, ['confirming'], noticedWithinMs);
    const without = await payment.leave();
    progress.step(`reorganised: ${named(without)} has taken its place, and the transaction is in no block`);
    await shop.follow(intentId, ['pending'], noticedWithinMs);
    progress.step(`the same transaction is back, in ${named(await payment.comeBack())}`);
  } finally {
    await payment.release();
  }
  await shop.follow(intentId, ['settled'], settledWithinMs);
  await shop.hearSettled(intentId);
  return intentId;
}

function named({ number, hash }: SandboxBlock): string {
  return `block ${number} (${hash.slice(0, 10)}…)`;
}

import { payFromFaucet } from '@daybook/embedded';
import type { EvmPlace } from '../evm-node';
import type { Progress } from './progress';
import type { Shop } from './shop';

/** In minor units, scale 6. */
const amount = { text: '99.50', units: 99_500_000n };
const settledWithinMs = 50_000;

/** Pays an intent on the development chain, and follows it until its webhook has arrived. Returns the intent's id. */
export async function payIntent(evm: EvmPlace, shop: Shop, progress: Progress): Promise<string> {
  const { intent_id: intentId, payment_address: to } = await shop.createIntent(amount.text, 'USDT_ERC20');
  const { transactionHash } = await payFromFaucet({
    rpcUrl: evm.rpcUrl,
    to,
    asset: 'USDT_ERC20',
    amount: amount.units,
    usdtAddress: evm.usdtContract,
  });
  progress.step(`paid on the EVM chain in transaction ${transactionHash}`);
  await shop.follow(intentId, ['settled'], settledWithinMs);
  await shop.hearSettled(intentId);
  return intentId;
}

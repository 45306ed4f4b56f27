import { gate } from '@daybook/testing';
import type { SendChain } from '../ports';
import { sendReads } from './send-reads';

const request = { tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'live', asset: 'ETH' } as const;

test('nobody waits for the balance of a wallet whose node takes too long', async () => {
  const [asked, said, late] = [gate(), gate(), gate()];
  const chain = {
    async balanceOf() {
      asked.open();
      await said.opened;
      return { now: 7n, final: 7n };
    },
  } as unknown as SendChain;
  const { walletBalance } = sendReads({
    chainFor: () => chain,
    openWallet: async () => ({ address: '0xa1' }),
    wait: () => late.opened,
  } as unknown as Parameters<typeof sendReads>[0]);
  const slow = walletBalance(request);
  await asked.opened;
  late.open();
  await expect(slow).rejects.toThrow('upstream_timeout');
  said.open();
});

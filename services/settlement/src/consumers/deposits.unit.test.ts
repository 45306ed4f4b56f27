import { randomUUID } from 'node:crypto';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { fundingEvents } from '../adapters/stored-sends';
import { fundingStream, watchReferenceOf } from '../app/send-streams';
import { walletFunding } from '../domain/wallet-funding';
import { depositsSubscription } from './deposits';

test('two who handle one message at once record one deposit with one number', async () => {
  const store = memoryEventStore();
  let number = 0;
  const subscription = depositsSubscription(
    commandHandler(walletFunding, fundingEvents, store),
    async () => (number += 2),
  );
  const depositId = randomUUID();
  const message = {
    id: randomUUID(),
    correlationId: 'c',
    occurredAt: '2026-02-11T10:05:00.000Z',
    data: {
      depositId,
      chain: 'evm-31337',
      transactionId: '0x1',
      reference: watchReferenceOf(randomUUID()),
      tenantId: randomUUID(),
      mode: 'sandbox',
      asset: 'ETH',
      amount: 5n,
      address: '0x2',
      blockNumber: 42,
    },
  };
  const handle = subscription.handlers[0]!.handle as (tx: unknown, message: unknown) => Promise<void>;
  await Promise.all([handle(null, message), handle(null, message)]);
  await handle(null, message);
  const stored = await store.readStream(fundingStream(depositId));
  expect(stored.map((one) => fundingEvents.decode(one))).toMatchObject([
    { type: 'WalletFunded', funding: { amount: 5n, receipt: { hash: '0x1', number: 2 } } },
  ]);
});

import { randomUUID } from 'node:crypto';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { publishedOfFunding } from '../adapters/published-sends';
import { fundingEvents } from '../adapters/stored-sends';
import { claimStream, fundingStream, watchReferenceOf } from '../app/send-streams';
import { walletFunding } from '../domain/wallet-funding';
import { depositsSubscription } from './deposits';

const depositId = randomUUID();
const walletId = randomUUID();
const data = {
  depositId,
  chain: 'evm-31337',
  transactionId: '0x1',
  reference: watchReferenceOf(walletId),
  tenantId: randomUUID(),
  mode: 'sandbox',
  asset: 'ETH',
  amount: 5n,
  address: '0x2',
  blockNumber: 42,
} as const;

function scene() {
  const store = memoryEventStore();
  const fundings = commandHandler(walletFunding, fundingEvents, store);
  let number = 0;
  const { handlers } = depositsSubscription(fundings, async () => (number += 2));
  return {
    fundings,
    async handle(type: 'DepositConfirmed' | 'SweepConfirmed', fields: object = {}) {
      const { handle } = handlers.find(({ contract }) => contract.type === type)!;
      const message = { id: randomUUID(), correlationId: 'c', occurredAt: '2026-02-11T10:05:00.000Z' };
      await (handle as (tx: unknown, message: unknown) => Promise<void>)(null, {
        ...message,
        data: { ...data, ...fields },
      });
    },
    /** What is recorded of it, and what others are told. */
    async recorded() {
      const stored = await store.readStream(fundingStream(depositId));
      return {
        events: stored.map((one) => fundingEvents.decode(one)),
        told: stored
          .flatMap((one) => publishedOfFunding(fundingEvents.decode(one), one))
          .map(({ value }) => JSON.parse(value.toString()) as unknown),
      };
    },
  };
}

test('two who handle one message at once record one deposit with one number', async () => {
  const { handle, recorded } = scene();
  await Promise.all([handle('DepositConfirmed'), handle('DepositConfirmed')]);
  await handle('DepositConfirmed');
  expect((await recorded()).events).toMatchObject([
    { type: 'WalletFunded', funding: { amount: 5n, receipt: { hash: '0x1', number: 2 } } },
  ]);
});

describe('a sweep', () => {
  const sweptFrom = '0x3';

  test('to a hot wallet is received once, and told as what it is, without a receipt', async () => {
    const { handle, recorded } = scene();
    await Promise.all([handle('SweepConfirmed', { sweptFrom }), handle('SweepConfirmed', { sweptFrom })]);
    await handle('SweepConfirmed', { sweptFrom });
    const { events, told } = await recorded();
    expect(events).toMatchObject([{ type: 'SweepReceived', sweep: { walletId, asset: 'ETH', amount: 5n } }]);
    expect(told).toMatchObject([
      { type: 'SweepReceived', data: { depositId, walletId, chain: 'evm-31337', asset: 'ETH', amount: '5' } },
    ]);
    expect(JSON.stringify(told)).not.toContain('receipt');
  });

  test('to another deposit address is nothing here', async () => {
    const { handle, recorded } = scene();
    await handle('SweepConfirmed', { sweptFrom, reference: randomUUID() });
    expect((await recorded()).events).toEqual([]);
  });

  test('in a transaction of our own is change', async () => {
    const { fundings, handle, recorded } = scene();
    const claim = { transactionId: '0x1', walletId, sendId: 's' };
    const context = { commandId: 'claim', correlationId: 'c', causationId: 'c' };
    const at = '2026-02-11T10:00:00.000Z';
    await fundings.handle(claimStream('evm-31337', '0x1'), { type: 'ClaimTransaction', claim, at }, context);
    await handle('SweepConfirmed', { sweptFrom });
    expect((await recorded()).events).toEqual([]);
  });

  test('that is recorded as a deposit is a contradiction', async () => {
    const { handle } = scene();
    await handle('DepositConfirmed');
    await expect(handle('SweepConfirmed', { sweptFrom })).rejects.toThrow('recorded_differently');
  });
});

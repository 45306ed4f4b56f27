import type { StoredEvent } from '@daybook/event-store';
import { fundingEvents } from './stored-sends';

test('a deposit of before it was listed has no receipt', () => {
  const funding = {
    depositId: 'd',
    walletId: 'w',
    tenantId: 't',
    mode: 'sandbox',
    chain: 'c',
    asset: 'ETH',
    amount: '5',
  };
  const at = '2026-01-01T00:00:00.000Z';
  const payload = Buffer.from(JSON.stringify({ funding, at }));
  const stored = { type: 'WalletFunded', version: 1, payload } as StoredEvent;
  expect(fundingEvents.decode(stored)).toEqual({
    type: 'WalletFunded',
    funding: { ...funding, amount: 5n, receipt: null },
    at,
  });
});

import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { addressDecider, type AllocatedAddress } from './address';

const address: AllocatedAddress = {
  reference: 'intent',
  chain: 'evm-1',
  address: '0xA',
  family: 'evm',
  index: 0,
  keyId: 'key',
  asset: 'ETH',
  amount: 5n,
  tenantId: '22222222-2222-8222-8222-222222222222',
  mode: 'sandbox',
};
const at = '2026-01-01T00:00:00.000Z';

describe('address', () => {
  test('A1: a reference keeps the first address that was allocated', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1 }), (indexes) => {
        let state = addressDecider.initial;
        const recorded = indexes.flatMap((index) => {
          const decision = addressDecider.decide(
            { type: 'AllocateAddress', address: { ...address, index }, at },
            state,
          );
          const events = decision.ok ? decision.events : [];
          state = events.reduce(addressDecider.evolve, state);
          return events;
        });
        expect(recorded.map(({ index }) => index)).toEqual([indexes[0]]);
        expect(state).toEqual({ status: 'allocated', ...address, index: indexes[0] });
      }),
    );
  });

  test('A1: other content under a used reference is refused, and content that was not recorded is not held against it', () => {
    const command = (fields: Partial<AllocatedAddress>) =>
      ({ type: 'AllocateAddress', address: { ...address, ...fields }, at }) as const;
    const state = { status: 'allocated', ...address } as const;
    const others: Partial<AllocatedAddress>[] = [
      { asset: 'USDT_ERC20' },
      { amount: 6n },
      { tenantId: '33333333-3333-8333-8333-333333333333' },
      { mode: 'live' },
    ];
    for (const fields of others)
      expect(addressDecider.decide(command(fields), state)).toEqual(reject('address_exists_with_different_fields'));
    expect(addressDecider.decide(command({ amount: 6n }), { ...state, amount: null })).toEqual(accept());
  });

  test('two allocations in one history are a corrupt store', () => {
    const state = { status: 'allocated' as const, ...address };
    expect(() => addressDecider.evolve(state, { type: 'AddressAllocated', ...address, at })).toThrow('allocated twice');
  });
});

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

  test('two allocations in one history are a corrupt store', () => {
    const state = { status: 'allocated' as const, ...address };
    expect(() => addressDecider.evolve(state, { type: 'AddressAllocated', ...address, at })).toThrow('allocated twice');
  });
});

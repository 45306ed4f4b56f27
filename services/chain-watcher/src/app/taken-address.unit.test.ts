import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { addressEvents } from '../adapters/stored-events';
import { addressDecider } from '../domain/address';
import { allocate, type AllocateDeps } from './allocate-address';
import { watch } from './watch-address';

const [chain, address] = ['sandbox-tron', 'TAddress0'];
const tenantId = '7a1c0000-0000-8000-8000-000000000001';
const asked = { asset: 'USDT_TRC20', mode: 'sandbox', tenantId, reference: 'intent', amount: 5n } as const;
const watched = { chain, address, tenantId, mode: 'sandbox', reference: 'wallet' } as const;
const refused = { ok: false, rejection: 'address_exists_with_different_fields' };

/** What the read model says of the address, one answer after the other; the last one stays. */
function depsWith(...owners: readonly (string | undefined)[]) {
  const store = memoryEventStore();
  const answers = [...owners];
  const deps: AllocateDeps = {
    networks: [{ chain, mode: 'sandbox', family: 'tron', assets: ['USDT_TRC20'] }],
    derivers: [{ family: 'tron', keyId: 'key', addressAt: async (index) => `TAddress${index}` }],
    payee: undefined,
    reservePlace: async () => 0,
    isWatched: async () => true,
    referenceOf: async () => (answers.length > 1 ? answers.shift() : answers[0]),
    paymentPlace: () => ({ contract: undefined, chainId: 1 }),
    ...commandHandler(addressDecider, addressEvents, store),
    now: () => new Date('2026-05-04T00:00:00.000Z'),
  };
  return { deps, recorded: async (reference: string) => (await store.readStream(`address-${reference}`)).length };
}

describe('an address of another reference', () => {
  test('is recorded for nobody else, when that is known', async () => {
    const { deps, recorded } = depsWith('somebody');
    await expect(allocate(deps, asked)).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await expect(allocate(deps, asked)).rejects.toThrow('must not come from one key');
    await expect(watch(deps, watched)).resolves.toEqual(refused);
    expect([await recorded('intent'), await recorded('wallet')]).toEqual([0, 0]);
  });

  test('is not told to the later of two that recorded it at the same moment, now or ever', async () => {
    const given = depsWith(undefined, 'somebody');
    await expect(allocate(given.deps, asked)).rejects.toThrow('must not come from one key');
    await expect(allocate(given.deps, asked)).rejects.toThrow('must not come from one key');
    expect(await given.recorded('intent')).toBe(1);
    const taken = depsWith(undefined, 'somebody');
    await expect(watch(taken.deps, watched)).resolves.toEqual(refused);
    await expect(watch(taken.deps, watched)).resolves.toEqual(refused);
    expect(await taken.recorded('wallet')).toBe(1);
  });

  test('an own address is given and watched, again too', async () => {
    const given = depsWith(undefined, 'intent');
    for (const _attempt of [1, 2])
      await expect(allocate(given.deps, asked)).resolves.toMatchObject({ ok: true, value: { address } });
    const own = depsWith(undefined, 'wallet');
    for (const _attempt of [1, 2]) await expect(watch(own.deps, watched)).resolves.toEqual({ ok: true, value: {} });
  });
});

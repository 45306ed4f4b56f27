import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { fakeClock } from '@daybook/testing';
import { intentEvents } from '../adapters/stored-events';
import { paymentIntent } from '../domain/payment-intent';
import type { AllocateAddress } from '../ports';
import { createIntent } from './create-intent';

const request = {
  tenantId: '11111111-1111-4111-8111-111111111111',
  mode: 'sandbox',
  currency: 'UPI',
  amount: 15_000n,
  orderId: 'INV_1',
  idempotencyKey: 'key',
} as const;

/** As chain-watcher does: the first content under a reference stays. */
function allocator() {
  const allocated = new Map<string, bigint>();
  const allocate: AllocateAddress = async ({ reference, asset, amount }) => {
    if (asset !== 'INR') return { ok: false, rejection: 'asset_not_available' };
    const first = allocated.get(reference) ?? amount;
    allocated.set(reference, first);
    if (first !== amount) return { ok: false, rejection: 'address_exists_with_different_fields' };
    return { ok: true, value: { chain: 'sandbox-upi', address: `upi://pay?am=${amount}` } };
  };
  return allocate;
}

function setup(allocateAddress: AllocateAddress) {
  const intents = commandHandler(paymentIntent, intentEvents, memoryEventStore());
  return createIntent({ intents, allocateAddress, now: fakeClock('2026-03-01T10:00:00.000Z'), ttlMs: 60_000 });
}

describe('create-intent', () => {
  test('an address that was allocated for another amount is never given to an intent', async () => {
    const allocate = allocator();
    let dies = true;
    const create = setup(async (wanted) => {
      const answer = await allocate(wanted);
      if (dies) throw new Error('died between the address and the intent');
      return answer;
    });
    await expect(create(request)).rejects.toThrow('died');
    dies = false;
    expect(await create({ ...request, amount: 25_000n })).toEqual({ ok: false, rejection: 'idempotency_key_reused' });
    expect(await create(request)).toMatchObject({
      ok: true,
      value: { intent: { amount: 15_000n, paymentAddress: 'upi://pay?am=15000' }, replayed: false },
    });
  });

  test('of two amounts that race under one key, one makes the intent, with the address for its amount', async () => {
    const create = setup(allocator());
    const answers = await Promise.all([create(request), create({ ...request, amount: 25_000n })]);
    const made = answers.flatMap((answer) => (answer.ok ? [answer.value.intent] : []));
    expect(made).toHaveLength(1);
    expect(made[0]?.paymentAddress).toBe(`upi://pay?am=${made[0]?.amount}`);
  });

  test('a currency that has no address is not available', async () => {
    const create = setup(allocator());
    expect(await create({ ...request, currency: 'ETH' })).toEqual({ ok: false, rejection: 'currency_not_available' });
  });
});

import { OperationalError } from '@daybook/core';
import { commandHandler, memoryEventStore, type EventStore } from '@daybook/event-store';
import { fakeClock } from '@daybook/testing';
import { intentEvents } from '../adapters/stored-events';
import { paymentIntent } from '../domain/payment-intent';
import { defaultReceiptPolicy } from '../domain/receipt-policy';
import type { AllocateAddress, DepositsOf } from '../ports';
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

const ttlMs = 60_000;

function setup(allocateAddress: AllocateAddress, store: EventStore = memoryEventStore()) {
  const watched: Awaited<ReturnType<DepositsOf>>[number][] = [];
  const depositsOf: DepositsOf = async (intentIds) => watched.filter(({ reference }) => intentIds.includes(reference));
  const policyOf = async () => defaultReceiptPolicy;
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const intents = commandHandler(paymentIntent, intentEvents, store);
  const create = createIntent({ intents, allocateAddress, depositsOf, policyOf, now, ttlMs });
  return Object.assign(create, { intents, now, watched });
}

const order = { ...request, idempotencyKey: null };

/** Without a worker that would expire anything. */
async function made(create: ReturnType<typeof setup>) {
  const answer = await create(order);
  if (!answer.ok) throw new Error(answer.rejection);
  return { ...answer.value.intent, replayed: answer.value.replayed };
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

  test('without a key, an order whose time is over is a new intent, also before anyone has expired the old one', async () => {
    const create = setup(allocator());
    const first = await made(create);
    create.now.advance(ttlMs - 1);
    expect(await made(create)).toEqual({ ...first, replayed: true });
    create.now.advance(1);
    const [next, ...repeats] = await Promise.all(Array.from({ length: 20 }, () => made(create)));
    expect(next).toMatchObject({ status: 'pending', expiresAt: '2026-03-01T10:02:00.000Z' });
    expect(next?.intentId).not.toBe(first.intentId);
    for (const { intentId } of repeats) expect(intentId).toBe(next?.intentId);
    expect((await create.intents.load(`intent-${first.intentId}`)).state.stage).toBe('expired');
  });

  test.each([
    ['in flight holds it back', 'RecordDepositSeen', 15_000n, 'open'],
    ['of a part leaves it underpaid', 'RecordDepositConfirmed', 1n, 'underpaid'],
  ] as const)('without a key, of an order whose time is over a deposit %s', async (_what, type, amount, stage) => {
    const create = setup(allocator());
    const first = await made(create);
    const stream = `intent-${first.intentId}`;
    const at = create.now().toISOString();
    const deposit = { depositId: 'd', chain: 'sandbox-upi', transactionId: 't', asset: 'INR', amount, at } as const;
    const context = { commandId: 'c', correlationId: 'c', causationId: 'c' };
    await create.intents.handle(stream, { type, deposit, at }, context);
    if (stage === 'underpaid')
      await create.intents.handle(stream, { type: 'RecordDepositBooked', depositId: 'd', at }, context);
    create.now.advance(ttlMs);
    const again = await made(create);
    expect(again.intentId === first.intentId).toBe(stage === 'open');
    expect((await create.intents.load(stream)).state.stage).toBe(stage);
  });

  test('without a key, of an order whose time is over a deposit that only the watcher knows of holds it back', async () => {
    const create = setup(allocator());
    const first = await made(create);
    create.watched.push({ reference: first.intentId, depositId: 'd', status: 'seen' });
    create.now.advance(ttlMs);
    expect(await made(create)).toEqual({ ...first, replayed: true });
  });

  test('whose acknowledgement by the store was lost is still the first, and its repeat is not', async () => {
    const store = memoryEventStore();
    let lost = false;
    const create = setup(allocator(), {
      ...store,
      async append(...append) {
        const answer = await store.append(...append);
        if (lost) return answer;
        lost = true;
        throw new OperationalError('outcome_unknown', true);
      },
    });
    expect(await create(request)).toMatchObject({ ok: true, value: { replayed: false } });
    expect(await create(request)).toMatchObject({ ok: true, value: { replayed: true } });
  });

  test('a currency that has no address is not available', async () => {
    const create = setup(allocator());
    expect(await create({ ...request, currency: 'ETH' })).toEqual({ ok: false, rejection: 'currency_not_available' });
  });
});

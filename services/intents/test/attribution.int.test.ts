import { eventually } from '@daybook/testing';
import fc from 'fast-check';
import {
  created,
  depositMessage,
  depositOf,
  expectIntent,
  intentsRig,
  occurredAt,
  read,
  ttlMs,
  type IntentsRig,
} from './intents-rig';

const amount = 10n;
const patterns: Record<string, readonly bigint[]> = {
  'one unit under': [9n],
  exact: [10n],
  'one unit over': [11n],
  double: [10n, 10n],
  'split in seven': [1n, 1n, 1n, 1n, 1n, 1n, 4n],
};
const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, each) => sum + each, 0n);

let rig: IntentsRig;
beforeAll(async () => {
  rig = await intentsRig();
});
afterAll(() => rig.close());

/** Every fact of the deposits three times (twice the same message, once under another id), in a random order. */
function shuffledMessages(deposits: readonly ReturnType<typeof depositOf>[]) {
  const messages = deposits.flatMap((deposit) =>
    (['seen', 'confirmed'] as const).flatMap((kind) => [
      depositMessage(kind, deposit),
      depositMessage(kind, deposit),
      depositMessage(kind, deposit, 'again'),
    ]),
  );
  return fc.sample(fc.shuffledSubarray(messages, { minLength: messages.length }), 1)[0]!;
}

/** Received, and nothing but received, is in the accounts; each deposit was split exactly once. */
async function expectConserved(intentId: string, received: bigint) {
  const { clearing, merchant, refundable } = rig.accountsOf(intentId);
  expect(clearing + merchant + refundable).toBe(received);
  expect([clearing, merchant, refundable].every((held) => held >= 0n)).toBe(true);
  const intent = await read(rig, intentId);
  expect(intent.amountApplied).toBe(clearing + merchant);
  expect(intent.amountRefundable).toBe(refundable);
  expect(intent.amountReceived).toBe(received);
  const types = (await rig.eventsOf(intentId)).map(({ type }) => type);
  const outcomes = types.filter((type) => ['IntentPaid', 'IntentExpired', 'IntentUnderpaid'].includes(type));
  expect(outcomes.length).toBeLessThanOrEqual(1);
}

describe.each(Object.entries(patterns))('%s', (name, amounts) => {
  const received = sumOf(amounts);
  const pay = async (intent: { intentId: string; paymentAddress: string }, at: string) => {
    await rig.publish(shuffledMessages(amounts.map((each) => depositOf(intent, each, at))));
  };

  test('before expiry', async () => {
    const intent = await created(rig, { amount });
    await pay(intent, rig.now().toISOString());
    if (name === 'one unit under') {
      await expectIntent(rig, intent.intentId, { status: 'partially_paid', amountApplied: 9n, amountRefundable: 0n });
      rig.now.advance(ttlMs);
      await expectIntent(rig, intent.intentId, { status: 'underpaid', amountApplied: 0n, amountRefundable: 9n });
    } else {
      await expectIntent(rig, intent.intentId, {
        status: 'settled',
        amountApplied: amount,
        amountRefundable: received - amount,
        exceptions: received > amount ? ['overpaid'] : [],
      });
    }
    await expectConservedSoon(intent.intentId, received);
  });

  test('at the instant of expiry', async () => {
    const intent = await created(rig, { amount });
    await pay(intent, intent.expiresAt);
    const late = { amountApplied: 0n, amountRefundable: received, exceptions: ['paid_late'] };
    await expectIntent(rig, intent.intentId, { status: 'pending', ...late });
    rig.now.advance(ttlMs);
    await expectIntent(rig, intent.intentId, { status: 'expired', ...late });
    await expectConservedSoon(intent.intentId, received);
  });

  test('after expiry', async () => {
    const intent = await created(rig, { amount });
    rig.now.advance(ttlMs);
    await expectIntent(rig, intent.intentId, { status: 'expired' });
    await pay(intent, rig.now().toISOString());
    await expectIntent(rig, intent.intentId, {
      status: 'expired',
      amountApplied: 0n,
      amountRefundable: received,
      exceptions: ['paid_late'],
    });
    await expectConservedSoon(intent.intentId, received);
  });

  test('after settlement', async () => {
    const intent = await created(rig, { amount });
    const first = depositOf(intent, amount, rig.now().toISOString());
    await rig.publish(shuffledMessages([first]));
    await expectIntent(rig, intent.intentId, { status: 'settled' });
    await pay(intent, rig.now().toISOString());
    await expectIntent(rig, intent.intentId, {
      status: 'settled',
      amountApplied: amount,
      amountRefundable: received,
      exceptions: ['overpaid'],
      transactionHash: first.transactionId,
    });
    await expectConservedSoon(intent.intentId, amount + received);
  });

  async function expectConservedSoon(intentId: string, total: bigint) {
    await eventually(() => expectConserved(intentId, total), { timeoutMs: 15_000 });
  }
});

describe('a payment as others are told of it', () => {
  test('publishes every change once, in order, with the full state', async () => {
    const intent = await created(rig, { amount });
    const deposit = depositOf(intent, 12n, rig.now().toISOString());
    const block = { blockNumber: 2, blockHash: '0xb2', at: new Date(rig.now().getTime() + 1).toISOString() };
    await rig.publish([depositMessage('seen', deposit), depositMessage('reverted', { ...deposit, ...block })]);
    await expectIntent(rig, intent.intentId, { status: 'pending', amountReceived: 0n });
    const later = new Date(rig.now().getTime() + 2).toISOString();
    await rig.publish([
      depositMessage('seen', { ...deposit, ...block, at: later }),
      depositMessage('confirmed', { ...deposit, ...block, at: later }),
    ]);
    await expectIntent(rig, intent.intentId, { status: 'settled' });

    const told = () => rig.published.filter(({ data }) => data.intentId === intent.intentId);
    await eventually(() => expect(told().at(-1)?.data).toMatchObject({ status: 'settled' }), { timeoutMs: 15_000 });
    expect(told().map((fact) => (fact.type === 'IntentStatusChanged' ? fact.data.status : fact.type))).toEqual([
      'pending',
      'confirming',
      'pending',
      'confirming',
      'PaymentReceived',
      'confirming',
      'IntentPaid',
      'paid',
      'settled',
    ]);
    const { verifiedAt, ...rest } = await read(rig, intent.intentId);
    expect(told().at(-1)?.data).toMatchObject({ ...rest, verifiedAt, amountRefundable: 2n, exceptions: ['overpaid'] });
    expect(verifiedAt).toBe(occurredAt);
  });

  test('another asset is owed back in that asset and leaves the intent as it was', async () => {
    const intent = await created(rig, { amount });
    const wrong = { ...depositOf(intent, 7n, rig.now().toISOString()), asset: 'SOL' as const };
    await rig.publish([depositMessage('seen', wrong), depositMessage('confirmed', wrong)]);
    await expectIntent(rig, intent.intentId, { status: 'pending', amountReceived: 0n, exceptions: ['wrong_asset'] });
    await eventually(
      () =>
        expect(rig.published).toContainEqual({
          type: 'PaymentReceived',
          data: expect.objectContaining({ intentId: intent.intentId, asset: 'SOL', applied: 0n, refundable: 7n }),
        }),
      { timeoutMs: 15_000 },
    );
  });
});

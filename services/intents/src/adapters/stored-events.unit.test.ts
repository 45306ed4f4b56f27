/** What was stored before there were receipt policies, byte for byte, folds to what it meant then. */
import type { StoredEvent } from '@daybook/event-store';
import { paymentIntent, summaryOf, type IntentState } from '../domain/payment-intent';
import { publishedEvents } from './published-events';
import { intentEvents } from './stored-events';

const intentId = '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';
const owner = { intentId, tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'sandbox' };
const at = '2026-03-01T10:00:00.000Z';
const terms = {
  ...owner,
  orderId: 'INV_1',
  currency: 'SOL',
  asset: 'SOL',
  amount: '10',
  paymentAddress: 'A',
  createdAt: at,
  expiresAt: '2026-03-01T10:30:00.000Z',
};
const deposit = (depositId: string, asset: string, amount: string) => ({
  depositId,
  chain: 'solana',
  transactionId: `tx-${depositId}`,
  asset,
  amount,
  at,
});
const common = { ...owner, at, change: null };
const [first, second] = ['0a1b2c3d-4e5f-8071-8293-a4b5c6d7e8f9', '1a1b2c3d-4e5f-8071-8293-a4b5c6d7e8f9'];

const stored = [
  ['IntentCreated', { ...common, terms }],
  [
    'DepositConfirmed',
    { ...common, deposit: deposit(first, 'SOL', '9'), applied: '9', refundable: '0', exception: null },
  ],
  ['DepositBooked', { ...common, depositId: first }],
  [
    'DepositConfirmed',
    { ...common, deposit: deposit(second, 'TRX', '7'), applied: '0', refundable: '7', exception: 'wrong_asset' },
  ],
  ['IntentUnderpaid', { ...common, asset: 'SOL', amount: '9' }],
].map(
  ([type, data], index) =>
    ({
      id: `4f1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb0${index}`,
      stream: `intent-${intentId}`,
      revision: BigInt(index),
      type,
      version: 1,
      payload: Buffer.from(JSON.stringify(data)),
      recordedAt: new Date(at),
      metadata: { correlationId: 'c', causationId: 'c' },
    }) as unknown as StoredEvent,
);

test('what was not applied was refundable', () => {
  const state = stored
    .map((event) => intentEvents.decode(event))
    .reduce<IntentState>(paymentIntent.evolve, paymentIntent.initial);
  if (state.stage === 'none') throw new Error('it was created');
  expect(summaryOf(state)).toMatchObject({
    status: 'underpaid',
    amountApplied: 0n,
    amountRefundable: 9n,
    exceptions: ['wrong_asset'],
  });
  // And may be moved on like any other.
  const move = { type: 'MoveReceipt', depositId: second, to: 'credited', actor: 'key_ops', at } as const;
  expect(paymentIntent.decide(move, state)).toMatchObject({ ok: true, events: [{ from: 'refundable', amount: 7n }] });
});

test('it is published as it was, in the words of today', () => {
  const told = stored
    .flatMap(publishedEvents)
    .map(({ value }) => JSON.parse(value.toString()) as { type: string; data: object });
  expect(told).toMatchObject([
    { type: 'PaymentReceived', data: { applied: '9', credited: '0', held: '0', refundable: '0', suspense: '0' } },
    { type: 'PaymentReceived', data: { applied: '0', credited: '0', held: '0', refundable: '7', suspense: '0' } },
    { type: 'IntentUnderpaid', data: { amount: '9', place: 'refundable' } },
  ]);
});

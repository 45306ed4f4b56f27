/** What was stored in earlier forms, byte for byte, folds to what it meant then. */
import type { StoredEvent } from '@daybook/event-store';
import { paymentIntent, summaryOf, type IntentState } from '../domain/payment-intent';
import { publishedEvents } from './published-events';
import { providerPayment, summaryOf as summaryOfPayment, type PaymentState } from '../domain/provider-payment';
import { intentEvents, paymentEvents } from './stored-events';

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

describe('a payment that was opened after a refusal to open it', () => {
  const transactionId = 'TX4G7Q1ZK0WB8N3RDC5VYM';
  const paymentTerms = {
    transactionId,
    number: 1,
    tenantId: owner.tenantId,
    mode: 'sandbox',
    gatewayId: '1f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11',
    gatewayNumber: 3,
    provider: 'paypal',
    userNumber: null,
    asset: 'USD',
    amount: '10050',
    encryptedDetails: 'e',
    createdAt: at,
  };
  const left = (status: string, failure: string | null, reference: string | null) => ({
    ...paymentTerms,
    amountReceived: null,
    status,
    failure,
    exceptions: [],
    reference,
    updatedAt: at,
  });
  const opening = { reference: 'ORDER-1', session: { paypal_order_id: 'ORDER-1' } };
  const history = (more: object, summary: object) =>
    [
      ['PaymentCreated', { terms: { ...paymentTerms, contentHash: 'h' }, summary: left('pending', null, null), at }],
      ['PaymentFailed', { reason: 'no', summary: left('failed', 'no', null), at }],
      ['PaymentOpened', { ...opening, ...more, summary, at }],
    ].map(([type, data], index) => ({
      ...stored[0]!,
      id: `5f1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb0${index}`,
      stream: `payment-${transactionId}`,
      revision: BigInt(index),
      type: type as string,
      payload: Buffer.from(JSON.stringify(data)),
    }));

  test.each([
    ['before an opening took the failure back, stays failed', {}, left('failed', 'no', 'ORDER-1')],
    ['since then, is pending', { reopened: true }, left('pending', null, 'ORDER-1')],
  ])('%s', (_, more, summary) => {
    const events = history(more, summary);
    const decoded = events.map((event) => paymentEvents.decode(event));
    const state = decoded.reduce<PaymentState>(providerPayment.evolve, providerPayment.initial);
    if (state.stage === 'none') throw new Error('it was created');
    expect(summaryOfPayment(state)).toEqual(decoded.at(-1)?.summary);
    // Of before sessions were sealed.
    expect(state.session).toEqual(opening.session);
    expect(JSON.parse(paymentEvents.encode(decoded.at(-1)!).payload.toString())).toEqual(
      JSON.parse(events.at(-1)!.payload.toString()),
    );
  });
});

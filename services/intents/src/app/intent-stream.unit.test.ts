import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import { intentEvents } from '../adapters/stored-events';
import { paymentIntent, type IntentCommand } from '../domain/payment-intent';
import { defaultReceiptPolicy, type ReceiptPolicy } from '../domain/receipt-policy';
import { recordFact, streamOf } from './intent-stream';

const intentId = uuidFrom(['intent']);
const at = '2026-03-01T10:00:00.000Z';
const create: IntentCommand = {
  type: 'CreateIntent',
  intentId,
  tenantId: uuidFrom(['tenant']),
  mode: 'sandbox',
  orderId: 'INV_1',
  currency: 'USDT_TRC20',
  asset: 'USDT_TRC20',
  amount: 10n,
  paymentAddress: 'TAddress',
  createdAt: at,
  expiresAt: '2026-03-01T10:30:00.000Z',
};
const deposit = { depositId: 'd1', chain: 'tron', transactionId: 'tx', asset: 'USDT_TRC20', amount: 11n, at } as const;

test('two who handle one message at once, between whom the policy has changed, record it once', async () => {
  const store = memoryEventStore();
  const intents = commandHandler(paymentIntent, intentEvents, store);
  await intents.handle(streamOf(intentId), create, { commandId: 'create', correlationId: 'c', causationId: 'c' });
  const message = { id: uuidFrom(['message']), occurredAt: at, correlationId: 'c' };
  const confirm = (over: ReceiptPolicy['over']) => {
    const policy = { ...defaultReceiptPolicy, over };
    return recordFact(intents, intentId, { type: 'RecordDepositConfirmed', deposit, policy }, message);
  };
  await Promise.all([confirm('held'), confirm('refundable')]);
  const stored = await store.readStream(streamOf(intentId));
  expect(stored.map(({ type }) => type)).toEqual(['IntentCreated', 'DepositConfirmed']);
  expect(stored[1]!.metadata).toEqual({ correlationId: 'c', causationId: message.id });
});

import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import { createSample } from '../../test/sample-intent';
import { intentEvents } from '../adapters/stored-events';
import { paymentIntent } from '../domain/payment-intent';
import { defaultReceiptPolicy, type ReceiptPolicy } from '../domain/receipt-policy';
import { recordFact, streamOf } from './intent-stream';

const { intentId, asset, createdAt: at } = createSample;
const deposit = { depositId: 'd1', chain: 'tron', transactionId: 'tx', asset, amount: createSample.amount + 1n, at };

test('two who handle one message at once, between whom the policy has changed, record it once', async () => {
  const store = memoryEventStore();
  const intents = commandHandler(paymentIntent, intentEvents, store);
  await intents.handle(streamOf(intentId), createSample, { commandId: 'create', correlationId: 'c', causationId: 'c' });
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

/**
 * What this service tells others, mapped from its stored events. Pure: an event carries the state that it left behind
 * (`change`), so publishing needs nothing but the event and gives the same messages every time.
 */
import {
  intentPaid,
  intentStatusChanged,
  intentUnderpaid,
  paymentReceived,
  paymentStatusChanged,
  providerPaymentReceived,
  providerPaymentReturned,
  receiptMoved,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { uuidFrom } from '@daybook/runtime';
import { viewOfSummary } from '../app/intent-view';
import type { IntentEvent } from '../domain/payment-intent';
import { shownReturned, type PaymentEvent } from '../domain/provider-payment';
import { storedEvents } from './stored-events';

export function publishedEvents(stored: StoredEvent): readonly OutgoingMessage[] {
  const event = storedEvents.decode(stored);
  if (event.type === 'GatewayAdded' || event.type === 'GatewayEnabledSet') return [];
  if (event.type === 'GatewaySettingsReplaced') return [];
  // What an operator dismissed or set concerns nobody else.
  if (event.type === 'PaymentExceptionDismissed' || event.type === 'ReceiptPolicySet') return [];
  if (event.type === 'QuoteIssued') return [];
  // The payer may choose another way to pay: nothing of what others see has changed.
  if (event.type === 'PaymentDeclined') return [];
  if ('summary' in event) return ofPayment(event, stored);
  const { change, tenantId, mode, at } = event;
  const fact = factOf(event, stored);
  if (change === null) return fact;
  return [...fact, messageOf(intentStatusChanged, { ...viewOfSummary(change), tenantId, mode, at }, stored)];
}

function factOf(event: IntentEvent, stored: StoredEvent): readonly OutgoingMessage[] {
  const { intentId, tenantId, mode, at } = event;
  const common = { intentId, tenantId, mode, at };
  switch (event.type) {
    case 'DepositConfirmed': {
      const { deposit, applied, credited, held, refundable, suspense } = event;
      const { depositId, chain, asset } = deposit;
      const split = { applied, credited, held, refundable, suspense };
      return [messageOf(paymentReceived, { ...common, asset, depositId, chain, ...split }, stored)];
    }
    case 'IntentPaid':
      return [messageOf(intentPaid, { ...common, asset: event.asset, amount: event.amount }, stored)];
    case 'IntentUnderpaid': {
      const { asset, amount, place } = event;
      return [messageOf(intentUnderpaid, { ...common, asset, amount, place }, stored)];
    }
    case 'ReceiptMoved': {
      const { depositId, move, asset, amount, from, to, actor } = event;
      const moveId = uuidFrom(['receipt-move', depositId, String(move)]);
      return [messageOf(receiptMoved, { ...common, asset, moveId, depositId, amount, from, to, actor }, stored)];
    }
    default:
      return [];
  }
}

function ofPayment(event: PaymentEvent, stored: StoredEvent): readonly OutgoingMessage[] {
  const { summary, at } = event;
  const { transactionId, tenantId, mode, gatewayId, asset } = summary;
  const changed = messageOf(
    paymentStatusChanged,
    {
      transactionId,
      tenantId,
      mode,
      gatewayId,
      number: summary.number,
      gatewayNumber: summary.gatewayNumber,
      userNumber: summary.userNumber,
      provider: summary.provider,
      asset,
      amount: summary.amount,
      amountReceived: summary.amountReceived,
      ...(summary.returned && { returned: shownReturned(summary.returned) }),
      status: summary.status,
      failure: summary.failure,
      exceptions: [...summary.exceptions],
      providerReference: summary.reference,
      createdAt: summary.createdAt,
      updatedAt: summary.updatedAt,
    },
    stored,
  );
  const common = { transactionId, tenantId, mode, gatewayId, asset, at };
  if (event.type === 'PaymentTaken')
    return [messageOf(providerPaymentReceived, { ...common, amount: event.amount }, stored), changed];
  if (event.type !== 'PaymentReturned') return [changed];
  const { change, before, refunded, chargedBack } = event;
  const more = refunded + chargedBack - before;
  // A refund became a chargeback.
  if (more === 0n) return [changed];
  const moved =
    more > 0n
      ? ({ change, direction: 'returned', amount: more } as const)
      : ({ change, direction: 'reinstated', amount: -more } as const);
  return [messageOf(providerPaymentReturned, { ...common, ...moved }, stored), changed];
}

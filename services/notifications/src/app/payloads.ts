/** Webhook bodies: the reference's fields first and exactly, ours after them. Amounts are JSON numbers. */
import type { intentStatusChanged, transferStatusChanged } from '@daybook/contracts';
import { jsonNumber, stringifyJson } from '@daybook/http';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import type { z } from 'zod';
import type { WebhookEvent } from '../domain/endpoint';

export type TransferFact = z.output<typeof transferStatusChanged.data>;
export type IntentFact = z.output<typeof intentStatusChanged.data>;
/** Of a fact, in the order of its resource. */
export type Sequence = string;

export function transferPayload(
  event: WebhookEvent,
  {
    transferId,
    asset,
    amount,
    status,
    referenceId,
    debitAccountId,
    creditAccountId,
    ledgerReference,
    at,
  }: TransferFact,
  direction: 'debit' | 'credit',
  sequence: Sequence,
): string {
  return stringifyJson({
    event,
    transaction_id: transferId,
    amount: amountOf(amount, asset),
    status,
    reference_id: referenceId,
    direction,
    wallet_id: direction === 'debit' ? debitAccountId : creditAccountId,
    ledger_reference: ledgerReference,
    sequence: jsonNumber(sequence),
    occurred_at: at,
  });
}

export function intentPayload(event: WebhookEvent, intent: IntentFact, sequence: Sequence): string {
  const { asset } = intent;
  return stringifyJson({
    event,
    intent_id: intent.intentId,
    order_id: intent.orderId,
    amount: amountOf(intent.amount, asset),
    amount_received: amountOf(intent.amountReceived, asset),
    amount_refundable: amountOf(intent.amountRefundable, asset),
    currency: intent.currency,
    status: intent.status,
    exceptions: intent.exceptions,
    payment_address: intent.paymentAddress,
    transaction_hash: intent.transactionHash,
    verified_at: intent.verifiedAt,
    sequence: jsonNumber(sequence),
    occurred_at: intent.at,
  });
}

function amountOf(units: bigint, asset: AssetCode) {
  return jsonNumber(formatAmount(units, assets[asset].scale));
}

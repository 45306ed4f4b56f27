import type { intentView } from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { z } from 'zod';
import { summaryOf, type IntentState, type IntentSummary } from '../domain/payment-intent';

export type IntentView = z.output<typeof intentView>;

/** An intent as its owner sees it, field by field: what is not named here stays inside. */
export function viewOfSummary(summary: IntentSummary): IntentView {
  return {
    intentId: summary.intentId,
    asset: summary.asset,
    orderId: summary.orderId,
    currency: summary.currency,
    amount: summary.amount,
    amountReceived: summary.amountReceived,
    amountApplied: summary.amountApplied,
    amountRefundable: summary.amountRefundable,
    status: summary.status,
    exceptions: [...summary.exceptions],
    paymentAddress: summary.paymentAddress,
    transactionHash: summary.transactionHash,
    createdAt: summary.createdAt,
    expiresAt: summary.expiresAt,
    verifiedAt: summary.verifiedAt,
  };
}

export function viewOf(state: IntentState): IntentView {
  assert(state.stage !== 'none', 'an intent that exists is shown');
  return viewOfSummary(summaryOf(state));
}

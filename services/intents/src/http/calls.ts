import {
  addGateway,
  createIntent,
  createPayment,
  createQuote,
  getIntent,
  getPayment,
  getPayments,
  getQuote,
  getRate,
  getReceiptPolicy,
  listExceptions,
  listGateways,
  listIntents,
  listPayments,
  receiveProviderWebhook,
  replaceGatewaySettings,
  resolveException,
  setGatewayEnabled,
  setReceiptPolicy,
  simulatePayment,
  simulateReturn,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';
import type { exceptionCalls } from '../app/exceptions';
import type { paymentsApp } from '../app/payments';
import type { quoteCalls } from '../app/quotes';
import type { receiptPolicyCalls } from '../app/receipt-policies';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** What other services may ask of this one. */
export function intentCalls(
  tokens: readonly Secret[],
  app: ReturnType<typeof paymentsApp> &
    ReturnType<typeof exceptionCalls> &
    ReturnType<typeof quoteCalls> &
    ReturnType<typeof receiptPolicyCalls> & {
      readonly createIntent: Answer<typeof createIntent>;
      readonly getIntent: Answer<typeof getIntent>;
      readonly listIntents: Answer<typeof listIntents>;
    },
): Router {
  return callRoutes(tokens, [
    onCall(createIntent, app.createIntent),
    onCall(getIntent, app.getIntent),
    onCall(listIntents, app.listIntents),
    onCall(addGateway, app.addGateway),
    onCall(setGatewayEnabled, app.setGatewayEnabled),
    onCall(replaceGatewaySettings, app.replaceGatewaySettings),
    onCall(listGateways, app.listGateways),
    onCall(createPayment, app.createPayment),
    onCall(getPayment, app.getPayment),
    onCall(getPayments, app.getPayments),
    onCall(listPayments, app.listPayments),
    onCall(simulatePayment, app.simulatePayment),
    onCall(simulateReturn, app.simulateReturn),
    onCall(receiveProviderWebhook, app.receiveProviderWebhook),
    onCall(listExceptions, app.listExceptions),
    onCall(resolveException, app.resolveException),
    onCall(getRate, app.getRate),
    onCall(createQuote, app.createQuote),
    onCall(getQuote, app.getQuote),
    onCall(getReceiptPolicy, app.getReceiptPolicy),
    onCall(setReceiptPolicy, app.setReceiptPolicy),
  ]);
}

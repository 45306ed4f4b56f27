import type { Services } from '../ports';
import type { Dialect } from './dialect';
import { intentsDialect } from './intents/dialect';
import { paymentIntentRoutes } from './intents/payment-intents';
import { nativeDialect } from './native/dialect';
import { hotWalletRoutes } from './native/hot-wallets';
import { intentListRoutes } from './native/intents';
import { exceptionRoutes } from './native/exceptions';
import { gatewayRoutes } from './native/gateways';
import { sandboxPaymentRoutes } from './native/sandbox-payments';
import { institutionRoutes } from './native/institutions';
import { jobRoutes } from './native/jobs';
import { ledgerRoutes } from './native/ledger';
import { operationRoutes } from './native/operations';
import { payoutRoutes } from './native/payouts';
import { parkedRoutes, type ParkedDeps } from './native/parked';
import { proofRoutes } from './native/proofs';
import { rateRoutes } from './native/rates';
import { receiptPolicyRoutes } from './native/receipt-policies';
import { sandboxRoutes } from './native/sandbox';
import { sessionRoutes } from './native/sessions';
import { statusRoutes } from './native/status';
import { webhookDeliveryRoutes } from './native/webhook-deliveries';
import { webhookEndpointRoutes } from './native/webhook-endpoints';
import { blockchainRoutes } from './partner/blockchain';
import { partnerDialect } from './partner/dialect';
import { paymentRoutes } from './partner/payments';
import { tokenRoutes } from './partner/token';
import { transactionRoutes } from './partner/transactions';
import { institutionTransferRoutes } from './partner/transfers';
import { payDialect } from './pay/dialect';
import { transferRoutes, type TransferDeps } from './pay/transfers';
import { walletRoutes } from './pay/wallet';
import { webhookRoutes } from './pay/webhooks';
import type { DialectName, Route } from './route';

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  pay: payDialect,
  intents: intentsDialect,
  native: nativeDialect,
  // Last: its base path is the beginning of others'.
  partner: partnerDialect,
};

/** Every route of the gateway, in the order of the document. */
export function allRoutes(deps: TransferDeps & ParkedDeps & { readonly services: Services }): Route[] {
  return [
    ...walletRoutes(deps),
    ...transferRoutes(deps),
    ...webhookRoutes(deps),
    ...tokenRoutes(deps),
    ...transactionRoutes(deps),
    ...paymentRoutes(deps),
    ...institutionTransferRoutes(deps),
    ...blockchainRoutes(deps),
    ...paymentIntentRoutes(deps),
    ...intentListRoutes(deps),
    ...sandboxRoutes(deps),
    ...gatewayRoutes(deps),
    ...sandboxPaymentRoutes(deps),
    ...institutionRoutes(deps),
    ...receiptPolicyRoutes(deps),
    ...rateRoutes(deps),
    ...webhookEndpointRoutes(deps),
    ...webhookDeliveryRoutes(deps),
    ...sessionRoutes(deps),
    ...ledgerRoutes(deps),
    ...operationRoutes(deps),
    ...hotWalletRoutes(deps),
    ...payoutRoutes(deps),
    ...parkedRoutes(deps),
    ...exceptionRoutes(deps),
    ...jobRoutes(deps),
    ...proofRoutes(deps),
    ...statusRoutes(deps),
  ];
}

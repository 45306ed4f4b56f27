import { depositConfirmed, depositReverted, depositSeen, sweepConfirmed } from './deposit-events';
import type { AnyEventContract } from './event-contract';
import { credentialIssued, credentialRestricted, credentialRevoked } from './identity-events';
import {
  institutionTransferFailed,
  institutionTransferReturned,
  institutionTransferSettled,
  institutionTransferStatusChanged,
} from './institution-transfer-events';
import { intentPaid, intentStatusChanged, intentUnderpaid, paymentReceived, receiptMoved } from './intent-events';
import { transactionPosted, transferStatusChanged } from './ledger-events';
import { paymentStatusChanged, providerPaymentReceived, providerPaymentReturned } from './payment-events';
import { sendFinal, sendStatusChanged, sweepReceived, walletFunded } from './send-events';
import { settlementCompleted, settlementInstructed } from './settlement-events';

/** Every published event. What is not listed here is not documented, has no fixture and must not be published. */
export const eventContracts: readonly AnyEventContract[] = [
  credentialIssued,
  credentialRestricted,
  credentialRevoked,
  depositSeen,
  depositConfirmed,
  depositReverted,
  sweepConfirmed,
  intentStatusChanged,
  paymentReceived,
  intentPaid,
  intentUnderpaid,
  receiptMoved,
  paymentStatusChanged,
  providerPaymentReceived,
  providerPaymentReturned,
  transactionPosted,
  transferStatusChanged,
  settlementInstructed,
  settlementCompleted,
  institutionTransferStatusChanged,
  institutionTransferSettled,
  institutionTransferFailed,
  institutionTransferReturned,
  sendStatusChanged,
  sendFinal,
  walletFunded,
  sweepReceived,
];

/** Who runs in the distributed form, and who asks whom and waits for the answer. */
import {
  credentialIssued,
  depositConfirmed,
  depositSeen,
  institutionTransferSettled,
  institutionTransferStatusChanged,
  intentPaid,
  intentStatusChanged,
  paymentReceived,
  paymentStatusChanged,
  providerPaymentReceived,
  sendFinal,
  sendStatusChanged,
  settlementCompleted,
  settlementInstructed,
  transactionPosted,
  transferStatusChanged,
} from '@daybook/contracts';

export const services = [
  'identity',
  'ledger',
  'chain-watcher',
  'settlement',
  'notifications',
  'intents',
  'gateway',
] as const;
export type ServiceName = (typeof services)[number];

export const calls: readonly (readonly [from: ServiceName | 'clients', to: ServiceName])[] = [
  ['clients', 'gateway'],
  ['gateway', 'identity'],
  ['gateway', 'ledger'],
  ['gateway', 'chain-watcher'],
  ['gateway', 'settlement'],
  ['gateway', 'notifications'],
  ['gateway', 'intents'],
  ['intents', 'chain-watcher'],
  ['settlement', 'ledger'],
];

/** The schema of a service in the database. */
export const schemaOf = (service: string): string => service.replaceAll('-', '_');

/** What each service reads of others. */
export const consumerGroups: readonly { readonly group: string; readonly topic: string }[] = [
  { group: 'gateway.credentials', topic: credentialIssued.topic },
  { group: 'intents.deposits', topic: depositSeen.topic },
  { group: 'intents.ledger-transactions', topic: transactionPosted.topic },
  { group: 'intents.settlements', topic: settlementCompleted.topic },
  { group: 'ledger.institution-transfers', topic: institutionTransferSettled.topic },
  { group: 'ledger.intents', topic: paymentReceived.topic },
  { group: 'ledger.payments', topic: providerPaymentReceived.topic },
  { group: 'ledger.sends', topic: sendFinal.topic },
  { group: 'ledger.settlements', topic: settlementInstructed.topic },
  { group: 'notifications.institution-transfers', topic: institutionTransferStatusChanged.topic },
  { group: 'notifications.intents', topic: intentStatusChanged.topic },
  { group: 'notifications.payments', topic: paymentStatusChanged.topic },
  { group: 'notifications.sends', topic: sendStatusChanged.topic },
  { group: 'notifications.transfers', topic: transferStatusChanged.topic },
  { group: 'settlement.deposits', topic: depositConfirmed.topic },
  { group: 'settlement.intents', topic: intentPaid.topic },
  { group: 'settlement.ledger-transactions', topic: transactionPosted.topic },
];

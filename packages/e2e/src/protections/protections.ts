import { edgeProtections } from './edge-protections';
import { ledgerProtections } from './ledger-protections';
import { messagingProtections } from './messaging-protections';
import { paymentProtections } from './payment-protections';
import { payoutProtections } from './payout-protections';
import type { Protection } from './protection';
import { storeProtections } from './store-protections';

/** All of them, in the order of the report. */
export const protections: readonly Protection[] = [
  ...storeProtections,
  ...messagingProtections,
  ...ledgerProtections,
  ...paymentProtections,
  ...payoutProtections,
  ...edgeProtections,
];

import type { IntentCommand } from '../src/domain/payment-intent';

/** The first command of an intent that is open for a second. */
export const createSample: Extract<IntentCommand, { type: 'CreateIntent' }> = {
  type: 'CreateIntent',
  intentId: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11',
  mode: 'sandbox',
  orderId: 'INV_1',
  currency: 'USDT_TRC20',
  asset: 'USDT_TRC20',
  amount: 10n,
  paymentAddress: 'TAddress',
  createdAt: '2026-03-01T10:00:00.000Z',
  expiresAt: '2026-03-01T10:00:01.000Z',
};

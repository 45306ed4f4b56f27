import { assetCodes, assets, formatAmount } from '@daybook/money';
import fc from 'fast-check';
import {
  institutionTransferTransaction,
  paymentTransaction,
  sendTransaction,
  shownOfTransaction,
  transactionPayload,
  type InstitutionTransferFact,
  type PaymentFact,
  type SendFact,
} from './payloads';

const common = {
  transactionId: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  tenantId: '6f1d7a52-3c0b-4a0e-9a53-0c1f2e3d4b5a',
  mode: 'live',
  number: 458,
  userNumber: 123,
  failure: 'closed account of John Doe',
  createdAt: '2026-02-11T10:00:00.000Z',
  updatedAt: '2026-02-11T10:05:00.000Z',
} as const;

const payment: PaymentFact = {
  ...common,
  gatewayId: '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e',
  gatewayNumber: 3,
  provider: 'stripe',
  asset: 'USD',
  amount: 10_000n,
  amountReceived: 10_000n,
  status: 'completed',
  exceptions: [],
  providerReference: 'pi_1234567890',
};

const send: SendFact = {
  ...common,
  asset: 'ETH',
  amount: 100_000_000_000_000_001n,
  useContract: true,
  status: 'completed',
  chain: 'evm-1',
  fromAddress: '0xABcdEF1234567890abcdEF1234567890aBcDeF12',
  toAddress: '0x1234567890AbcdEF1234567890aBcdef12345678',
  hash: '0x1a1a',
  blockNumber: 12_345_678,
  gasUsed: 21_000n,
  gasPrice: 9_007_199_254_740_993n,
  fee: 105_000_000_000_000n,
  feeAsset: 'ETH',
};

const transfer: InstitutionTransferFact = {
  ...common,
  institutionId: '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e',
  institutionNumber: 5,
  asset: 'USD',
  amount: 50_000n,
  transferId: 'TRF4G7Q1ZK0WB8N3RDC5VYM',
  bank: 'iso20022',
  status: 'returned',
  exceptions: [],
  institutionReference: 'REF1',
};

const times = '"created_at":"2026-02-11T10:00:00.000Z","updated_at":"2026-02-11T10:05:00.000Z"';
const ends = '"sequence":9007199254740993,"occurred_at":"2026-02-11T10:05:00.000Z"}';

describe('a transaction as its partner is told of it', () => {
  test("a payment has the gateway's number and the provider's reference", () => {
    expect(transactionPayload('transaction.completed', paymentTransaction(payment), '9007199254740993')).toBe(
      '{"event":"transaction.completed","id":458,"transaction_id":"TX4G7Q1ZK0WB8N3RDC5VYM","amount":100.00,' +
        `"currency":"USD","type":"payment","status":"completed","eth_transaction_hash":null,${times},` +
        `"gateway_id":3,"gateway_reference":"pi_1234567890",${ends}`,
    );
  });

  test('a payment of which another amount was taken says so', () => {
    const differing = paymentTransaction({ ...payment, amountReceived: 6_000n, exceptions: ['amount_differs'] });
    expect(transactionPayload('transaction.completed', differing, '1')).toContain(
      '"gateway_reference":"pi_1234567890","amount_received":60.00,"exceptions":["amount_differs"],',
    );
  });

  test('a payment of which some went back says how much', () => {
    const back = { status: 'refunded', returned: { refunded: 4_000n, chargedBack: 6_000n } } as const;
    const disputed = paymentTransaction({ ...payment, ...back, exceptions: ['disputed'] });
    expect(transactionPayload('transaction.refunded', disputed, '1')).toContain(
      '"amount_received":100.00,"exceptions":["disputed"],"amount_refunded":40.00,"amount_charged_back":60.00,',
    );
  });

  test('a send has what the chain says of it, digit by digit', () => {
    expect(transactionPayload('transaction.completed', sendTransaction(send), '9007199254740993')).toBe(
      '{"event":"transaction.completed","id":458,"transaction_id":"TX4G7Q1ZK0WB8N3RDC5VYM",' +
        '"amount":0.100000000000000001,"currency":"ETH","type":"settlement","status":"completed",' +
        `"eth_transaction_hash":"0x1a1a",${times},"blockchain_transaction":{"eth_tx_hash":"0x1a1a",` +
        '"from_address":"0xABcdEF1234567890abcdEF1234567890aBcDeF12","gas_used":21000,' +
        `"gas_price":9007199254740993,"block_number":12345678,"status":"confirmed"},${ends}`,
    );
    expect(sendTransaction({ ...send, useContract: false, hash: null })).toMatchObject({
      type: 'withdrawal',
      eth_transaction_hash: null,
      blockchain_transaction: null,
    });
  });

  test("a transfer has the institution's number and references, and is refunded when it came back", () => {
    const told = institutionTransferTransaction(transfer);
    expect(transactionPayload('transaction.refunded', told, '9007199254740993')).toBe(
      '{"event":"transaction.refunded","id":458,"transaction_id":"TX4G7Q1ZK0WB8N3RDC5VYM","amount":500.00,' +
        `"currency":"USD","type":"transfer","status":"refunded","eth_transaction_hash":null,${times},` +
        `"transfer_id":"TRF4G7Q1ZK0WB8N3RDC5VYM","institution_id":5,"institution_reference":"REF1",${ends}`,
    );
  });

  test('nothing about people is in it: no recipient, no user, no reason in the words of others', () => {
    for (const told of [paymentTransaction(payment), sendTransaction(send), institutionTransferTransaction(transfer)]) {
      const text = transactionPayload('transaction.failed', told, '1');
      for (const secret of [send.toAddress, 'John Doe', '123,', 'user', 'failure', common.tenantId])
        expect(text).not.toContain(secret);
    }
  });

  test('amounts are written from their minor units, whatever a double would make of them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 30n }), fc.constantFrom(...assetCodes), (amount, asset) => {
        const text = transactionPayload('transaction.pending', sendTransaction({ ...send, amount, asset }), '1');
        expect(text).toContain(`"amount":${formatAmount(amount, assets[asset].scale)},`);
      }),
    );
  });

  test('what a receiver could act on is shown, and what only moves its time is not', () => {
    const shown = (fact: Partial<PaymentFact>) => shownOfTransaction(paymentTransaction({ ...payment, ...fact }));
    const same = [{ updatedAt: '2026-02-12T00:00:00.000Z' }, { amountReceived: 9_999n }];
    expect(same.map(shown)).toEqual(same.map(() => shown({})));
    expect(shown({ status: 'failed' })).not.toBe(shown({}));
    expect(shown({ providerReference: null })).not.toBe(shown({}));
    expect(shown({ exceptions: ['amount_differs'] })).not.toBe(shown({}));
  });
});

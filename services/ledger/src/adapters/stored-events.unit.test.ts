import { decodeBookEvent, encodeBookEvent, genesisHash } from './stored-events';

const at = '2026-01-01T00:00:00.000Z';
const tenant = '11111111-1111-4111-8111-111111111111';
const reversed = {
  type: 'TransferReversed',
  reversalId: 'RV1',
  contentHash: '1'.repeat(64),
  transfer: {
    transferId: 't',
    debitTenantId: tenant,
    debitAccountId: 'a',
    creditTenantId: tenant,
    creditAccountId: 'b',
    asset: 'TXC',
    amount: 5n,
    referenceId: 'r',
    acceptedAt: at,
  },
  transactionId: 'reversal:t',
  reversed: `0x${'2'.repeat(64)}`,
  rule: 'transfer-reversal@1',
  actor: 'operator',
  entries: [
    { accountId: 'b', asset: 'TXC', direction: 'debit', amount: 5n },
    { accountId: 'a', asset: 'TXC', direction: 'credit', amount: 5n },
  ],
  at,
} as const;

test('a reversal that was stored before callers named theirs is read as one without a name', () => {
  const stored = encodeBookEvent(reversed, genesisHash);
  expect(decodeBookEvent(stored).event).toEqual(reversed);
  const {
    reversalId: _id,
    contentHash: _hash,
    ...before
  } = JSON.parse(stored.payload.toString()) as object & {
    reversalId: string;
    contentHash: string;
  };
  const payload = Buffer.from(JSON.stringify(before));
  expect(decodeBookEvent({ ...stored, payload }).event).toEqual({ ...reversed, reversalId: null, contentHash: null });
});

import { ownedAccount, custodyAccount, issuanceAccount, type AccountFields } from '../src/domain/account';
import type { BookEvent, TransferFields } from '../src/domain/book-events';
import { sha256Hex, uuidFrom } from '@daybook/runtime';

export const alice = uuidFrom(['tenant', 'alice']);
export const bob = uuidFrom(['tenant', 'bob']);

export const hashOf = (id: string) => sha256Hex(id);
type Unplaced<Event> = Event extends unknown ? Omit<Event, 'at'> : never;
export type Posted = Extract<BookEvent, { type: 'TransactionPosted' }>;
type Entries = Posted['entries'];

export const wallet = (accountId: string, tenantId: string): AccountFields => ({
  accountId,
  tenantId,
  asset: 'TXC',
  accountType: 'liability',
  floor: 0n,
  ceiling: null,
  metadata: null,
});

export const opened = (fields: AccountFields): Unplaced<BookEvent> => ({
  type: 'AccountOpened',
  rule: null,
  actor: fields.tenantId === null ? null : 'operator',
  ...fields,
});

export const entriesOf = (debit: string, credit: string, amount: bigint, asset: 'TXC' | 'SOL' = 'TXC'): Entries => [
  { accountId: debit, asset, direction: 'debit', amount },
  { accountId: credit, asset, direction: 'credit', amount },
];

export function posted(transactionId: string, entries: Entries, more: Partial<Posted> = {}): Omit<Posted, 'at'> {
  return {
    type: 'TransactionPosted',
    transactionId,
    contentHash: hashOf(transactionId),
    tenantId: null,
    cause: { type: 'posting', id: transactionId, subject: transactionId },
    rule: 'posting@1',
    entries,
    floorBreaches: [],
    ceilingBreaches: [],
    description: null,
    metadata: null,
    actor: null,
    adjustmentFor: null,
    effectiveAt: '2026-01-31T00:00:00.000Z',
    ...more,
  };
}

export function transferOf(transferId: string, amount = 100n): TransferFields {
  return {
    transferId,
    debitTenantId: alice,
    debitAccountId: 'wallet-alice',
    creditTenantId: bob,
    creditAccountId: 'wallet-bob',
    asset: 'TXC',
    amount,
    referenceId: `for ${transferId}`,
    acceptedAt: '2026-02-01T00:00:00.000Z',
  };
}

export const accepted = (transfer: TransferFields): Unplaced<BookEvent> => ({
  type: 'TransferAccepted',
  transfer,
  contentHash: hashOf(transfer.transferId),
  note: transfer.transferId === 't-confirmed' ? 'encrypted' : null,
});

export const confirmed = (transfer: TransferFields): Unplaced<BookEvent> => ({
  type: 'TransferConfirmed',
  transfer,
  rule: 'transfer@1',
  entries: entriesOf(transfer.debitAccountId, transfer.creditAccountId, transfer.amount),
});

const first = Date.parse('2026-02-01T00:00:00.000Z');

/** One a second, from the place of the first. */
export function dated(events: readonly Unplaced<BookEvent>[], from = 0): BookEvent[] {
  return events.map(
    (event, index) => ({ ...event, at: new Date(first + (from + index) * 1_000).toISOString() }) as BookEvent,
  );
}

const held = { tenantId: alice, accountId: 'wallet-alice', asset: 'TXC' } as const;
const placed = (holdId: string, amount: bigint): Unplaced<BookEvent> => ({
  type: 'HoldPlaced',
  holdId,
  contentHash: hashOf(holdId),
  ...held,
  amount,
  expiresAt: '2026-02-02T00:00:00.000Z',
  metadata: { order: '7', at: 'here' },
  actor: 'alice',
});

/** A book with events of every kind, each of them valid. */
export function validHistory(): readonly BookEvent[] {
  const [done, failed, reversed, open] = ['t-confirmed', 't-failed', 't-reversed', 't-open'].map((id) =>
    transferOf(id),
  );
  const clearing = ownedAccount('clearing', alice, 'SOL');
  const merchant = ownedAccount('merchant', alice, 'SOL');
  return dated([
    opened(wallet('wallet-alice', alice)),
    opened({ ...wallet('wallet-bob', bob), metadata: { kind: 'wallet' }, ceiling: 100_000n }),
    opened(issuanceAccount('TXC')),
    opened(custodyAccount('sim', 'SOL')),
    opened(clearing),
    opened(merchant),
    posted('issue', entriesOf('issuance:TXC', 'wallet-alice', 10_000n)),
    posted('deposit', entriesOf('custody:sim:SOL', clearing.accountId, 500n, 'SOL'), {
      cause: { type: 'intent_payment', id: 'deposit', subject: 'intent' },
      effectiveAt: '2026-01-31T12:00:00.000Z',
    }),
    posted('settled', entriesOf(clearing.accountId, merchant.accountId, 500n, 'SOL'), {
      cause: { type: 'settlement', id: 'settled', subject: 'intent' },
      description: 'January',
      metadata: { bill: '12', shop: 'Zürich 😀 e\u0301' },
      actor: 'operator',
    }),
    ...[done!, failed!, reversed!, open!].map(accepted),
    confirmed(done!),
    { type: 'TransferFailed', transfer: failed!, reason: 'recipient_frozen' },
    confirmed(reversed!),
    {
      type: 'TransferReversed',
      reversalId: 'r-transfer',
      contentHash: hashOf('r-transfer'),
      transfer: reversed!,
      transactionId: 'r-transfer',
      reversed: `0x${hashOf('confirmation')}`,
      rule: 'transfer-reversal@1',
      actor: 'operator',
      entries: entriesOf('wallet-bob', 'wallet-alice', 100n),
    },
    {
      type: 'AccountFrozen',
      changeId: 'freeze',
      contentHash: hashOf('freeze'),
      accountId: 'wallet-bob',
      actor: 'operator',
    },
    { type: 'AccountUnfrozen', changeId: null, contentHash: null, accountId: 'wallet-bob', actor: 'operator' },
    placed('h-captured', 60n),
    placed('h-released', 50n),
    placed('h-expired', 40n),
    placed('h-open', 30n),
    {
      type: 'HoldCaptured',
      captureId: 'c-1',
      contentHash: hashOf('c-1'),
      holdId: 'h-captured',
      ...held,
      // By an operator: a tenant's own captures stay on its accounts.
      tenantId: null,
      amount: 35n,
      released: 25n,
      remaining: 0n,
      rule: 'hold-capture@1',
      entries: entriesOf('wallet-alice', 'wallet-bob', 35n),
      actor: 'alice',
    },
    {
      type: 'HoldReleased',
      releaseId: 'l-1',
      contentHash: hashOf('l-1'),
      holdId: 'h-released',
      ...held,
      amount: 50n,
      actor: 'alice',
    },
    { type: 'HoldExpired', holdId: 'h-expired', ...held, amount: 40n, expiresAt: '2026-02-02T00:00:00.000Z' },
    {
      type: 'TransactionReversed',
      reversalId: 'r-issue',
      contentHash: hashOf('r-issue'),
      transactionId: 'issue',
      reversed: `0x${hashOf('issue')}`,
      tenantId: null,
      amount: 1_000n,
      remaining: 9_000n,
      rule: 'reversal@1',
      entries: entriesOf('wallet-alice', 'issuance:TXC', 1_000n),
      actor: 'operator',
    },
    {
      type: 'AccountLimitsSet',
      changeId: 'limits',
      contentHash: hashOf('limits'),
      accountId: 'wallet-bob',
      floor: -100n,
      ceiling: 100n,
      actor: 'operator',
    },
    posted('beyond', entriesOf('wallet-alice', 'wallet-bob', 10n), { ceilingBreaches: ['wallet-bob'] }),
    {
      type: 'PeriodClosed',
      closeId: 'january',
      contentHash: hashOf('january'),
      through: '2026-01-31T23:59:59.999Z',
      openFrom: '2026-02-01T00:00:00.000Z',
      actor: 'operator',
    },
    {
      type: 'CommandRejected',
      commandId: 'refused',
      commandType: 'AcceptTransfer',
      contentHash: hashOf('refused'),
      rejection: 'insufficient_balance',
      about: null,
      tenantId: alice,
      actor: null,
      request: { amount: '1000000' },
    },
    {
      type: 'CheckpointSigned',
      checkpointId: 'checkpoint',
      contentHash: hashOf('checkpoint'),
      size: 20,
      root: hashOf('root'),
      keyId: 'key',
      checkpoint: 'text',
      signature: 'signature',
    },
  ]);
}

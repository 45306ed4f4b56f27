/** A small journal with one of everything, as the ledger would store it, to be spoilt by tests. */
import { createHash } from 'node:crypto';
import type { RawEvent } from '../src/books-fold';

export type Json = { [field: string]: unknown };
export type Draft = { type: string; data: Json };

export const tenant = '00000000-0000-8000-8000-000000000001';

const transferOf = (transferId: string, amount: string) => ({
  transferId,
  debitTenantId: tenant,
  debitAccountId: 'wallet-a',
  creditTenantId: tenant,
  creditAccountId: 'wallet-b',
  asset: 'TXC',
  amount,
  referenceId: 'r',
  acceptedAt: '2026-01-01T00:00:00.000Z',
});

const entry = (accountId: string, direction: string, amount: string, asset = 'TXC') => ({
  accountId,
  asset,
  direction,
  amount,
});

const account = (accountId: string, accountType: string, floor: string | null, asset = 'TXC'): Draft => ({
  type: 'AccountOpened',
  data: { accountId, tenantId: accountType === 'liability' ? tenant : null, asset, accountType, floor, rule: null },
});

const posted = (transactionId: string, causeType: string, subject: string, entries: Json[]): Draft => ({
  type: 'TransactionPosted',
  data: {
    transactionId,
    contentHash: '0'.repeat(64),
    tenantId: tenant,
    ...(causeType === 'posting' ? {} : { cause: { type: causeType, id: transactionId, subject } }),
    rule: `${causeType}@1`,
    entries,
  },
});

const usdt = 'USDT_ERC20';

/** Wallets a (600 left, 100 of it held) and b (400); an intent of 70 received, 50 of it settled. */
export function sampleDrafts(): Draft[] {
  const moved = transferOf('t1', '400');
  const movement = [entry('wallet-a', 'debit', '400'), entry('wallet-b', 'credit', '400')];
  return [
    account('issuance:TXC', 'equity', null),
    account('wallet-a', 'liability', '0'),
    account('wallet-b', 'liability', '0'),
    posted('i1', 'issuance', 'i1', [entry('issuance:TXC', 'debit', '1000'), entry('wallet-a', 'credit', '1000')]),
    { type: 'TransferAccepted', data: { transfer: moved, contentHash: '0'.repeat(64), note: null } },
    { type: 'TransferConfirmed', data: { transfer: moved, rule: 'transfer@1', entries: movement } },
    {
      type: 'TransferAccepted',
      data: { transfer: transferOf('t2', '50'), contentHash: '0'.repeat(64), note: null },
    },
    { type: 'TransferFailed', data: { transfer: transferOf('t2', '50'), reason: 'recipient_frozen' } },
    {
      type: 'TransferAccepted',
      data: { transfer: transferOf('t3', '100'), contentHash: '0'.repeat(64), note: null },
    },
    account(`custody:ethereum:${usdt}`, 'asset', null, usdt),
    account(`clearing:${tenant}:${usdt}`, 'liability', '0', usdt),
    account(`refundable:${tenant}:${usdt}`, 'liability', '0', usdt),
    posted('d1', 'intent_payment', 'intent-1', [
      entry(`custody:ethereum:${usdt}`, 'debit', '70', usdt),
      entry(`clearing:${tenant}:${usdt}`, 'credit', '50', usdt),
      entry(`refundable:${tenant}:${usdt}`, 'credit', '20', usdt),
    ]),
    account(`merchant:${tenant}:${usdt}`, 'liability', '0', usdt),
    posted('s1', 'settlement', 'intent-1', [
      entry(`clearing:${tenant}:${usdt}`, 'debit', '50', usdt),
      entry(`merchant:${tenant}:${usdt}`, 'credit', '50', usdt),
    ]),
    { type: 'AccountFrozen', data: { changeId: 'f1', contentHash, accountId: 'wallet-b', actor: 'operator' } },
    { type: 'CommandRejected', data: { commandId: 'x', rejection: 'insufficient_balance' } },
    ...operations(),
  ];
}

const contentHash = '0'.repeat(64);

/** A tenant's own books: 90 owed, of which 60 were held, 20 captured, 40 released; 30 posted, 10 of them taken back. */
function operations(): Draft[] {
  const [cash, owed] = [`acct:${tenant}:cash`, `acct:${tenant}:owed`];
  const of = { tenantId: tenant, accountId: owed, asset: 'TXC', actor: 'a', contentHash };
  const capture = [entry(owed, 'debit', '20'), entry(cash, 'credit', '20')];
  return [
    account(cash, 'asset', null),
    account(owed, 'liability', '0'),
    {
      type: 'AccountLimitsSet',
      data: { changeId: 'l1', contentHash, accountId: owed, floor: '0', ceiling: '120', actor: 'a' },
    },
    posted('p1', 'posting', 'p1', [entry(cash, 'debit', '90'), entry(owed, 'credit', '90')]),
    { type: 'HoldPlaced', data: { holdId: 'h1', ...of, amount: '60', expiresAt: null, metadata: null } },
    {
      type: 'HoldCaptured',
      data: {
        captureId: 'k1',
        holdId: 'h1',
        ...of,
        amount: '20',
        released: '0',
        remaining: '40',
        rule: 'hold-capture@1',
        entries: capture,
      },
    },
    { type: 'HoldReleased', data: { releaseId: 'q1', holdId: 'h1', ...of, amount: '40' } },
    posted('p2', 'posting', 'p2', [entry(cash, 'debit', '30'), entry(owed, 'credit', '30')]),
    {
      type: 'PeriodClosed',
      data: {
        closeId: 'c1',
        contentHash,
        through: '2025-12-31T23:59:59.998Z',
        openFrom: '2025-12-31T23:59:59.999Z',
        actor: 'a',
      },
    },
  ];
}

/** Takes back ten of `p2`, the second last of the drafts. */
export function reversalOf(events: readonly RawEvent[], amount = '10', remaining = '20'): Draft {
  const original = events.find(({ payload }) => payload.includes('"transactionId":"p2"'))!;
  const reversed = `0x${createHash('sha256').update(original.payload).digest('hex')}`;
  const [cash, owed] = [`acct:${tenant}:cash`, `acct:${tenant}:owed`];
  const entries = [entry(cash, 'credit', amount), entry(owed, 'debit', amount)];
  const of = { contentHash, tenantId: tenant, rule: 'reversal@1', actor: 'a' };
  return {
    type: 'TransactionReversed',
    data: { reversalId: 'r1', transactionId: 'p2', reversed, amount, remaining, entries, ...of },
  };
}

/** Stored form: sealed type, chain of hashes, exact bytes, and nothing that says nothing. */
export function seal(drafts: readonly Draft[]): RawEvent[] {
  let previousHash = '0'.repeat(64);
  return drafts.map(({ type, data }, index) => {
    const told = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
    const payload = Buffer.from(JSON.stringify({ event: type, ...told, at: '2026-01-01T00:00:00.000Z', previousHash }));
    previousHash = createHash('sha256').update(payload).digest('hex');
    const id = `00000000-0000-8000-8000-${index.toString(16).padStart(12, '0')}`;
    return { id, revision: BigInt(index), type, payload };
  });
}

export const sampleDeposit: Json = {
  intentId: 'intent-1',
  mode: 'sandbox',
  deposit: { asset: usdt, amount: '70' },
};

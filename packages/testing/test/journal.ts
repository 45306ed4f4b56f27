/** A small journal with one of everything, as the ledger would store it, to be spoilt by tests. */
import { createHash } from 'node:crypto';
import type { RawEvent } from '../src/books-journal';

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
    cause: { type: causeType, id: transactionId, subject },
    rule: `${causeType}@1`,
    entries,
    floorBreaches: [],
    effectiveAt: '2026-01-01T00:00:00.000Z',
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
    { type: 'AccountFrozen', data: { accountId: 'wallet-b', actor: 'operator' } },
    { type: 'CommandRejected', data: { commandId: 'x', rejection: 'insufficient_balance' } },
  ];
}

/** Stored form: sealed type, chain of hashes, exact bytes. */
export function seal(drafts: readonly Draft[]): RawEvent[] {
  let previousHash = '0'.repeat(64);
  return drafts.map(({ type, data }, index) => {
    const payload = Buffer.from(JSON.stringify({ event: type, ...data, at: '2026-01-01T00:00:00.000Z', previousHash }));
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

/** Every unit that an intent received stands in the ledger as settled, awaiting settlement, held, owed back or in suspense. */
import type { Book, RawEvent, Violation } from './books-fold';

export type IntentEvent = Pick<RawEvent, 'type' | 'payload'> & { readonly stream: string };

type Confirmed = {
  readonly intentId: string;
  readonly mode: string;
  readonly deposit: { readonly asset: string; readonly amount: string };
};

const purposes = /^(clearing|merchant|held|refundable|suspense):/;
const causes = ['intent_payment', 'intent_receipt', 'intent_underpaid', 'receipt_move', 'settlement'];

export function compareIntents(books: readonly Book[], events: readonly IntentEvent[]): readonly Violation[] {
  const received = new Map<string, bigint>();
  for (const { type, payload } of events) {
    if (type !== 'DepositConfirmed') continue;
    const { intentId, mode, deposit } = JSON.parse(payload.toString('utf8')) as Confirmed;
    add(received, [`book-${mode}`, intentId, deposit.asset].join(' '), BigInt(deposit.amount));
  }
  const booked = new Map<string, bigint>();
  for (const { stream, transactions } of books) {
    for (const { causeType, subject, entries } of transactions) {
      if (!causes.includes(causeType)) continue;
      for (const { accountId, asset, direction, amount } of entries) {
        if (!purposes.test(accountId)) continue;
        add(booked, [stream, subject, asset].join(' '), direction === 'credit' ? amount : -amount);
      }
    }
  }
  return [...new Set([...received.keys(), ...booked.keys()])].flatMap((key) => {
    const [came = 0n, stands = 0n] = [received.get(key), booked.get(key)];
    const [where = '', intentId, asset] = key.split(' ');
    const message = `intent ${intentId} received ${came} ${asset}, of which ${stands} are in the ledger`;
    return came === stands ? [] : [{ rule: 'intent', where, message } as const];
  });
}

function add(sums: Map<string, bigint>, key: string, amount: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + amount);
}

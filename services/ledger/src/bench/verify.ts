/**
 * Whether a book is what was acknowledged, read with nothing of the ledger's own code: every event in its place, each
 * carrying the hash of the bytes before it, debits equal to credits. A rate counts only if this holds.
 */
import { assert } from '@daybook/core';
import type { EventStore } from '@daybook/event-store';
import { createHash } from 'node:crypto';

type Stored = {
  readonly previousHash: string;
  readonly entries?: readonly { readonly accountId: string; readonly direction: string; readonly amount: string }[];
};

export type Verified = {
  readonly events: number;
  /** Credits less debits, of each account that has entries. */
  readonly balances: ReadonlyMap<string, bigint>;
};

export async function verifyBook(store: EventStore, stream: string, expectedEvents: number): Promise<Verified> {
  const balances = new Map<string, bigint>();
  let previous = '0'.repeat(64);
  let events = 0;
  let debits = 0n;
  let credits = 0n;
  for await (const batch of store.scanStream(stream)) {
    for (const { payload, revision } of batch) {
      assert(revision === BigInt(events), `revision ${revision} stands at ${events}`);
      const stored = JSON.parse(payload.toString()) as Stored;
      assert(stored.previousHash === previous, `the chain breaks at ${revision}`);
      previous = createHash('sha256').update(payload).digest('hex');
      events += 1;
      for (const { accountId, direction, amount } of stored.entries ?? []) {
        const units = BigInt(amount);
        if (direction === 'debit') debits += units;
        else credits += units;
        balances.set(accountId, (balances.get(accountId) ?? 0n) + (direction === 'debit' ? -units : units));
      }
    }
  }
  assert(events === expectedEvents, `${events} events are stored, ${expectedEvents} were acknowledged`);
  assert(debits === credits, `debits of ${debits}, credits of ${credits}`);
  return { events, balances };
}

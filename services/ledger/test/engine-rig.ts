import { OperationalError } from '@daybook/core';
import { memoryEventStore, type EventStore } from '@daybook/event-store';
import type { Clock } from '@daybook/runtime';
import { fakeClock, testLogger } from '@daybook/testing';
import { bookJournal } from '../src/adapters/book-journal';
import { createEngine, type Engine } from '../src/app/engine';
import type { BookCommand } from '../src/domain/book';

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const stream = 'book-sandbox';

type Setup = {
  readonly batchMax?: number;
  readonly queueMax?: number;
  readonly follows?: boolean;
  readonly now?: Clock;
};

export function engineOn(store: EventStore, { batchMax, queueMax, follows = false, now }: Setup = {}) {
  const fatal: unknown[] = [];
  const { logger, lines } = testLogger();
  const engine = createEngine({
    stream,
    openJournal: (name) => bookJournal(store, name),
    now: now ?? fakeClock('2026-01-01T00:00:00.000Z'),
    logger,
    onFatal: (error) => fatal.push(error),
    retryDelaysMs: [1],
    ...(batchMax === undefined ? {} : { batchMax }),
    ...(queueMax === undefined ? {} : { queueMax }),
    ...(follows ? { onAppend: (wake: () => void) => store.onAppend(wake) } : {}),
  });
  return { engine, fatal, lines };
}

/** A store whose one method fails while it is away. */
export function storeThatIsAway(method: 'append' | 'readStream', away: () => boolean): EventStore {
  const inner = memoryEventStore();
  const unless = async <Answer>(answer: () => Promise<Answer>) => {
    if (away()) throw new OperationalError('store_unavailable', true);
    return answer();
  };
  return method === 'append'
    ? { ...inner, append: (...args) => unless(() => inner.append(...args)) }
    : { ...inner, readStream: (...args) => unless(() => inner.readStream(...args)) };
}

export const open = (accountId: string): BookCommand => ({
  type: 'OpenAccount',
  accountId,
  tenantId,
  asset: 'TXC',
  accountType: 'liability',
  floor: 0n,
});
export const issue = (amount: bigint): BookCommand => ({
  type: 'IssueFunds',
  transactionId: 'issue',
  contentHash: '0'.repeat(64),
  accountId: 'a',
  asset: 'TXC',
  amount,
});
export const transfer = (transferId: string, amount = 1n): BookCommand => ({
  type: 'AcceptTransfer',
  transferId,
  contentHash: 'f'.repeat(64),
  tenantId,
  debitAccountId: 'a',
  creditAccountId: 'b',
  asset: 'TXC',
  amount,
  referenceId: '',
  note: null,
});

export async function funded(engine: Engine, amount: bigint): Promise<void> {
  await engine.start();
  await Promise.all([open('a'), open('b'), issue(amount)].map((command) => engine.submit(command)));
}

export const balances = (engine: Engine) =>
  engine.read((state) => {
    const { posted, held } = state.accounts.get('a')!;
    return { posted, held };
  });

/** A store whose appends can be held back, and fail in the ways that real ones do. */
export function unruly(inner: EventStore) {
  const plan: ('through' | 'lost before' | 'lost on the way' | 'lost after')[] = [];
  const sizes: number[] = [];
  let gate: Promise<void> = Promise.resolve();
  const store: EventStore = {
    ...inner,
    async append(name, events, expected) {
      sizes.push(events.length);
      await gate;
      const fate = plan.shift() ?? 'through';
      if (fate === 'lost before') throw new OperationalError('store_unavailable', true);
      if (fate === 'lost on the way') throw new OperationalError('outcome_unknown', true);
      const appended = await inner.append(name, events, expected);
      if (fate === 'lost after') throw new OperationalError('outcome_unknown', true);
      return appended;
    },
  };
  return {
    store,
    plan,
    sizes,
    hold() {
      let release!: () => void;
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
  };
}

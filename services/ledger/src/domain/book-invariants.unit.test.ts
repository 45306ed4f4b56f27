import fc from 'fast-check';
import { anyStep, entriesOf, place, play, timeAt, type Ruled } from '../../test/book-play';
import { availableOf, effectOf, isOwnAccount, type Account } from './account';
import { decide } from './book';
import { recordIdsNeeded, type BookCommand } from './book-commands';
import type { BookEvent } from './book-events';
import { apply, emptyBook, fork, type BookState, type WorkingState } from './book-state';
import { decideBulk } from './bulk';
import { isOpen, recordIdsOf, recordsFrom, type BookRecord } from './records';
import { reasonOf, type Verdict } from './verdict';

const steps = fc.array(anyStep, { maxLength: 100, size: 'max' });
const runs = (numRuns: number) => ({ numRuns });
const end = timeAt(1_000);

type EventOf<Type extends BookEvent['type']> = Extract<BookEvent, { type: Type }>;

function eventsOf<Type extends BookEvent['type']>(log: readonly BookEvent[], type: Type): readonly EventOf<Type>[] {
  return log.filter((event): event is EventOf<Type> => event.type === type);
}

function recorded({ verdict }: Ruled): readonly BookEvent[] {
  return verdict.type === 'recorded' ? verdict.events : [];
}

function isRecording(command: BookCommand): boolean {
  return command.type === 'PostFact' || (command.type === 'PostTransaction' && command.mode === 'recording');
}

const openStay = (_id: string, record: BookRecord) => (isOpen(record) ? 'apart' : 'forgotten');
const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

function changesOf(event: BookEvent, accounts: BookState['accounts']): Map<Account, bigint> {
  const changes = new Map<Account, bigint>();
  for (const entry of entriesOf(event)) {
    const account = accounts.get(entry.accountId)!;
    changes.set(account, (changes.get(account) ?? 0n) + effectOf(entry, account.accountType));
  }
  return changes;
}

describe('book', () => {
  test('B1: the entries of an event are positive and balance per asset', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        for (const event of play(ss).log) {
          const sums = new Map<string, bigint>();
          for (const { asset, direction, amount } of entriesOf(event)) {
            expect(amount).toBeGreaterThan(0n);
            sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? amount : -amount));
          }
          for (const total of sums.values()) expect(total).toBe(0n);
        }
      }),
      runs(200),
    );
  });

  test('B2: posted balances are the sums of the entries, by a second model that only adds up lists', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        const all = log.flatMap(entriesOf);
        for (const account of state.accounts.values()) {
          const own = all.filter(({ accountId }) => accountId === account.accountId);
          const of = (side: string) =>
            sum(own.filter(({ direction }) => direction === side).map(({ amount }) => amount));
          const raisedByDebit = account.accountType === 'asset' || account.accountType === 'expense';
          expect(account.posted).toBe(raisedByDebit ? of('debit') - of('credit') : of('credit') - of('debit'));
          expect(account.version).toBe(own.length);
        }
      }),
      runs(200),
    );
  });

  test('B3: no authorizing movement or hold breaks a limit', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const before = new Map<string, { available: bigint; posted: bigint }>();
        play(ss, {
          after(ruled, { accounts }) {
            for (const account of isRecording(ruled.command) ? [] : accounts.values()) {
              const was = before.get(account.accountId) ?? { available: 0n, posted: 0n };
              const { floor, ceiling, posted } = account;
              if (floor !== null && availableOf(account) < was.available)
                expect(availableOf(account)).toBeGreaterThanOrEqual(floor);
              if (ceiling !== null && posted > was.posted) expect(posted).toBeLessThanOrEqual(ceiling);
            }
            for (const account of accounts.values())
              before.set(account.accountId, { available: availableOf(account), posted: account.posted });
          },
        });
      }),
      runs(200),
    );
  });

  test('B3: spending a balance in powers of two at once takes what fits and never goes below the floor', () => {
    const spender = (index: number, amount: bigint): BookCommand => ({
      type: 'PostTransaction',
      transactionId: `spend-${index}`,
      contentHash: 'h',
      tenantId: null,
      mode: 'authorizing',
      entries: [
        { accountId: 'a', asset: 'TXC', direction: 'debit', amount },
        { accountId: 'b', asset: 'TXC', direction: 'credit', amount },
      ],
      effectiveAt: null,
      closedPeriod: 'refuse',
      description: null,
      metadata: null,
      actor: 'op',
    });
    const exponents = fc.array(fc.nat(8), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 511n }),
        fc.bigInt({ min: -64n, max: 0n }),
        exponents,
        (funds, floor, es) => {
          const issue = {
            type: 'IssueFunds',
            transactionId: 'i',
            contentHash: 'h',
            accountId: 'a',
            asset: 'TXC',
          } as const;
          const limit = {
            type: 'SetAccountLimits',
            changeId: 'l',
            contentHash: 'h',
            tenantId: null,
            accountId: 'a',
          } as const;
          const commands: BookCommand[] = [
            ...(funds === 0n ? [] : [{ ...issue, amount: funds }]),
            { ...limit, floor, ceiling: null, actor: 'op' },
            ...es.map((exponent, index) => spender(index, 2n ** BigInt(exponent))),
          ];
          const { state, ruled } = play(
            commands.map((command) => ({ after: 0, pick: 0, command })),
            {
              after: (_one, { accounts }) =>
                expect(availableOf(accounts.get('a')!)).toBeGreaterThanOrEqual(floor < 0n ? floor : 0n),
            },
          );
          let left = funds;
          for (const { command, verdict } of ruled) {
            if (command.type !== 'PostTransaction') continue;
            const { amount } = command.entries[0]!;
            const fits = left - amount >= floor;
            expect(reasonOf(verdict)?.rejection ?? null).toBe(fits ? null : 'insufficient_balance');
            if (fits) left -= amount;
          }
          expect(state.accounts.get('a')!.posted).toBe(left);
        },
      ),
      runs(200),
    );
  });

  test('B4: held and incoming are the sums of the pending transfers and open holds', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        const resolved = new Set(
          [...eventsOf(log, 'TransferConfirmed'), ...eventsOf(log, 'TransferFailed')].map(
            (each) => each.transfer.transferId,
          ),
        );
        const pending = eventsOf(log, 'TransferAccepted')
          .map(({ transfer }) => transfer)
          .filter(({ transferId }) => !resolved.has(transferId));
        const holds = eventsOf(log, 'HoldPlaced').map((hold) => ({
          ...hold,
          left: hold.amount - takenOf(log, hold.holdId),
        }));
        const openIds = [
          ...pending.map(({ transferId }) => transferId),
          ...holds.filter(({ left }) => left > 0n).map(({ holdId }) => holdId),
        ];
        expect([...state.open].toSorted()).toEqual(openIds.toSorted());
        for (const { accountId, held, incoming } of state.accounts.values()) {
          const from = pending.filter(({ debitAccountId }) => debitAccountId === accountId);
          const to = pending.filter(({ creditAccountId }) => creditAccountId === accountId);
          const own = holds.filter((hold) => hold.accountId === accountId);
          expect(held).toBe(sum(from.map(({ amount }) => amount)) + sum(own.map(({ left }) => left)));
          expect(incoming).toBe(sum(to.map(({ amount }) => amount)));
        }
      }),
      runs(200),
    );
  });

  test('B5: a transfer is resolved at most once, and reversed at most once after it was confirmed', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { log } = play(ss);
        const ids = new Set(log.flatMap((event) => ('transfer' in event ? [event.transfer.transferId] : [])));
        for (const id of ids) {
          const story = log.flatMap((event) =>
            'transfer' in event && event.transfer.transferId === id ? [event.type] : [],
          );
          expect([
            ['TransferAccepted'],
            ['TransferAccepted', 'TransferConfirmed'],
            ['TransferAccepted', 'TransferFailed'],
            ['TransferAccepted', 'TransferConfirmed', 'TransferReversed'],
          ]).toContainEqual(story);
        }
      }),
      runs(200),
    );
  });

  test('B6: a repeat gets the original answer, another content is refused, and neither records anything', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, ruled } = play(ss);
        for (const { command, verdict } of ruled) {
          if (!('contentHash' in command) || command.contentHash === null || verdict.type !== 'recorded') continue;
          const again = decide(state, command, end);
          expect(again.type).toBe('repeated');
          expect(reasonOf(again)).toEqual(reasonOf(verdict));
          const other = { ...command, contentHash: 'other' };
          expect(decide(state, other, end)).toEqual({ type: 'refused', rejection: 'id_reused' });
        }
      }),
      runs(200),
    );
  });

  test('B7: a fact is never refused, and what has no consent names every limit that it breaks', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        play(ss, {
          after(ruled, { accounts }) {
            const { command, verdict } = ruled;
            if (command.type === 'PostFact' && verdict.type !== 'repeated')
              expect([null, 'id_reused']).toContain(verdict.rejection);
            for (const event of eventsOf(recorded(ruled), 'TransactionPosted')) {
              const broken = (isBroken: (account: Account, change: bigint) => boolean) =>
                [...changesOf(event, accounts)]
                  .filter(([account, change]) => isBroken(account, change))
                  .map(([{ accountId }]) => accountId);
              expect(event.floorBreaches).toEqual(
                broken(
                  (account, change) => change < 0n && account.floor !== null && availableOf(account) < account.floor,
                ),
              );
              expect(event.ceilingBreaches).toEqual(
                broken(({ ceiling, posted }, change) => change > 0n && ceiling !== null && posted > ceiling),
              );
            }
          },
        });
      }),
      runs(200),
    );
  });

  test('B8: the events alone give the state', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        const again = emptyBook();
        for (const event of log) apply(again, event, place(again));
        expect(again).toEqual(state);
      }),
      runs(200),
    );
  });

  test('B9: a tenant moves money from its own wallets only, and posts to its own books only', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { ruled, state } = play(ss);
        for (const { command, verdict } of ruled) {
          if (verdict.type !== 'recorded' || verdict.rejection !== null || !('tenantId' in command)) continue;
          const { tenantId } = command;
          if (command.type === 'OpenAccount' || tenantId === null) continue;
          for (const event of verdict.events) {
            if (event.type === 'TransferAccepted') expect(event.transfer.debitTenantId).toBe(tenantId);
            const touched = entriesOf(event).map(({ accountId }) => accountId);
            if ('accountId' in event) touched.push(event.accountId);
            for (const accountId of touched) expect(isOwnAccount(state.accounts.get(accountId)!, tenantId)).toBe(true);
          }
        }
      }),
      runs(200),
    );
  });

  test('B10: a state from a snapshot and its tail has the accounts and the open records of the whole journal', () => {
    fc.assert(
      fc.property(steps, fc.nat(100), (ss, cut) => {
        const { state, log } = play(ss);
        const again = emptyBook();
        for (const [index, event] of log.entries()) {
          // The first turn makes them old, the second forgets them.
          if (index === cut) for (let turn = 0; turn < 2; turn++) again.records.turn(openStay);
          apply(again, event, place(again));
        }
        expect({ ...again, records: null }).toEqual({ ...state, records: null });
        for (const [id, each] of again.records) expect(each).toEqual(state.records.get(id));
        for (const id of state.open) expect(again.records.has(id)).toBe(true);
      }),
      runs(200),
    );
  });

  test('B11: a record is the fold of the events that touch it', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        for (const [id, each] of state.records) expect(recalled(log, [id])).toEqual(new Map([[id, each]]));
      }),
      runs(50),
    );
  });

  test('B12: a fork decides and changes as the book does, and leaves the book as it is', () => {
    fc.assert(
      fc.property(steps, fc.nat(100), (ss, cut) => {
        const { state } = play(ss.slice(0, cut));
        const before = structuredClone(state);
        const copy = fork(state);
        const run = (on: WorkingState) =>
          ss.slice(cut).map(({ command }) => {
            const verdict = decide(on, command, end);
            for (const event of verdict.type === 'recorded' ? verdict.events : []) apply(on, event, place(on));
            return verdict;
          });
        const forked = structuredClone(run(copy));
        expect(state).toEqual(before);
        expect(run(state)).toEqual(forked);
        for (const [id, account] of state.accounts) expect(copy.accounts.get(id)).toEqual(account);
        for (const [id, each] of state.records) expect(copy.records.get(id)).toEqual(each);
        const scalars = ({ length, lastAt, openFrom, checkpointSize }: WorkingState) => ({
          length,
          lastAt,
          openFrom,
          checkpointSize,
        });
        expect(scalars(copy)).toEqual(scalars(state));
      }),
      runs(200),
    );
  });

  test('B13: what is captured, released and expired of a hold is what it held, and nothing follows', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        for (const { holdId, amount, expiresAt } of eventsOf(log, 'HoldPlaced')) {
          const story = log.filter((event) => 'holdId' in event && event.holdId === holdId).slice(1);
          const subject = state.records.get(holdId)!.subject as Extract<BookRecord['subject'], { type: 'hold' }>;
          expect(subject.remaining).toBe(amount - takenOf(log, holdId));
          expect(subject.remaining).toBeGreaterThanOrEqual(0n);
          expect(subject.captured).toBe(sum(eventsOf(story, 'HoldCaptured').map((capture) => capture.amount)));
          expect(subject.status === 'open').toBe(subject.remaining > 0n);
          for (const event of story.slice(0, -1)) expect(event).toMatchObject({ type: 'HoldCaptured', released: 0n });
          for (const { type, at } of story) {
            if (type === 'HoldExpired') expect(expiresAt! <= at).toBe(true);
            if (type === 'HoldCaptured') expect(expiresAt === null || at < expiresAt).toBe(true);
          }
        }
      }),
      runs(200),
    );
  });

  test('B14: a transaction is taken back up to what it moved and no further', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { log, state } = play(ss);
        for (const [id, { subject }] of state.records) {
          if (subject?.type !== 'transaction') continue;
          const back = eventsOf(log, 'TransactionReversed').filter(({ transactionId }) => transactionId === id);
          const total = subject.entries[0]!.amount;
          expect(subject.reversed).toBe(sum(back.map(({ amount }) => amount)));
          expect(subject.reversed).toBeLessThanOrEqual(total);
          if (subject.entries.length > 2) expect([0n, total]).toContain(subject.reversed);
        }
      }),
      runs(200),
    );
  });

  test('B15: nothing becomes effective in a period that was closed before, nor later than it is recorded', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        let openFrom = '';
        for (const event of play(ss).log) {
          if (event.type === 'PeriodClosed') openFrom = event.openFrom;
          if (event.type !== 'TransactionPosted') continue;
          const { adjustmentFor, effectiveAt, at } = event;
          expect(effectiveAt <= at && effectiveAt >= openFrom).toBe(true);
          if (adjustmentFor !== null) expect([adjustmentFor < openFrom, effectiveAt]).toEqual([true, openFrom]);
        }
      }),
      runs(200),
    );
  });

  test('B16: a bulk gives what its commands give one by one; an atomic one gives that or nothing', () => {
    fc.assert(
      fc.property(steps, fc.nat(60), fc.boolean(), (ss, cut, atomic) => {
        const { state } = play(ss.slice(0, cut));
        const before = structuredClone(state);
        const seal = (_event: BookEvent, sequence: number) => place({ ...state, length: sequence }).reference;
        const commands = ss.slice(cut, atomic ? cut + 4 : undefined).map(({ command }) => command);
        const decided = decideBulk(state, commands, { atomic, at: end, seal });
        const bulk = { ...decided, verdicts: decided.verdicts.map(toldOf) };
        expect(state).toEqual(before);
        const events: BookEvent[] = [];
        const verdicts = commands.map((command) => {
          const verdict = decide(state, command, end);
          for (const event of verdict.type === 'recorded' ? verdict.events : []) {
            apply(state, event, place(state));
            events.push(event);
          }
          return toldOf(verdict);
        });
        const index = verdicts.findIndex(({ refusal }) => refusal !== null);
        if (!atomic || index < 0) {
          expect(bulk).toEqual({ events, verdicts, failed: null });
          return;
        }
        const last = verdicts[index]!;
        expect(bulk.failed).toEqual({ index, ...last.refusal });
        expect(bulk.verdicts).toEqual(verdicts.slice(0, index + 1));
        expect(bulk.events).toEqual(last.events);
      }),
      runs(300),
    );
  });

  test('B17: a command needs no records but those that it names', () => {
    fc.assert(
      fc.property(steps, (ss) => {
        const { state, log } = play(ss);
        for (const { command } of ss.slice(-10)) {
          const records = recalled(log, recordIdsNeeded(command));
          expect(decide({ ...state, records }, command, end)).toEqual(decide(state, command, end));
        }
      }),
      runs(50),
    );
  });
});

/** A verdict without the record that it was read from, which goes on changing. */
function toldOf(verdict: Verdict) {
  const { at = '', reference = '' } = verdict.type === 'repeated' ? verdict.outcome : {};
  const events = verdict.type === 'recorded' ? verdict.events : [];
  return { type: verdict.type, refusal: reasonOf(verdict), events, at, reference };
}

function takenOf(log: readonly BookEvent[], id: string): bigint {
  return sum(
    log.map((event) => {
      if (!('holdId' in event) || event.holdId !== id || event.type === 'HoldPlaced') return 0n;
      return event.type === 'HoldCaptured' ? event.amount + event.released : event.amount;
    }),
  );
}

/** The records of these ids as they come back from the journal. */
function recalled(log: readonly BookEvent[], ids: readonly string[]): Map<string, BookRecord> {
  const touching = log.flatMap((event, sequence) =>
    recordIdsOf(event).some((id) => ids.includes(id))
      ? [{ event, place: place({ length: sequence } as WorkingState) }]
      : [],
  );
  return recordsFrom(new Set(ids), touching);
}

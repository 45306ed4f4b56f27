/**
 * The book against a second model that keeps lists and adds them up for every question (test/naive-book.ts): 2,000
 * sequences of 100 commands of every kind. After each command both have the same answer and the same balances.
 */
import fc from 'fast-check';
import { anyStep, play, type Step } from '../../test/book-play';
import { NaiveBook } from '../../test/naive-book';
import type { BookCommand } from './book-commands';
import { bookRejections } from './book-events';
import { reasonOf } from './verdict';

const sequences = 2_000;
const length = 100;

type Compared = ReturnType<NaiveBook['snapshotOf']>;

function expectSame(account: Compared, { posted, held, incoming, frozen, version, floor, ceiling }: Compared): void {
  const isSame =
    account.posted === posted &&
    account.held === held &&
    account.incoming === incoming &&
    account.frozen === frozen &&
    account.version === version &&
    account.floor === floor &&
    account.ceiling === ceiling;
  // Once for each account and command: expect() alone would take as long as both models.
  if (!isSame) expect(account).toMatchObject({ posted, held, incoming, frozen, version, floor, ceiling });
}

/** Returns what came of each command, for the statistics. */
function compare(steps: readonly Step[]): readonly string[] {
  const naive = new NaiveBook();
  const { state, ruled } = play(steps, {
    after({ command, at, verdict }, book) {
      const expected = naive.rule(command, at);
      const isSame = verdict.type === expected.type && (reasonOf(verdict)?.rejection ?? null) === expected.rejection;
      if (!isSame) expect({ command, verdict }).toEqual({ command, verdict: expected });
      if (book.length !== naive.events)
        expect({ command, length: book.length }).toEqual({ command, length: naive.events });
      for (const accountId of accountIdsOf(command)) {
        const account = book.accounts.get(accountId);
        if (account !== undefined) expectSame(account, naive.snapshotOf(accountId));
      }
    },
  });
  expect([...state.accounts.keys()]).toEqual(naive.accounts.map(({ accountId }) => accountId));
  for (const account of state.accounts.values()) expectSame(account, naive.snapshotOf(account.accountId));
  expect(state.openFrom).toBe(naive.openFrom());
  for (const [id, { subject }] of state.records) {
    if (subject?.type === 'hold') expect(subject.remaining).toBe(naive.remaining(id));
    if (subject?.type !== 'transaction') continue;
    const { sides, effectiveAt } = naive.transactions.find((each) => each.id === id)!;
    expect([subject.entries, subject.effectiveAt]).toEqual([sides, effectiveAt]);
  }
  return ruled.map(({ command, verdict }) =>
    `${command.type} ${verdict.type} ${reasonOf(verdict)?.rejection ?? ''}`.trim(),
  );
}

function accountIdsOf(command: BookCommand): ReadonlySet<string> {
  const ids = 'accountId' in command ? [command.accountId] : [];
  if ('creditAccountId' in command) ids.push(command.creditAccountId);
  return new Set('entries' in command ? command.entries.map(({ accountId }) => accountId) : ids);
}

test(`a book rules and counts as the naive model does, over ${sequences} sequences of ${length} commands`, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: length, maxLength: length, size: 'max' }), (steps) => {
      for (const what of compare(steps)) seen.set(what, (seen.get(what) ?? 0) + 1);
    }),
    { numRuns: sequences },
  );
  // The sequences are worth something only if they come to everything that there is.
  const rejections = new Set([...seen.keys()].map((what) => what.split(' ')[2]));
  expect(bookRejections.filter((rejection) => !rejections.has(rejection))).toEqual([]);
  expect([...seen.keys()].filter((what) => what.endsWith(' recorded')).length).toBeGreaterThanOrEqual(17);
}, 120_000);

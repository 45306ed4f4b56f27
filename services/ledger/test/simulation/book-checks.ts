/**
 * What must be true of a book after any run, read from its log alone:
 *
 *   S1  Each event says the hash of the one before it.
 *   S2  The naive model, given the commands in the order of the log, records the same events and comes to the same
 *       balances: nothing is recorded twice under an id, and nothing takes an account below its floor at any version.
 *   S3  A command that was answered as recorded is in the log, was not there when it was asked, and was there when it was
 *       answered; the answer tells its place, time and outcome.
 *   S4  Every other answer is one that the log gives at some moment between the question and the answer: a repeat has the
 *       outcome that is recorded for its id.
 *   S5  A command that was told `store_unavailable` was not recorded by that attempt.
 *   S6  A read shows the log as it was at some moment between the question and the answer.
 *   S7  A snapshot is of a state that the log gives, and a book started from it answers for every id as one that has read
 *       the whole log.
 */
import type { EventStore, StoredEvent } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import type { EngineOutcome } from '../../src/app/engine';
import { bookJournal } from '../../src/adapters/book-journal';
import { verifySnapshot } from '../../src/adapters/book-refold';
import { decodeBookEvent, genesisHash } from '../../src/adapters/stored-events';
import { decide } from '../../src/domain/book';
import type { BookEvent } from '../../src/domain/book-events';
import { apply, emptyBook, type BookState } from '../../src/domain/book-state';
import type { Verdict } from '../../src/domain/verdict';
import { NaiveBook } from '../naive-book';
import { accountsText, type Attempt, type Read } from './book-clients';
import { stream } from './book-processes';
import { certainMemory, type BookTables } from './book-tables';

type Placed = { readonly event: BookEvent; readonly key: string; readonly reference: string };
/** What one command recorded: consecutive events. */
type Recorded = { readonly key: string; readonly first: number; readonly events: Placed[] };

export type Examined = {
  readonly problems: readonly string[];
  readonly events: number;
  readonly recorded: number;
};

export async function examineBook(
  store: EventStore,
  { attempts, reads, tables }: { attempts: readonly Attempt[]; reads: readonly Read[]; tables: BookTables },
): Promise<Examined> {
  const log = await store.readStream(stream);
  const { events, broken } = decodeChain(log);
  if (broken !== undefined) return { problems: [broken], events: log.length, recorded: 0 };
  const recorded = recordedIn(events);
  const outcome = (problems: readonly string[]) => ({ problems, events: events.length, recorded: recorded.length });
  const first = [...replay(recorded, attempts), ...answersOf(recorded, attempts)];
  // The rest folds the log, which takes a sound one.
  if (first.length > 0) return outcome(first);
  const { state, unexplained } = sweep(events, recorded, { attempts, reads });
  return outcome([...unexplained, ...(await snapshotProblems(store, tables, state))]);
}

/** S1. */
function decodeChain(log: readonly StoredEvent[]): { events: Placed[]; broken?: string } {
  let head: string = genesisHash;
  const events: Placed[] = [];
  for (const stored of log) {
    const { event, previousHash } = decodeBookEvent(stored);
    if (previousHash !== head) return { events, broken: `S1: the chain of hashes breaks at ${stored.revision}` };
    head = sha256Hex(stored.payload);
    events.push({ event, key: stored.metadata.correlationId, reference: `0x${head}` });
  }
  return { events };
}

function recordedIn(events: readonly Placed[]): Recorded[] {
  const recorded: Recorded[] = [];
  events.forEach((placed, sequence) => {
    const last = recorded.at(-1);
    if (last?.key === placed.key) last.events.push(placed);
    else recorded.push({ key: placed.key, first: sequence, events: [placed] });
  });
  return recorded;
}

function byKeyOf(recorded: readonly Recorded[]): ReadonlyMap<string, Recorded> {
  return new Map(recorded.map((one) => [one.key, one]));
}

function rejectionIn({ events }: Recorded) {
  const { event } = events.at(-1)!;
  return event.type === 'CommandRejected' ? event.rejection : null;
}

/** S2. */
function replay(recorded: readonly Recorded[], attempts: readonly Attempt[]): string[] {
  const byKey = new Map(attempts.map((attempt) => [attempt.key, attempt]));
  const naive = new NaiveBook();
  const state = emptyBook();
  for (const one of recorded) {
    const { key, first, events } = one;
    const attempt = byKey.get(key);
    if (attempt === undefined) return [`S2: event ${first} is of ${key}, which nobody asked for`];
    const what = `S2: ${key} ${attempt.command.type} at ${first}`;
    const expected = naive.rule(attempt.command, events[0]!.event.at);
    const rejection = rejectionIn(one);
    if (expected.type !== 'recorded' || expected.rejection !== rejection)
      return [`${what} is ${rejection ?? 'done'}; the model says ${expected.type} ${expected.rejection ?? 'done'}`];
    if (naive.events !== first + events.length)
      return [`${what} has ${events.length} events; the model has ${naive.events - first}`];
    events.forEach(({ event, reference }, index) => apply(state, event, { sequence: first + index, reference }));
  }
  const problems: string[] = [];
  for (const { accountId, posted, held, incoming, version } of state.accounts.values()) {
    const expected = naive.snapshotOf(accountId);
    const isSame =
      posted === expected.posted &&
      held === expected.held &&
      incoming === expected.incoming &&
      version === expected.version;
    if (!isSame) problems.push(`S2: the model has other balances of ${accountId}`);
  }
  return problems;
}

/** S3 and S5. */
function answersOf(recorded: readonly Recorded[], attempts: readonly Attempt[]): string[] {
  const byKey = byKeyOf(recorded);
  if (new Set(recorded.map(({ key }) => key)).size !== recorded.length) return ['S3: one attempt recorded twice'];
  const problems: string[] = [];
  for (const attempt of attempts) {
    const { key, command, from, until, answer, error } = attempt;
    const own = byKey.get(key);
    const what = `${key} ${command.type}`;
    if (own === undefined) {
      if (answer?.ok && !answer.replayed) problems.push(`S3: ${what} was acknowledged and is not there`);
      continue;
    }
    if (own.first < from) problems.push(`S3: ${what} was recorded before it was asked`);
    if (error === 'store_unavailable') problems.push(`S5: ${what} was told store_unavailable and is recorded`);
    if (answer === undefined) continue;
    if (own.first + own.events.length > until!) problems.push(`S3: ${what} was answered before it was durable`);
    if (!tells(answer, own)) problems.push(`S3: ${what} was answered ${JSON.stringify(answer)}`);
  }
  return problems;
}

/** That this was recorded just now. */
function tells(answer: EngineOutcome, recorded: Recorded): boolean {
  const { event, reference } = recorded.events.at(-1)!;
  const rejection = rejectionIn(recorded);
  if (answer.replayed) return false;
  if (!answer.ok) return answer.rejection === rejection;
  return rejection === null && answer.at === event.at && answer.reference === reference;
}

/** S4 and S6: at each length of the log, what is answered there. */
function sweep(
  events: readonly Placed[],
  recorded: readonly Recorded[],
  { attempts, reads }: { readonly attempts: readonly Attempt[]; readonly reads: readonly Read[] },
): { state: BookState; unexplained: string[] } {
  const byKey = byKeyOf(recorded);
  const waiting = attempts.filter(({ key, answer }) => answer !== undefined && !byKey.has(key));
  const questions = groupedBy(waiting, ({ from }) => from);
  const shown = groupedBy(reads, ({ length }) => length);
  const unexplained: string[] = [];
  const state = emptyBook();
  let open: Attempt[] = [];
  for (let length = 0; length <= events.length; length++) {
    open.push(...(questions.get(length) ?? []));
    open = open.filter((attempt) => {
      if (isExplained(attempt, state)) return false;
      if (attempt.until! > length) return true;
      unexplained.push(`S4: ${attempt.key} ${attempt.command.type} was answered ${JSON.stringify(attempt.answer)}`);
      return false;
    });
    for (const { from, until, accounts } of shown.get(length) ?? []) {
      const isThen = from <= length && length <= until;
      if (!isThen) unexplained.push(`S6: a read shows ${length} events, asked at ${from} and answered at ${until}`);
      else if (accounts !== accountsText(state)) unexplained.push(`S6: a read shows other balances at ${length}`);
    }
    const next = events[length];
    if (next !== undefined) apply(state, next.event, { sequence: length, reference: next.reference });
  }
  for (const length of shown.keys()) if (length > events.length) unexplained.push(`S6: a read shows ${length} events`);
  return { state, unexplained };
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => number): ReadonlyMap<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function isExplained({ command, at, answer }: Attempt, state: BookState): boolean {
  const verdict = decide(state, command, at > state.lastAt ? at : state.lastAt);
  return answers(verdict, answer!);
}

function answers(verdict: Verdict, answer: EngineOutcome): boolean {
  if (verdict.type === 'refused') return !answer.ok && !answer.replayed && answer.rejection === verdict.rejection;
  if (verdict.type === 'recorded') return false;
  const { rejection, at, reference } = verdict.outcome;
  if (!answer.replayed) return false;
  if (!answer.ok) return answer.rejection === rejection;
  // Where there was nothing to do, there is no event to name.
  return rejection === null && answer.reference === reference && (reference === '' || answer.at === at);
}

/** S7. */
async function snapshotProblems(store: EventStore, tables: BookTables, state: BookState): Promise<string[]> {
  const problems: string[] = [];
  for (const snapshot of tables.snapshots) {
    const memory = certainMemory({ ...tables, snapshots: [snapshot] });
    const verdict = await verifySnapshot(store, stream, memory);
    const isDamaged = verdict?.ok === false && verdict.problem === 'its bytes do not have its hash';
    if (verdict?.ok === false && !isDamaged) problems.push(`S7: snapshot ${snapshot.sequence}: ${verdict.problem}`);
  }
  if (problems.length > 0) return problems;
  const journal = bookJournal(store, stream, certainMemory(tables));
  await journal.load();
  await journal.recall(new Set(Array.from(state.records, ([id]) => id)));
  if (accountsText(journal.state) !== accountsText(state)) problems.push('S7: started from a snapshot, other balances');
  for (const [id, record] of state.records)
    if (textOf(journal.state.records.get(id)) !== textOf(record)) problems.push(`S7: another record of ${id}`);
  return problems;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each === 'bigint') return `${each}n`;
    if (each instanceof Map) return [...each];
    return each;
  });
}

import type { Held, Protection } from './protection';

const postgresStore = 'packages/event-store/src/postgres-event-store.ts';
const appendRule = 'packages/event-store/src/append-rule.ts';

const subscriber = (title: string): Held => ({ file: 'packages/event-store/test/subscription.int.test.ts', title });
const onPostgres = (title: string, definedIn?: string): Held => ({
  file: 'packages/event-store/test/postgres-event-store.int.test.ts',
  title,
  ...(definedIn === undefined ? {} : { definedIn }),
});
const onEventStoreDb = (title: string): Held => ({
  file: 'packages/event-store/test/eventstoredb-faults.int.test.ts',
  title,
});
const tables = (title: string): Held => ({ file: 'packages/event-store/test/table-projections.int.test.ts', title });
const inEveryOrder: Held = { file: 'packages/event-store/test/completeness.int.test.ts', title: 'both commit' };
const contract = 'packages/event-store/test/event-store.contract.ts';
const idempotency = 'packages/event-store/test/idempotency.contract.ts';
const inMemory = (title: string, definedIn: string): Held => ({
  file: 'packages/event-store/src/memory-event-store.unit.test.ts',
  title,
  definedIn,
});

/** The log, and those who read it. */
export const storeProtections: readonly Protection[] = [
  {
    name: 'reader-cursor-without-transaction',
    row: 'A1',
    removes: 'the transaction in the place of a reader: what is left is the position below the oldest open transaction',
    file: postgresStore,
    find: '(tx, position) >= (${tx}::xid8, ${position}::bigint)',
    replace: 'position >= ${position}::bigint',
    held: inEveryOrder,
  },
  {
    name: 'reader-not-below-open-transactions',
    row: 'A1',
    removes: 'the rule that readers stop below the oldest open transaction',
    file: postgresStore,
    find: 'and tx < pg_snapshot_xmin(pg_current_snapshot())',
    replace: '',
    held: inEveryOrder,
  },
  {
    name: 'reader-cursor-position-only',
    row: 'A1',
    removes: 'both: the place of a reader is a position, as in most outboxes',
    file: postgresStore,
    find: `where (tx, position) >= (\${tx}::xid8, \${position}::bigint)
                      and tx < pg_snapshot_xmin(pg_current_snapshot())
                    order by tx, position limit`,
    replace: 'where position >= ${position}::bigint order by position limit',
    held: inEveryOrder,
  },
  {
    name: 'append-predecessor',
    row: 'A3',
    removes: 'the check that the event before the expected revision is there',
    file: 'packages/event-store/src/append-statement.ts',
    find: 'where $2::bigint = 0 or',
    replace: 'where $2::bigint >= 0 or',
    held: onPostgres('refuses to start a stream at a later revision', contract),
  },
  {
    name: 'append-unique-place',
    row: 'A3',
    removes: 'the unique place of an append in its stream',
    file: 'packages/event-store/migrations/0001_create_events.sql',
    find: 'constraint appends_stream_revision_key unique (stream, first_revision) include (last_revision),',
    replace: '',
    held: onPostgres('has one winner for each revision among 64 writers', contract),
  },
  {
    name: 'append-conflict',
    row: 'A3',
    removes: 'the conflict of an append whose place another one has taken',
    file: appendRule,
    find: "if (matches === 0) throw new OperationalError('version_conflict', true);",
    replace: 'if (matches === 0) return { revision: first };',
    held: inMemory('has one winner for each revision among 64 writers', contract),
  },
  {
    name: 'append-repeat-in-part',
    row: 'A6',
    removes: 'the refusal of an append that repeats only a part of an earlier one',
    file: appendRule,
    find: "assert(matches === events.length, 'append repeats only a part of an earlier one');",
    replace: 'if (matches < events.length) return { revision: first };',
    held: inMemory('an append that repeats only a part of an earlier one is a bug', idempotency),
  },
  {
    name: 'append-repeat-bytes',
    row: 'A6',
    removes: 'the comparison of the bytes when an event id comes again',
    file: appendRule,
    find: 'there[index]?.payload.equals(event.payload)',
    replace: 'there[index]?.id === event.id',
    held: inMemory('an id with another payload is a bug', idempotency),
  },
  {
    name: 'append-outcome-unknown',
    row: 'A4',
    removes: 'the unknown outcome of an append whose connection was lost: it is told as one that failed',
    file: 'packages/event-store/src/append-outcome.ts',
    find: 'if (sent && isConnectionLoss(error))',
    replace: 'if (!sent && isConnectionLoss(error))',
    held: {
      file: 'packages/event-store/test/connection-loss.int.test.ts',
      title: 'at any byte says that its outcome is unknown, and repeating it ends in exactly one append',
    },
  },
  {
    name: 'pool-fails-as-an-outage',
    row: 'A4',
    removes: 'the naming of outages by the pool: whoever asks it takes one for a fault of the program, and ends',
    file: 'packages/event-store/src/database.ts',
    find: '  failOperationally(pool);\n',
    replace: '',
    held: {
      file: 'packages/event-store/test/database.int.test.ts',
      title: 'what is asked of the pool itself fails as an outage, and a mistake stays what it is',
    },
  },
  {
    name: 'append-repeated-not-decided-again',
    row: 'A4',
    removes: 'the repeat of the same append when its outcome is unknown: the command is decided again',
    file: 'packages/event-store/src/command-handler.ts',
    find: "if (!hasCode(error, 'outcome_unknown') || attempt >= unknownRetriesMax) throw error;",
    replace:
      "throw hasCode(error, 'outcome_unknown') ? Object.assign(error as Error, { code: 'version_conflict' }) : error;",
    held: {
      file: 'packages/event-store/src/command-handler.unit.test.ts',
      title: 'an acknowledgement that was lost is found again: what is answered is what this command recorded',
    },
  },
  {
    name: 'log-append-only',
    row: 'A15',
    removes: 'the trigger that refuses updates of the log',
    file: 'packages/event-store/migrations/0001_create_events.sql',
    find: 'before update or delete or truncate on appends',
    replace: 'before truncate on appends',
    held: onPostgres('refuses %s'),
  },
  {
    name: 'log-of-its-readers',
    row: 'A15',
    removes: 'the look at a start whether the log has the events where its readers stand',
    file: 'packages/event-store/src/own-log.ts',
    find: '    if (await holds(store, position, options)) continue;\n',
    replace: '    continue;\n',
    held: {
      file: 'packages/event-store/test/own-log.int.test.ts',
      title: 'refuses another kind of store than the one of before',
    },
  },
  {
    name: 'checkpoint-with-effects',
    row: 'A8',
    removes: 'the one transaction of effects and checkpoint',
    file: 'packages/event-store/src/batches.ts',
    find: 'await options.handle(tx, events)',
    replace: 'await inTransactionAfter(pool, async () => undefined, (own) => options.handle(own, events))',
    held: subscriber('commit together: between them, three times, %s'),
  },
  {
    name: 'checkpoint-compare-and-set',
    row: 'D3',
    removes: 'the condition that a checkpoint stands where its runner saw it',
    file: 'packages/event-store/src/checkpoint.ts',
    find: 'and position = $5 and applied_count = $6',
    replace: 'and ($5::text, $6::bigint) is not null',
    held: subscriber('a checkpoint moves only from where its runner saw it'),
  },
  {
    name: 'checkpoint-claim',
    row: 'D3',
    removes: 'the lock that lets one runner of a subscription work at a time',
    file: 'packages/event-store/src/checkpoint.ts',
    find: 'claimed: claim?.claimed === true',
    replace: 'claimed: claim !== undefined',
    held: subscriber('one runner at a time holds the claim, and reading it holds back no reader of the log'),
  },
  {
    name: 'handled-ahead-claims',
    row: 'D3',
    removes: 'the claim of a batch whose effects were made before its turn',
    file: 'packages/event-store/src/batches.ts',
    find: 'claim: async (tx, known) => check(await claim(tx), known)',
    replace: 'claim: async () => undefined',
    held: tables('is left to another runner that comes first, and does not keep that one waiting'),
  },
  {
    name: 'handled-ahead-with-what-is-before-it',
    row: 'A8',
    removes: 'the condition that the rows of the batch in front are in memory when the next one is handled',
    file: 'packages/event-store/src/stored-fold.ts',
    find: 'return ahead === batch && keepMax > 0;',
    replace: 'return ahead === batch;',
    held: tables('waits for it when no rows stay in memory, because it would load those from before it'),
  },
  {
    name: 'applied-hash',
    row: 'I7',
    removes: 'the hash of what a reader has applied from the gap audit: what is left is the count',
    file: 'packages/event-store/src/subscription-audit.ts',
    find: 'applied.count === count && applied.hash === hash',
    replace: 'applied.count === count',
    held: {
      file: 'packages/event-store/test/subscription-audit.int.test.ts',
      title: 'finds one event that was applied in the place of another, which the count does not show',
    },
  },
  {
    name: 'eventstoredb-append-by-content',
    row: 'C1',
    removes: 'the content from the id of an append to EventStoreDB: whatever is at its place is taken for it',
    file: 'packages/event-store/src/eventstoredb/append-events.ts',
    find: 'uuidFrom([stream, first.toString(), sha256])',
    replace: 'uuidFrom([stream, first.toString()])',
    held: {
      file: 'packages/event-store/test/eventstoredb.int.test.ts',
      title: 'has one winner for each revision among 64 writers',
      definedIn: contract,
    },
  },
  {
    name: 'eventstoredb-subscribed-again',
    row: 'C2',
    removes: 'the supervisor that subscribes again when a subscription to EventStoreDB has ended',
    file: 'packages/event-store/src/eventstoredb/live.ts',
    find: "options.logger?.warn({ reason, retryMs }, 'the subscription to EventStoreDB is made again');",
    replace: 'return;',
    held: onEventStoreDb('is made again after each of 20 dropped connections'),
  },
  {
    name: 'eventstoredb-silence-noticed',
    row: 'C2',
    removes: 'the end of a subscription that owes an event for too long',
    file: 'packages/event-store/src/eventstoredb/live.ts',
    find: "if (debt && performance.now() - debt.since >= silenceMs) return 'silent';",
    replace: '',
    held: onEventStoreDb('that has gone silent without closing is found out by what readers see, and made again'),
  },
];

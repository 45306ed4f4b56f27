import type { Held, Protection } from './protection';

const batch = 'packages/messaging/src/handle-batch.ts';
const tables = 'packages/messaging/src/consumer-tables.ts';
const kafka = 'packages/messaging/src/kafka-consumer.ts';

const driven = (title: string): Held => ({ file: 'packages/messaging/test/driven-transport.int.test.ts', title });
const ofKafka = (title: string): Held => ({ file: 'packages/messaging/src/kafka-consumer.unit.test.ts', title });

/** The way of a fact from the log to the effects of others. */
export const messagingProtections: readonly Protection[] = [
  {
    name: 'relay-checkpoint-after-publishing',
    row: 'D1',
    removes: 'the order of the relay: its checkpoint moves although nothing could be published',
    file: 'packages/messaging/src/relay.ts',
    find: 'throw error;',
    replace: 'void error;',
    held: driven('passes over nothing that the broker did not take'),
  },
  {
    name: 'inbox',
    row: 'D2',
    removes: 'the inbox: a message that comes again is handled again',
    file: batch,
    find: 'claimed.delete(message.id)',
    replace: '(claimed.delete(message.id), true)',
    held: driven('that was published twice has one effect'),
  },
  {
    name: 'offset-with-effects',
    row: 'B1',
    removes: 'the one transaction of effects and offset: the offset is saved first',
    file: batch,
    find: 'await applyAll(tx, subscription, rest,',
    replace: `await tables.moveOffset(tx, place, last.offset + 1n);
    await tx.query('commit; begin');
    await applyAll(tx, subscription, rest,`,
    held: driven('whose effect was undone leaves no place and no claim behind, and is handled when it comes again'),
  },
  {
    name: 'offset-locked',
    row: 'B5',
    removes: 'the lock on the place: a member that lost its partition writes beside the one that has it now',
    file: tables,
    find: 'and partition = $3 for update`;',
    replace: 'and partition = $3`;',
    held: driven('of a member that lost its partition waits for the one that has it now, and is not handled twice'),
  },
  {
    name: 'passed-over-from-its-place',
    row: 'B5',
    removes: 'the condition that messages which concern nobody are passed over from where the group is',
    file: tables,
    find: 'and partition = $3 and next_offset = $4',
    replace: 'and partition = $3 and $4::bigint is not null',
    held: {
      file: 'packages/messaging/test/consumer-tables.int.test.ts',
      title: 'a place moves past messages without an effect only from where it is, and not behind a parked one',
      definedIn: 'packages/messaging/test/consumer-tables.contract.ts',
    },
  },
  {
    name: 'missing-message-noticed',
    row: 'B11',
    removes: 'the stop before a message that is missing: what comes behind it is handled',
    file: batch,
    find: 'if (first > next) {',
    replace: 'if (first < 0n) {',
    held: driven('is not handled before one that is missing in front of it'),
  },
  {
    name: 'failed-message-parked',
    row: 'B9',
    removes: 'the parking of a message that cannot be handled: it is passed over',
    file: 'packages/messaging/src/consumer.ts',
    find: 'return parkOne(deps, subscription, message, error);',
    replace: 'return;',
    held: driven('that cannot be read is kept, and holds back those of its key and no others'),
  },
  {
    name: 'parked-key-held-back',
    row: 'B9',
    removes: 'the rule that messages wait behind a parked one of their key',
    file: tables,
    find: 'return new Set(rows.map((row) => row.key));',
    replace: 'return new Set();',
    held: driven('that cannot be read is kept, and holds back those of its key and no others'),
  },
  {
    name: 'message-waits-for-the-world',
    row: 'B9',
    removes: 'the difference between a message at fault and a database that is away: both are parked',
    file: 'packages/messaging/src/verdict.ts',
    find: "return error.retryable ? 'wait' : 'again';",
    replace: "return 'again';",
    held: driven('waits for a database that is away, however often it is tried'),
  },
  {
    name: 'ledger-stops-when-broken',
    row: 'I5',
    removes: 'the end of a ledger that finds an invariant broken: it parks the message and goes on',
    file: 'packages/messaging/src/verdict.ts',
    find: "return group.startsWith('ledger.') ? 'crash' : 'park';",
    replace: "return 'park';",
    held: { file: 'packages/messaging/src/verdict.unit.test.ts', title: 'a broken invariant' },
  },
  {
    name: 'kafka-errors-kept-from-the-client',
    row: 'B2',
    removes: 'the catch around a handler: its TypeError reaches the client, which ends for good',
    file: kafka,
    find: 'if (!member.stopping.signal.aborted) retryLater(member, payload, error);',
    replace: 'throw error;',
    held: ofKafka('a handler that throws %s does not reach the client, which would end: the partition is tried again'),
  },
  {
    name: 'kafka-offset-after-handling',
    row: 'B1',
    removes: 'the wait for the handler before an offset is resolved',
    file: kafka,
    find: 'await options.handle(messages);',
    replace: 'void options.handle(messages);',
    held: ofKafka('an offset is resolved when its messages were handled, and not before'),
  },
  {
    name: 'kafka-client-followed-by-another',
    row: 'B2',
    removes: 'the ear for a client that has ended: the consumer is gone, and the process lives on',
    file: kafka,
    find: 'reject(error));',
    replace: 'void error || void reject);',
    held: ofKafka('a client that has ended is followed by another'),
  },
  {
    name: 'stalled-consumer-ends',
    row: 'B3',
    removes: 'the end of a process whose consumer lags and shows no sign of life',
    file: 'packages/messaging/src/watchdog.ts',
    find: 'now - known.since >= deps.stallMs',
    replace: 'now - known.since >= Infinity',
    held: {
      file: 'packages/messaging/src/watchdog.unit.test.ts',
      title: 'a consumer that lags and shows no sign of life ends the process, once',
    },
  },
];

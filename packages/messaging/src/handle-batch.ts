/**
 * Messages of one partition in one transaction: lock the offset, claim in the inbox, run the effects, move the offset,
 * commit. Whatever throws undoes all of it. The caller then repeats them one by one to find the message at fault.
 */
import type { AnyEventContract } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { inTransaction, type Tx } from '@daybook/event-store';
import { sha256Hex, withCorrelation, type Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import { postgresConsumerTables, type ConsumerTables, type Place } from './consumer-tables';
import { readMessage, type MessageHandler, type ReceivedMessage, type Subscription } from './message';
import type { RawMessage } from './transport';
import { causeOf, Undecodable } from './verdict';

/** How many messages ended how. */
export type Tally = { handled: number; duplicate: number; skipped: number; parked: number };

type Decoded = { readonly message: ReceivedMessage<unknown>; readonly contract: AnyEventContract | undefined };

export async function handleBatch(
  pool: Pool,
  subscription: Subscription,
  messages: readonly RawMessage[],
  now: Clock,
  tables = postgresConsumerTables,
): Promise<Tally> {
  const first = messages[0];
  const last = messages.at(-1);
  const tally = { handled: 0, duplicate: 0, skipped: 0, parked: 0 };
  if (!first || !last) return tally;
  const place = { group: subscription.group, topic: first.topic, partition: first.partition };
  await inTransaction(pool, async (tx) => {
    const due = await dueMessages(tx, place, messages, tables);
    if (due.length === 0) return;
    const parked = await tables.parkedKeys(
      tx,
      place,
      due.map(({ key }) => key),
    );
    const behind = due.filter(({ key }) => parked.has(key));
    for (const message of behind) await tables.park(tx, place.group, message, { at: now(), cause: null });
    tally.parked += behind.length;
    const rest = due.filter(({ key }) => !parked.has(key)).map((message) => decode(subscription, message));
    await applyAll(tx, subscription, rest, tally, tables);
    await tables.moveOffset(tx, place, last.offset + 1n, fingerprint(last));
  });
  return tally;
}

/** Handles one parked message, which is due whatever the offset says. */
export async function applyOne(tx: Tx, subscription: Subscription, message: RawMessage): Promise<Tally> {
  const tally = { handled: 0, duplicate: 0, skipped: 0, parked: 0 };
  await applyAll(tx, subscription, [decode(subscription, message)], tally, postgresConsumerTables);
  return tally;
}

/** Moves past the message and keeps it aside, with the messages of its key that follow. */
export async function parkMessage(
  pool: Pool,
  group: string,
  message: RawMessage,
  reason: { readonly at: Date; readonly cause: string },
  tables = postgresConsumerTables,
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const place = { group, topic: message.topic, partition: message.partition };
    if ((await dueMessages(tx, place, [message], tables)).length === 0) return;
    await tables.park(tx, group, message, reason);
    await tables.moveOffset(tx, place, message.offset + 1n, fingerprint(message));
  });
}

async function dueMessages(
  tx: Tx,
  place: Place,
  messages: readonly RawMessage[],
  tables: ConsumerTables,
): Promise<readonly RawMessage[]> {
  const next = await tables.lockOffset(tx, place);
  const before = messages.find(({ offset }) => offset === next - 1n);
  const known = before === undefined ? null : ((await tables.lastMessage?.(tx, place)) ?? null);
  const { topic, partition } = place;
  if (before !== undefined && known !== null && known !== fingerprint(before)) {
    const detail = `${topic}/${partition} has another message before ${next} than was handled`;
    throw new OperationalError('topic_begins_again', true, { detail });
  }
  const due = messages.filter(({ offset }) => offset >= next);
  const first = due[0]?.offset ?? next;
  if (first > next) {
    // Nobody else has them: what comes behind waits until its owner publishes again.
    const detail = `${topic}/${partition} goes on at ${first}, and ${next} comes next`;
    throw new OperationalError('messages_missing', true, { detail });
  }
  return due;
}

/** By its bytes, as one that cannot be read has no id. */
function fingerprint({ value }: RawMessage): string {
  return sha256Hex(value ?? '').slice(0, 32);
}

async function applyAll(
  tx: Tx,
  subscription: Subscription,
  batch: readonly Decoded[],
  tally: Tally,
  tables: ConsumerTables,
): Promise<void> {
  const known = batch.filter(({ contract }) => contract !== undefined);
  tally.skipped += batch.length - known.length;
  const claimed = await tables.claim(
    tx,
    subscription.group,
    known.map(({ message }) => message.id),
  );
  // The second of two equal ids within the batch finds its claim used up.
  const fresh = known.filter(({ message }) => claimed.delete(message.id));
  tally.duplicate += known.length - fresh.length;
  for (let from = 0, to = 0; from < fresh.length; from = to) {
    const { contract } = fresh[from]!;
    for (to = from; fresh[to]?.contract === contract;) to++;
    const handler = subscription.handlers.find((candidate) => candidate.contract === contract);
    const messages = fresh.slice(from, to).map(({ message }) => message as ReceivedMessage<never>);
    if (handler !== undefined) await handleEach(tx, handler, messages);
    tally.handled += messages.length;
  }
}

async function handleEach(
  tx: Tx,
  { handle, handleAll }: MessageHandler,
  messages: readonly ReceivedMessage<never>[],
): Promise<void> {
  if (handleAll !== undefined) return handleAll(tx, messages);
  for (const message of messages) {
    const correlation = { correlationId: message.correlationId, causationId: message.id };
    await withCorrelation(correlation, () => handle(tx, message));
  }
}

function decode(subscription: Subscription, message: RawMessage): Decoded {
  try {
    return readMessage(
      subscription.handlers.map(({ contract }) => contract),
      message.value,
    );
  } catch (cause) {
    throw new Undecodable(causeOf(cause), { cause });
  }
}

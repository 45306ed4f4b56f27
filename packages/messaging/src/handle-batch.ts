/**
 * Messages of one partition in one transaction: lock the offset, claim in the inbox and move the offset, run the effects,
 * commit. Whatever throws undoes all of it. The caller then repeats them one by one to find the message at fault.
 */
import type { AnyEventContract } from '@daybook/contracts';
import { isOperationalError, OperationalError } from '@daybook/core';
import { inTransaction, inTransactionAfter, together, type Tx } from '@daybook/event-store';
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
  tables: ConsumerTables,
): Promise<Tally> {
  const first = messages[0];
  const last = messages.at(-1);
  const tally = { handled: 0, duplicate: 0, skipped: 0, parked: 0 };
  if (!first || !last) return tally;
  const place = { group: subscription.group, topic: first.topic, partition: first.partition };
  const keys = messages.map(({ key }) => key);
  const decoded = decodeAll(subscription, messages);
  if (tables.passOver !== undefined && decoded?.every((each) => !isWanted(subscription, each))) {
    const moved = { from: first.offset, next: last.offset + 1n, last: fingerprint(last), keys };
    if (await tables.passOver(pool, place, moved)) return { ...tally, skipped: messages.length };
  }
  const lock = (tx: Tx) => tables.lockOffset(tx, place);
  await inTransactionAfter(pool, lock, async (tx, next) => {
    const due = await dueMessages(tx, { ...place, next }, messages, tables);
    if (due.length === 0) return;
    // Only once the place is locked: whoever parks has locked it, too.
    const parked = await tables.parkedKeys(tx, place, keys);
    const behind = due.filter(({ key }) => parked.has(key));
    for (const message of behind) await tables.park(tx, place.group, message, { at: now(), cause: null });
    tally.parked += behind.length;
    const rest = due
      .filter(({ key }) => !parked.has(key))
      .map((message) => decoded?.[messages.indexOf(message)] ?? decode(subscription, message));
    const claim = async (ids: readonly string[]) => {
      const [claimed] = await together(tx, [
        () => tables.claim(tx, place.group, ids),
        () => tables.moveOffset(tx, place, last.offset + 1n, fingerprint(last)),
      ]);
      return claimed;
    };
    await applyAll(tx, subscription, rest, tally, claim);
  });
  return tally;
}

/** Handles one parked message, which is due whatever the offset says. */
export async function applyOne(tx: Tx, subscription: Subscription, message: RawMessage): Promise<Tally> {
  const tally = { handled: 0, duplicate: 0, skipped: 0, parked: 0 };
  const claim = (ids: readonly string[]) => postgresConsumerTables.claim(tx, subscription.group, ids);
  await applyAll(tx, subscription, [decode(subscription, message)], tally, claim);
  return tally;
}

/** Moves past the message and keeps it aside, with the messages of its key that follow. */
export async function parkMessage(
  pool: Pool,
  group: string,
  message: RawMessage,
  reason: { readonly at: Date; readonly cause: string },
  tables: ConsumerTables,
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const place = { group, topic: message.topic, partition: message.partition };
    const next = await tables.lockOffset(tx, place);
    if ((await dueMessages(tx, { ...place, next }, [message], tables)).length === 0) return;
    await tables.park(tx, group, message, reason);
    await tables.moveOffset(tx, place, message.offset + 1n, fingerprint(message));
  });
}

/** Those from `next` on, which is where the group is. */
async function dueMessages(
  tx: Tx,
  { next, ...place }: Place & { readonly next: bigint },
  messages: readonly RawMessage[],
  tables: ConsumerTables,
): Promise<readonly RawMessage[]> {
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
  claim: (ids: readonly string[]) => Promise<Set<string>>,
): Promise<void> {
  const known = batch.filter((each) => isWanted(subscription, each));
  tally.skipped += batch.length - known.length;
  const claimed = await claim(known.map(({ message }) => message.id));
  // The second of two equal ids within the batch finds its claim used up.
  const fresh = known.filter(({ message }) => claimed.delete(message.id));
  tally.duplicate += known.length - fresh.length;
  for (let from = 0, to = 0; from < fresh.length; from = to) {
    const { contract } = fresh[from]!;
    for (to = from; fresh[to]?.contract === contract;) to++;
    const handler = handlerOf(subscription, fresh[from]!);
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

function handlerOf(subscription: Subscription, { contract }: Decoded): MessageHandler | undefined {
  return subscription.handlers.find((candidate) => candidate.contract === contract);
}

function isWanted(subscription: Subscription, decoded: Decoded): boolean {
  const handler = handlerOf(subscription, decoded);
  return handler !== undefined && (handler.concerns?.(decoded.message.data as never) ?? true);
}

/** Undefined when one cannot be read, which the transaction is to find when it is due. */
function decodeAll(subscription: Subscription, messages: readonly RawMessage[]): readonly Decoded[] | undefined {
  try {
    return messages.map((message) => decode(subscription, message));
  } catch {
    return undefined;
  }
}

function decode(subscription: Subscription, message: RawMessage): Decoded {
  try {
    return readMessage(
      subscription.handlers.map(({ contract }) => contract),
      message.value,
    );
  } catch (cause) {
    // Of a newer version, which waits for the build that reads it.
    if (isOperationalError(cause)) throw cause;
    throw new Undecodable(causeOf(cause), { cause });
  }
}

import { assert, OperationalError } from '@daybook/core';
import type { Topic } from './topics';
import type { OutgoingMessage } from './transport';

/** Below the broker's limit on a batch with room for its headers. Larger facts are read from their owner instead. */
const messageBytesMax = 900_000;

/** Bounds of one request or statement. */
const batchMessagesMax = 500;
const batchBytesMax = 512_000;

/** Refuses what no retry would make acceptable, and cuts the rest into batches, in order. */
export function batchesOf(
  messages: readonly OutgoingMessage[],
  topics: ReadonlyMap<string, Topic>,
): readonly (readonly OutgoingMessage[])[] {
  const batches: OutgoingMessage[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    assert(topics.has(message.topic), `topic ${message.topic} is not declared`);
    const size = message.value.length;
    if (size > messageBytesMax) {
      // Retried like an absent broker: what was recorded before it is told, what comes behind it waits for a repair.
      const detail = `${message.id} for ${message.topic} has ${size} bytes, more than ${messageBytesMax}`;
      throw new OperationalError('message_too_large', true, { detail });
    }
    const last = batches.at(-1);
    if (last === undefined || last.length >= batchMessagesMax || bytes + size > batchBytesMax) {
      batches.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return batches;
}

export function byName(topics: readonly Topic[]): ReadonlyMap<string, Topic> {
  return new Map(topics.map((topic) => [topic.name, topic]));
}

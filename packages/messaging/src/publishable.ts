import { assert } from '@daybook/core';
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
    assert(message.value.length <= messageBytesMax, `message ${message.id} is too large to publish`);
    const last = batches.at(-1);
    if (last === undefined || last.length >= batchMessagesMax || bytes + message.value.length > batchBytesMax) {
      batches.push([message]);
      bytes = message.value.length;
    } else {
      last.push(message);
      bytes += message.value.length;
    }
  }
  return batches;
}

export function byName(topics: readonly Topic[]): ReadonlyMap<string, Topic> {
  return new Map(topics.map((topic) => [topic.name, topic]));
}

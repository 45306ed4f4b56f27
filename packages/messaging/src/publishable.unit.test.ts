import { batchesOf, byName } from './publishable';
import type { Topic } from './topics';

const topic: Topic = {
  name: 'tests.messages',
  partitions: 1,
  replicationFactor: 1,
  minInsyncReplicas: 1,
  retentionMs: -1,
  messageBytesMax: 1,
};
const topics = byName([topic]);
const message = (bytes: number, name = topic.name) => ({
  topic: name,
  key: 'a',
  id: String(bytes),
  value: Buffer.alloc(bytes),
  headers: {},
});

test('cuts publications by number and by size, in order', () => {
  const many = Array.from({ length: 1_001 }, (_, n) => message(n % 7));
  const batches = batchesOf(many, topics);
  expect(batches.map((batch) => batch.length)).toEqual([500, 500, 1]);
  expect(batches.flat()).toEqual(many);
  const sizes = [300_000, 212_000, 1, 900_000, 1];
  expect(
    batchesOf(
      sizes.map((size) => message(size)),
      topics,
    ).map((batch) => batch.length),
  ).toEqual([2, 1, 1, 1]);
  expect(batchesOf([], topics)).toEqual([]);
});

test('refuses what can never be published: one byte too many, and a topic that is not declared', () => {
  expect(batchesOf([message(900_000)], topics)).toHaveLength(1);
  expect(() => batchesOf([message(900_001)], topics)).toThrow('message_too_large');
  expect(() => batchesOf([message(1, 'tests.other')], topics)).toThrow('not declared');
});

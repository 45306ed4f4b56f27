import { sha256Hex } from '@daybook/runtime';
import { eventually, testLogger } from '@daybook/testing';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { consumeFromKafka } from './kafka-consumer';
import type { ConsumeOptions } from './transport';

type EachBatch = (payload: EachBatchPayload) => Promise<void>;

/** The client as far as a member uses it. Resolves with what the member does with a batch, when it has joined. */
async function memberOf(handle: ConsumeOptions['handle'], key: Buffer | null = Buffer.from('k')) {
  const fatal: unknown[] = [];
  const resolved: string[] = [];
  let paused = 0;
  let clients = 0;
  let crash: ((event: { payload: { error: unknown; restart: boolean } }) => void) | undefined;
  let member: { stop(): Promise<void> } | undefined;
  const eachBatch = await new Promise<EachBatch>((joined) => {
    const consumer = {
      events: { GROUP_JOIN: 'consumer.group_join', CRASH: 'consumer.crash' },
      on: (event: string, listener: typeof crash) => {
        if (event === 'consumer.crash') crash = listener;
      },
      connect: async () => undefined,
      subscribe: async () => undefined,
      disconnect: async () => undefined,
      seek: () => undefined,
      run: async (config: { eachBatch: EachBatch }) => joined(config.eachBatch),
    };
    const kafka = { consumer: () => (clients++, consumer) } as unknown as Kafka;
    const { logger } = testLogger();
    const deps = { kafka, logger, partitions: 1, sessionTimeoutMs: undefined, verify: async () => undefined };
    const onFatal = (error: unknown) => void fatal.push(error);
    const options = { group: 'g', topic: 't', startAt: async () => 0n, handle, onFatal };
    member = consumeFromKafka(deps, options);
  });
  const messages = ['0', '1', '2'].map((offset) => ({ offset, key, value: Buffer.from('{}') }));
  const payload = {
    batch: { topic: 't', partition: 0, messages, firstOffset: () => '0' },
    resolveOffset: (offset: string) => void resolved.push(offset),
    isRunning: () => true,
    heartbeat: async () => undefined,
    pause: () => {
      paused++;
      return () => undefined;
    },
  } as unknown as EachBatchPayload;
  return {
    batch: () => eachBatch(payload),
    resolved,
    fatal,
    paused: () => paused,
    clients: () => clients,
    /** The client ends, as it does after errors that it takes for its own. */
    crash: (error: unknown) => crash!({ payload: { error, restart: false } }),
    stop: () => member!.stop(),
  };
}

test.each([
  ['Error', new Error('no')],
  ['TypeError', new TypeError('fetch failed')],
  ['SyntaxError', new SyntaxError('Cannot convert 1.5 to a BigInt')],
  ['RangeError', new RangeError('too far')],
  ['ReferenceError', new ReferenceError('not defined')],
  ['undefined', undefined],
])(
  'a handler that throws %s does not reach the client, which would end: the partition is tried again',
  async (_name, error) => {
    const member = await memberOf(async () => {
      throw error;
    });
    await expect(member.batch()).resolves.toBeUndefined();
    expect([member.resolved, member.paused(), member.fatal]).toEqual([[], 1, []]);
    await member.stop();
  },
);

test('an offset is resolved when its messages were handled, and not before', async () => {
  let release!: () => void;
  const handled = new Promise<void>((resolve) => (release = resolve));
  const member = await memberOf(() => handled);
  const batch = member.batch();
  await new Promise((resolve) => setImmediate(resolve));
  expect(member.resolved).toEqual([]);
  release();
  await batch;
  expect([member.resolved, member.paused()]).toEqual([['2'], 0]);
  await member.stop();
});

test('a client that has ended is followed by another', async () => {
  const member = await memberOf(async () => undefined);
  expect(member.clients()).toBe(1);
  member.crash(new TypeError('not the handler of anybody'));
  await eventually(() => expect(member.clients()).toBe(2), { timeoutMs: 5_000 });
  await member.stop();
});

test.each([
  ['of two letters', Buffer.from('ab'), 'ab'],
  ['that is none', null, ''],
  ['with zeros, which Postgres cannot store', Buffer.from('a\0b\0'), 'a\uFFFDb\uFFFD'],
  ['that is no text', Buffer.from([97, 255]), 'a\uFFFD'],
  ['that just fits into an index', Buffer.from('\u20ac'.repeat(500)), '\u20ac'.repeat(500)],
  ['that does not', Buffer.from('k'.repeat(501)), `sha256:${sha256Hex('k'.repeat(501))}`],
])('a key %s reaches the handler as one that can be stored', async (_name, key, stored) => {
  const keys = new Set<string>();
  const member = await memberOf(async (messages) => messages.forEach((each) => keys.add(each.key)), key);
  await member.batch();
  await member.stop();
  expect([[...keys], member.resolved]).toEqual([[stored], ['2']]);
});

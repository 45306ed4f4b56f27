/**
 * Publishes a part of a topic again, in an order of its own, also within a key: with the same ids, as a relay that starts
 * over and a broker that was restored from an old copy do.
 */
import { openTransport, type OutgoingMessage } from '@daybook/messaging';
import { createLogger } from '@daybook/runtime';
import { eventually, seededRandom, type SeededRandom } from '@daybook/testing';

const readWithinMs = 20_000;
/** How often a message is published again at most. */
const timesMax = 3;

/** Says how many were published again. */
export async function republish(broker: string, topic: string, seed: number): Promise<string> {
  const transport = openTransport({
    kind: 'kafka',
    brokers: [broker],
    databaseUrl: '',
    clientId: 'faults',
    logger: createLogger({ service: 'faults', level: 'silent' }),
  });
  await transport.start();
  try {
    const there = await readAll(transport, topic, seed);
    const again = drawnFrom(there, seededRandom(seed));
    await transport.publish(again);
    return `${again.length} of ${there.length} messages`;
  } finally {
    await transport.stop();
  }
}

/** What is in the topic by now. */
export async function readAll(
  transport: ReturnType<typeof openTransport>,
  topic: string,
  reader: number | string,
): Promise<readonly OutgoingMessage[]> {
  const messages: OutgoingMessage[] = [];
  const ends = await transport.ends(topic);
  const behind = new Map([...ends].filter(([, end]) => end > 0n));
  const consumer = await transport.consume({
    group: `faults.${reader}`,
    topic,
    startAt: async () => 0n,
    async handle(batch) {
      for (const { partition, offset, key, value, headers } of batch) {
        messages.push({ topic, key, id: '', value: value ?? Buffer.alloc(0), headers });
        if (offset + 1n >= (behind.get(partition) ?? 0n)) behind.delete(partition);
      }
    },
  });
  try {
    const all = () => {
      if (behind.size > 0) throw new Error(`${behind.size} partitions of ${topic} are not read`);
    };
    await eventually(all, { timeoutMs: readWithinMs });
  } finally {
    await consumer.stop();
  }
  return messages;
}

/** Half of them, some of them more than once, in any order. */
function drawnFrom(messages: readonly OutgoingMessage[], random: SeededRandom): OutgoingMessage[] {
  const chosen = messages
    .filter(() => random.chance(0.5))
    .flatMap((message) => Array.from({ length: 1 + random.below(timesMax) }, () => message));
  return chosen
    .map((message) => ({ message, at: random.below(2 ** 31) }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
}

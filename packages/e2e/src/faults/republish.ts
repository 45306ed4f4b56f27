/**
 * Publishes a part of a topic again, in an order of its own, also within a key: with the same ids, as a relay that starts
 * over and a broker that was restored from an old copy do.
 */
import { openTransport, type OutgoingMessage } from '@daybook/messaging';
import { createLogger } from '@daybook/runtime';
import { eventually, seededRandom, type SeededRandom } from '@daybook/testing';

const readWithinMs = 20_000;
/** A topic that has nothing yet has something soon. */
const someWithinMs = 5_000;
/** How often a message is published again at most. */
const timesMax = 3;

/** Says how many were published again, and how many there are. */
export async function republish(
  broker: string,
  topic: string,
  seed: number,
): Promise<{ readonly again: number; readonly there: number }> {
  const transport = openTransport({
    kind: 'kafka',
    brokers: [broker],
    databaseUrl: '',
    clientId: 'faults',
    logger: createLogger({ service: 'faults', level: 'silent' }),
  });
  await transport.start();
  try {
    await eventually(() => someIn(transport, topic), { timeoutMs: someWithinMs }).catch(() => undefined);
    const there = await readAll(transport, topic, seed);
    const again = drawnFrom(there, seededRandom(seed));
    await transport.publish(again);
    return { again: again.length, there: there.length };
  } finally {
    await transport.stop();
  }
}

async function someIn(transport: ReturnType<typeof openTransport>, topic: string): Promise<void> {
  const ends = await transport.ends(topic);
  if ([...ends.values()].every((end) => end === 0n)) throw new Error(`there is nothing in ${topic}`);
}

/** What is in the topic by now. */
async function readAll(
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

/** Half of them and at least one, some of them more than once, in any order. */
function drawnFrom(messages: readonly OutgoingMessage[], random: SeededRandom): OutgoingMessage[] {
  const half = messages.filter(() => random.chance(0.5));
  const chosen = (half.length > 0 ? half : messages.slice(0, 1)).flatMap((message) =>
    Array.from({ length: 1 + random.below(timesMax) }, () => message),
  );
  return chosen
    .map((message) => ({ message, at: random.below(2 ** 31) }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
}

/**
 * Topics in durable partitions, and for each process a reader of them that repeats, delays and loses its place. Order
 * holds within a partition as it does on the real ones: what was handed over is handed over again from where it was
 * lost, never skipped. Several readers may have a partition at once, as around a rebalance.
 */
import type { OutgoingMessage, RawMessage } from '@daybook/messaging';
import type { SimulatedProcess, World } from './world';

export type BusFaults = {
  /** Shares: of messages that are published once more, and of moves of a place that get lost. */
  readonly repeated: number;
  readonly placeLost: number;
  readonly delayMs: number;
};

export type SimulatedBus = {
  /** Messages arrive later, each on its own, those of a partition in the order of their sending; some twice. */
  publish(messages: readonly OutgoingMessage[]): void;
  /** Hands over messages one by one; whoever rejects gets the same one again. */
  read(owner: SimulatedProcess, topic: string, handle: (message: RawMessage) => Promise<void>): void;
  /** What readers of the topic have let go of. */
  passed(topic: string): readonly RawMessage[];
  /** All that was published has arrived and was let go of. */
  isDrained(): boolean;
  heal(): void;
};

type Partition = { readonly messages: RawMessage[]; next: number; lastAtMs: number };
const partitionsPerTopic = 3;
/** Between looks at a partition that has nothing new. */
const pollMs = 50;

export function simulatedBus(world: World, faults: BusFaults): SimulatedBus {
  const { random } = world;
  const topics = new Map<string, Partition[]>();
  let onTheWay = 0;
  let healed = false;
  const partitionsOf = (topic: string) => {
    const known = topics.get(topic);
    if (known !== undefined) return known;
    const made = Array.from({ length: partitionsPerTopic }, () => ({ messages: [], next: 0, lastAtMs: 0 }));
    topics.set(topic, made);
    return made;
  };

  function send({ topic, key, value, headers }: OutgoingMessage): void {
    const partitions = partitionsOf(topic);
    const partition = [...key].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % partitions.length;
    const to = partitions[partition]!;
    to.lastAtMs = Math.max(to.lastAtMs, world.now() + random.below(faults.delayMs));
    onTheWay += 1;
    world.after(to.lastAtMs - world.now(), null, () => {
      onTheWay -= 1;
      to.messages.push({ topic, partition, offset: BigInt(to.messages.length), key, value, headers });
    });
  }

  function follow(owner: SimulatedProcess, from: Partition, handle: (message: RawMessage) => Promise<void>): void {
    const later = (at: number, ms = 0) => world.after(ms + 1 + random.below(faults.delayMs), owner, () => take(at));
    function take(at: number): void {
      const message = from.messages[at];
      if (message === undefined) return later(healed ? from.next : at, pollMs);
      world.note(`${owner.name} takes ${message.topic} ${message.partition} ${at}`);
      handle(message).then(
        () => {
          // The place is not taken back when another reader is further.
          if (healed || !random.chance(faults.placeLost)) from.next = Math.max(from.next, at + 1);
          world.note(`${owner.name} passed ${message.topic} ${message.partition} ${at}`);
          later(healed || !random.chance(faults.placeLost) ? at + 1 : from.next);
        },
        () => later(at),
      );
    }
    later(from.next);
  }

  return {
    publish(messages) {
      for (const message of messages) {
        send(message);
        if (!healed && random.chance(faults.repeated)) send(message);
      }
    },
    read(owner, topic, handle) {
      for (const partition of partitionsOf(topic)) follow(owner, partition, handle);
    },
    passed: (topic) => partitionsOf(topic).flatMap(({ messages, next }) => messages.slice(0, next)),
    isDrained: () =>
      onTheWay === 0 && [...topics.values()].flat().every(({ messages, next }) => next === messages.length),
    heal() {
      healed = true;
    },
  };
}

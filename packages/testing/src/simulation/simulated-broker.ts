/**
 * A broker: durable partitions, consumer groups that share them, and for each process the port of transports to it.
 *
 *   published   stored with or without an answer, in part (whole partitions), late, twice, or not at all
 *   delivered   in the order of a partition, from the place that the consumer names or some way before it, in batches,
 *               late by up to `delayMs`, so that partitions, topics and groups overtake each other; what was dropped comes
 *               again
 *   shared out  anew at any time; who lost a partition may still be at work on it, and who stands still loses it
 */
import { OperationalError } from '@daybook/core';
import type { ConsumeOptions, OutgoingMessage, RawMessage, Transport } from '@daybook/messaging';
import type { SimulatedProcess, World } from './world';

export type BrokerFaults = {
  /** Shares of publications. */
  readonly lostBefore: number;
  readonly lostAfter: number;
  readonly lostLate: number;
  readonly partly: number;
  readonly repeated: number;
  /** Share of looks at a group, four a second, that share its partitions out anew. */
  readonly shuffled: number;
  /** Share of first deliveries that begin before the place that was asked for. */
  readonly behind: number;
  /** Share of batches that never arrive and are delivered again. */
  readonly dropped: number;
  readonly delayMs: number;
  /** A consumer group that takes one message at a time, each late by up to `slowMs` instead, until all answer. */
  readonly slowGroup: string | null;
  readonly slowMs: number;
};

export type SimulatedBroker = {
  connect(owner: SimulatedProcess): Transport;
  /** All that is stored, in the order of each partition. */
  stored(topic: string): readonly RawMessage[];
  outage(ms: number): void;
  heal(): void;
};

type Partition = { readonly messages: RawMessage[]; readonly waiting: Set<() => void> };
type Member = {
  readonly owner: SimulatedProcess;
  readonly options: ConsumeOptions;
  stopped: boolean;
  inHand: Promise<void>;
};
type Group = { members: Member[]; readonly holders: Map<number, { readonly member: Member; lost: boolean }> };

const partitionsPerTopic = 2;
const lookMs = 250;
const batchMax = 8;
const backOffMs = 100;

export function simulatedBroker(world: World, faults: BrokerFaults): SimulatedBroker {
  const broker = new Broker(world, faults);
  return {
    connect: (owner) => broker.connect(owner),
    stored: (topic) => broker.partitionsOf(topic).flatMap(({ messages }) => messages),
    outage(ms) {
      broker.awayUntil = Math.max(broker.awayUntil, world.now() + ms);
      world.note(`broker away ${ms}`);
    },
    heal() {
      broker.healed = true;
    },
  };
}

class Broker {
  awayUntil = 0;
  healed = false;
  readonly #topics = new Map<string, Partition[]>();
  readonly #groups = new Map<string, Group>();
  #looking = false;

  constructor(
    private readonly world: World,
    private readonly faults: BrokerFaults,
  ) {}

  connect(owner: SimulatedProcess): Transport {
    return {
      name: 'simulated broker',
      start: async () => undefined,
      stop: async () => undefined,
      publish: (messages) => this.#publish(owner, messages),
      consume: async (options) => {
        const member: Member = { owner, options, stopped: false, inHand: Promise.resolve() };
        const group = this.#groupOf(options);
        group.members.push(member);
        this.#look();
        return {
          stop: async () => {
            member.stopped = true;
            await member.inHand;
          },
        };
      },
      ends: (topic) =>
        this.#call(
          owner,
          () => new Map(this.partitionsOf(topic).map(({ messages }, index) => [index, BigInt(messages.length)])),
        ),
    };
  }

  partitionsOf(topic: string): readonly Partition[] {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const made = Array.from({ length: partitionsPerTopic }, () => ({ messages: [], waiting: new Set<() => void>() }));
    this.#topics.set(topic, made);
    return made;
  }

  #chance(share: number): boolean {
    return !this.healed && this.world.random.chance(share);
  }

  #isAway(): boolean {
    return !this.healed && this.world.now() < this.awayUntil;
  }

  #latency(): number {
    return 1 + this.world.random.below(10);
  }

  #call<T>(owner: SimulatedProcess, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const fails = this.#isAway();
      this.world.after(2 * this.#latency(), owner, () => (fails ? reject(away()) : resolve(effect())));
    });
  }

  #publish(owner: SimulatedProcess, messages: readonly OutgoingMessage[]): Promise<never> {
    const { world, faults } = this;
    const { lostBefore, lostAfter, lostLate, partly } = faults;
    const fate = this.#isAway()
      ? world.random.pick(['lostBefore', 'lostBefore', 'lostAfter', 'lostLate', 'partly'] as const)
      : this.#chance(lostBefore)
        ? 'lostBefore'
        : this.#chance(lostAfter)
          ? 'lostAfter'
          : this.#chance(lostLate)
            ? 'lostLate'
            : this.#chance(partly)
              ? 'partly'
              : 'through';
    const [there, back] = [this.#latency(), this.#latency()];
    world.note(`${owner.name} publishes ${messages.length}: ${fate}`);
    const store = (some: readonly OutgoingMessage[]) => {
      for (const message of some) this.#store(message);
      if (this.#chance(faults.repeated)) for (const message of some) this.#store(message);
    };
    const half = world.random.below(partitionsPerTopic);
    if (fate === 'lostLate') world.after(there + world.random.below(2_000), null, () => store(messages));
    else if (fate === 'partly')
      world.after(there, null, () => store(messages.filter(({ key }) => partitionOf(key) === half)));
    else if (fate !== 'lostBefore') world.after(there, null, () => store(messages));
    return new Promise((resolve, reject) => {
      world.after(there + back, owner, () => (fate === 'through' ? resolve([] as never) : reject(away())));
    });
  }

  #store({ topic, key, value, headers }: OutgoingMessage): void {
    const partition = partitionOf(key);
    const { messages, waiting } = this.partitionsOf(topic)[partition]!;
    messages.push({ topic, partition, offset: BigInt(messages.length), key, value, headers });
    for (const wake of waiting) wake();
    waiting.clear();
  }

  #groupOf({ group, topic }: ConsumeOptions): Group {
    const name = `${group} ${topic}`;
    const known = this.#groups.get(name) ?? { members: [], holders: new Map() };
    this.#groups.set(name, known);
    return known;
  }

  /** What a group coordinator does: finds members that are gone, and shares their partitions out. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.world.after(lookMs, null, () => {
      this.#looking = false;
      for (const group of this.#groups.values()) this.#share(group);
      this.#look();
    });
  }

  #share(group: Group): void {
    const { random, now } = this.world;
    const isHere = ({ owner, stopped }: Member) => owner.alive && !stopped;
    const answers = (member: Member) => isHere(member) && (member.owner.pausedUntil ?? 0) <= now();
    group.members = group.members.filter(isHere);
    const candidates = group.members.filter(answers);
    const shuffles = candidates.length > 0 && this.#chance(this.faults.shuffled);
    for (let partition = 0; partition < partitionsPerTopic; partition++) {
      const holder = group.holders.get(partition);
      if (holder !== undefined && answers(holder.member) && !shuffles) continue;
      if (holder !== undefined) holder.lost = true;
      group.holders.delete(partition);
      if (candidates.length === 0) continue;
      const next = { member: random.pick(candidates), lost: false };
      group.holders.set(partition, next);
      this.#begin(next, partition);
    }
  }

  #begin(holder: { readonly member: Member; readonly lost: boolean }, partition: number): void {
    const { owner, options } = holder.member;
    const { random } = this.world;
    this.world.after(this.#latency(), owner, () => {
      if (holder.lost || holder.member.stopped) return;
      options.startAt(partition).then(
        (place) => {
          const from = this.#chance(this.faults.behind)
            ? Math.max(0, Number(place) - 1 - random.below(4))
            : Number(place);
          this.#deliver(holder, partition, from);
        },
        () => this.world.after(backOffMs, owner, () => this.#begin(holder, partition)),
      );
    });
  }

  #deliver(holder: { readonly member: Member; readonly lost: boolean }, partition: number, from: number): void {
    const { member } = holder;
    const { owner, options } = member;
    const { messages, waiting } = this.partitionsOf(options.topic)[partition]!;
    if (holder.lost || member.stopped || !owner.alive) return;
    if (from >= messages.length) {
      waiting.add(() => this.#deliver(holder, partition, from));
      return;
    }
    const { random } = this.world;
    const isLate = this.#isAway() || this.#chance(this.faults.dropped);
    const { delayMs, slowGroup, slowMs } = this.faults;
    const isSlow = !this.healed && options.group === slowGroup;
    this.world.after(1 + random.below(isSlow ? slowMs : delayMs) + (isLate ? backOffMs : 0), owner, () => {
      if (holder.lost || member.stopped) return;
      if (isLate) return this.#deliver(holder, partition, from);
      const batch = messages.slice(from, from + (isSlow ? 1 : 1 + random.below(batchMax)));
      this.world.note(`${owner.name} ${options.group} takes ${options.topic} ${partition} ${from}+${batch.length}`);
      const handled = options.handle(batch).then(
        () => this.#deliver(holder, partition, from + batch.length),
        () => this.world.after(backOffMs, owner, () => this.#begin(holder, partition)),
      );
      member.inHand = Promise.all([member.inHand, handled]).then(() => undefined);
    });
  }
}

function partitionOf(key: string): number {
  return [...key].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % partitionsPerTopic;
}

function away(): OperationalError {
  return new OperationalError('broker_unavailable', true, { detail: 'simulated' });
}

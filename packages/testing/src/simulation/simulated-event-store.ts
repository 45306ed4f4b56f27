/**
 * One durable log, and for each process a way to it that fails as networks and servers do. Whatever a process asks
 * arrives after a while, if at all, and its answer comes back after a while, if at all. The log itself is the memory
 * adapter of the port, so a conflict comes only from another writer, as the port promises.
 *
 *   refused        the append was not taken, and the caller is told: `store_unavailable`
 *   lost before    the append never arrived; `outcome_unknown`
 *   lost after     it is stored; `outcome_unknown`
 *   lost late      `outcome_unknown`, and the server stores it later, when it still has its place then
 *   outage         nobody answers for a while: as refused, or one of the lost ones
 */
import { isOperationalError, OperationalError } from '@daybook/core';
import { memoryEventStore, type EventStore, type StoredEvent } from '@daybook/event-store';
import type { SimulatedProcess, World } from './world';

/** Shares of all calls, and milliseconds at most. */
export type StoreFaults = {
  readonly refused: number;
  readonly lostBefore: number;
  readonly lostAfter: number;
  readonly lostLate: number;
  readonly readFails: number;
  readonly latencyMs: number;
  readonly lateMs: number;
};

export type SimulatedStore = {
  /** What is stored, without a way to it. */
  readonly durable: EventStore;
  /** Events stored in the stream so far. */
  lengthOf(stream: string): number;
  connect(owner: SimulatedProcess): EventStore;
  /** A call of a process to anything durable beside the log: `effect` happens on the other side, once or not at all. */
  call<T>(owner: SimulatedProcess, what: string, effect: () => T): Promise<T>;
  /** Milliseconds that one way takes this time, and whether what is asked now gets no answer. */
  latencyMs(): number;
  fails(): boolean;
  outage(ms: number): void;
  /** From now on everything answers. */
  heal(): void;
};

type Fate = 'through' | (typeof fates)[number];
const fates = ['refused', 'lostBefore', 'lostAfter', 'lostLate'] as const;

/** The log, and the state of the way to it. */
type Net = {
  readonly world: World;
  readonly faults: StoreFaults;
  readonly durable: EventStore;
  readonly lengths: Map<string, number>;
  awayUntil: number;
  healed: boolean;
};

export function simulatedStore(world: World, faults: StoreFaults, startMs: number): SimulatedStore {
  const inner = memoryEventStore(() => new Date(startMs + world.now()));
  const lengths = new Map<string, number>();
  const durable: EventStore = {
    ...inner,
    async append(stream, events, expected) {
      const appended = await inner.append(stream, events, expected);
      lengths.set(stream, Math.max(lengths.get(stream) ?? 0, Number(appended.revision) + 1));
      return appended;
    },
  };
  const net: Net = { world, faults, durable, lengths, awayUntil: 0, healed: false };
  return {
    durable,
    lengthOf: (stream) => lengths.get(stream) ?? 0,
    connect: (owner) => connect(net, owner),
    call: (owner, what, effect) => call(net, owner, what, effect),
    latencyMs: () => latency(net),
    fails: () => isFailing(net),
    outage(ms) {
      net.awayUntil = Math.max(net.awayUntil, world.now() + ms);
      world.note(`outage ${ms}`);
    },
    heal() {
      net.healed = true;
      world.note('healed');
    },
  };
}

const latency = ({ world, faults }: Net) => 1 + world.random.below(faults.latencyMs);
const isAway = ({ world, healed, awayUntil }: Net) => !healed && world.now() < awayUntil;
const isFailing = (net: Net) => isAway(net) || (!net.healed && net.world.random.chance(net.faults.readFails));
const away = () => new OperationalError('store_unavailable', true, { detail: 'simulated' });

function fateOfAppend(net: Net): Fate {
  const { random } = net.world;
  if (net.healed) return 'through';
  if (isAway(net)) return random.pick(['refused', 'refused', 'lostBefore', 'lostAfter', 'lostLate'] as const);
  for (const fate of fates) if (random.chance(net.faults[fate])) return fate;
  return 'through';
}

function call<T>(net: Net, owner: SimulatedProcess, what: string, effect: () => T | Promise<T>): Promise<T> {
  const { world } = net;
  return new Promise<T>((resolve, reject) => {
    if (!owner.alive) return;
    const [there, back] = [latency(net), latency(net)];
    const fails = isFailing(net);
    // Half of the calls that fail had arrived.
    const arrives = !fails || world.random.chance(0.5);
    world.note(`${owner.name} ${what}${fails ? ' fails' : ''}`);
    if (fails) world.after(there + back, owner, () => reject(away()));
    if (!arrives) return;
    world.after(there, null, () => {
      void Promise.resolve()
        .then(effect)
        .then(
          (value) => world.after(back, owner, () => resolve(value)),
          (error: unknown) => world.after(back, owner, () => reject(error as Error)),
        );
    });
  });
}

type AppendCall = Parameters<EventStore['append']>;

function append(net: Net, owner: SimulatedProcess, given: AppendCall): Promise<{ readonly revision: bigint }> {
  const { world, faults, durable, lengths } = net;
  const [stream, asked, expected] = given;
  // What is on its way is not changed any more.
  const events = [...asked];
  return new Promise((resolve, reject) => {
    if (!owner.alive) return;
    const fate = fateOfAppend(net);
    const [there, back] = [latency(net), latency(net)];
    world.note(`${owner.name} append ${events.length} after ${expected}, ${events[0]?.id}: ${fate}`);
    const tell = (error: Error) => world.after(there + back, owner, () => reject(error));
    const land = (ms: number, answers: boolean) =>
      world.after(ms, null, () => {
        durable.append(stream, events, expected).then(
          (appended) => {
            world.note(`log ${stream} ${lengths.get(stream)}`);
            if (answers) world.after(back, owner, () => resolve(appended));
          },
          (error: Error) => {
            if (!isOperationalError(error)) world.violated(`append of ${owner.name}: ${error.message}`);
            if (answers) world.after(back, owner, () => reject(error));
          },
        );
      });
    if (fate === 'through') land(there, true);
    else if (fate === 'refused') tell(away());
    else {
      tell(new OperationalError('outcome_unknown', true));
      if (fate === 'lostAfter') land(there, false);
      if (fate === 'lostLate') land(there + world.random.below(faults.lateMs), false);
    }
  });
}

function connect(net: Net, owner: SimulatedProcess): EventStore {
  const { world, durable } = net;
  const { random } = world;
  return {
    append: (...given) => append(net, owner, given),
    readStream: (stream, options) => call(net, owner, `read ${stream}`, () => durable.readStream(stream, options)),
    async *scanStream(stream, range) {
      const scan = async () => {
        const all: StoredEvent[] = [];
        for await (const events of durable.scanStream(stream, range)) all.push(...events);
        return all;
      };
      const events = await call(net, owner, `scan ${stream} from ${range?.from ?? 0n}`, scan);
      for (let from = 0; from < events.length;) {
        const size = 1 + random.below(64);
        yield events.slice(from, from + size);
        from += size;
        if (from < events.length && random.chance(0.2)) await call(net, owner, 'scan on', () => undefined);
      }
    },
    readAll: (from, limit) => call(net, owner, 'read all', () => durable.readAll(from, limit)),
    tail: () => call(net, owner, 'tail', () => durable.tail()),
    holds: (place) => call(net, owner, 'holds', () => durable.holds(place)),
    compare: (a, b) => durable.compare(a, b),
    onAppend: (wake) =>
      durable.onAppend(() => {
        // A hint: some are lost.
        if (owner.alive && (net.healed || !random.chance(0.2))) world.after(latency(net), owner, wake);
      }),
    close: async () => undefined,
  };
}

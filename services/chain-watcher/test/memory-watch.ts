/** What a watcher remembers, in memory: the cursor and the deposits, by the same decider as in production. */
import { OperationalError } from '@daybook/core';
import { testLogger } from '@daybook/testing';
import { steadyPace, type WatchDeps } from '../src/app/watch-deps';
import type { FinalityRule } from '../src/domain/confirmation';
import { depositDecider, type DepositEvent, type DepositState } from '../src/domain/deposit';
import type { LinkedBlock } from '../src/domain/reorg';
import type { ChainSource } from '../src/ports';

const blocksKept = 1024;
const tenantId = '7a1c0000-0000-8000-8000-000000000001';

/** `depositAddresses` are those of the addresses that are of a deposit key. */
export function memoryWatch(
  source: ChainSource,
  addresses: ReadonlySet<string>,
  rule: FinalityRule,
  depositAddresses: ReadonlySet<string> = new Set(),
) {
  let genesis: string | undefined;
  let blocks: LinkedBlock[] = [];
  const states = new Map<string, DepositState>();
  const log: DepositEvent[] = [];
  const placeOf = ({ deposit, status }: Exclude<DepositState, { status: 'none' }>) => ({ ...deposit, status });
  const places = () => [...states.values()].flatMap((state) => (state.status === 'none' ? [] : [placeOf(state)]));

  const deps: WatchDeps = {
    source,
    witnesses: { sources: [], above: {} },
    cursor: {
      tip: async () => blocks.at(-1),
      genesisHash: async () => genesis,
      hashAt: async (number) => blocks.findLast((block) => block.number === number)?.hash,
      async begin(hash, block) {
        genesis = hash;
        blocks = [block];
      },
      async extend(more) {
        for (const block of more) {
          const tip = blocks.at(-1)!;
          if (block.parentHash !== tip.hash) throw new OperationalError('version_conflict', true);
          blocks.push(block);
        }
        if (blocks.length > 2 * blocksKept) blocks = blocks.slice(-blocksKept);
      },
      blocks: async () => blocks.toReversed(),
      async unwind(tip, fork) {
        if (blocks.at(-1)?.hash !== tip.hash) throw new OperationalError('version_conflict', true);
        blocks = blocks.filter(({ number }) => number <= fork.number);
      },
    },
    watchlist: {
      has: (address) => addresses.has(address),
      ownerOf: (address) =>
        addresses.has(address)
          ? { reference: address, tenantId, mode: 'sandbox', isOfDepositKey: depositAddresses.has(address) }
          : undefined,
      refresh: async () => undefined,
    },
    rule,
    pace: steadyPace(),
    startBlock: 0,
    now: () => new Date(),
    logger: testLogger().logger,
    async handle(stream, command) {
      const state = states.get(stream) ?? depositDecider.initial;
      const decision = depositDecider.decide(command, state);
      if (!decision.ok) return { ...decision, state };
      const next = decision.events.reduce(depositDecider.evolve, state);
      states.set(stream, next);
      log.push(...decision.events);
      return { ok: true, state: next, events: decision.events, expected: BigInt(log.length) };
    },
    caughtUp: async () => undefined,
    depositsAbove: async (number) =>
      places().filter((place) => place.status !== 'reverted' && place.blockNumber > number),
    depositsSeenUpTo: async (number) =>
      places()
        .filter(({ status, blockNumber }) => status === 'seen' && blockNumber <= number)
        .map((place) => ({
          ...place,
          canonicalHash: blocks.find((block) => block.number === place.blockNumber)?.hash ?? null,
        })),
    depositsRevertedInCursor: async () =>
      log.flatMap(({ type, at: _at, ...deposit }) =>
        type === 'DepositReverted' &&
        states.get(`deposit-${deposit.depositId}`)?.status === 'reverted' &&
        blocks.some(({ hash }) => hash === deposit.blockHash)
          ? [deposit]
          : [],
      ),
  };
  return { deps, log };
}

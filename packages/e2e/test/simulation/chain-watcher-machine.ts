/**
 * The chain-watcher as its composition root has it, on the ports of the simulation. Its read models are SQL and are not
 * simulated: folds in memory stand for them, fed by a real subscription, so that they lag as the real ones do.
 */
import { allocateAddress, depositsOf } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { asOperational, commandHandler, createSubscription } from '@daybook/event-store';
import { callServer, onCall } from '@daybook/http';
import { createRelay } from '@daybook/messaging';
import { publishedEvents } from '../../../../services/chain-watcher/src/adapters/published-events';
import {
  addressEvents,
  depositEvents,
  storedEvents,
} from '../../../../services/chain-watcher/src/adapters/stored-events';
import { allocate } from '../../../../services/chain-watcher/src/app/allocate-address';
import { tellDeposits } from '../../../../services/chain-watcher/src/app/tell-deposits';
import { chainWatcher } from '../../../../services/chain-watcher/src/app/chain-watcher';
import { watchPass, type Pass } from '../../../../services/chain-watcher/src/app/watch-chain';
import { steadyPace } from '../../../../services/chain-watcher/src/app/watch-deps';
import { watchlist } from '../../../../services/chain-watcher/src/app/watchlist';
import { addressDecider } from '../../../../services/chain-watcher/src/domain/address';
import { depositDecider, type Deposit } from '../../../../services/chain-watcher/src/domain/deposit';
import type { LinkedBlock } from '../../../../services/chain-watcher/src/domain/reorg';
import type { BlockCursor } from '../../../../services/chain-watcher/src/ports';
import type { AddressOwner } from '../../../../services/chain-watcher/src/projections/addresses';
import type { DepositPlace } from '../../../../services/chain-watcher/src/projections/deposits';
import { chainName, confirmations } from './chain';
import { faultsOf, mode, type Composition, type Parts, type Product } from './product';

const pollMs = 200;

export function composeChainWatcher({ world, chain, network }: Product, parts: Parts): Composition {
  const { owner, store, now, logger, onFatal } = parts;
  const readModel = readModelOf(parts);
  const cursor = cursorOf(parts);
  const source = chain.source(owner);
  const deposits = commandHandler(depositDecider, depositEvents, store);
  const deps = {
    source,
    witnesses: { sources: [], above: {} },
    cursor,
    watchlist: watchlist((id) => addressesAfter(parts, id)),
    rule: { kind: 'depth' as const, confirmations },
    pace: steadyPace(),
    startBlock: 0,
    now,
    logger,
    handle: deposits.handle,
    caughtUp: () => readModel.caughtUp(),
    ...placesOf(parts),
  };
  let previous: Pass | undefined;
  const watcher = chainWatcher({
    chain: chainName,
    pollMs,
    limits: { frozenMs: null, lagBlocks: 1_000 },
    faults: async () => [],
    verify: () => source.verify(),
    async pass(onHead) {
      const before = previous;
      previous = undefined;
      previous = await watchPass(deps, onHead, before);
      return previous;
    },
    asOperational,
    now,
    logger: { ...logger, error: (line: object, text: string) => complain(line, text) } as unknown as typeof logger,
    onFatal,
  });
  /** No branch is as deep as what is final, so nothing may halt the chain. */
  function complain(line: object, text: string): void {
    const { error } = line as { error?: Error };
    if (text.includes('halted')) world.violated(`${owner.name}: ${text}: ${error?.message}`);
  }
  const answer = callServer(
    [
      onCall(allocateAddress, (request) => allocate(allocation(parts, cursor), request)),
      onCall(depositsOf, (request) => tellDeposits({ ...deps, ...placesOf(parts) }, request)),
    ],
    faultsOf(world, owner),
  );
  return {
    components: [readModel, watcher, createRelay(parts, { name: 'deposits', map: publishedEvents })],
    serve: () => network.serve('chain-watcher', { owner, answer }),
  };
}

function allocation({ database, pool, store, now }: Parts, cursor: BlockCursor) {
  return {
    networks: [{ chain: chainName, mode, family: 'evm' as const, assets: ['ETH' as const] }],
    derivers: [{ family: 'evm' as const, keyId: 'simulated', addressAt: async (index: number) => `0xaddress${index}` }],
    payee: undefined,
    paymentPlace: () => ({ contract: undefined, chainId: 1 }),
    reservePlace: (_family: string, reference: string) =>
      database.ask(pool, `place of ${reference}`, (rows) => {
        const known = rows.get<number>('places', reference);
        if (known !== undefined) return known;
        const index = rows.all('places').length;
        rows.put('places', reference, index);
        return index;
      }),
    isWatched: async () => (await cursor.tip()) !== undefined,
    // One key, whose places are given once: no address is another reference's.
    referenceOf: async () => undefined,
    ...commandHandler(addressDecider, addressEvents, store),
    now,
  };
}

type DepositRow = DepositPlace & { readonly reference: string; readonly at: string };

type AddressRow = AddressOwner & { readonly id: string; readonly address: string };

function readModelOf(parts: Parts) {
  return createSubscription({
    ...parts,
    name: 'chain_watcher_v1',
    async handle(tx, events) {
      const decoded = events.map((event) => storedEvents.decode(event));
      await parts.database.ask(tx, 'project deposits', (rows) => {
        for (const event of decoded) {
          if (event.type === 'AddressAllocated') {
            const { reference, address, tenantId } = event;
            if (rows.get('addresses', reference) !== undefined) continue;
            const id = String(rows.all('addresses').length + 1);
            const isOfDepositKey = event.index !== null;
            rows.put('addresses', reference, {
              id,
              reference,
              address,
              tenantId,
              mode,
              isOfDepositKey,
            } satisfies AddressRow);
            continue;
          }
          // As `reverted_places_v1`.
          if (event.type === 'DepositReverted') {
            const { type: _type, at: _at, ...place } = event;
            rows.put('reverted_places', `${place.depositId} ${place.blockHash}`, place satisfies Deposit);
          }
          const status = ({ DepositSeen: 'seen', DepositConfirmed: 'confirmed', DepositReverted: 'reverted' } as const)[
            event.type
          ];
          rows.put('deposits', event.depositId, { ...event, status } satisfies DepositRow);
        }
      });
    },
  });
}

function addressesAfter({ database, pool }: Parts, id: string): Promise<readonly AddressRow[]> {
  return database.ask(pool, `addresses after ${id}`, (rows) =>
    rows
      .all<AddressRow>('addresses')
      .map(([, row]) => row)
      .filter((row) => Number(row.id) > Number(id))
      .toSorted((a, b) => Number(a.id) - Number(b.id)),
  );
}

type Cursor = { readonly genesis: string; readonly blocks: readonly LinkedBlock[] };

/** As the queries of `projections/deposits.ts`. */
function placesOf({ database, pool }: Parts) {
  const ordered = (all: readonly (readonly [string, DepositPlace])[]) =>
    all.map(([, row]) => row).toSorted((a, b) => a.blockNumber - b.blockNumber || (a.depositId < b.depositId ? -1 : 1));
  return {
    depositsAbove: (number: number) =>
      database.ask(pool, `deposits above ${number}`, (rows) =>
        ordered(rows.all<DepositPlace>('deposits'))
          .filter(({ blockNumber, status }) => blockNumber > number && status !== 'reverted')
          .toReversed(),
      ),
    depositsSeenUpTo: (number: number) =>
      database.ask(pool, `deposits seen up to ${number}`, (rows) => {
        const blocks = rows.get<Cursor>('cursor', chainName)?.blocks ?? [];
        return ordered(rows.all<DepositPlace>('deposits'))
          .filter(({ blockNumber, status }) => blockNumber <= number && status === 'seen')
          .map((row) => ({
            ...row,
            canonicalHash: blocks.find((block) => block.number === row.blockNumber)?.hash ?? null,
          }));
      }),
    depositsOf: (references: readonly string[], limit: number) =>
      database.ask(pool, 'deposits of references', (rows) =>
        references.flatMap((asked) =>
          rows
            .all<DepositRow>('deposits')
            .map(([, row]) => row)
            .filter(({ reference }) => reference === asked)
            .toSorted((a, b) => (a.at < b.at ? 1 : -1))
            .slice(0, limit)
            .map(({ reference, depositId, status }) => ({ reference, depositId, status })),
        ),
      ),
    depositsRevertedInCursor: () =>
      database.ask(pool, 'deposits reverted in the cursor', (rows) => {
        const hashes = new Set(rows.get<Cursor>('cursor', chainName)?.blocks.map(({ hash }) => hash));
        return rows
          .all<Deposit>('reverted_places')
          .map(([, place]) => place)
          .filter(({ blockHash }) => hashes.has(blockHash))
          .filter(({ depositId }) => rows.get<DepositPlace>('deposits', depositId)?.status === 'reverted');
      }),
  };
}

/** As `block-cursor.ts`, each change in one statement. */
function cursorOf({ database, pool }: Parts): BlockCursor {
  const read = <T>(what: string, of: (cursor: Cursor | undefined) => T) =>
    database.ask(pool, what, (rows) => of(rows.get<Cursor>('cursor', chainName)));
  const change = (what: string, next: (cursor: Cursor | undefined) => Cursor) =>
    database.ask(pool, what, (rows) => rows.put('cursor', chainName, next(rows.get<Cursor>('cursor', chainName))));
  return {
    tip: () =>
      read('tip', (cursor) => {
        const tip = cursor?.blocks.at(-1);
        return tip && { number: tip.number, hash: tip.hash };
      }),
    genesisHash: () => read('genesis', (cursor) => cursor?.genesis),
    hashAt: (number) => read('hash', (cursor) => cursor?.blocks.find((block) => block.number === number)?.hash),
    begin: (genesis, { number, hash, parentHash }) =>
      change('begin', (cursor) => {
        if (cursor !== undefined) throw conflict();
        return { genesis, blocks: [{ number, hash, parentHash }] };
      }),
    extend: (added) =>
      change(`extend to ${added.at(-1)?.number}`, (cursor) => {
        const blocks = [...cursor!.blocks];
        for (const { number, hash, parentHash } of added) {
          const tip = blocks.at(-1)!;
          if (number <= tip.number || parentHash !== tip.hash) throw conflict();
          blocks.push({ number, hash, parentHash });
        }
        return { ...cursor!, blocks };
      }),
    blocks: () => read('blocks', (cursor) => cursor!.blocks.toReversed()),
    unwind: (tip, fork) =>
      change(`unwind to ${fork.number}`, (cursor) => {
        if (cursor!.blocks.at(-1)!.hash !== tip.hash) throw conflict();
        return { ...cursor!, blocks: cursor!.blocks.filter(({ number }) => number <= fork.number) };
      }),
  };
}

function conflict(): OperationalError {
  return new OperationalError('version_conflict', true, { detail: 'another watcher moved the cursor' });
}

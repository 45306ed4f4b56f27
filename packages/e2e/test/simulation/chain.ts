/**
 * A chain of blocks with reorganisations, and for each process a provider of it. A provider is many nodes behind one name:
 * each answer may come late or not at all, from a node that is behind, or from one that still follows a branch which the
 * others have left. They may return to it. No branch is ever left that is as deep as the confirmations that make a deposit
 * final.
 */
import { OperationalError } from '@daybook/core';
import { sha256Hex } from '@daybook/runtime';
import type { SimulatedProcess, World } from '@daybook/testing';
import type { ChainBlock, ChainSource, Transfer, WatchedAddresses } from '../../../../services/chain-watcher/src/ports';

export type ChainFaults = {
  /** Shares of answers. */
  readonly fails: number;
  readonly lagging: number;
  readonly stale: number;
  /** Share of moments of mining at which the newest blocks are replaced. */
  readonly reorg: number;
  /** Share of transfers in replaced blocks that never come again. */
  readonly forgotten: number;
  readonly latencyMs: number;
  readonly blockMs: number;
};

export const chainName = 'evm-simulated';
export const confirmations = 3;
/** Share of replacements after which the chain is soon back on the branch that it left. */
const returned = 0.5;
/** Share of moments at which the newest blocks are replaced while a payment is in them, where they are at all. */
const paidReorg = 0.5;

export type SimulatedEvm = {
  source(owner: SimulatedProcess): ChainSource;
  /** Sends a payment; it is in a block some time later. */
  pay(to: string, amount: bigint): string;
  readonly blocks: readonly ChainBlock[];
  heal(): void;
};

export function simulatedChain(world: World, faults: ChainFaults): SimulatedEvm {
  const { random } = world;
  const genesis: ChainBlock = { number: 0, hash: hashOf('genesis'), parentHash: hashOf('nothing'), transfers: [] };
  const blocks: ChainBlock[] = [genesis];
  let left: readonly ChainBlock[] = blocks;
  let waiting: Transfer[] = [];
  let sent = 0;
  let mined = 0;
  let healed = false;
  const chance = (share: number) => !healed && random.chance(share);

  function mineOne(): void {
    const parent = blocks.at(-1)!;
    const transfers = waiting.filter(() => healed || random.chance(0.8));
    waiting = waiting.filter((transfer) => !transfers.includes(transfer));
    const hash = hashOf(`${parent.hash} ${mined++}`);
    blocks.push({ number: parent.number + 1, hash, parentHash: parent.hash, transfers });
    world.note(`block ${parent.number + 1} ${hash.slice(0, 8)} with ${transfers.length}`);
  }

  /** As many blocks again and one more, so that the new branch is the longer one. */
  function reorganise(): void {
    const depth = Math.min(blocks.length - 1, 1 + random.below(confirmations - 1));
    if (depth === 0) return;
    left = [...blocks];
    const orphaned = blocks.splice(-depth).flatMap(({ transfers }) => transfers);
    world.note(`the newest ${depth} blocks are replaced`);
    waiting.push(...orphaned.filter(() => !chance(faults.forgotten)));
    for (let again = 0; again <= depth; again++) mineOne();
    if (random.chance(returned)) world.after(1 + random.below(faults.blockMs), null, goBack);
  }

  /** The branch that was left goes on and is the longer one again, with what it held; nothing if it is too old for that. */
  function goBack(): void {
    const branch = left;
    const fork = blocks.findLastIndex(({ hash }, number) => branch[number]?.hash === hash);
    const depth = blocks.length - 1 - fork;
    if (healed || depth === 0 || depth >= confirmations || fork === branch.length - 1) return;
    left = [...blocks];
    const orphaned = blocks.splice(-depth).flatMap(({ transfers }) => transfers);
    blocks.push(...branch.slice(fork + 1));
    world.note(`back on the branch that was left above block ${fork}`);
    const held = new Set(blocks.flatMap(({ transfers }) => transfers.map(({ transactionId }) => transactionId)));
    waiting = [...waiting, ...orphaned].filter(({ transactionId }) => !held.has(transactionId));
    while (blocks.length <= left.length) mineOne();
  }

  function live(): void {
    // What matters is in the newest blocks, and there is little of it: a payment that was seen has to be moved often.
    const isPaid = blocks.slice(1 - confirmations).some(({ transfers }) => transfers.length > 0);
    if (chance(isPaid && faults.reorg > 0 ? paidReorg : faults.reorg)) reorganise();
    else mineOne();
    world.after(1 + random.below(2 * faults.blockMs), null, live);
  }
  world.after(faults.blockMs, null, live);

  /** The blocks that the node has which answers this time. */
  function view(): readonly ChainBlock[] {
    if (chance(faults.stale)) return left;
    if (chance(faults.lagging)) return blocks.slice(0, Math.max(1, blocks.length - 1 - random.below(5)));
    return blocks;
  }

  function ask<T>(owner: SimulatedProcess, what: string, answer: (seen: readonly ChainBlock[]) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const fails = chance(faults.fails);
      const ms = 1 + random.below(faults.latencyMs);
      world.after(ms, owner, () => {
        if (fails) return reject(new OperationalError('upstream_unavailable', true, { detail: `simulated: ${what}` }));
        resolve(answer(view()));
      });
    });
  }

  return {
    blocks,
    source: (owner) => sourceOf(owner, ask, genesis.hash),
    pay(to, amount) {
      const transactionId = `0x${hashOf(`transaction ${sent++}`)}`;
      waiting.push({ transactionId, index: 0, asset: 'ETH', to, amount, spenders: [] });
      world.note(`payment of ${amount} to ${to}`);
      return transactionId;
    },
    heal() {
      healed = true;
    },
  };
}

type Ask = <T>(owner: SimulatedProcess, what: string, answer: (seen: readonly ChainBlock[]) => T) => Promise<T>;

function sourceOf(owner: SimulatedProcess, ask: Ask, genesisHash: string): ChainSource {
  const of = (block: ChainBlock, watched: WatchedAddresses): ChainBlock => ({
    ...block,
    transfers: block.transfers.filter(({ to }) => watched.has(to)),
  });
  return {
    chain: chainName,
    verify: async () => undefined,
    faultOf: async () => undefined,
    stop: async () => undefined,
    genesisHash: () => ask(owner, 'genesis', () => genesisHash),
    head: () =>
      ask(owner, 'head', (seen) => {
        const { number, hash } = seen.at(-1)!;
        return { number, hash };
      }),
    finalized: () => ask(owner, 'finalized', () => undefined),
    hashAt: (number) => ask(owner, `hash of ${number}`, (seen) => seen[number]?.hash),
    blocksAfter: (number, limit, watched) =>
      ask(owner, `blocks after ${number}`, (seen) =>
        seen.slice(number + 1, number + 1 + limit).map((block) => of(block, watched)),
      ),
    finalTransfers: ({ number, hash }, watched) =>
      ask(owner, `final ${number}`, (seen) => {
        const block = seen[number];
        return block?.hash === hash ? of(block, watched).transfers : undefined;
      }),
  };
}

function hashOf(text: string): string {
  return sha256Hex(text);
}

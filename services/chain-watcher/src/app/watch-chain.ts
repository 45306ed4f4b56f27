import { assert, OperationalError } from '@daybook/core';
import { assets, unitsMax } from '@daybook/money';
import { currentCorrelation, uuidFrom, uuidv7, type Clock, type Logger } from '@daybook/runtime';
import type { CommandContext, Outcome } from '@daybook/event-store';
import { isFinal, type ConfirmationRules } from '../domain/confirmation';
import type { Deposit, DepositCommand, DepositEvent, DepositRejection, DepositState } from '../domain/deposit';
import { findFork, nextStep, type BlockReference } from '../domain/reorg';
import { isChainAsset } from './networks';
import type { BlockCursor, ChainBlock, ChainSource, Transfer, WatchedAddresses } from '../ports';
import type { DepositPlace } from '../projections/deposits';
import type { Watchlist } from './watchlist';

/** Blocks scanned before confirmations are looked at again and the caller gets the word. */
const blocksPerPassMax = 50;
const nothingWatched: WatchedAddresses = { has: () => false };

/** Going on would mean to guess. The chain stays where it is until someone has looked at it. */
export class ChainHaltedError extends Error {
  override readonly name = 'ChainHaltedError';
}

export type WatchDeps = {
  readonly source: ChainSource;
  readonly cursor: BlockCursor;
  readonly watchlist: Watchlist;
  readonly rules: ConfirmationRules;
  /** First block ever scanned; undefined is the head at that moment. */
  readonly startBlock: number | undefined;
  readonly now: Clock;
  readonly logger: Logger;
  handle(
    stream: string,
    command: DepositCommand,
    context: CommandContext,
  ): Promise<Outcome<DepositState, DepositEvent, DepositRejection>>;
  /** Resolves when the projections contain everything that was appended before. */
  caughtUp(): Promise<void>;
  depositsAbove(number: number): Promise<readonly DepositPlace[]>;
  depositsSeenUpTo(number: number): Promise<readonly (DepositPlace & { readonly canonicalHash: string | null })[]>;
};

export type Pass = {
  readonly head: BlockReference;
  readonly tip: BlockReference;
  /** More blocks can be read at once. */
  readonly more: boolean;
};

/**
 * One pass over the chain: verify the tip, follow a reorg, scan new blocks, confirm what became final. Events are
 * appended before the cursor moves and repeats of them record nothing, so a pass may die at any line and be repeated.
 * `onHead` hears the head also when the pass fails later. `previous` is the pass before, if it succeeded: when it ended
 * at this very head there is nothing left to do.
 */
export async function watchPass(
  deps: WatchDeps,
  onHead: (head: BlockReference) => void,
  previous?: Pass,
): Promise<Pass> {
  const head = await deps.source.head();
  onHead(head);
  if (previous?.tip.hash === head.hash && !previous.more) return previous;
  // After the head was read: who pays into one of these blocks was given the address before.
  await deps.caughtUp();
  await deps.watchlist.refresh();

  let tip = (await deps.cursor.tip()) ?? (await begin(deps, head));
  const strays = await deps.depositsAbove(tip.number);
  await revertMisplaced(deps, tip);
  let scanned = 0;
  try {
    for (; scanned < blocksPerPassMax; scanned++) {
      const next = head.number > tip.number ? await deps.source.block(tip.number + 1, deps.watchlist) : undefined;
      const step = nextStep(tip, head, next);
      if (step === 'fork') return { head, tip: await unwind(deps, tip), more: true };
      if (step === 'refuse') throw sourceFailed(`asked for block ${tip.number + 1}, was given ${next?.number}`);
      if (step === 'behind') throw await behind(deps, tip, head);
      if (step === 'wait' && head.number > tip.number)
        throw sourceFailed(`block ${tip.number + 1} is missing below the head ${head.number}`);
      if (step === 'wait') break;
      assert(next, 'a step to extend without a block');
      tip = await extend(deps, next, strays);
    }
    // Here the tip is in the source's chain: it was read from it, links to what was, or is its head.
    await confirm(deps, tip);
  } catch (error) {
    throw error instanceof ChainHaltedError && (await isOvertaken(deps, tip)) ? overtaken(error) : error;
  }
  return { head, tip, more: scanned === blocksPerPassMax };
}

/** Another watcher has moved the cursor since, so what looks like a contradiction may be its work on newer blocks. */
async function isOvertaken(deps: WatchDeps, tip: BlockReference): Promise<boolean> {
  return (await deps.cursor.tip())?.hash !== tip.hash;
}

function overtaken({ message }: ChainHaltedError): OperationalError {
  return new OperationalError('version_conflict', true, { detail: `another watcher was first: ${message}` });
}

/** The first block is scanned too, but nothing is believed to link to it. */
async function begin(deps: WatchDeps, head: BlockReference): Promise<BlockReference> {
  const number = deps.startBlock ?? head.number;
  const [genesis, first] = [
    await deps.source.block(0, nothingWatched),
    await deps.source.block(number, deps.watchlist),
  ];
  if (genesis === undefined || first === undefined) throw sourceFailed(`the source has no block ${number} to begin at`);
  await record(deps, first);
  await deps.cursor.begin(genesis.hash, first);
  return first;
}

/** Records the block's transfers, then joins it to the cursor. */
async function extend(deps: WatchDeps, block: ChainBlock, strays: readonly DepositPlace[]): Promise<BlockReference> {
  // Left by a pass that died between append and cursor, in a block that has since lost its place.
  await revert(
    deps,
    strays.filter(({ blockNumber, blockHash }) => blockNumber === block.number && blockHash !== block.hash),
  );
  await record(deps, block);
  await deps.cursor.extend(block);
  return { number: block.number, hash: block.hash };
}

async function record(deps: WatchDeps, block: ChainBlock): Promise<void> {
  for (const transfer of block.transfers) {
    const deposit = depositOf(deps, block, transfer);
    if (deposit === undefined) continue;
    await command(deps, deposit.depositId, 'see', { type: 'SeeDeposit', deposit, at: now(deps) }, block.hash);
  }
}

function depositOf(deps: WatchDeps, block: ChainBlock, transfer: Transfer): Deposit | undefined {
  const owner = deps.watchlist.ownerOf(transfer.to);
  if (owner === undefined) return undefined;
  const { chain } = deps.source;
  const { transactionId, index, asset, amount } = transfer;
  if (amount > unitsMax(assets[asset].scale)) {
    // No book can hold it. To stop here would let whoever can print a token stop the chain.
    deps.logger.error({ chain, transactionId, index, asset, block: block.number }, 'impossible amount left out');
    return undefined;
  }
  return {
    depositId: uuidFrom([chain, transactionId, String(index)]),
    chain,
    transactionId,
    index,
    asset,
    amount,
    address: transfer.to,
    reference: owner.reference,
    tenantId: owner.tenantId,
    mode: owner.mode,
    blockNumber: block.number,
    blockHash: block.hash,
  };
}

/** Reverts what is in blocks that left the chain, then takes the cursor back to the newest block that both have. */
async function unwind(deps: WatchDeps, tip: BlockReference): Promise<BlockReference> {
  await refuseOtherGenesis(deps);
  const fork = await forkOf(deps);
  if (fork === undefined)
    throw new ChainHaltedError(`no block of the cursor is in the chain any more, from block ${tip.number} down`);
  const orphaned = await deps.depositsAbove(fork.number);
  const confirmed = orphaned.find(({ status }) => status === 'confirmed');
  if (confirmed)
    throw new ChainHaltedError(
      `a reorg from block ${tip.number} to block ${fork.number} removes confirmed deposit ${confirmed.depositId}`,
    );
  await revert(deps, orphaned);
  await deps.cursor.unwind(tip, fork);
  const { chain } = deps.source;
  deps.logger.warn({ chain, from: tip.number, to: fork.number, deposits: orphaned.length }, 'followed a reorg');
  return fork;
}

async function forkOf(deps: WatchDeps): Promise<BlockReference | undefined> {
  const cursor = await deps.cursor.blocks();
  const source = new Map<number, string | undefined>();
  for (;;) {
    const search = findFork(cursor, source);
    if (search.type !== 'ask') return search.type === 'found' ? search.block : undefined;
    source.set(search.number, (await deps.source.block(search.number, nothingWatched))?.hash);
  }
}

async function revert(deps: WatchDeps, deposits: readonly DepositPlace[]): Promise<void> {
  for (const { depositId, blockHash } of deposits)
    await command(deps, depositId, 'revert', { type: 'RevertDeposit', blockHash, at: now(deps) }, blockHash);
}

/**
 * Seen by a watcher that was overtaken before its block could join the cursor, which has another block in its place. A
 * refusal means that the deposit is somewhere else by now.
 */
async function revertMisplaced(deps: WatchDeps, tip: BlockReference): Promise<void> {
  for (const { depositId, blockHash, canonicalHash } of await deps.depositsSeenUpTo(tip.number)) {
    if (canonicalHash === null || canonicalHash === blockHash) continue;
    const decision = { type: 'RevertDeposit', blockHash, at: now(deps) } as const;
    await deps.handle(`deposit-${depositId}`, decision, contextOf(deps, depositId));
  }
}

async function confirm(deps: WatchDeps, tip: BlockReference): Promise<void> {
  await deps.caughtUp();
  for (const deposit of await deps.depositsSeenUpTo(tip.number)) {
    const { depositId, asset, blockNumber, blockHash, canonicalHash } = deposit;
    assert(isChainAsset(asset), `${asset} is on no chain`);
    if (!isFinal(deps.rules[asset], blockNumber, tip.number)) continue;
    if (canonicalHash === null)
      throw new ChainHaltedError(`deposit ${depositId} is in block ${blockNumber}, which the cursor does not have`);
    // The next pass reverts it.
    if (canonicalHash !== blockHash) continue;
    await command(deps, depositId, 'confirm', { type: 'ConfirmDeposit', blockHash, at: now(deps) }, blockHash);
  }
}

/** A node below our tip is stale, unless it shows another chain. Either way nothing is concluded from it. */
async function behind(deps: WatchDeps, tip: BlockReference, head: BlockReference): Promise<Error> {
  await refuseOtherGenesis(deps);
  return sourceFailed(
    `the head ${head.number} is below the cursor ${tip.number}: a stale node, or a chain that was cut`,
  );
}

function sourceFailed(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail });
}

async function refuseOtherGenesis(deps: WatchDeps): Promise<void> {
  const [known, served] = [await deps.cursor.genesisHash(), await deps.source.block(0, nothingWatched)];
  if (served !== undefined && served.hash !== known)
    throw new ChainHaltedError(
      `the source serves another chain: its genesis is ${served.hash}, the cursor began on ${known}`,
    );
}

async function command(
  deps: WatchDeps,
  depositId: string,
  what: string,
  decision: DepositCommand,
  blockHash: string,
): Promise<void> {
  const outcome = await deps.handle(`deposit-${depositId}`, decision, contextOf(deps, depositId));
  if (!outcome.ok)
    throw new ChainHaltedError(`cannot ${what} deposit ${depositId} in block ${blockHash}: ${outcome.rejection}`);
}

/** Its own for each attempt: two that race carry different times, and the store must see two commands, not one. */
function contextOf(deps: WatchDeps, depositId: string): CommandContext {
  return { commandId: uuidv7(deps.now()), ...currentCorrelation(depositId) };
}

const now = (deps: WatchDeps) => deps.now().toISOString();

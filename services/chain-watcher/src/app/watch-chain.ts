import { assert } from '@daybook/core';
import { assets, unitsMax } from '@daybook/money';
import { uuidFrom } from '@daybook/runtime';
import type { Deposit } from '../domain/deposit';
import { confirmationsMax } from '../domain/confirmation';
import { findFork, nextStep, type BlockReference } from '../domain/reorg';
import type { ChainBlock, Transfer } from '../ports';
import type { DepositPlace } from '../projections/deposits';
import { confirmDeposits } from './confirm-deposits';
import { ChainHaltedError, contextOf, decide, now, overtaken, sourceFailed, type WatchDeps } from './watch-deps';
import { sweptBy } from './watchlist';

export type Pass = {
  readonly tip: BlockReference;
  /** More blocks can be read at once. */
  readonly more: boolean;
  /** Deposits that are not final yet. */
  readonly waiting: number;
};

/**
 * One pass over the chain: verify the tip, follow a reorg, scan new blocks, confirm what became final. Events are
 * appended before the cursor moves and repeats of them record nothing, so a pass may die at any line and be repeated.
 * `onHead` hears the head also when the pass fails later. `previous` is the pass before, if it succeeded: when it ended
 * at this very head there is nothing left to do, unless the chain's mark may have moved under a deposit that waits.
 */
export async function watchPass(
  deps: WatchDeps,
  onHead: (head: BlockReference) => void,
  previous?: Pass,
): Promise<Pass> {
  const head = await deps.source.head();
  onHead(head);
  const marked = deps.rule.kind === 'finalized';
  if (previous?.tip.hash === head.hash && !previous.more && !(marked && previous.waiting > 0)) return previous;
  // Before the blocks: a chain whose marks follow closely would otherwise be past the tip with each of them.
  const mark = marked ? deps.source.finalized() : undefined;
  // It is missed only where a deposit waits for it.
  mark?.catch(() => undefined);
  // After the head was read: who pays into one of these blocks was given the address before.
  await deps.caughtUp();
  await deps.watchlist.refresh();

  let tip = (await deps.cursor.tip()) ?? (await begin(deps, head));
  const strays = new Set(await deps.depositsAbove(tip.number));
  await revertMisplaced(deps, tip);
  try {
    const scan = await scanBlocks(deps, head, tip, strays, (joined) => (tip = joined));
    if (scan === 'forked') return { tip: await unwind(deps, tip), more: true, waiting: 0 };
    // Here the tip is in the source's chain: it was read from it, links to what was, or is its head.
    await seeAgain(deps);
    return { tip, more: scan === 'more', waiting: await confirmDeposits(deps, tip, mark) };
  } catch (error) {
    throw error instanceof ChainHaltedError && (await isOvertaken(deps, tip)) ? overtaken(error) : error;
  }
}

/** Joins the blocks above the tip, a window at a time. `onTip` hears each block that is in the cursor. */
async function scanBlocks(
  deps: WatchDeps,
  head: BlockReference,
  from: BlockReference,
  strays: Set<DepositPlace>,
  onTip: (tip: BlockReference) => void,
): Promise<'done' | 'more' | 'forked'> {
  let tip = from;
  for (let scanned = 0; scanned < deps.pace.blocksPerPass;) {
    const blocks = head.number > tip.number ? await readAhead(deps, tip, head) : [];
    const first = nextStep(tip, head, blocks[0]);
    if (first === 'fork') return 'forked';
    if (first === 'refuse')
      throw sourceFailed(`asked for what follows block ${tip.number}, was given ${blocks[0]?.number}`);
    if (first === 'behind') throw await behind(deps, tip, head);
    if (first === 'wait' && head.number > tip.number)
      throw sourceFailed(`block ${tip.number + 1} is missing below the head ${head.number}`);
    if (first === 'wait') return 'done';
    const joined: ChainBlock[] = [];
    for (const block of blocks) {
      if (nextStep(joined.at(-1) ?? tip, head, block) !== 'extend') break;
      joined.push(block);
    }
    await requireHead(deps, head, joined);
    for (const block of joined) await recordBlock(deps, block, strays);
    await deps.cursor.extend(joined);
    const last = joined.at(-1);
    assert(last, 'a step to extend without a block');
    tip = { number: last.number, hash: last.hash };
    onTip(tip);
    scanned += joined.length;
  }
  return 'more';
}

/**
 * The addresses were read after the head. A block that replaced one below it since may pay an address that is newer, so
 * nothing is joined unless the head still stands where it was.
 */
async function requireHead({ source }: WatchDeps, head: BlockReference, joined: readonly ChainBlock[]): Promise<void> {
  const last = joined.at(-1);
  const shown = last?.number === head.number ? last.hash : await source.hashAt(head.number);
  if (shown !== head.hash) throw sourceFailed(`the head ${head.number} was replaced while blocks up to it were read`);
}

/** Providers cap what they answer at once, each at another size: half as much after a failure, up to twice after a success. */
async function readAhead(
  { source, pace, watchlist }: WatchDeps,
  tip: BlockReference,
  head: BlockReference,
): Promise<readonly ChainBlock[]> {
  const asked = Math.min(pace.window, head.number - tip.number);
  try {
    const blocks = await source.blocksAfter(tip.number, asked, watchlist);
    const last = blocks.at(-1)?.number ?? tip.number;
    if (blocks.length === pace.window) pace.window = Math.min(pace.windowMax, pace.window * 2);
    else if (blocks.length < asked && last < head.number) pace.window = Math.max(1, blocks.length);
    return blocks;
  } catch (error) {
    pace.window = Math.max(1, Math.floor(asked / 2));
    throw error;
  }
}

/** Another watcher has moved the cursor since, so what looks like a contradiction may be its work on newer blocks. */
async function isOvertaken(deps: WatchDeps, tip: BlockReference): Promise<boolean> {
  return (await deps.cursor.tip())?.hash !== tip.hash;
}

/** The first block is scanned too, but nothing is believed to link to it. */
async function begin(deps: WatchDeps, head: BlockReference): Promise<BlockReference> {
  const number = deps.startBlock ?? (await newestFinal(deps, head));
  const [genesis, [first]] = [
    await deps.source.genesisHash(),
    await deps.source.blocksAfter(number - 1, 1, deps.watchlist),
  ];
  if (first === undefined) throw sourceFailed(`the source has no block ${number} to begin at`);
  await recordTransfers(deps, first);
  await deps.cursor.begin(genesis, first);
  return { number: first.number, hash: first.hash };
}

/** A cursor that begins with a block which leaves the chain has no block in common with it any more. */
async function newestFinal({ source, rule }: WatchDeps, head: BlockReference): Promise<number> {
  if (rule.kind === 'depth') return Math.max(0, head.number - confirmationsMax(rule));
  const mark = await source.finalized();
  if (mark === undefined) throw sourceFailed('the source marks no block as final');
  return Math.min(mark.number, head.number);
}

/**
 * Records what is in a block before it joins the cursor. `strays` were left above the cursor by a pass that died between
 * append and cursor. One whose block has another in its place by now, or whose transaction is in this block instead, is
 * reverted.
 */
async function recordBlock(deps: WatchDeps, block: ChainBlock, strays: Set<DepositPlace>): Promise<void> {
  const here = new Set(block.transfers.map((transfer) => depositIdOf(deps, transfer)));
  for (const stray of strays) {
    if (stray.blockNumber > block.number && !here.has(stray.depositId)) continue;
    strays.delete(stray);
    if (stray.blockHash !== block.hash) await revert(deps, [stray]);
  }
  await recordTransfers(deps, block);
}

/** A repeat records nothing. Returns how many of the block's transfers are deposits, or sweeps. */
export async function recordTransfers(deps: WatchDeps, block: ChainBlock): Promise<number> {
  let deposits = 0;
  for (const transfer of block.transfers) {
    const deposit = depositOf(deps, block, transfer);
    if (deposit === undefined) continue;
    await decide(deps, deposit.depositId, 'see', { type: 'SeeDeposit', deposit, at: now(deps) }, block.hash);
    deposits++;
  }
  return deposits;
}

const depositIdOf = ({ source }: WatchDeps, { transactionId, index }: Transfer) =>
  uuidFrom([source.chain, transactionId, String(index)]);

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
  const [sweptFrom] = sweptBy(deps.watchlist, transfer);
  return {
    depositId: depositIdOf(deps, transfer),
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
    ...(sweptFrom === undefined ? {} : { sweptFrom }),
  };
}

/** Reverts what is in blocks that left the chain, then takes the cursor back to the newest block that both have. */
async function unwind(deps: WatchDeps, tip: BlockReference): Promise<BlockReference> {
  await refuseOtherGenesis(deps);
  const fork = await forkOf(deps, tip);
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

/**
 * The newest block that the cursor and the source both have. A node that is behind has none of our blocks either, so
 * nothing is concluded before the source has shown what stands in their place.
 */
async function forkOf({ cursor, source, watchlist }: WatchDeps, tip: BlockReference): Promise<BlockReference> {
  const ours = await cursor.blocks();
  const shown = new Map<number, string | undefined>();
  let search = findFork(ours, shown);
  while (search.type === 'ask') {
    shown.set(search.number, await source.hashAt(search.number));
    search = findFork(ours, shown);
  }
  const oldest = ours.at(-1);
  if (search.type === 'none' && oldest !== undefined && shown.get(oldest.number) === undefined)
    throw sourceFailed(`the source does not tell which block it has at ${oldest.number}, the oldest of the cursor`);
  if (search.type === 'none')
    throw new ChainHaltedError(`no block of the cursor is in the chain any more, from block ${tip.number} down`);
  const fork = search.block;
  if (fork.hash === tip.hash)
    throw sourceFailed(`what follows block ${tip.number} does not link to it, and yet the source has it`);
  const [next] = await source.blocksAfter(fork.number, 1, watchlist);
  const replaced = ours.find(({ number }) => number === next?.number);
  if (next?.parentHash !== fork.hash || next.hash === replaced?.hash)
    throw sourceFailed(`the source has block ${fork.number} and shows nothing else above it than the cursor has`);
  return fork;
}

async function revert(deps: WatchDeps, deposits: readonly DepositPlace[]): Promise<void> {
  for (const { depositId, blockHash } of deposits)
    await decide(deps, depositId, 'revert', { type: 'RevertDeposit', blockHash, at: now(deps) }, blockHash);
}

/**
 * Seen by a watcher that was overtaken before its block could join the cursor, which has another block in its place. A
 * refusal means that the deposit is somewhere else by now.
 */
async function revertMisplaced(deps: WatchDeps, tip: BlockReference): Promise<void> {
  for (const { depositId, blockHash, canonicalHash } of await deps.depositsSeenUpTo(tip.number)) {
    if (canonicalHash === null || canonicalHash === blockHash) continue;
    const command = { type: 'RevertDeposit', blockHash, at: now(deps) } as const;
    await deps.handle(`deposit-${depositId}`, command, contextOf(deps, depositId));
  }
}

/**
 * A reversal is recorded before the cursor moves. Where the cursor did not move in the end, because the process died,
 * another watcher was first or the chain is back on its old branch, the deposit is reverted and its block is joined. It is
 * seen again, where that block is; a refusal means that another watcher has it somewhere else by now.
 */
async function seeAgain(deps: WatchDeps): Promise<void> {
  await deps.caughtUp();
  for (const deposit of await deps.depositsRevertedInCursor()) {
    const { depositId, blockNumber } = deposit;
    const command = { type: 'SeeDeposit', deposit, at: now(deps) } as const;
    const outcome = await deps.handle(`deposit-${depositId}`, command, contextOf(deps, depositId));
    const { chain } = deps.source;
    if (outcome.ok) deps.logger.warn({ chain, depositId, blockNumber }, 'a reversal was not followed by the cursor');
  }
}

/** A node below our tip is stale, unless it shows another chain. Either way nothing is concluded from it. */
async function behind(deps: WatchDeps, tip: BlockReference, head: BlockReference): Promise<Error> {
  await refuseOtherGenesis(deps);
  return sourceFailed(
    `the head ${head.number} is below the cursor ${tip.number}: a stale node, or a chain that was cut`,
  );
}

async function refuseOtherGenesis(deps: WatchDeps): Promise<void> {
  const [known, served] = [await deps.cursor.genesisHash(), await deps.source.genesisHash()];
  if (served !== known)
    throw new ChainHaltedError(
      `the source serves another chain: its genesis is ${served}, the cursor began on ${known}`,
    );
}

import { isOperationalError } from '@daybook/core';
import { isFinal } from '../domain/confirmation';
import type { BlockReference } from '../domain/reorg';
import { ChainRefusedError, type ChainSource, type Transfer, type WatchedAddresses } from '../ports';
import type { DepositPlace } from '../projections/deposits';
import { faultsOf } from './asset-faults';
import { ChainHaltedError, decide, now, sourceFailed, type WatchDeps } from './watch-deps';
import { sweptBy } from './watchlist';

type Waiting = DepositPlace & { readonly canonicalHash: string | null };

/**
 * Confirms the deposits that are final by the chain's rule, if the source tells them once more, and for large ones if
 * most of all providers do. What only some tell, and what is of an asset that is not as it is pinned, waits and shows as the
 * chain's error; the other deposits go on. `mark` is what the source marked as final before the blocks up to the tip were
 * read, for a rule that goes by it. Returns how many still wait.
 */
export async function confirmDeposits(
  deps: WatchDeps,
  tip: BlockReference,
  mark: Promise<BlockReference | undefined> | undefined,
): Promise<number> {
  await deps.caughtUp();
  const waiting = await deps.depositsSeenUpTo(tip.number);
  if (waiting.length === 0) return 0;
  const finalNumber = mark && (await finalNumberOf(deps, tip, await mark));
  const atStake = amountsAtStake(waiting);
  const final = waiting.filter((deposit) =>
    isFinal(deps.rule, { ...deposit, amount: atStake(deposit) }, tip.number, finalNumber),
  );
  const faults = await faultsOf(deps.source, new Set(final.map(({ asset }) => asset)));
  const ready = final.filter(({ asset }) => !faults.some((fault) => fault.asset === asset));
  const doubts: unknown[] = faults.map(({ asset, reason }) => sourceFailed(`${asset} is not credited: ${reason}`));
  let confirmed = 0;
  for (const hash of new Set(ready.map(({ blockHash }) => blockHash))) {
    const deposits = ready.filter(({ blockHash }) => blockHash === hash);
    try {
      confirmed += await confirmBlock(deps, deposits);
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      doubts.push(error);
    }
  }
  if (doubts.length > 0) throw doubts[0];
  return waiting.length - confirmed;
}

/**
 * The newest block of the cursor that the chain marks as final. The mark is believed only where it names a block of the
 * cursor: everything below is final because it is linked. One above the tip names none, and another node may have told it
 * than the one whose branch was read, so nothing is final by it.
 */
async function finalNumberOf(
  { cursor }: WatchDeps,
  tip: BlockReference,
  mark: BlockReference | undefined,
): Promise<number | undefined> {
  if (mark === undefined) throw sourceFailed('the source marks no block as final');
  if (mark.number > tip.number) return undefined;
  const ours = mark.number === tip.number ? tip.hash : await cursor.hashAt(mark.number);
  // Below the oldest block of the cursor there is nothing to compare, and nothing newer is final.
  if (ours !== undefined && ours !== mark.hash)
    throw sourceFailed(`the final block ${mark.number} is not the one that was scanned`);
  return mark.number;
}

/** Deposits of one block. What is told otherwise waits for itself alone, and counts for what is at stake. */
async function confirmBlock(deps: WatchDeps, deposits: readonly Waiting[]): Promise<number> {
  const { blockNumber: number, blockHash: hash, canonicalHash } = deposits[0]!;
  // Another block took its place. The next pass reverts it.
  if (canonicalHash !== null && canonicalHash !== hash) return 0;
  // Of all addresses: whether it is a sweep is told by who spent it.
  const told = await deps.source.finalTransfers({ number, hash }, deps.watchlist);
  if (told === undefined && canonicalHash === null && (await isReplaced(deps, { number, hash })))
    throw new ChainHaltedError(
      `deposit ${deposits[0]!.depositId} is in block ${number}, which neither the cursor nor the chain has`,
    );
  const sure = deposits.filter((deposit) => tells(deps, told, deposit));
  await requireWitnesses(deps, { number, hash }, sure, amountsAtStake(deposits));
  for (const deposit of sure) {
    const { depositId, sweptFrom, address, asset } = deposit;
    await decide(deps, depositId, 'confirm', { type: 'ConfirmDeposit', told: deposit, at: now(deps) }, hash);
    const { chain } = deps.source;
    // Nobody else hears of one to a deposit address.
    if (sweptFrom !== undefined) deps.logger.info({ chain, depositId, asset, sweptFrom, address }, 'a sweep is final');
  }
  const missing = deposits.find((deposit) => !sure.includes(deposit));
  if (missing)
    throw sourceFailed(
      `deposit ${missing.depositId} is not in block ${number} as the source tells it when it is final`,
    );
  return deposits.length;
}

/** Only another block in its place shows that a block is gone: what a node does not have, it may not have yet. */
async function isReplaced({ source }: WatchDeps, { number, hash }: BlockReference): Promise<boolean> {
  const shown = await source.hashAt(number);
  return shown !== undefined && shown !== hash;
}

/** What a block that goes away would take: all that waits in it, or who pays in parts would need no second provider. */
function amountsAtStake(deposits: readonly Waiting[]): (deposit: Waiting) => bigint {
  const amounts = new Map<string, bigint>();
  const keyOf = ({ blockHash, asset }: Waiting) => `${asset} in ${blockHash}`;
  for (const deposit of deposits) amounts.set(keyOf(deposit), (amounts.get(keyOf(deposit)) ?? 0n) + deposit.amount);
  return (deposit) => amounts.get(keyOf(deposit)) ?? deposit.amount;
}

/** Large deposits need most of all providers: a node that follows a fork of its own convinces nobody alone. */
async function requireWitnesses(
  deps: WatchDeps,
  block: BlockReference,
  deposits: readonly Waiting[],
  atStake: (deposit: Waiting) => bigint,
): Promise<void> {
  const { sources, above } = deps.witnesses;
  const large = deposits.filter((deposit) => {
    const from = above[deposit.asset];
    return from !== undefined && atStake(deposit) >= from;
  });
  if (large.length === 0) return;
  const answers = await Promise.all(sources.map((witness) => answerOf(witness, block, deps.watchlist)));
  const agreeing = 1 + answers.filter((told) => large.every((deposit) => tells(deps, told, deposit))).length;
  const needed = Math.floor((sources.length + 1) / 2) + 1;
  if (agreeing < needed)
    throw sourceFailed(
      `block ${block.number} with deposit ${large[0]!.depositId} is told by ${agreeing} of ${sources.length + 1} ` +
        `providers, ${needed} are needed`,
    );
}

/** A witness that does not answer, or that is of another chain, does not agree: what it is cannot halt this chain. */
async function answerOf(witness: ChainSource, block: BlockReference, watched: WatchedAddresses) {
  try {
    return await witness.finalTransfers(block, watched);
  } catch (error) {
    if (isOperationalError(error) || error instanceof ChainRefusedError) return undefined;
    throw error;
  }
}

function tells({ watchlist }: WatchDeps, told: readonly Transfer[] | undefined, deposit: DepositPlace): boolean {
  return (told ?? []).some(
    (transfer) =>
      transfer.transactionId === deposit.transactionId &&
      transfer.index === deposit.index &&
      transfer.asset === deposit.asset &&
      transfer.to === deposit.address &&
      transfer.amount === deposit.amount &&
      isSweptAs(deposit, sweptBy(watchlist, transfer)),
  );
}

/** What one reading calls a payment and the other a sweep is neither. */
function isSweptAs({ sweptFrom }: DepositPlace, sweepers: readonly string[]): boolean {
  return sweptFrom === undefined ? sweepers.length === 0 : sweepers.includes(sweptFrom);
}

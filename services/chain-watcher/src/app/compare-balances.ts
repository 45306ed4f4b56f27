import { isOperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import type { FinalityRule } from '../domain/confirmation';
import type { BlockReference } from '../domain/reorg';
import type { BalanceBook, BlockCursor, ChainSource } from '../ports';

/** Addresses that are looked at after a block: thousands an hour on a chain that makes one every few seconds. */
const addressesAtOnce = 16;

export type BalanceDeps = {
  readonly source: ChainSource;
  readonly rule: FinalityRule;
  readonly cursor: BlockCursor;
  readonly book: BalanceBook;
  readonly logger: Logger;
};

/**
 * Finds what no deposit tells: coin that a contract sent on, that a block's reward or a withdrawal brought, or that was
 * missed. Compares the balance of some addresses at a final block with their deposits, other addresses each time and the
 * newest first. An address that has spent is left out: what it holds no longer says what it received.
 */
export function balanceComparison(deps: BalanceDeps): (tip: BlockReference) => Promise<void> {
  let place: string | null = null;
  let compared: string | undefined;

  return async (tip) => {
    const { coin } = deps.source;
    if (coin === undefined) return;
    try {
      const block = await finalBlock(deps, tip);
      if (block === undefined || compared === block.hash) return;
      const addresses = await deps.book.addressesBelow(place, addressesAtOnce);
      await Promise.all(addresses.map(({ address }) => compare(deps, coin, address, block)));
      place = addresses.length < addressesAtOnce ? null : addresses.at(-1)!.place;
      compared = block.hash;
    } catch (error) {
      // Only this look is lost; what keeps the chain from being followed shows elsewhere.
      if (!isOperationalError(error)) throw error;
      deps.logger.warn({ chain: deps.source.chain, error }, 'balances could not be compared');
    }
  };
}

async function finalBlock({ rule, source, cursor }: BalanceDeps, tip: BlockReference) {
  const mark = rule.kind === 'depth' ? tip.number - rule.confirmations + 1 : (await source.finalized())?.number;
  if (mark === undefined) return undefined;
  const number = Math.min(mark, tip.number);
  const hash = number < 0 ? undefined : await cursor.hashAt(number);
  return hash === undefined ? undefined : { number, hash };
}

async function compare(
  { source, book, logger }: BalanceDeps,
  coin: NonNullable<ChainSource['coin']>,
  address: string,
  block: BlockReference,
): Promise<void> {
  const received = await coin.receivedBy(address, block);
  if (received === undefined) return;
  const { asset } = coin;
  const amount = received - (await book.explained(address, asset, block.number));
  const isNews = await book.record({ address, asset, amount, blockNumber: block.number });
  const finding = { chain: source.chain, address, asset, amount, block: block.number };
  if (isNews && amount !== 0n) logger.error(finding, 'a balance is not explained by its deposits');
  if (isNews && amount === 0n) logger.info(finding, 'a balance is explained by its deposits again');
}

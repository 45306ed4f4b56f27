import { OperationalError } from '@daybook/core';
import { testLogger } from '@daybook/testing';
import type { FinalityRule } from '../domain/confirmation';
import type { BlockReference } from '../domain/reorg';
import type { BalanceBook, BlockCursor, ChainSource, UnexplainedBalance } from '../ports';
import { balanceComparison } from './compare-balances';

const tip = (number: number): BlockReference => ({ number, hash: `h${number}` });
const depth: FinalityRule = { kind: 'depth', confirmations: 3 };

/** A chain whose addresses `0`, `1`, … received what `received` says and have deposits of 10 each. */
function scene(options: {
  readonly addresses: number;
  readonly received: (address: string, block: BlockReference) => bigint | undefined | Error;
  readonly rule?: FinalityRule;
  readonly finalized?: BlockReference;
}) {
  const asked: string[] = [];
  const findings = new Map<string, bigint>();
  const { logger, lines } = testLogger();
  const book: BalanceBook = {
    async addressesBelow(place, limit) {
      const newest = Number(place ?? options.addresses);
      return Array.from({ length: Math.min(limit, newest) }, (_, at) => `${newest - 1 - at}`).map((address) => ({
        place: address,
        address,
      }));
    },
    explained: async () => 10n,
    async record({ address, amount }: Omit<UnexplainedBalance, 'reference'>) {
      const isNews = (findings.get(address) ?? 0n) !== amount;
      if (amount === 0n) findings.delete(address);
      else findings.set(address, amount);
      return isNews;
    },
    unexplained: async () => ({ count: 0, balances: [] }),
  };
  const source: Partial<ChainSource> = {
    chain: 'test',
    finalized: async () => options.finalized,
    coin: {
      asset: 'ETH',
      async receivedBy(address, block) {
        asked.push(`${address} at ${block.number}`);
        const told = options.received(address, block);
        if (told instanceof Error) throw told;
        return told;
      },
    },
  };
  const cursor = { hashAt: async (number: number) => `h${number}` } as unknown as BlockCursor;
  const compare = balanceComparison({
    source: source as ChainSource,
    rule: options.rule ?? depth,
    cursor,
    book,
    logger,
  });
  return { compare, asked, findings, lines };
}

describe('balances beside deposits', () => {
  test('are compared at the newest final block, and once for each', async () => {
    const { compare, asked } = scene({ addresses: 1, received: () => 10n });
    await compare(tip(7));
    await compare(tip(7));
    await compare(tip(8));
    expect(asked).toEqual(['0 at 5', '0 at 6']);
  });

  test('are compared where the chain itself marks what is final', async () => {
    const rule: FinalityRule = { kind: 'finalized' };
    const marked = scene({ addresses: 1, received: () => 10n, rule, finalized: tip(4) });
    await marked.compare(tip(7));
    expect(marked.asked).toEqual(['0 at 4']);
    const unmarked = scene({ addresses: 1, received: () => 10n, rule });
    await unmarked.compare(tip(7));
    expect(unmarked.asked).toEqual([]);
  });

  test('are compared for all addresses in turn, the newest first', async () => {
    const { compare, asked } = scene({ addresses: 40, received: () => 10n });
    for (let number = 10; number < 13; number++) await compare(tip(number));
    expect(asked.map((one) => Number(one.split(' ')[0]))).toEqual(Array.from({ length: 40 }, (_, at) => 39 - at));
    await compare(tip(13));
    expect(asked.at(40)).toBe('39 at 11');
  });

  test('show more and less than the deposits, and nothing of an address that has spent', async () => {
    const received = [13n, 9n, undefined, 10n];
    const { compare, findings } = scene({ addresses: 4, received: (address) => received[Number(address)] });
    await compare(tip(9));
    expect([...findings].toSorted()).toEqual([
      ['0', 3n],
      ['1', -1n],
    ]);
  });

  test('are told of when they differ and when they no longer do, not at each look', async () => {
    const { compare, findings, lines } = scene({ addresses: 1, received: (_, { number }) => (number < 8 ? 11n : 10n) });
    for (let number = 7; number < 13; number++) await compare(tip(number));
    expect(findings.size).toBe(0);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'a balance is not explained by its deposits',
      'a balance is explained by its deposits again',
    ]);
  });

  test('hold nothing up: a look that fails is lost, and the next one begins where it did', async () => {
    let away = true;
    const failing = () => (away ? new OperationalError('upstream_unavailable', true) : 10n);
    const { compare, asked } = scene({ addresses: 1, received: failing });
    await compare(tip(7));
    away = false;
    await compare(tip(7));
    expect(asked).toEqual(['0 at 5', '0 at 5']);
  });
});

import { OperationalError } from '@daybook/core';
import { testLogger } from '@daybook/testing';
import type { FinalityRule } from '../domain/confirmation';
import type { BlockReference } from '../domain/reorg';
import { ChainRefusedError, type BlockCursor, type ChainSource, type Transfer } from '../ports';
import { confirmDeposits } from './confirm-deposits';
import { steadyPace, type WatchDeps } from './watch-deps';

type Waiting = Awaited<ReturnType<WatchDeps['depositsSeenUpTo']>>[number];
type Told = readonly Transfer[] | undefined | Error;

const at = '2026-01-01T00:00:00.000Z';
const tip: BlockReference = { number: 10, hash: 'h10' };
const depth: FinalityRule = { kind: 'depth', confirmations: 3 };
const away = new OperationalError('upstream_unavailable', true);

/** In block 5, where the cursor has it too. */
const waiting = (depositId: string, more: Partial<Waiting> = {}): Waiting => {
  const place = { transactionId: `of ${depositId}`, index: 0, asset: 'ETH', amount: 100n, address: 'ours' } as const;
  return {
    depositId,
    ...place,
    blockNumber: 5,
    blockHash: 'h5',
    canonicalHash: 'h5',
    status: 'seen',
    ...more,
  } as Waiting;
};
const transferOf = ({ transactionId, index, asset, address, amount }: Waiting): Transfer => {
  return { transactionId, index, asset, to: address, amount, spenders: [] };
};
/** Of ours, `hot` is no address of a deposit key. */
const watchlist = {
  has: (address: string) => address !== 'theirs',
  ownerOf: (address: string) => ({ isOfDepositKey: address !== 'hot' }),
} as WatchDeps['watchlist'];

/** A provider of the chain that tells this of final blocks. */
function provider(told: (block: BlockReference) => Told, finalized?: BlockReference): ChainSource {
  const source: Partial<ChainSource> = {
    chain: 'test',
    faultOf: async () => undefined,
    finalized: async () => finalized,
    hashAt: async (number) => `h${number}`,
    async finalTransfers(block) {
      const answer = told(block);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return source as ChainSource;
}

type Scene = {
  readonly source: ChainSource;
  readonly deposits: readonly Waiting[];
  readonly rule?: FinalityRule;
  readonly witnesses?: readonly ChainSource[];
};

/** What is confirmed, and what the pass fails with. */
async function confirmed({ source, deposits, rule = depth, witnesses = [] }: Scene) {
  const decided: string[] = [];
  const deps: WatchDeps = {
    source,
    witnesses: { sources: witnesses, above: { ETH: 100n } },
    cursor: { hashAt: async (number: number) => `h${number}` } as unknown as BlockCursor,
    watchlist,
    rule,
    pace: steadyPace(),
    startBlock: undefined,
    now: () => new Date(at),
    logger: testLogger().logger,
    async handle(stream, command) {
      decided.push(`${command.type} ${stream}`);
      return { ok: true, state: { status: 'none' }, events: [], expected: 'no_stream' };
    },
    caughtUp: async () => undefined,
    depositsAbove: async () => [],
    depositsSeenUpTo: async () => deposits,
    depositsRevertedInCursor: async () => [],
  };
  const mark = rule.kind === 'finalized' ? source.finalized() : undefined;
  const problem = await confirmDeposits(deps, tip, mark).then(
    () => null,
    (error: unknown) => (error as OperationalError).code,
  );
  return { decided, problem };
}

const a = waiting('a');
const both = [a, waiting('b', { blockNumber: 6, blockHash: 'h6', canonicalHash: 'h6' })];
const all = both.map(transferOf);

describe('a deposit whose block is final', () => {
  test('is confirmed when the source tells it once more', async () => {
    expect(await confirmed({ source: provider(() => all), deposits: both })).toEqual({
      decided: ['ConfirmDeposit deposit-a', 'ConfirmDeposit deposit-b'],
      problem: null,
    });
  });

  test.each<[string, Told]>([
    ['tells nothing of it', []],
    ['does not have its block', undefined],
    ['tells another amount', [{ ...transferOf(a), amount: 99n }]],
    ['tells another place in the transaction', [{ ...transferOf(a), index: 1 }]],
    ['tells another recipient', [{ ...transferOf(a), to: 'theirs' }]],
    ['does not answer', away],
  ])('waits while the source %s, and holds back no other', async (_name, told) => {
    const source = provider(({ number }) => (number === 5 ? told : all));
    expect(await confirmed({ source, deposits: both })).toEqual({
      decided: ['ConfirmDeposit deposit-b'],
      problem: 'upstream_unavailable',
    });
  });

  test('waits while the source tells it otherwise, and holds back no other of its block', async () => {
    const beside = waiting('beside');
    const source = provider(() => [{ ...transferOf(a), amount: 99n }, transferOf(beside)]);
    expect(await confirmed({ source, deposits: [a, beside] })).toEqual({
      decided: ['ConfirmDeposit deposit-beside'],
      problem: 'upstream_unavailable',
    });
  });

  const spentBy = (...spenders: string[]): Transfer => ({ ...transferOf(a), spenders });
  const swept = waiting('a', { sweptFrom: 'ours' });
  test.each<[string, Waiting, Transfer, boolean]>([
    ['a sweep that is told as one is', swept, spentBy('ours'), true],
    ['a sweep of several addresses is', swept, spentBy('hot', 'more', 'ours'), true],
    ['a sweep that is told as a payment is not', swept, spentBy(), false],
    ['a sweep that is told as the payment of a hot wallet is not', swept, spentBy('hot'), false],
    ['a sweep that is told from another address is not', swept, spentBy('more'), false],
    ['a payment that is told as a sweep is not', a, spentBy('ours'), false],
    ['a payment that is told as one of several, of which one is a sweep, is not', a, spentBy('hot', 'ours'), false],
    ['a payment of a hot wallet is', a, spentBy('hot'), true],
  ])(
    'is confirmed only as the sweep or the payment that it was seen as: %s',
    async (_name, deposit, told, isConfirmed) => {
      expect(await confirmed({ source: provider(() => [told]), deposits: [deposit] })).toEqual({
        decided: isConfirmed ? ['ConfirmDeposit deposit-a'] : [],
        problem: isConfirmed ? null : 'upstream_unavailable',
      });
    },
  );

  test('waits while its asset is not as it is pinned, and holds back no other asset', async () => {
    const token = waiting('token', { asset: 'USDT_ERC20', index: 1 });
    const source: ChainSource = {
      ...provider(() => [transferOf(a), transferOf(token)]),
      faultOf: async (asset) => (asset === 'ETH' ? undefined : 'has 18 decimals'),
    };
    expect(await confirmed({ source, deposits: [a, token] })).toEqual({
      decided: ['ConfirmDeposit deposit-a'],
      problem: 'upstream_unavailable',
    });
  });

  test.each([
    ['halts the chain where another block stands in its place', 'another', undefined],
    ['waits where the source has no block in its place', undefined, 'upstream_unavailable'],
    ['waits where the source has its block, and tells nothing of it yet', 'h5', 'upstream_unavailable'],
  ] as const)('older than the cursor: %s', async (_name, shown, problem) => {
    const source = { ...provider(() => undefined), hashAt: async () => shown };
    const deposits = [waiting('a', { canonicalHash: null })];
    expect(await confirmed({ source, deposits })).toEqual({ decided: [], problem });
  });

  test('waits when another block has taken the place of its own', async () => {
    const source = provider(() => [transferOf(a)]);
    const deposits = [waiting('a', { canonicalHash: 'another' })];
    expect(await confirmed({ source, deposits })).toEqual({ decided: [], problem: null });
  });
});

describe('a large deposit', () => {
  const agrees = provider(() => [transferOf(a)]);
  const differs = provider(() => []);
  const silent = provider(() => away);
  const refused = provider(() => new ChainRefusedError('another cluster'));

  test.each<[string, readonly ChainSource[], boolean]>([
    ['one that agrees', [agrees], true],
    ['one that differs', [differs], false],
    ['one that does not answer', [silent], false],
    ['one of another chain', [refused], false],
    ['one that agrees and one of another chain', [agrees, refused], true],
    ['one that agrees and one that differs', [agrees, differs], true],
    ['two that differ', [differs, differs], false],
    ['one that agrees and two that do not answer', [agrees, silent, silent], false],
  ])('needs most of all providers: beside %s', async (_name, witnesses, isConfirmed) => {
    const { decided, problem } = await confirmed({ source: agrees, deposits: [a], witnesses });
    expect(decided).toHaveLength(isConfirmed ? 1 : 0);
    expect(problem).toBe(isConfirmed ? null : 'upstream_unavailable');
  });

  test('is also one that comes in parts, in one block', async () => {
    const parts = [1, 2].map((at) => waiting(`part ${at}`, { amount: 50n }));
    const source = provider(() => parts.map(transferOf));
    expect(await confirmed({ source, deposits: parts, witnesses: [differs] })).toMatchObject({ decided: [] });
    const elsewhere = [parts[0]!, { ...parts[1]!, blockHash: 'h6', blockNumber: 6, canonicalHash: 'h6' }];
    expect((await confirmed({ source, deposits: elsewhere, witnesses: [differs] })).decided).toHaveLength(2);
  });

  test('is also one of which a part is told otherwise', async () => {
    const parts = [1, 2].map((at) => waiting(`part ${at}`, { amount: 50n }));
    const source = provider(() => parts.slice(1).map(transferOf));
    expect(await confirmed({ source, deposits: parts, witnesses: [differs] })).toMatchObject({ decided: [] });
  });

  test('waits for the confirmations of the sum of its parts', async () => {
    const parts = [1, 2].map((at) => waiting(`part ${at}`, { amount: 50n, blockNumber: 7, blockHash: 'h7' }));
    const source = provider(() => parts.map(transferOf));
    const rule: FinalityRule = { ...depth, tiers: [{ asset: 'ETH', amount: 100n, confirmations: 9 }] };
    const deposits = parts.map((part) => ({ ...part, canonicalHash: 'h7' }));
    expect(await confirmed({ source, deposits, rule })).toMatchObject({ decided: [] });
    expect((await confirmed({ source, deposits: deposits.slice(1), rule })).decided).toHaveLength(1);
  });

  test('is one from the amount on that was set, and one unit less needs nobody', async () => {
    const small = waiting('small', { amount: 99n });
    const source = provider(() => [transferOf(small)]);
    expect(await confirmed({ source, deposits: [small], witnesses: [differs] })).toMatchObject({ problem: null });
  });
});

describe("the chain's own mark of what is final", () => {
  const marked: FinalityRule = { kind: 'finalized' };
  const scene = (finalized: BlockReference | undefined): Scene => {
    return { source: provider(() => all, finalized), deposits: both, rule: marked };
  };

  test('lets pass what is not above it', async () => {
    expect(await confirmed(scene({ number: 5, hash: 'h5' }))).toEqual({
      decided: ['ConfirmDeposit deposit-a'],
      problem: null,
    });
  });

  test('is believed at the tip', async () => {
    expect(await confirmed(scene(tip))).toMatchObject({
      decided: [expect.anything(), expect.anything()],
      problem: null,
    });
  });

  test('says nothing yet of the cursor when it is above its tip', async () => {
    expect(await confirmed(scene({ number: 11, hash: 'h11' }))).toEqual({ decided: [], problem: null });
  });

  test.each([[{ number: 6, hash: 'of a fork' }], [{ ...tip, hash: 'of a fork' }], [undefined]])(
    'is not believed when it is %j',
    async (finalized) => {
      expect(await confirmed(scene(finalized))).toEqual({ decided: [], problem: 'upstream_unavailable' });
    },
  );
});

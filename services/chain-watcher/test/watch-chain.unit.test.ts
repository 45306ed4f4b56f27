/** Passes on a chain whose every answer the test decides: what a node may say, and what may happen between two lines. */
import { isOperationalError, OperationalError } from '@daybook/core';
import { rescan } from '../src/app/rescan-chain';
import { watchPass } from '../src/app/watch-chain';
import { ChainHaltedError, type WatchDeps } from '../src/app/watch-deps';
import type { FinalityRule } from '../src/domain/confirmation';
import type { ChainBlock, ChainSource, Transfer } from '../src/ports';
import { memoryWatch } from './memory-watch';
import { byDepth } from './test-chain';

const confirmations = 3;
const payment: Transfer = { transactionId: 'one', index: 0, asset: 'ETH', to: 'ours', amount: 5n, spenders: [] };

/** Above these blocks, up to this number, the blocks of a branch; the payment is in one of them, if in any. */
function grown(below: readonly ChainBlock[], branch: string, upTo: number, paidIn?: number): readonly ChainBlock[] {
  const blocks = [...below];
  for (let number = blocks.length; number <= upTo; number++) {
    const transfers = number === paidIn ? [payment] : [];
    const hash = `${branch}${number}`;
    blocks.push({ number, hash, parentHash: blocks.at(-1)?.hash ?? 'nothing', transfers });
  }
  return blocks;
}

function scene(first: readonly ChainBlock[], rule: FinalityRule = byDepth(confirmations)) {
  let blocks = first;
  const [addresses, depositAddresses] = [new Set(['ours', 'hot', 'swept']), new Set<string>()];
  const honest: ChainSource = {
    chain: 'test',
    verify: async () => undefined,
    faultOf: async () => undefined,
    stop: async () => undefined,
    genesisHash: async () => blocks[0]!.hash,
    head: async () => ({ number: blocks.at(-1)!.number, hash: blocks.at(-1)!.hash }),
    finalized: async () => blocks[2],
    hashAt: async (number) => blocks[number]?.hash,
    blocksAfter: async (number, limit, watched) =>
      blocks
        .slice(number + 1, number + 1 + limit)
        .map((block) => ({ ...block, transfers: block.transfers.filter(({ to }) => watched.has(to)) })),
    finalTransfers: async ({ number, hash }) => (blocks[number]?.hash === hash ? blocks[number].transfers : undefined),
  };
  const source = { ...honest };
  const { deps, log } = memoryWatch(source, addresses, rule, depositAddresses);
  return {
    deps,
    source,
    honest,
    addresses,
    /** Those of the addresses that are of a deposit key. */
    depositAddresses,
    log,
    /** From now on the node has these blocks. */
    show: (next: readonly ChainBlock[]) => void (blocks = next),
    pass: (own: WatchDeps = deps) => watchPass(own, () => undefined),
    told: () => log.map(({ type, blockHash }) => `${type.replace('Deposit', '')} ${blockHash}`),
  };
}

const conflict = () => new OperationalError('version_conflict', true);
const common = grown([], 'a', 4);
const a = grown(common, 'a', 5, 5);
const b = grown(common, 'b', 6);

describe('a reversal that the cursor does not follow', () => {
  test.each([
    ['the process dies', new Error('killed')],
    ['another watcher was first', conflict()],
  ])('is undone when %s, and the chain is on the branch that was left', async (_name, failure) => {
    const { deps, pass, show, told } = scene(a);
    await pass();
    show(b);
    const unwind = async () => Promise.reject(failure);
    await expect(pass({ ...deps, cursor: { ...deps.cursor, unwind } })).rejects.toBe(failure);
    expect(told()).toEqual(['Seen a5', 'Reverted a5']);
    show(grown(a, 'a', 5 + confirmations));
    await pass();
    expect(told()).toEqual(['Seen a5', 'Reverted a5', 'Seen a5', 'Confirmed a5']);
  });

  test('is not undone while the chain is on the other branch', async () => {
    const { deps, pass, show, told } = scene(a);
    await pass();
    show(b);
    const unwind = async () => Promise.reject(conflict());
    await expect(pass({ ...deps, cursor: { ...deps.cursor, unwind } })).rejects.toThrow('version_conflict');
    while ((await pass()).more);
    expect(told()).toEqual(['Seen a5', 'Reverted a5']);
  });

  test('is undone where the deposit was recorded on the other branch since', async () => {
    const { deps, pass, show, told } = scene(common);
    await pass();
    const fails = async () => Promise.reject(conflict());
    const withExtend = (extend: WatchDeps['cursor']['extend']) => ({ ...deps, cursor: { ...deps.cursor, extend } });
    show(a);
    await expect(pass(withExtend(fails))).rejects.toThrow('version_conflict');
    // One watcher follows the other branch, and while it does, the first block joins.
    show(grown(common, 'b', 6, 5));
    const isOvertaken: WatchDeps['cursor']['extend'] = async () => {
      await deps.cursor.extend([a[5]!]);
      throw conflict();
    };
    await expect(pass(withExtend(isOvertaken))).rejects.toThrow('version_conflict');
    expect(told()).toEqual(['Seen a5', 'Reverted a5', 'Seen b5']);
    show(grown(a, 'a', 5 + confirmations));
    await pass();
    expect(told().slice(3)).toEqual(['Reverted b5', 'Seen a5', 'Confirmed a5']);
  });
});

test('a deposit that another watcher reverts while it is about to be confirmed halts nothing, and is confirmed', async () => {
  const { deps, source, honest, pass, show, told } = scene(a);
  await pass();
  show(grown(a, 'a', 5 + confirmations));
  source.finalTransfers = async (...asked) => {
    const { depositId, blockHash } = (await deps.depositsSeenUpTo(5))[0]!;
    const command = { type: 'RevertDeposit', blockHash, at: new Date().toISOString() } as const;
    await deps.handle(`deposit-${depositId}`, command, { commandId: '', correlationId: '', causationId: '' });
    return honest.finalTransfers(...asked);
  };
  await expect(pass()).rejects.toThrow('version_conflict');
  Object.assign(source, honest);
  await pass();
  expect(told()).toEqual(['Seen a5', 'Reverted a5', 'Seen a5', 'Confirmed a5']);
});

test.each([1, 8])(
  'a block that replaces one below the head while a window of %d is read is not joined with older addresses',
  async (window) => {
    const { deps, source, honest, addresses, pass, show, told } = scene(common);
    await pass();
    deps.pace.window = window;
    addresses.delete('ours');
    show(grown(common, 'a', 6));
    source.blocksAfter = async (...asked) => {
      show(grown(common, 'b', 6, 5));
      return honest.blocksAfter(...asked);
    };
    await expect(pass()).rejects.toThrow('was replaced while blocks up to it were read');
    source.blocksAfter = honest.blocksAfter;
    addresses.add('ours');
    await pass();
    expect(told()).toEqual(['Seen b5']);
  },
);

describe('a node that leaves a block out and then is behind', () => {
  /** One node leaves out what is above the tip, and the next one has no block from this number on. */
  async function passBehind(from: number) {
    const chain = grown([], 'a', 8, 4);
    const { deps, source, honest, pass, show, told } = scene(chain);
    await pass();
    show(grown(chain, 'a', 10));
    const tip = await deps.cursor.tip();
    source.blocksAfter = async (number, limit, watched) =>
      number === tip!.number ? honest.blocksAfter(number + 1, limit, watched) : [];
    source.hashAt = async (number) => (number < from || number > tip!.number ? honest.hashAt(number) : undefined);
    const error: unknown = await pass().catch((thrown: unknown) => thrown);
    Object.assign(source, honest);
    await pass();
    return { error, told: told() };
  }

  test.each([
    ['a confirmed deposit', 3],
    ['deposits that are not final', 7],
    ['all blocks of the cursor', 0],
  ])('removes nothing: %s', async (_name, from) => {
    const { error, told } = await passBehind(from);
    expect(error).not.toBeInstanceOf(ChainHaltedError);
    expect(isOperationalError(error) && error.code).toBe('upstream_unavailable');
    expect(told).toEqual(['Seen a4', 'Confirmed a4']);
  });

  test('halts the chain once it shows what stands there instead', async () => {
    const { pass, show } = scene(grown([], 'a', 8, 4));
    await pass();
    show(grown(grown([], 'a', 2), 'b', 9));
    await expect(pass()).rejects.toThrow('removes confirmed deposit');
    const other = scene(grown([], 'a', 8));
    await other.pass({ ...other.deps, startBlock: 4 });
    other.show(grown(grown([], 'a', 2), 'b', 9));
    await expect(other.pass()).rejects.toThrow('no block of the cursor is in the chain any more');
  });
});

describe('a mark of what is final', () => {
  const marked: FinalityRule = { kind: 'finalized' };

  test('that another node tells makes nothing final of a branch where the first one is stuck', async () => {
    const stuck = grown(common, 'b', 6, 6);
    const { source, pass, told } = scene(stuck, marked);
    source.finalized = async () => grown(common, 'a', 16)[16];
    await pass();
    expect(told()).toEqual(['Seen b6']);
  });

  test('that is as high as the head makes the head final, though more blocks come while it is read', async () => {
    let upTo = 5;
    const chain = () => grown([], 'a', upTo, 5);
    const { source, honest, show, pass, told } = scene(chain(), marked);
    source.finalized = honest.head;
    source.blocksAfter = async (...asked) => {
      const blocks = await honest.blocksAfter(...asked);
      upTo++;
      show(chain());
      return blocks;
    };
    await pass();
    expect(told()).toEqual(['Seen a5', 'Confirmed a5']);
  });
});

describe('a chain that begins without a first block', () => {
  test.each<[string, FinalityRule, number]>([
    ['by depth', byDepth(confirmations), 5],
    [
      'by its deepest tier',
      { ...byDepth(confirmations), tiers: [{ asset: 'ETH', amount: 1n, confirmations: 6 }] } as FinalityRule,
      2,
    ],
    ['by its mark', { kind: 'finalized' }, 2],
    ['shorter than its rule', byDepth(20), 0],
  ])('begins where it is final (%s), and survives that its head is replaced', async (_name, rule, begun) => {
    const { deps, pass, show } = scene(grown([], 'a', 8), rule);
    const own = { ...deps, startBlock: undefined };
    await pass(own);
    expect((await deps.cursor.blocks()).at(-1)?.number).toBe(begun);
    show(grown(grown([], 'a', 7), 'b', 9));
    while ((await pass(own)).more);
    expect(await deps.cursor.tip()).toMatchObject({ number: 9, hash: 'b9' });
  });
});

describe('what a node tells otherwise than before, of the same block', () => {
  const chain = grown(common, 'a', 5 + confirmations, 5);
  /** The same blocks, with another amount than is paid in them. */
  const mistold = chain.map((block) => ({
    ...block,
    transfers: block.transfers.map((transfer) => ({ ...transfer, amount: 6n })),
  }));
  const asIs = ['Seen a5 6', 'Reverted a5 6', 'Seen a5 5', 'Confirmed a5 5'];
  const amountsIn = ({ told, log }: Pick<ReturnType<typeof scene>, 'told' | 'log'>) =>
    told().map((line, at) => `${line} ${log[at]!.amount}`);

  test('is taken back and seen as it is now, where the block was not joined before', async () => {
    const watched = scene(mistold);
    const { deps, pass, show } = watched;
    const failing = { ...deps, cursor: { ...deps.cursor, extend: () => Promise.reject(conflict()) } };
    await pass({ ...failing, startBlock: 0 }).catch(() => undefined);
    show(chain);
    await pass();
    expect(amountsIn(watched)).toEqual(asIs);
  });

  test('waits until its block is read again, and is credited as it is', async () => {
    const watched = scene(mistold.slice(0, 6));
    const { deps, pass, show } = watched;
    await pass();
    show(chain);
    await expect(pass()).rejects.toThrow('is not in block 5 as the source tells it when it is final');
    const rescannable = new Map([['test', { deps, lookAgain: () => undefined }]]);
    expect(await rescan({ rescannable }, { chain: 'test', from: 5, to: 5 })).toMatchObject({ ok: true });
    await pass();
    expect(amountsIn(watched)).toEqual(asIs);
  });

  test('is not credited as what one reading told alone, while it was about to be confirmed as another told it', async () => {
    const watched = scene(chain.slice(0, 6));
    const { deps, source, honest, pass, show } = watched;
    await pass();
    show(chain);
    const rescannable = new Map([['test', { deps, lookAgain: () => undefined }]]);
    source.finalTransfers = async (...asked) => {
      const told = await honest.finalTransfers(...asked);
      show(mistold);
      await rescan({ rescannable }, { chain: 'test', from: 5, to: 5 });
      return told;
    };
    await expect(pass()).rejects.toThrow('version_conflict');
    expect(amountsIn(watched)).toEqual(['Seen a5 5', 'Reverted a5 5', 'Seen a5 6']);
  });
});

describe('what a deposit address spends', () => {
  const sweep = (block: ChainBlock): ChainBlock => ({
    ...block,
    transfers: block.transfers.map((transfer) => ({ ...transfer, to: 'hot', spenders: ['hot', 'swept'] })),
  });
  const swept = grown(common, 'a', 5 + confirmations, 5).map(sweep);

  test('is a sweep to the end', async () => {
    const { depositAddresses, pass, told, log } = scene(swept);
    depositAddresses.add('swept');
    await pass();
    expect(told()).toEqual(['Seen a5', 'Confirmed a5']);
    expect(log.map(({ sweptFrom, address }) => [sweptFrom, address])).toEqual([
      ['swept', 'hot'],
      ['swept', 'hot'],
    ]);
  });

  test('and was seen as a payment, by a build that did not look, waits until its block is read again, and is a sweep', async () => {
    const { deps, depositAddresses, pass, show, told, log } = scene(swept.slice(0, 6));
    await pass();
    depositAddresses.add('swept');
    show(swept);
    await expect(pass()).rejects.toThrow('is not in block 5 as the source tells it when it is final');
    expect(told()).toEqual(['Seen a5']);
    const rescannable = new Map([['test', { deps, lookAgain: () => undefined }]]);
    expect(await rescan({ rescannable }, { chain: 'test', from: 5, to: 5 })).toMatchObject({ ok: true });
    await pass();
    expect(told()).toEqual(['Seen a5', 'Reverted a5', 'Seen a5', 'Confirmed a5']);
    expect(log.map(({ sweptFrom }) => sweptFrom)).toEqual([undefined, undefined, 'swept', 'swept']);
  });
});

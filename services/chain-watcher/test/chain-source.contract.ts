import type { ChainBlock, ChainSource, WatchedAddresses } from '../src/ports';
import type { TestChain } from './test-chain';

const everything: WatchedAddresses = { has: () => true };
const nothing: WatchedAddresses = { has: () => false };

/** The block at this number, which must have one. */
export async function blockAt(source: ChainSource, number: number, watched: WatchedAddresses): Promise<ChainBlock> {
  const [block] = await source.blocksAfter(number - 1, 1, watched);
  if (block?.number !== number) throw new Error(`there is no block ${number}`);
  return block;
}

/** All blocks above `after`, read in windows of this size. */
export async function blocksOf(
  source: ChainSource,
  watched: WatchedAddresses,
  { after = -1, window = 32 }: { readonly after?: number; readonly window?: number } = {},
): Promise<ChainBlock[]> {
  const read: ChainBlock[] = [];
  for (;;) {
    const more = await source.blocksAfter(read.at(-1)?.number ?? after, window, watched);
    if (more.length === 0) return read;
    read.push(...more);
  }
}

/** A source answers for one chain. */
export function describeChainSource(name: string, chainOf: () => TestChain): void {
  describe(`${name} as a ChainSource`, () => {
    let chain: TestChain;
    let source: ChainSource;
    /** The chain may be long before the test begins. */
    let first: number;
    beforeAll(async () => {
      chain = chainOf();
      source = chain.connect();
      await source.verify();
      first = (await source.head()).number;
      await chain.mine(3);
    });
    afterAll(async () => source?.stop());

    const blocks = () => blocksOf(source, everything, { after: first - 1 });

    async function payment(): Promise<{ address: string; transactionId: string; block: ChainBlock }> {
      const address = await chain.newAddress();
      const { transactionId } = await chain.pay(address, 7n);
      const { number } = await source.head();
      return { address, transactionId, block: await blockAt(source, number, { has: (one) => one === address }) };
    }

    test('serves blocks that are linked by hash from the first to the head', async () => {
      const all = await blocks();
      for (const [place, block] of all.entries()) {
        if (place === 0) continue;
        expect(block.number).toBeGreaterThan(all[place - 1]!.number);
        expect(block.parentHash).toBe(all[place - 1]!.hash);
      }
      expect(await source.head()).toEqual({ number: all.at(-1)!.number, hash: all.at(-1)!.hash });
      expect(await blocksOf(source, everything, { after: first - 1, window: 1 })).toEqual(all);
    });

    test('names one chain by its genesis, on every connection', async () => {
      const other = chain.connect();
      expect(await other.genesisHash()).toBe(await source.genesisHash());
      await other.stop();
    });

    test('has no block above the head', async () => {
      const { number } = await source.head();
      await expect(source.hashAt(number + 1)).resolves.toBeUndefined();
      await expect(source.blocksAfter(number, 3, everything)).resolves.toEqual([]);
    });

    test('tells the hash of every block', async () => {
      for (const { number, hash } of await blocks()) await expect(source.hashAt(number)).resolves.toBe(hash);
    });

    test('a mark of finality is a block of the chain, below the head', async () => {
      const mark = await source.finalized();
      if (chain.rule(6).kind === 'finalized') expect(mark).toBeDefined();
      if (mark === undefined) return;
      expect(mark.number).toBeLessThan((await source.head()).number);
      await expect(source.hashAt(mark.number)).resolves.toBe(mark.hash);
    });

    test('tells the transfers of a final block again, of no other block', async () => {
      const { address, block } = await payment();
      await chain.mine(8);
      const watched = { has: (one: string) => one === address };
      await expect(source.finalTransfers(block, watched)).resolves.toEqual(block.transfers);
      await expect(source.finalTransfers(block, nothing)).resolves.toEqual([]);
      const { hash } = await source.head();
      await expect(source.finalTransfers({ number: block.number, hash }, watched)).resolves.toBeUndefined();
    });

    test('shows a transfer to a watched address in its block, once', async () => {
      const { address, transactionId, block } = await payment();
      expect(block.transfers).toEqual([
        { transactionId, index: expect.any(Number), asset: chain.asset, to: address, amount: 7n, spenders: [] },
      ]);
      expect(block.transfers[0]!.index).toBeGreaterThanOrEqual(0);
      expect((await blockAt(source, block.number, everything)).hash).toBe(block.hash);
    });

    test('shows no transfer to an address that is not watched', async () => {
      const { block } = await payment();
      await expect(blockAt(source, block.number, nothing)).resolves.toMatchObject({ hash: block.hash, transfers: [] });
    });

    test('keeps the blocks below a reorg and replaces those above', async () => {
      await chain.mine(3);
      const before = await blocks();
      await chain.reorganise(2, 'drop');
      const after = await blocks();
      const fork = before.length - 3;
      expect(after.slice(0, fork + 1)).toEqual(before.slice(0, fork + 1));
      expect(after.length).toBeGreaterThanOrEqual(before.length);
      const replaced = new Set(before.slice(fork + 1).map(({ hash }) => hash));
      for (const { hash } of after.slice(fork + 1)) expect(replaced).not.toContain(hash);
    });

    test('forgets a transfer whose block was dropped', async () => {
      const { transactionId } = await payment();
      await chain.reorganise(1, 'drop');
      const transfers = (await blocks()).flatMap((block) => block.transfers);
      expect(transfers.filter((transfer) => transfer.transactionId === transactionId)).toEqual([]);
    });

    test('a transfer that is included again keeps its identity in another block', async () => {
      const { address, transactionId, block } = await payment();
      await chain.mine(2);
      await chain.reorganise(3, 'reinclude');
      const found = (await blocks()).filter(({ transfers }) =>
        transfers.some((transfer) => transfer.transactionId === transactionId),
      );
      expect(found).toHaveLength(1);
      expect(found[0]!.hash).not.toBe(block.hash);
      const { transfers } = await blockAt(source, found[0]!.number, { has: (one) => one === address });
      expect(transfers).toEqual(block.transfers);
    });
  });
}

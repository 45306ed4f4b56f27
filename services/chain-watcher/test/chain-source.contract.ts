import type { ChainBlock, ChainSource, WatchedAddresses } from '../src/ports';
import type { TestChain } from './test-chain';

const everything: WatchedAddresses = { has: () => true };
const nothing: WatchedAddresses = { has: () => false };

/** Every ChainSource runs this. A source that needs an exception is not a source. */
export function describeChainSource(name: string, create: () => Promise<TestChain>): void {
  describe(`${name} as a ChainSource`, () => {
    let chain: TestChain;
    let source: ChainSource;
    beforeAll(async () => {
      chain = await create();
      source = chain.connect();
      await source.verify();
      await chain.mine(3);
    });
    afterAll(async () => {
      await source?.stop();
      await chain?.stop();
    });

    async function blocks(): Promise<ChainBlock[]> {
      const { number } = await source.head();
      const read = await Promise.all(Array.from({ length: number + 1 }, (_, at) => source.block(at, everything)));
      return read.map((block) => block!);
    }

    async function payment(): Promise<{ address: string; transactionId: string; block: ChainBlock }> {
      const address = await chain.newAddress();
      const { transactionId } = await chain.pay(address, 7n);
      const { number } = await source.head();
      return { address, transactionId, block: (await source.block(number, { has: (one) => one === address }))! };
    }

    test('serves blocks that are linked by hash from the first to the head', async () => {
      const all = await blocks();
      for (const [number, block] of all.entries()) {
        expect(block.number).toBe(number);
        if (number > 0) expect(block.parentHash).toBe(all[number - 1]!.hash);
      }
      expect((await source.head()).hash).toBe(all.at(-1)!.hash);
    });

    test('has no block above the head', async () => {
      const { number } = await source.head();
      await expect(source.block(number + 1, everything)).resolves.toBeUndefined();
    });

    test('shows a transfer to a watched address in its block, once', async () => {
      const { address, transactionId, block } = await payment();
      expect(block.transfers).toEqual([
        { transactionId, index: expect.any(Number), asset: chain.asset, to: address, amount: 7n },
      ]);
      expect(block.transfers[0]!.index).toBeGreaterThanOrEqual(0);
      const again = await source.block(block.number, everything);
      expect(again?.hash).toBe(block.hash);
    });

    test('shows no transfer to an address that is not watched', async () => {
      const { block } = await payment();
      await expect(source.block(block.number, nothing)).resolves.toMatchObject({ hash: block.hash, transfers: [] });
    });

    test('keeps the blocks below a reorg and replaces those above', async () => {
      await chain.mine(3);
      const before = await blocks();
      await chain.reorganise(2, 'drop');
      const after = await blocks();
      const fork = before.length - 3;
      expect(after.slice(0, fork + 1)).toEqual(before.slice(0, fork + 1));
      expect(after.length).toBeGreaterThanOrEqual(before.length);
      for (const number of [fork + 1, fork + 2]) expect(after[number]!.hash).not.toBe(before[number]!.hash);
    });

    test('forgets a transfer whose block was dropped', async () => {
      const { transactionId } = await payment();
      await chain.reorganise(1, 'drop');
      const transfers = (await blocks()).flatMap((block) => block.transfers);
      expect(transfers.filter((transfer) => transfer.transactionId === transactionId)).toEqual([]);
    });

    test('a transfer that is included again keeps its identity in another block', async () => {
      const { transactionId, block } = await payment();
      await chain.mine(2);
      await chain.reorganise(3, 'reinclude');
      const found = (await blocks()).filter(({ transfers }) =>
        transfers.some((transfer) => transfer.transactionId === transactionId),
      );
      expect(found).toHaveLength(1);
      expect(found[0]!.hash).not.toBe(block.hash);
      expect(found[0]!.transfers).toEqual(block.transfers);
    });
  });
}

import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { describeChain } from './chain.contract';
import { tronTestChain, type TronTestChain } from './tron-test-chain';
import { depositLog, prepare, schema, summary, watchProcess, type WatchProcess } from './watch-process';

describeChain('Tron', () => tronTestChain(), {
  schedules: 5,
  cannot: {
    replaced: 'a transaction has no nonce: both are mined, or neither',
    withFee: 'the double executes no contracts; the pinned one logs what arrives',
  },
});

describe('a Tron node that lies', () => {
  let database: TestDatabase;
  let pool: Pool;
  let chain: TronTestChain;
  let process: WatchProcess;
  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool(schema);
    await prepare(pool);
    chain = await tronTestChain();
    process = await watchProcess(pool, chain.connect(), { rule: chain.rule(6) });
    await process.settle();
  });
  afterAll(async () => {
    await process?.stop();
    await chain?.stop();
    await database?.drop();
  });

  async function paid(amount: bigint): Promise<string> {
    const address = await chain.newAddress();
    await process.allocate(address, chain.name);
    chain.node.mine([
      await chain.call(chain.usdt, address, amount, { logs: [chain.logOf(chain.usdt, address, amount)] }),
    ]);
    return address;
  }
  const logOf = async (address: string) => summary(await depositLog(pool, [address]));
  const seen = (amount: number) => `Seen ${amount} USDT_TRC20`;
  const confirmed = (amount: number) => `Confirmed ${amount} USDT_TRC20`;

  test('credits nothing that the solidified chain does not tell, and goes on when it does', async () => {
    const address = await paid(11n);
    await process.settle();
    chain.node.lie('walletsolidity/gettransactioninfobyblocknum', (infos) =>
      (infos as object[]).map((info) => ({ ...info, log: [] })),
    );
    await chain.mine(6);
    await expect(process.settle()).rejects.toThrow('as the source tells it when it is final');
    expect(await logOf(address)).toEqual([seen(11)]);
    chain.node.lie('walletsolidity/gettransactioninfobyblocknum', undefined);
    await process.settle();
    expect(await logOf(address)).toEqual([seen(11), confirmed(11)]);
  });

  test('a block without its body is no empty block, whichever face tells it', async () => {
    const isPaid = (block: unknown) => 'transactions' in (block as object);
    for (const face of ['wallet', 'walletsolidity']) {
      const address = await paid(15n);
      chain.node.lie(`${face}/getblockbynum`, (block) =>
        isPaid(block) ? { ...(block as object), transactions: undefined } : block,
      );
      await chain.mine(6);
      await expect(process.settle()).rejects.toThrow('comes without its transactions');
      chain.node.lie(`${face}/getblockbynum`, undefined);
      await process.settle();
      expect(await logOf(address)).toEqual([seen(15), confirmed(15)]);
    }
  });

  test('misses a transaction that the infos know', async () => {
    const address = await paid(16n);
    chain.node.mine([await chain.trx(address, 17n), await chain.trx(address, 18n)]);
    chain.node.lie('wallet/getblockbynum', (told) => {
      const block = told as { transactions?: object[] };
      return { ...block, transactions: block.transactions?.slice(0, 1) };
    });
    await expect(process.settle()).rejects.toThrow('infos without their transactions');
    chain.node.lie('wallet/getblockbynum', undefined);
    await chain.mine(6);
    await process.settle();
    expect((await logOf(address)).filter((line) => line.startsWith('Confirmed'))).toHaveLength(3);
  });

  test('waits for the infos of all transactions of a block', async () => {
    chain.node.lie('wallet/gettransactioninfobyblocknum', () => []);
    const address = await paid(12n);
    await expect(process.settle()).rejects.toThrow('without the info of');
    chain.node.lie('wallet/gettransactioninfobyblocknum', undefined);
    await chain.mine(6);
    await process.settle();
    expect(await logOf(address)).toEqual([seen(12), confirmed(12)]);
  });

  test('decimals that are no number keep its asset off, and end nothing', async () => {
    const source = chain.connect();
    chain.node.lie('walletsolidity/triggerconstantcontract', () => ({ constant_result: ['g'.repeat(64)] }));
    await expect(source.faultOf('USDT_TRC20')).rejects.toMatchObject({ code: 'upstream_unavailable' });
    chain.node.lie('walletsolidity/triggerconstantcontract', undefined);
    await expect(source.faultOf('USDT_TRC20')).resolves.toBeUndefined();
  });

  test('waits for the outcome of what pays, of the coin and of the token', async () => {
    const address = await paid(19n);
    chain.node.lie('wallet/gettransactioninfobyblocknum', (infos) =>
      (infos as { receipt: object }[]).map((info) => ({ ...info, receipt: { ...info.receipt, result: undefined } })),
    );
    await expect(process.settle()).rejects.toThrow('without its outcome');
    chain.node.lie('wallet/gettransactioninfobyblocknum', undefined);
    await process.settle();
    chain.node.mine([await chain.trx(address, 20n)]);
    chain.node.lie('wallet/getblockbynum', (told) => {
      const block = told as { transactions?: object[] };
      return { ...block, transactions: block.transactions?.map((one) => ({ ...one, ret: undefined })) };
    });
    await expect(process.settle()).rejects.toThrow('without its outcome');
    chain.node.lie('wallet/getblockbynum', undefined);
    await chain.mine(6);
    await process.settle();
    expect((await logOf(address)).filter((line) => line.startsWith('Confirmed'))).toHaveLength(2);
  });

  test('a mark that stands still or names another fork credits nothing, and loses nothing', async () => {
    let frozen: unknown;
    chain.node.lie('walletsolidity/getnowblock', (block) => (frozen ??= block));
    const address = await paid(13n);
    await process.settle();
    await chain.mine(12);
    await process.settle();
    expect(await logOf(address)).toEqual([seen(13)]);
    const other = 'ab'.repeat(24);
    chain.node.lie('walletsolidity/getnowblock', (block) => {
      const { blockID } = block as { blockID: string };
      return { ...(block as object), blockID: blockID.slice(0, 16) + other };
    });
    await expect(process.settle()).rejects.toThrow('is not the one that was scanned');
    expect(await logOf(address)).toEqual([seen(13)]);
    chain.node.lie('walletsolidity/getnowblock', undefined);
    await process.settle();
    expect(await logOf(address)).toEqual([seen(13), confirmed(13)]);
  });

  test('believes no block under another number, and no transaction under another id', async () => {
    const before = await process.deps.cursor.tip();
    const address = await paid(14n);
    chain.node.lie('wallet/getblockbynum', (block) => ({
      ...(block as object),
      blockID: `${'0'.repeat(15)}9${'cd'.repeat(24)}`,
    }));
    await expect(process.settle()).rejects.toThrow('has the id');
    chain.node.lie('wallet/getblockbynum', (told) => {
      const block = told as { transactions?: object[] };
      return { ...block, transactions: block.transactions?.map((one) => ({ ...one, txID: 'ef'.repeat(32) })) };
    });
    await expect(process.settle()).rejects.toThrow('is not what was signed');
    expect(await process.deps.cursor.tip()).toEqual(before);
    chain.node.lie('wallet/getblockbynum', undefined);
    await chain.mine(6);
    await process.settle();
    expect(await logOf(address)).toEqual([seen(14), confirmed(14)]);
  });
});

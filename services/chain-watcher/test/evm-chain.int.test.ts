import { deploySandboxUsdt, mintSandboxUsdt } from '@daybook/embedded';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { ChainHaltedError } from '../src/app/watch-deps';
import { anvilChain, type AnvilChain } from './anvil-chain';
import { describeChain } from './chain.contract';
import { deployPayers, erc20, payer } from './evm-payer';
import { evmTestChain } from './evm-test-chain';
import { lyingChain } from './lying-evm';
import { depositLog, prepare, schema, summary, watchProcess, type WatchProcess } from './watch-process';
import { byDepth } from './test-chain';

describeChain('an EVM chain', () => evmTestChain(), { schedules: 20 });

describe('deposits on an EVM chain', () => {
  let database: TestDatabase;
  let pool: Pool;
  let chain: AnvilChain;
  let usdt: string;
  let lookAlike: string;
  let contracts: { payer: string; otherDecimals: string };
  let process: WatchProcess;
  const confirmations = 3;

  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool(schema);
    await prepare(pool);
    chain = await anvilChain();
    await chain.ask('evm_setAutomine', true);
    usdt = (await deploySandboxUsdt(chain.url)).address;
    const creation = await chain.ask<{ input: string }>('eth_getTransactionByBlockNumberAndIndex', '0x1', '0x0');
    const [deployer] = await chain.ask<string[]>('eth_accounts');
    await chain.ask('evm_setAutomine', false);
    lookAlike = (await chain.transact({ from: deployer!, data: creation.input })).contractAddress!;
    contracts = await deployPayers(chain);
    await chain.ask('evm_setAutomine', true);
    for (const usdtAddress of [usdt, lookAlike])
      await mintSandboxUsdt({ rpcUrl: chain.url, to: contracts.payer, amount: 1_000_000n, usdtAddress });
    await chain.ask('evm_setAutomine', false);
    process = await watchProcess(pool, chain.connect(usdt), { rule: byDepth(confirmations) });
    await process.settle();
  });
  afterAll(async () => {
    await process?.stop();
    await chain?.stop();
    await database?.drop();
  });

  async function watched(): Promise<string> {
    const address = await chain.newAddress();
    await process.allocate(address, chain.name);
    return address;
  }
  async function logAfter(blocks: number, ...addresses: string[]): Promise<string[]> {
    await chain.mine(blocks);
    await process.settle();
    return summary(await depositLog(pool, addresses));
  }
  const tokens = (token: string, to: string[], amounts: bigint[]) =>
    chain.transact({ to: contracts.payer, data: payer.encodeFunctionData('many', [token, to, amounts]) });

  test('USDT is confirmed with its exact amount at its depth and not one block earlier', async () => {
    const address = await watched();
    await tokens(usdt, [address], [123_456n]);
    expect(await logAfter(confirmations - 2, address)).toEqual(['Seen 123456 USDT_ERC20']);
    expect(await logAfter(1, address)).toEqual(['Seen 123456 USDT_ERC20', 'Confirmed 123456 USDT_ERC20']);
  });

  test('ETH is confirmed to the wei', async () => {
    const address = await watched();
    const amount = 1_234_567_890_123_456_789n;
    await chain.pay(address, amount);
    expect(await logAfter(confirmations, address)).toEqual([`Seen ${amount} ETH`, `Confirmed ${amount} ETH`]);
    expect(BigInt(await chain.ask<string>('eth_getBalance', address, 'latest'))).toBe(amount);
  });

  test('an amount that no book can hold is left out, and the chain is followed further', async () => {
    const address = await watched();
    const amountMax = 10n ** 24n - 1n;
    await chain.ask('evm_setAutomine', true);
    await mintSandboxUsdt({ rpcUrl: chain.url, to: contracts.payer, amount: 2n ** 255n, usdtAddress: usdt });
    await chain.ask('evm_setAutomine', false);
    await tokens(usdt, [address, address, address], [2n ** 254n, amountMax + 1n, amountMax]);
    expect(await logAfter(confirmations, address)).toEqual([
      `Seen ${amountMax} USDT_ERC20`,
      `Confirmed ${amountMax} USDT_ERC20`,
    ]);
  });

  test('several transfers in one transaction are several deposits, also to the same address', async () => {
    const [one, two] = [await watched(), await watched()];
    const { hash } = await tokens(usdt, [one, two, one, one], [1n, 2n, 3n, 1n]);
    await chain.mine(confirmations);
    await process.settle();
    const confirmed = (await depositLog(pool, [one, two])).filter(({ type }) => type === 'DepositConfirmed');
    expect(confirmed.map(({ amount }) => amount).toSorted()).toEqual([1n, 1n, 2n, 3n]);
    expect(confirmed.map(({ index }) => index).toSorted()).toEqual([1, 2, 3, 4]);
    expect(new Set(confirmed.map(({ transactionId }) => transactionId))).toEqual(new Set([hash]));
  });

  test('the place of a transfer is counted inside its transaction, so that it is the same in any block', async () => {
    const [one, two] = [await watched(), await watched()];
    const accounts = await chain.ask<string[]>('eth_accounts');
    for (const [at, address] of [one, two].entries()) {
      const data = payer.encodeFunctionData('many', [usdt, [address, address], [1n, 2n]]);
      const transaction = { from: accounts[at + 6], to: contracts.payer, gas: '0x4c4b40', data };
      await chain.ask('eth_sendTransaction', transaction);
    }
    await chain.mine(confirmations);
    await process.settle();
    for (const address of [one, two]) {
      const seen = (await depositLog(pool, [address])).filter(({ type }) => type === 'DepositSeen');
      expect(seen.map(({ index }) => index)).toEqual([1, 2]);
    }
    const blocks = new Set((await depositLog(pool, [one, two])).map(({ blockHash }) => blockHash));
    expect(blocks.size).toBe(1);
  });

  test('credits nothing for a transaction that failed', async () => {
    const address = await watched();
    const data = payer.encodeFunctionData('reverting', [usdt, address, 5n]);
    const { status } = await chain.transact({ to: contracts.payer, data });
    expect(status).toBe('0x0');
    // Paying value to an account cannot fail, unless code is put there.
    await chain.ask('anvil_setCode', address, '0x60006000fd');
    expect((await chain.transact({ to: address, value: 9n })).status).toBe('0x0');
    expect(await logAfter(confirmations, address)).toEqual([]);
  });

  test('credits nothing for a transfer that was reverted inside a transaction that succeeded', async () => {
    const address = await watched();
    const data = payer.encodeFunctionData('caught', [usdt, address, 5n]);
    expect((await chain.transact({ to: contracts.payer, data, value: 3n })).status).toBe('0x1');
    expect(await logAfter(confirmations, address)).toEqual([]);
  });

  test('credits nothing for a look-alike token, nor for a forged event', async () => {
    const address = await watched();
    expect((await tokens(lookAlike, [address], [1_000n])).status).toBe('0x1');
    const data = payer.encodeFunctionData('forge', [address, 1_000n]);
    expect((await chain.transact({ to: contracts.payer, data })).status).toBe('0x1');
    expect(await logAfter(confirmations, address)).toEqual([]);
  });

  test('credits only the pinned token of a transaction that also moves a look-alike', async () => {
    const address = await watched();
    const data = payer.encodeFunctionData('both', [lookAlike, usdt, address, 10n]);
    expect((await chain.transact({ to: contracts.payer, data })).status).toBe('0x1');
    expect(await logAfter(confirmations, address)).toEqual(['Seen 11 USDT_ERC20', 'Confirmed 11 USDT_ERC20']);
  });

  test('ignores transfers of nothing', async () => {
    const address = await watched();
    await chain.transact({ to: address, value: 0n });
    expect((await chain.transact({ to: usdt, data: erc20.encodeFunctionData('transfer', [address, 0n]) })).status).toBe(
      '0x1',
    );
    expect(await logAfter(confirmations, address)).toEqual([]);
  });

  test('does not see ETH that a contract forwards: internal transfers are unsupported', async () => {
    const address = await watched();
    const data = payer.encodeFunctionData('forward', [address]);
    await chain.transact({ to: contracts.payer, data, value: 7n });
    expect(BigInt(await chain.ask<string>('eth_getBalance', address, 'latest'))).toBe(7n);
    expect(await logAfter(confirmations, address)).toEqual([]);
  });

  test('waits for a log that the node leaves out of its receipts, whichever it is, and for receipts that it leaves out', async () => {
    const address = await watched();
    const [one, two] = [chain.connect(usdt), await lyingChain(chain.url, usdt)];
    await process.stop();
    process = await watchProcess(pool, two.source, { rule: byDepth(confirmations) });
    await tokens(usdt, [await chain.newAddress(), address, await chain.newAddress()], [41n, 42n, 43n]);
    for (const left of [0, 1, 2]) {
      two.receipts((all) => all.map((receipt) => ({ ...receipt, logs: receipt.logs.toSpliced(left, 1) })));
      await expect(process.settle()).rejects.toThrow('are not of the logs that its header names');
    }
    two.receipts(() => []);
    await expect(process.settle()).rejects.toThrow('are not those of its transactions');
    two.receipts((all) => all);
    expect(await logAfter(confirmations, address)).toEqual(['Seen 42 USDT_ERC20', 'Confirmed 42 USDT_ERC20']);
    await process.stop();
    process = await watchProcess(pool, one, { rule: byDepth(confirmations) });
  });

  test('reads receipts one by one where the node does not give those of a block', async () => {
    const address = await watched();
    const { source, receipts } = await lyingChain(chain.url, usdt);
    await process.stop();
    process = await watchProcess(pool, source, { rule: byDepth(confirmations) });
    receipts(() => 'not offered');
    await tokens(usdt, [address], [44n]);
    expect(await logAfter(confirmations, address)).toEqual(['Seen 44 USDT_ERC20', 'Confirmed 44 USDT_ERC20']);
    await process.stop();
    process = await watchProcess(pool, chain.connect(usdt), { rule: byDepth(confirmations) });
  });

  test('halts when the node shows another chain under the same id, shorter or longer', async () => {
    const wiped = await anvilChain(`${'abandon '.repeat(11)}about`);
    const before = await process.deps.cursor.tip();
    await process.stop();
    const other = await watchProcess(pool, wiped.connect(), { rule: byDepth(confirmations) });
    try {
      await expect(other.settle()).rejects.toThrow('serves another chain');
      await wiped.mine(before!.number + 5);
      await expect(other.settle()).rejects.toThrow(ChainHaltedError);
      expect(await other.deps.cursor.tip()).toEqual(before);
    } finally {
      await other.stop();
      await wiped.stop();
    }
    process = await watchProcess(pool, chain.connect(usdt), { rule: byDepth(confirmations) });
    await process.settle();
  });

  test('finds fault with a token whose decimals are not the pinned ones, and with an address without a token', async () => {
    for (const contract of [contracts.otherDecimals, await chain.newAddress()]) {
      const source = chain.connect(contract);
      await expect(source.verify()).resolves.toBeUndefined();
      await expect(source.faultOf('USDT_ERC20')).resolves.toContain('EVM_USDT_CONTRACT');
      await expect(source.faultOf('ETH')).resolves.toBeUndefined();
      await source.stop();
    }
    const source = chain.connect(usdt);
    await expect(source.faultOf('USDT_ERC20')).resolves.toBeUndefined();
    await source.stop();
  });
});

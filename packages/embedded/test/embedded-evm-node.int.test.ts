import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  deploySandboxUsdt,
  embeddedEvmNode,
  mintSandboxUsdt,
  payFromFaucet,
  payWavering,
  type EmbeddedServer,
} from '@daybook/embedded';
import { eventually } from '@daybook/testing';
import { scratchDirectory, startAndBeKilled } from './servers';

const receiver = '0x00000000000000000000000000000000000000a1';

async function call<T>(url: string, method: string, ...params: unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const answer = (await response.json()) as { result: T; error?: { message: string } };
  if (answer.error) throw new Error(answer.error.message);
  return answer.result;
}

const height = async (url: string) => Number(await call<string>(url, 'eth_blockNumber'));

/** Everything a chain reader can see: blocks with transactions, receipts, logs. */
async function history(url: string, to: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let number = 0; number <= to; number++) {
    const block = await call<{ transactions: { hash: string }[] }>(
      url,
      'eth_getBlockByNumber',
      `0x${number.toString(16)}`,
      true,
    );
    seen.push(block);
    for (const { hash } of block.transactions) seen.push(await call(url, 'eth_getTransactionReceipt', hash));
  }
  seen.push(await call(url, 'eth_getLogs', { fromBlock: '0x0', toBlock: `0x${to.toString(16)}` }));
  return seen;
}

/** Until the node's own interval has written the state that has this height. */
async function dumped(directory: string, atHeight: number): Promise<void> {
  await eventually(
    () => {
      const state = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as { best_block_number: unknown };
      expect(Number(state.best_block_number)).toBeGreaterThanOrEqual(atHeight);
    },
    { timeoutMs: 10_000 },
  );
}

const pidOf = (directory: string) =>
  (JSON.parse(readFileSync(join(directory, 'node.json'), 'utf8')) as { pid: number }).pid;

describe('embeddedEvmNode', () => {
  let directory: string;
  let node: EmbeddedServer;
  beforeEach(async () => {
    directory = scratchDirectory();
    node = embeddedEvmNode({ directory });
    await node.start();
  });
  afterEach(async () => {
    await node.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('has the same history after a stop and after being killed', async () => {
    await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'ETH', amount: 7n });
    await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'USDT_ERC20', amount: 99_500_000n });
    await eventually(async () => expect(await height(node.url)).toBe(4), { timeoutMs: 10_000 });
    const reached = await height(node.url);
    const before = await history(node.url, reached);

    await node.stop();
    node = embeddedEvmNode({ directory });
    await node.start();
    expect(await history(node.url, reached)).toEqual(before);

    await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'ETH', amount: 1n });
    await eventually(async () => expect(await height(node.url)).toBe(reached + 1), { timeoutMs: 10_000 });
    const later = await history(node.url, reached + 1);
    await dumped(directory, reached + 1);
    process.kill(pidOf(directory), 'SIGKILL');
    node = embeddedEvmNode({ directory });
    await node.start();
    expect(await history(node.url, reached + 1)).toEqual(later);
    expect(await call(node.url, 'eth_getBalance', receiver, 'latest')).toBe('0x8');
    // Readers of finalized state look a few blocks back.
    expect(await call(node.url, 'eth_getBalance', receiver, `0x${reached.toString(16)}`)).toBe('0x7');
    const { timestamp } = await call<{ timestamp: string }>(node.url, 'eth_getBlockByNumber', 'latest', false);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
  });

  test('outlives a killed starter and is adopted', async () => {
    const other = scratchDirectory();
    const url = await startAndBeKilled('embeddedEvmNode', { directory: other });
    const adopting = embeddedEvmNode({ directory: other });
    await adopting.start();
    expect(adopting.url).toBe(url);
    await adopting.stop();
    await expect(height(url)).rejects.toThrow('fetch failed');
    rmSync(other, { recursive: true, force: true });
  });

  test('goes on from the copy when killed while writing its state', async () => {
    await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'ETH', amount: 7n });
    await eventually(
      () => {
        const backup = readFileSync(join(directory, 'state.backup.json'), 'utf8');
        expect((JSON.parse(backup) as { transactions: unknown[] }).transactions).toHaveLength(1);
      },
      { timeoutMs: 10_000 },
    );
    await node.stop();
    writeFileSync(join(directory, 'state.json'), readFileSync(join(directory, 'state.json')).subarray(0, 500));
    node = embeddedEvmNode({ directory });
    await node.start();
    expect(await call(node.url, 'eth_getBalance', receiver, 'latest')).toBe('0x7');
  });

  test('refuses a directory that holds another chain, or one that it cannot read, and names all that has to go', async () => {
    const whole = { directory, wholeDirectory: '/whole' };
    await expect(embeddedEvmNode({ ...whole, chainId: 5 }).start()).rejects.toThrow(
      'holds chain 31337, not 5. To begin anew, delete the whole of /whole.',
    );
    const file = join(directory, 'node.json');
    const record = readFileSync(file);
    writeFileSync(file, record.subarray(0, 10));
    await expect(embeddedEvmNode(whole).start()).rejects.toThrow(/node\.json cannot be read .* the whole of \/whole\./);
    writeFileSync(file, record);
  });

  test('refuses a chain of which neither copy is whole, and leaves both as they are', async () => {
    await node.stop();
    const [state, backup] = [join(directory, 'state.json'), join(directory, 'state.backup.json')];
    const half = readFileSync(state).subarray(0, 500);
    for (const file of [state, backup]) writeFileSync(file, half);
    await expect(embeddedEvmNode({ directory, wholeDirectory: '/whole' }).start()).rejects.toThrow(
      /Neither .* is whole\. To begin anew, delete the whole of \/whole\.$/,
    );
    expect([readFileSync(state), readFileSync(backup)]).toEqual([half, half]);
  });

  test('does not advise to delete anything when it does not start for another reason', async () => {
    const other = scratchDirectory();
    const failing = embeddedEvmNode({ directory: other, wholeDirectory: '/whole', mnemonic: 'no such words' });
    await expect(failing.start()).rejects.toThrow(
      /did not start on [^]*\nKeep the state\. See whether its disk is full\.$/,
    );
    rmSync(other, { recursive: true, force: true });
  });

  test('follows a transaction with blocks, and rests when it is deep', async () => {
    await node.stop();
    node = embeddedEvmNode({ directory, blockTimeSeconds: 0.02 });
    await node.start();
    await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'ETH', amount: 1n });
    const depth = await eventually(
      async () => {
        const reached = await height(node.url);
        expect(reached).toBeGreaterThanOrEqual(24);
        return reached;
      },
      { timeoutMs: 10_000 },
    );
    expect(depth).toBeLessThanOrEqual(25);
  });

  test('lets a payment leave the chain and come back, alone, while no other blocks are made', async () => {
    await node.stop();
    node = embeddedEvmNode({ directory, blockTimeSeconds: 0.02 });
    await node.start();
    const receiptOf = (hash: string) =>
      call<{ blockHash: string; blockNumber: string } | null>(node.url, 'eth_getTransactionReceipt', hash);
    await call(node.url, 'evm_setAutomine', false);
    const other = await payFromFaucet({ rpcUrl: node.url, to: receiver, asset: 'ETH', amount: 1n });
    const payment = await payWavering({ rpcUrl: node.url, to: receiver, amount: 5n });
    const { number } = payment.block;
    expect(await receiptOf(other.transactionHash)).toMatchObject({ blockHash: payment.block.hash });
    const without = await payment.leave();
    expect(without.number).toBe(number);
    expect(await receiptOf(payment.transactionHash)).toBeNull();
    expect(await receiptOf(other.transactionHash)).toMatchObject({ blockHash: without.hash });
    expect(await call(node.url, 'eth_getBalance', receiver, 'latest')).toBe('0x1');

    const back = await payment.comeBack();
    expect([back.number, await receiptOf(payment.transactionHash)]).toEqual([
      number + 1,
      expect.objectContaining({ blockHash: back.hash }),
    ]);
    await payment.release();
    await eventually(async () => expect(await height(node.url)).toBeGreaterThan(back.number), { timeoutMs: 10_000 });
    expect(await call(node.url, 'eth_getBalance', receiver, 'latest')).toBe('0x6');
  });
});

describe('sandbox USDT', () => {
  let directory: string;
  let node: EmbeddedServer;
  beforeAll(async () => {
    directory = scratchDirectory();
    node = embeddedEvmNode({ directory });
    await node.start();
  });
  afterAll(async () => {
    await node.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const balanceOf = async (address: string, holder: string) => {
    const data = `0x70a08231${holder.slice(2).padStart(64, '0')}`;
    return BigInt(await call<string>(node.url, 'eth_call', { to: address, data }, 'latest'));
  };

  test('is deployed once, at the address of the first nonce', async () => {
    const found = await Promise.all([1, 2, 3].map(() => deploySandboxUsdt(node.url)));
    expect(new Set(found.map(({ address }) => address))).toEqual(
      new Set(['0x5FbDB2315678afecb367f032d93F642f64180aa3']),
    );
    expect(await height(node.url)).toBe(1);
  });

  test('fifty payments at once all arrive', async () => {
    const { address } = await deploySandboxUsdt(node.url);
    const pay = (asset: 'ETH' | 'USDT_ERC20') => payFromFaucet({ rpcUrl: node.url, to: receiver, asset, amount: 1n });
    const sent = await Promise.all(Array.from({ length: 50 }, (_, n) => pay(n % 2 === 0 ? 'ETH' : 'USDT_ERC20')));
    expect(new Set(sent.map(({ transactionHash }) => transactionHash)).size).toBe(50);
    const ether = async () => BigInt(await call<string>(node.url, 'eth_getBalance', receiver, 'latest'));
    await eventually(async () => expect([await balanceOf(address, receiver), await ether()]).toEqual([25n, 25n]), {
      timeoutMs: 10_000,
    });
  });

  test('the deployer mints', async () => {
    const { address } = await deploySandboxUsdt(node.url);
    const other = '0x00000000000000000000000000000000000000b2';
    await mintSandboxUsdt({ rpcUrl: node.url, to: other, amount: 5n });
    await eventually(async () => expect(await balanceOf(address, other)).toBe(5n), { timeoutMs: 10_000 });
  });
});

/** What exchanges have credited and should not have, and what they have missed: hazards E7 to E14 and E19 on a real EVM. */
import { testDatabase, type TestDatabase } from '@daybook/testing';
import { toBeHex, zeroPadValue } from 'ethers';
import type { Pool } from 'pg';
import { balanceBook } from '../src/adapters/balance-book';
import { balanceComparison } from '../src/app/compare-balances';
import { anvilChain, type AnvilChain } from './anvil-chain';
import { deployZoo, failing, forger, forward, zooToken, type Zoo } from './evm-zoo';
import { lyingChain } from './lying-evm';
import { byDepth } from './test-chain';
import { depositLog, prepare, schema, summary, watchProcess, type WatchProcess } from './watch-process';

const confirmations = 3;
const rule = byDepth(confirmations);
const [muchGas, mostGas] = ['0x3d0900', '0xe4e1c0'];
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** `CHAIN_PAIRS=200` replaces as many payments. */
const pairs = Number(process.env['CHAIN_PAIRS'] ?? 40);

type Sent = { readonly to: string; readonly data?: string; readonly value?: bigint; readonly gas?: string };

let database: TestDatabase;
let pool: Pool;
let chain: AnvilChain;
let zoo: Zoo;
let watching: WatchProcess;
/** Whether the node that is watched has forgotten the balances of its blocks. */
let pruned = false;
/** Has all of the tokens. */
let owner: string;

beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool(schema);
  await prepare(pool);
  chain = await anvilChain();
  zoo = await deployZoo(chain);
  owner = (await chain.ask<string[]>('eth_accounts'))[6]!;
  await send([{ to: zoo.token, data: zooToken.encodeFunctionData('transfer', [zoo.failing, 10n ** 20n]) }]);
  const { source, answer } = await lyingChain(chain.url, zoo.token);
  answer((method, parameters, told) =>
    pruned && method === 'eth_call' && typeof parameters[1] === 'object'
      ? Object.assign(new Error(), { code: 'CALL_EXCEPTION', info: { error: { message: 'missing trie node' } } })
      : told,
  );
  watching = await watchProcess(pool, source, { rule });
  await watching.settle();
});
afterEach(() => void (pruned = false));
afterAll(async () => {
  await watching?.stop();
  await chain?.stop();
  await database?.drop();
});

/** All in one block, in this order. Resolves with how many succeeded. */
async function send(transactions: readonly Sent[]): Promise<number> {
  const hashes: string[] = [];
  for (const { value, gas = '0x7a120', ...rest } of transactions) {
    const transaction = { from: owner, gas, ...rest, ...(value === undefined ? {} : { value: toBeHex(value) }) };
    hashes.push(await chain.ask<string>('eth_sendTransaction', transaction));
  }
  await chain.ask('evm_mine');
  const receipts = await Promise.all(
    hashes.map((hash) => chain.ask<{ status: string } | null>('eth_getTransactionReceipt', hash)),
  );
  expect(receipts).not.toContain(null);
  return receipts.filter((receipt) => receipt!.status === '0x1').length;
}
const ofToken = (data: string): Sent => ({ to: zoo.token, data });
const token = (to: string, amount: bigint): Sent => ofToken(zooToken.encodeFunctionData('transfer', [to, amount]));

async function watched(count = 1): Promise<string[]> {
  const addresses = await Promise.all(Array.from({ length: count }, () => chain.newAddress()));
  for (const address of addresses) await watching.allocate(address, chain.name);
  return addresses;
}
/** What is credited when everything so far is final. */
async function credited(...addresses: string[]): Promise<string[]> {
  await chain.mine(confirmations);
  await watching.settle();
  const log = summary(await depositLog(pool, addresses));
  return log.filter((line) => line.startsWith('Confirmed')).map((line) => line.slice('Confirmed '.length));
}

const nodes = [
  ['a node', false],
  ['a node that has pruned its balances', true],
] as const;
test.each(nodes)(
  'E7: on %s, of 200 look-alikes of the token by name, event and proxy, none is credited',
  async (_node, hasPruned) => {
    pruned = hasPruned;
    const [address] = (await watched()) as [string];
    const pay = zooToken.encodeFunctionData('transfer', [address, 1_000_000n]);
    const topics = [transferTopic, zeroPadValue(owner, 32), zeroPadValue(address, 32)];
    const word = toBeHex(1_000_000n, 32);
    const raw = (names: readonly string[], data: string) => ofToken(zooToken.encodeFunctionData('raw', [names, data]));
    const succeeded = await send([
      ...zoo.lookAlikes.map((to) => ({ to, data: pay })),
      { to: zoo.proxy, data: zooToken.encodeFunctionData('boast', [address, 1_000_000n]) },
      { to: zoo.forger, data: forger.encodeFunctionData('forge', [address, 188n]), gas: muchGas },
      // Of the pinned contract itself: the amount as a topic, too few topics, no data, too much of it, another event.
      raw([...topics, word], '0x'),
      raw(topics.slice(0, 2), `${zeroPadValue(address, 32)}${word.slice(2)}`),
      raw(topics.slice(0, 1), `${topics[1]}${topics[2]!.slice(2)}${word.slice(2)}`),
      raw(topics, '0x'),
      raw(topics, `${word}${word.slice(2)}`),
      raw([`${transferTopic.slice(0, -1)}0`, ...topics.slice(1)], word),
    ]);
    expect(succeeded).toBe(zoo.lookAlikes.length + 8);
    await send([token(address, 1n)]);
    expect(await credited(address)).toEqual(['1 USDT_ERC20']);
  },
);

test.each(nodes)(
  'E8: on %s, of 100 payments that fail at any depth, run out of gas or answer false, none is credited',
  async (_node, hasPruned) => {
    pruned = hasPruned;
    const [address] = (await watched()) as [string];
    const call = (depth: number, caught: boolean, burn: boolean): Sent => ({
      to: zoo.failing,
      data: failing.encodeFunctionData('pay', [zoo.token, address, depth, caught, burn]),
      value: 3n,
    });
    const kinds = [0, 1, 2].flatMap((depth) => [call(depth, false, false), call(depth, false, true)]);
    const caught = [1, 2].flatMap((depth) => [call(depth, true, false), call(depth, true, true)]);
    const failed = Array.from({ length: 60 }, (_, at) => kinds[at % kinds.length]!);
    expect(await send(failed)).toBe(0);
    expect(await send(Array.from({ length: 20 }, (_, at) => caught[at % caught.length]!))).toBe(20);
    expect(await send([ofToken(zooToken.encodeFunctionData('set', [6, false, true, 1]))])).toBe(1);
    expect(await send(Array.from({ length: 10 }, () => token(address, 5n)))).toBe(10);
    // Value to an account cannot fail, unless code is put there.
    await chain.ask('anvil_setCode', address, '0x60006000fd');
    expect(await send(Array.from({ length: 10 }, () => ({ to: address, value: 9n })))).toBe(0);
    await send([ofToken(zooToken.encodeFunctionData('set', [6, false, false, 1])), token(address, 2n)]);
    expect(await credited(address)).toEqual(['2 USDT_ERC20']);
  },
);

test('E10: of tokens that misbehave, what arrived is credited', async () => {
  const to = await watched(8);
  const encoded = (name: string, ...parameters: unknown[]) => ofToken(zooToken.encodeFunctionData(name, parameters));
  await send([
    encoded('transferWithoutAnswer', to[0], 10n),
    encoded('send', to[1], 11n),
    encoded('transferWithLoggedFee', to[2], 100n, await chain.newAddress()),
    encoded('flash', to[3], 10n ** 15n),
    encoded('boast', to[4], 10n ** 9n),
    encoded('setBlocked', to[5], true),
  ]);
  // Refused, and paused: nothing happens. A rebase is no payment, and what is paid after it counts as it is.
  expect(await send([token(to[5]!, 12n), encoded('set', 6, true, false, 1)])).toBe(1);
  expect(await send([token(to[6]!, 13n)])).toBe(0);
  await send([encoded('set', 6, false, false, 1), token(to[7]!, 14n)]);
  await send([encoded('set', 6, false, false, 2)]);
  await send([token(to[7]!, 16n)]);
  await send([encoded('set', 6, false, false, 1)]);
  await credited();
  const amounts: string[][] = [];
  for (const address of to) amounts.push(await credited(address));
  expect(amounts).toEqual([
    ['10 USDT_ERC20'],
    ['11 USDT_ERC20'],
    ['90 USDT_ERC20'],
    [],
    [],
    [],
    [],
    ['14 USDT_ERC20', '16 USDT_ERC20'],
  ]);
});

test('E11: a token whose decimals change is not credited until they are back, and its coin is all the while', async () => {
  const [address] = (await watched()) as [string];
  await send([ofToken(zooToken.encodeFunctionData('set', [18, false, false, 1])), token(address, 7n)]);
  await chain.pay(address, 8n);
  await chain.mine(confirmations);
  await expect(watching.settle()).rejects.toThrow(
    'USDT_ERC20 is not credited: the contract at EVM_USDT_CONTRACT has 18',
  );
  const told = async () => summary(await depositLog(pool, [address]));
  expect(await told()).toEqual(['Seen 7 USDT_ERC20', 'Seen 8 ETH', 'Confirmed 8 ETH']);
  await send([ofToken(zooToken.encodeFunctionData('set', [6, false, false, 1]))]);
  await watching.settle();
  expect((await told()).at(-1)).toBe('Confirmed 7 USDT_ERC20');
});

test(`E12: of ${pairs} payments and their replacements, three watchers credit what was mined, once`, async () => {
  const [paid, instead] = (await watched(2)) as [string, string];
  const nonce = Number(await chain.ask<string>('eth_getTransactionCount', owner, 'latest'));
  for (let pair = 0; pair < pairs; pair++)
    for (const [to, fee] of [
      [paid, 1n],
      [instead, 2n],
    ] as const) {
      const gwei = toBeHex(fee * 100n * 10n ** 9n);
      const fees = { maxFeePerGas: gwei, maxPriorityFeePerGas: gwei };
      const value = toBeHex(1000 + pair);
      const transaction = { from: owner, to, value, gas: '0x5208', nonce: toBeHex(nonce + pair), ...fees };
      await chain.ask('eth_sendTransaction', transaction);
    }
  await chain.ask('evm_mine');
  const others = await Promise.all([1, 2].map(() => watchProcess(pool, chain.connect(zoo.token), { rule })));
  await chain.mine(confirmations);
  // Whoever is overtaken tries again.
  const passes = [watching, ...others].map(async (one) => {
    for (let tries = 0; tries < 8; tries++) await one.settle().catch(() => undefined);
  });
  await Promise.all(passes);
  await Promise.all(others.map((one) => one.stop()));
  expect(await credited(paid)).toEqual([]);
  const amounts = (await credited(instead)).map((line) => Number(line.replace(' ETH', '')));
  expect(amounts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: pairs }, (_, pair) => 1000 + pair));
});

test('E9: coin in no transaction’s body shows as a balance that no deposit explains', async () => {
  const [forwarded, inherited, rewarded, withdrawn, paid] = (await watched(5)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const book = balanceBook(pool, chain.name, () => new Date());
  /** Begins with the newest addresses. */
  const compare = async () => balanceComparison({ ...watching.deps, book })((await watching.deps.cursor.tip())!);
  await send([
    { to: zoo.forward, data: forward.encodeFunctionData('forward', [forwarded]), value: 7n },
    { to: paid, value: 11n },
  ]);
  await zoo.bequeath(inherited, 8n);
  await chain.ask('anvil_setCoinbase', rewarded);
  await chain.pay(await chain.newAddress(), 1n);
  await chain.ask('anvil_setCoinbase', `0x${'00'.repeat(20)}`);
  await chain.ask('anvil_setBalance', withdrawn, '0x9');
  expect(await credited(forwarded, inherited, rewarded, withdrawn, paid)).toEqual(['11 ETH']);
  await compare();
  const reward = BigInt(await chain.ask<string>('eth_getBalance', rewarded, 'latest'));
  expect(reward).toBeGreaterThan(0n);
  const found = async () => (await book.unexplained(9)).balances.map(({ address, amount }) => [address, amount]);
  expect(await found()).toEqual([
    [rewarded, reward],
    [withdrawn, 9n],
    [inherited, 8n],
    [forwarded, 7n],
  ]);
  expect(await book.unexplained(1)).toMatchObject({
    count: 4,
    balances: [{ reference: `for ${rewarded}`, asset: 'ETH', amount: reward }],
  });
  // An address that has spent is no longer compared, and one whose balance is explained again is no longer told of.
  await chain.ask('anvil_setNonce', rewarded, '0x1');
  await chain.ask('anvil_setBalance', rewarded, '0x1');
  await chain.ask('anvil_setBalance', withdrawn, '0x0');
  await credited();
  await compare();
  expect(await found()).toEqual([
    [rewarded, reward],
    [inherited, 8n],
    [forwarded, 7n],
  ]);
});

test('E12: a receipt that is another transaction’s proves nothing', async () => {
  const [address] = (await watched()) as [string];
  const { source, answer } = await lyingChain(chain.url, undefined);
  await send([
    { to: await chain.newAddress(), value: 1n },
    { to: address, value: 9n },
  ]);
  const block = await chain.ask<{ transactions: string[] }>('eth_getBlockByNumber', 'latest', false);
  const receipt = await chain.ask('eth_getTransactionReceipt', block.transactions[0]);
  answer((method, _parameters, told) => (method === 'eth_getTransactionReceipt' ? receipt : told));
  const behind = await watchProcess(pool, source, { rule });
  await expect(behind.settle()).rejects.toThrow('changed while it was read');
  await behind.stop();
  expect(await credited(address)).toEqual(['9 ETH']);
});

test('E13: 200 transfers of one transaction to 50 addresses are 200 deposits', async () => {
  const addresses = await watched(50);
  const amounts = Array.from({ length: 200 }, (_, at) => [1n, 999_999n, 1_000_000n, 10n ** 12n][at % 4]! + BigInt(at));
  const to = amounts.map((_, at) => addresses[at % addresses.length]!);
  const data = failing.encodeFunctionData('many', [zoo.token, to, amounts]);
  expect(await send([{ to: zoo.failing, data, gas: mostGas }])).toBe(1);
  await credited();
  const log = (await depositLog(pool, addresses)).filter(({ type }) => type === 'DepositConfirmed');
  const byIndex = log.toSorted((a, b) => a.index - b.index);
  expect(byIndex.map(({ address, amount }) => [address, amount])).toEqual(to.map((one, at) => [one, amounts[at]]));
  expect(new Set(log.map(({ transactionId }) => transactionId)).size).toBe(1);
});

test('E19: 1,000 transfers of nothing around an address leave no deposit', async () => {
  pruned = true;
  const [address] = (await watched()) as [string];
  expect(await send([{ ...ofToken(zooToken.encodeFunctionData('poison', [address, 500n])), gas: muchGas }])).toBe(1);
  expect(await credited(address)).toEqual([]);
});

test('a chain whose coin is none of our assets tells only the token', async () => {
  const [address] = (await watched()) as [string];
  const { source } = await lyingChain(chain.url, zoo.token, 'none');
  const before = await source.head();
  await send([{ to: address, value: 5n }, token(address, 6n)]);
  const blocks = await source.blocksAfter(before.number, 8, { has: (one) => one === address });
  expect(blocks.flatMap(({ transfers }) => transfers).map(({ asset, amount }) => [asset, amount])).toEqual([
    ['USDT_ERC20', 6n],
  ]);
  await source.stop();
});

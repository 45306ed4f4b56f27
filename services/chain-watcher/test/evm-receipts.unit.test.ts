import { evmChainOver } from '../src/adapters/evm-chain';
import { faultyEvm, token } from './faulty-evm';

const never = { empty: 0, partial: 0, stale: 0, error: 0 };
const to = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
type Log = { readonly logIndex: string };
type Receipt = { readonly logs: readonly Log[] };

/** Two payments of the token in one block, by a node without states, and what becomes of their receipts. */
async function transfersOf(change: (receipts: readonly Receipt[]) => readonly Receipt[]) {
  const payments = [5n, 6n].map((amount) => ({ block: 1, to, asset: 'USDT_ERC20' as const, amount }));
  const { provider, grow } = faultyEvm(payments, never, 1);
  grow(1);
  const send: typeof provider.send = async (method, parameters) => {
    const told = await provider.send(method, parameters);
    return method === 'eth_getBlockReceipts' ? change(told as readonly Receipt[]) : told;
  };
  const source = evmChainOver(async () => ({ ...provider, send }), { chainId: 31_337, usdtContract: token });
  const [block] = await source.blocksAfter(0, 1, { has: () => true });
  return block!.transfers.map(({ amount }) => amount);
}

describe('the logs of a receipt', () => {
  test('are counted through the block, or anew in each transaction', async () => {
    expect(await transfersOf((all) => all)).toEqual([5n, 6n]);
    const anew = ({ logs }: Receipt) => logs.map((log, place) => ({ ...log, logIndex: `0x${place}` }));
    expect(await transfersOf((all) => all.map((one) => ({ ...one, logs: anew(one) })))).toEqual([5n, 6n]);
  });

  test('are not believed when one of them is told twice, which its filter does not show', async () => {
    const twice = transfersOf((all) => all.map((one) => ({ ...one, logs: [...one.logs, ...one.logs] })));
    await expect(twice).rejects.toThrow('miss a log or tell one twice');
  });
});

test('a receipt that does not say whether its transaction succeeded is not believed: it may have paid anything', async () => {
  const told = transfersOf((all) => all.map((one) => ({ ...one, status: undefined })));
  await expect(told).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

test('a block whose transactions do not say who signed them is not believed: any of them may be a sweep', async () => {
  const { provider, grow } = faultyEvm([{ block: 1, to, asset: 'ETH', amount: 5n }], never, 1);
  grow(1);
  type Block = { readonly transactions: readonly object[] };
  const send: typeof provider.send = async (method, parameters) => {
    const told = await provider.send(method, parameters);
    if (method !== 'eth_getBlockByNumber') return told;
    const { transactions, ...block } = told as Block;
    return { ...block, transactions: transactions.map((one) => ({ ...one, from: undefined })) };
  };
  const source = evmChainOver(async () => ({ ...provider, send }), { chainId: 31_337, usdtContract: token });
  await expect(source.blocksAfter(0, 1, { has: () => true })).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

describe('an account', () => {
  type Block = { readonly transactions: readonly object[] };
  /** One payment in a block whose transactions are told with this. */
  async function transfersWith(told: object) {
    const { provider, grow } = faultyEvm([{ block: 1, to, asset: 'ETH', amount: 5n }], never, 1);
    grow(1);
    const send: typeof provider.send = async (method, parameters) => {
      const block = await provider.send(method, parameters);
      if (method !== 'eth_getBlockByNumber') return block;
      const { transactions } = block as Block;
      return { ...(block as Block), transactions: transactions.map((one) => ({ ...one, ...told })) };
    };
    const source = evmChainOver(async () => ({ ...provider, send }), { chainId: 31_337, usdtContract: token });
    const [block] = await source.blocksAfter(0, 1, { has: (address) => address === to });
    return block!.transfers.map(({ to: paid, amount }) => [paid, amount]);
  }
  // With the checksum of another network (EIP-1191), or with none.
  const otherCase = `0x${to.slice(2, -8).toUpperCase()}${to.slice(-8).toLowerCase()}`;

  test.each([
    ['recipient', { to: otherCase }],
    ['signer', { from: otherCase }],
  ])('is the same in whatever case a node writes it: a %s', async (_whose, told) => {
    expect(await transfersWith(told)).toEqual([[to, 5n]]);
  });
});

test('a head that is no number of a block is not believed', async () => {
  const { provider } = faultyEvm([], never, 1);
  const send: typeof provider.send = async (method, parameters) => ({
    ...((await provider.send(method, parameters)) as object),
    number: `0x${'f'.repeat(16)}`,
  });
  const source = evmChainOver(async () => ({ ...provider, send }), { chainId: 31_337, usdtContract: token });
  await expect(source.head()).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

import { Secret } from '@daybook/runtime';
import { tronNode, type Mined, type TronInfoJson, type TronNode, type TronTransactionJson } from '@daybook/testing';
import { createHash, randomBytes } from 'node:crypto';
import { TronWeb } from 'tronweb';
import { tronChain } from '../src/adapters/tron-chain';
import type { TestChain } from './test-chain';
import { confirmations } from './watcher.contract';

const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const randomTronAddress = () => TronWeb.address.fromHex(`41${randomBytes(20).toString('hex')}`);

type Log = { readonly address: string; readonly topics: readonly string[]; readonly data: string };
type Outcome = { readonly result?: string; readonly logs?: readonly Log[] };

export type TronTestChain = TestChain & {
  readonly node: TronNode;
  readonly usdt: string;
  trx(to: string, amount: bigint, outcome?: { readonly result?: string; readonly from?: string }): Promise<Mined>;
  /** A call of a contract that logs and ends as it is said. */
  call(contract: string, to: string, amount: bigint, outcome: Outcome): Promise<Mined>;
  logOf(contract: string, to: string, amount: bigint, from?: string): Log;
};

/** A node double under transactions that tronweb builds. */
export async function tronTestChain(): Promise<TronTestChain> {
  const node = await tronNode({ blocksToFinality: confirmations });
  const [payer, usdt, lookAlike] = [randomTronAddress(), randomTronAddress(), randomTronAddress()];
  const builder = new TronWeb({ fullHost: node.url }).transactionBuilder;
  let built = 0;
  /** Of its own for each transaction, or two equal payments would be one transaction. */
  const blockHeader = () => ({
    ref_block_bytes: '0001',
    ref_block_hash: randomBytes(8).toString('hex'),
    expiration: 1_800_000_000_000,
    timestamp: 1_700_000_000_000 + built++,
  });
  const wordOf = (address: string) => TronWeb.address.toHex(address).slice(2).toLowerCase().padStart(64, '0');
  const logOf = (contract: string, to: string, amount: bigint, from = payer): Log => ({
    address: TronWeb.address.toHex(contract).slice(2).toLowerCase(),
    topics: [transferTopic, wordOf(from), wordOf(to)],
    data: amount.toString(16).padStart(64, '0'),
  });

  async function trx(to: string, amount: bigint, { result = 'SUCCESS', from = payer } = {}): Promise<Mined> {
    const unsigned = await builder.sendTrx(to, Number(amount), from, { blockHeader: blockHeader() });
    return {
      transaction: included(unsigned, result),
      info: { id: unsigned.txID, fee: 1100, contractResult: [''], receipt: { net_fee: 100_000 } },
    };
  }
  async function call(
    contract: string,
    to: string,
    amount: bigint,
    { result = 'SUCCESS', logs = [] }: Outcome,
  ): Promise<Mined> {
    const { transaction } = await builder.triggerSmartContract(
      contract,
      'transfer(address,uint256)',
      {
        txLocal: true,
        blockHeader: blockHeader(),
        feeLimit: 100_000_000,
        rawParameter: wordOf(to) + amount.toString(16).padStart(64, '0'),
      },
      [],
      payer,
    );
    const info: TronInfoJson = {
      id: transaction.txID,
      fee: 27_255_900,
      blockTimeStamp: 1_700_000_000_000,
      contractResult: [''],
      contract_address: TronWeb.address.toHex(contract),
      receipt: { energy_fee: 26_910_900, energy_usage_total: 64_285, net_fee: 345_000, result },
      ...(result === 'SUCCESS' ? {} : { result: 'FAILED', resMessage: Buffer.from(result).toString('hex') }),
      ...(logs.length > 0 ? { log: logs } : {}),
    };
    return { transaction: included(transaction, result), info };
  }
  const minedAlone = (mined: Mined) => {
    node.mine([mined]);
    return { transactionId: mined.transaction.txID };
  };
  const connect = (url = node.url) =>
    tronChain({ url: new Secret(url), apiKey: undefined, network: 'private', usdtContract: usdt });
  return {
    name: 'tron-private',
    asset: 'TRX',
    token: 'USDT_TRC20',
    node,
    usdt,
    trx,
    call,
    logOf,
    rule: () => ({ kind: 'finalized' }),
    connect: () => connect(),
    wire: { url: node.url, connect },
    newAddress: async () => randomTronAddress(),
    pay: async (to, amount) => minedAlone(await trx(to, amount)),
    payments: {
      async several(payments) {
        const logs = payments.map(({ to, amount }) => logOf(usdt, to, amount));
        return minedAlone(await call(randomTronAddress(), payments[0]!.to, payments[0]!.amount, { logs }));
      },
      async token(to, amount) {
        node.mine([await call(usdt, to, amount, { logs: [logOf(usdt, to, amount)] })]);
      },
      async failed(to, amount) {
        const logs = [logOf(usdt, to, amount)];
        node.mine([
          await trx(to, amount, { result: 'REVERT' }),
          await call(usdt, to, amount, { result: 'OUT_OF_ENERGY', logs }),
          await call(usdt, to, amount, {}),
        ]);
      },
      async lookAlike(to, amount) {
        const topics = logOf(usdt, to, amount).topics;
        node.mine([
          await call(lookAlike, to, amount, { logs: [logOf(lookAlike, to, amount)] }),
          await call(usdt, to, amount, { logs: [{ ...logOf(usdt, to, amount), topics: topics.slice(0, 2) }] }),
          await call(usdt, to, amount, { logs: [{ ...logOf(usdt, to, amount), data: '' }] }),
          await trc10(to, amount),
        ]);
      },
      async nothing(to) {
        node.mine([await call(usdt, to, 0n, { logs: [logOf(usdt, to, 0n)] })]);
      },
      async spender() {
        const address = randomTronAddress();
        return {
          address,
          send: async (to, amount) => minedAlone(await trx(to, amount, { from: address })),
          sendToken: async (to, amount) =>
            minedAlone(await call(usdt, to, amount, { logs: [logOf(usdt, to, amount, address)] })),
        };
      },
    },
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) node.mine();
    },
    reorganise: async (depth, transfers) => node.reorganise(depth, transfers),
    stop: () => node.stop(),
  };

  /** A TRC-10 token that calls itself USDT. */
  async function trc10(to: string, amount: bigint): Promise<Mined> {
    const unsigned = await builder.sendToken(to, Number(amount), '1002000', payer, { blockHeader: blockHeader() });
    return {
      transaction: included(unsigned, 'SUCCESS'),
      info: { id: unsigned.txID, fee: 0, contractResult: [''], receipt: {} },
    };
  }
}

/** As a node shows it once it is in a block. */
function included(unsigned: { txID: string; raw_data_hex: string }, contractRet: string): TronTransactionJson {
  const id = createHash('sha256').update(Buffer.from(unsigned.raw_data_hex, 'hex')).digest('hex');
  if (id !== unsigned.txID) throw new Error('tronweb hashes otherwise');
  return { ret: [{ contractRet }], signature: [randomBytes(65).toString('hex')], ...unsigned };
}

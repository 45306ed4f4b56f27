/**
 * A Tron node as its HTTP API shows it: `/wallet` with all blocks, `/walletsolidity` with those that are solidified, in the
 * shapes that java-tron answers (developers.tron.network/reference). Transactions that a test mines are built and hashed by
 * tronweb, and what they did is what the test says; those that are sent wait for the next block, and do what transfers do
 * (`accounts.ts`). `lie` changes an answer on its way out.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Accounts } from './accounts';
import { transactionPool } from './transaction-pool';
import { walletAnswer, type WalletBody } from './wallet-answers';
import type { SentTransaction } from './transaction';

export type TronBlockJson = {
  readonly blockID: string;
  readonly block_header: {
    readonly raw_data: Record<string, unknown> & { readonly number: number; readonly timestamp: number };
    witness_signature: string;
  };
  readonly transactions?: readonly TronTransactionJson[];
};
export type TronTransactionJson = { readonly txID: string; readonly ret: { contractRet: string }[] } & Record<
  string,
  unknown
>;
export type TronInfoJson = { readonly id: string } & Record<string, unknown>;
/** A transaction and what came of it. */
export type Mined = {
  readonly transaction: TronTransactionJson;
  readonly info: TronInfoJson;
  /** Of one that was sent; it moves what accounts hold. */
  readonly sent?: SentTransaction;
};
type Block = { readonly json: TronBlockJson; readonly mined: readonly Mined[] };

export type TronNode = {
  readonly url: string;
  readonly height: () => number;
  mine(mined?: readonly Mined[]): void;
  reorganise(depth: number, transactions: 'reinclude' | 'drop'): void;
  /** TRX, and tokens of a contract, from nowhere. Addresses are hex with the network's byte. */
  give(owner: string, amount: bigint): void;
  giveTokens(token: string, owner: string, amount: bigint): void;
  /** What accounts hold by the newest block. */
  state(): Pick<Accounts, 'trxOf' | 'tokensOf'>;
  /** From now on every answer to this path goes through here; undefined ends it. */
  lie(path: string, change: ((answer: unknown, body: { num?: number }) => unknown) | undefined): void;
  stop(): Promise<void>;
};

/** `decimals` of the contract that answers `decimals()`; a block is solidified when it has this many from itself to the newest. */
export async function tronNode(options: { readonly blocksToFinality: number; decimals?: number }): Promise<TronNode> {
  const blocks: Block[] = [];
  const lies = new Map<string, (answer: unknown, body: { num?: number }) => unknown>();
  const solidified = () => blocks.slice(0, Math.max(1, blocks.length - options.blocksToFinality + 1));

  const inPool = (list: readonly Block[]) =>
    list.map(({ json, mined }) => ({ id: json.blockID, timestamp: json.block_header.raw_data.timestamp, mined }));
  const pool = transactionPool(() => inPool(blocks));

  function answer(face: string, path: string, body: WalletBody): unknown {
    const { num } = body;
    const seen = face === 'walletsolidity' ? solidified() : blocks;
    const told = walletAnswer(pool, inPool(seen), path, body);
    if (told !== undefined) return told;
    switch (path) {
      case 'getnowblock':
        return seen.at(-1)!.json;
      case 'getblockbynum':
        return seen[num ?? 0]?.json ?? {};
      case 'gettransactioninfobyblocknum':
        return (seen[num ?? 0]?.mined ?? []).map(({ info }) => ({ ...info, blockNumber: num }));
      case 'triggerconstantcontract':
        return {
          result: { result: true },
          energy_used: 345,
          constant_result: [(options.decimals ?? 6).toString(16).padStart(64, '0')],
        };
      default:
        return { Error: `class java.lang.IllegalArgumentException : no ${path}` };
    }
  }

  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as WalletBody;
    const [, face = '', path = ''] = (req.url ?? '').split('/');
    const told = answer(face, path, body);
    const lie = lies.get(`${face}/${path}`);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(lie ? lie(told, body) : told));
  });

  function add(mined: readonly Mined[]): void {
    blocks.push({ json: blockOf(blocks.at(-1)?.json, mined), mined });
  }
  const node = {
    height: () => blocks.length - 1,
    mine(put: readonly Mined[] = []) {
      add([...put, ...pool.drain()]);
    },
    give: pool.give,
    giveTokens: pool.giveTokens,
    state: pool.state,
    reorganise(depth: number, transactions: 'reinclude' | 'drop') {
      const again = blocks.splice(blocks.length - depth).flatMap(({ mined }) => mined);
      for (let mined = 1; mined < depth; mined++) add([]);
      add(transactions === 'reinclude' ? again : []);
      add([]);
    },
    lie(path: string, change: ((answer: unknown, body: { num?: number }) => unknown) | undefined) {
      if (change === undefined) lies.delete(path);
      else lies.set(path, change);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  node.mine();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { ...node, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function blockOf(parent: TronBlockJson | undefined, mined: readonly Mined[]): TronBlockJson {
  const number = parent === undefined ? 0 : parent.block_header.raw_data.number + 1;
  return {
    blockID: number.toString(16).padStart(16, '0') + randomBytes(24).toString('hex'),
    block_header: {
      raw_data: {
        number,
        txTrieRoot: mined.length > 0 ? randomBytes(32).toString('hex') : '0'.repeat(64),
        witness_address: `41${randomBytes(20).toString('hex')}`,
        parentHash: parent?.blockID ?? '0'.repeat(64),
        version: 31,
        timestamp: 1_700_000_000_000 + number * 3000,
      },
      witness_signature: randomBytes(65).toString('hex'),
    },
    // A node leaves the field out of an empty block, and its root is none.
    ...(mined.length > 0 ? { transactions: mined.map(({ transaction }) => transaction) } : {}),
  };
}

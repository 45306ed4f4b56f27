/**
 * The JSON-RPC of a Solana node over a ledger of blocks (`ledger.ts`), as far as payments need it: blocks at three levels
 * of commitment, skipped slots, balances before and after each transaction, accounts, and sending. Shapes and error codes
 * are those of solana.com/docs/rpc.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { solanaLedger, type Executed, type SolanaBlock, type SolanaLedger } from './ledger';
import { base58 } from './wire';
import { blockhashLifetime, transactionPool, type TransactionPool } from './transaction-pool';

const skippedSlot = { code: -32_007, message: 'Slot was skipped, or missing due to ledger jump to recent snapshot' };
const notAvailable = { code: -32_004, message: 'Block not available for slot' };
const unknownMethod = { code: -32_601, message: 'Method not found' };
const mintLength = 82;
const millisecondsPerSlot = 400;
/** An account pays for its bytes and for 128 more (solana-rent). */
const accountOverhead = 128n;
const lamportsPerByte = 6960n;

type Commitment = { readonly commitment?: 'processed' | 'confirmed' | 'finalized' };
type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

/** What was sent waits for the next block, after the transactions that a test puts there. */
export type SolanaNode = SolanaLedger & { readonly url: string; stop(): Promise<void> };

/** A block is final when it has this many blocks from itself to the newest, both counted. */
export async function solanaNode({ blocksToFinality }: { readonly blocksToFinality: number }): Promise<SolanaNode> {
  const ledger = await solanaLedger();
  ledger.mine();
  const pool = transactionPool(ledger);
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const {
      id,
      method,
      params = [],
    } = JSON.parse(Buffer.concat(chunks).toString()) as {
      id: unknown;
      method: string;
      params?: readonly unknown[];
    };
    const answer = answerTo(ledger, pool, blocksToFinality, method, params);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...answer, id }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...ledger,
    mine: (transactions = []) => ledger.mine([...transactions, ...pool.drain()]),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerTo(
  ledger: SolanaLedger,
  pool: TransactionPool,
  blocksToFinality: number,
  method: string,
  params: readonly unknown[],
): Answer {
  /** The blocks at a level of commitment; finalized is the default, as in a real node. */
  const blocksAt = ({ commitment = 'finalized' }: Commitment = {}): readonly SolanaBlock[] =>
    commitment === 'finalized'
      ? ledger.blocks.slice(0, Math.max(1, ledger.blocks.length - blocksToFinality + 1))
      : ledger.blocks;
  const accountAt = (address: string, commitment?: Commitment) =>
    ledger.account(address, ledger.blocks.length - blocksAt(commitment).length);
  const context = { slot: ledger.blocks.at(-1)!.slot };
  switch (method) {
    case 'getGenesisHash':
      return { result: ledger.genesisHash };
    case 'getSlot':
      return { result: blocksAt(params[0] as Commitment).at(-1)!.slot };
    case 'getBlocks': {
      const [first, last, commitment] = params as [number, number, Commitment];
      const slots = blocksAt(commitment).map(({ slot }) => slot);
      return { result: slots.filter((slot) => slot >= first && slot <= last) };
    }
    case 'getBlock': {
      const [slot, wanted] = params as [number, Commitment & { readonly transactionDetails?: string }];
      const blocks = blocksAt(wanted);
      const block = blocks.find((one) => one.slot === slot);
      if (block !== undefined) return { result: shownBlock(block, wanted.transactionDetails ?? 'full') };
      return { error: slot > blocks.at(-1)!.slot ? notAvailable : skippedSlot };
    }
    case 'getAccountInfo':
      return { result: { context, value: shownAccount(accountAt(params[0] as string, params[1] as Commitment)) } };
    case 'getBalance': {
      const held = accountAt(params[0] as string, params[1] as Commitment)?.lamports ?? 0n;
      return { result: { context, value: Number(held) } };
    }
    case 'getBlocksWithLimit': {
      const [first, most, commitment] = params as [number, number, Commitment];
      const slots = blocksAt(commitment).map(({ slot }) => slot);
      return { result: slots.filter((slot) => slot >= first).slice(0, most) };
    }
    case 'getBlockHeight':
      return { result: blocksAt(params[0] as Commitment).at(-1)!.height };
    case 'getLatestBlockhash': {
      const { slot, blockhash, height } = blocksAt(params[0] as Commitment).at(-1)!;
      return { result: { context: { slot }, value: { blockhash, lastValidBlockHeight: height + blockhashLifetime } } };
    }
    case 'getMinimumBalanceForRentExemption':
      return { result: Number((accountOverhead + BigInt(params[0] as number)) * lamportsPerByte) };
    case 'getRecentPrioritizationFees':
      return { result: ledger.blocks.slice(-3).map((block) => ({ slot: block.slot, prioritizationFee: 2000 })) };
    case 'getSignatureStatuses':
      return {
        result: { context, value: (params[0] as readonly string[]).map((id) => statusOf(ledger, blocksAt(), id)) },
      };
    case 'getTransaction': {
      const [id, wanted] = params as [string, Commitment];
      const found = placeOf(blocksAt(wanted), id);
      return { result: found === undefined ? null : { slot: found.block.slot, ...shownTransaction(found.executed) } };
    }
    case 'sendTransaction': {
      const [encoded, { skipPreflight = false } = {}] = params as [string, { skipPreflight?: boolean }];
      return pool.send(Buffer.from(encoded, 'base64'), skipPreflight);
    }
    default:
      return { error: unknownMethod };
  }
}

function placeOf(blocks: readonly SolanaBlock[], id: string) {
  for (const block of blocks.toReversed()) {
    const executed = block.transactions.find((one) => one.id === id);
    if (executed !== undefined) return { block, executed };
  }
  return undefined;
}

function statusOf(ledger: SolanaLedger, finalized: readonly SolanaBlock[], id: string) {
  const found = placeOf(ledger.blocks, id);
  if (found === undefined) return null;
  const { block, executed } = found;
  const isFinal = block.height < finalized.length;
  return {
    slot: block.slot,
    confirmations: isFinal ? null : ledger.blocks.length - block.height - 1,
    err: executed.error,
    confirmationStatus: isFinal ? 'finalized' : 'confirmed',
  };
}

function shownBlock(block: SolanaBlock, details: string) {
  const { slot, blockhash, previousBlockhash, parentSlot } = block;
  const shown = {
    blockhash,
    previousBlockhash,
    parentSlot,
    blockHeight: block.height,
    blockTime: Math.floor((slot * millisecondsPerSlot) / 1000),
  };
  if (details === 'none') return shown;
  if (details === 'signatures') return { ...shown, signatures: block.transactions.map(({ id }) => id) };
  return { ...shown, transactions: block.transactions.map(shownTransaction) };
}

const sumOf = (balances: readonly number[]) => balances.reduce((sum, lamports) => sum + lamports, 0);

/** As with `transactionDetails: "accounts"`. */
function shownTransaction(executed: Executed) {
  const { wire, error, preBalances, postBalances, preTokenBalances, postTokenBalances } = executed;
  return {
    transaction: {
      signatures: wire.signatures.map(base58),
      accountKeys: wire.keys.map((pubkey, place) => ({
        pubkey,
        signer: place < wire.signers,
        writable: wire.isWritable(place),
        source: 'transaction',
      })),
    },
    meta: {
      err: error,
      status: error === null ? { Ok: null } : { Err: error },
      // What it took from all accounts together.
      fee: sumOf(preBalances) - sumOf(postBalances),
      preBalances,
      postBalances,
      preTokenBalances,
      postTokenBalances,
    },
    version: 'legacy',
  };
}

/** Mints as `jsonParsed` shows them; other accounts by their bytes. */
function shownAccount(account: ReturnType<SolanaLedger['account']>) {
  if (account === undefined) return null;
  const data = Buffer.from(account.data);
  const common = {
    lamports: Number(account.lamports),
    owner: account.programAddress,
    executable: false,
    rentEpoch: 0,
    space: data.length,
  };
  const isMint =
    account.programAddress.startsWith('Token') && data.length >= mintLength && data[45] === 1 && data.length !== 165;
  if (!isMint) return { ...common, data: [data.toString('base64'), 'base64'] };
  const info = { decimals: data[44], isInitialized: true, supply: data.readBigUInt64LE(36).toString() };
  const extensions = data.length > mintLength ? { extensions: extensionsOf(data) } : {};
  return {
    ...common,
    data: { program: 'spl-token', parsed: { type: 'mint', info: { ...info, ...extensions } }, space: data.length },
  };
}

/** Names of the types of extensions that tests give to a mint (spl-token-2022, ExtensionType). */
const extensionNames: Readonly<Record<number, string>> = {
  1: 'transferFeeConfig',
  12: 'permanentDelegate',
  14: 'transferHook',
  18: 'metadataPointer',
};

/** After the account's type at byte 165: two bytes type, two bytes length, the value. */
function extensionsOf(data: Buffer) {
  const found: { extension: string }[] = [];
  for (let at = 166; at + 4 <= data.length;) {
    const type = data.readUInt16LE(at);
    if (type === 0) break;
    found.push({ extension: extensionNames[type] ?? `unparseable ${type}` });
    at += 4 + data.readUInt16LE(at + 2);
  }
  return found;
}

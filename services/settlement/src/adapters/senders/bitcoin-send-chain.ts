/**
 * Sends of BTC. The slot is a set of coins of the wallet (P2WPKH): of two transactions with one slot at most one can be
 * mined, which also lets a fee rise (BIP-125). Only final coins are spent, since a coin that a reorganisation takes away
 * would leave a send that can neither happen nor be given up, and none of an open send, or its raised fee would undo
 * another's. What became of a slot is read in blocks (`bitcoin-blocks.ts`); it is impossible once another transaction that
 * spends one of its coins is final.
 */
import { assert, OperationalError } from '@daybook/core';
import { contradiction } from '@daybook/http';
import type { Mode } from '@daybook/contracts';
import {
  type Coin,
  type CoinChoice,
  feeCapOf,
  type PaymentTerms,
  raiseFee,
  selectCoins,
} from '../../domain/coin-selection';
import type { Prepared, Preparing, SendChain, SendTerms, SendWallet, Slot, SlotStatus, TakenSlot } from '../../ports';
import { bitcoinBalance } from './bitcoin-balance';
import { type Library, type ReadTransaction, readTransaction, spenders } from './bitcoin-blocks';
import type { BitcoinWalletNode } from './bitcoin-wallet-nodes';

/** First blocks. */
const genesisHashes = {
  mainnet: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  testnet: '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943',
  signet: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
  regtest: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
} as const;
export type BitcoinNetwork = keyof typeof genesisHashes;

export type BitcoinSendOptions = {
  readonly node: BitcoinWalletNode;
  readonly network: BitcoinNetwork;
  readonly mode: Mode;
  /** Blocks that make a transaction final, its own included. */
  readonly confirmations: number;
  /** What a transaction may cost: satoshis, and millionths of the amount; the lesser holds. */
  readonly feeCap: { readonly absolute: bigint; readonly partsPerMillion: bigint };
};

/** Of the first fee: room to raise it. */
const feeRoom = 4n;

type BitcoinSlot = Extract<Slot, { family: 'bitcoin' }>;

type Tools = BitcoinSendOptions & {
  readonly library: Library;
  readonly scriptOf: (address: string) => Uint8Array;
};

export async function bitcoinSendChain(options: BitcoinSendOptions): Promise<SendChain> {
  const { node, network, confirmations } = options;
  const library = await import('@scure/btc-signer');
  const testNetwork = network === 'regtest' ? { ...library.TEST_NETWORK, bech32: 'bcrt' } : library.TEST_NETWORK;
  const addresses = library.Address(network === 'mainnet' ? library.NETWORK : testNetwork);
  const scriptOf = (address: string) => library.OutScript.encode(addresses.decode(address));
  const tools: Tools = { ...options, library, scriptOf };
  return {
    chain: `bitcoin-${network}`,
    mode: options.mode,
    family: 'bitcoin',
    assets: ['BTC'],
    feeAsset: 'BTC',
    hasContract: () => false,
    async verify() {
      const served = await node.hashAt(0);
      if (served !== genesisHashes[network])
        throw refused(`the node's first block is ${served ?? 'none'}, which is not BITCOIN_NETWORK ${network}`);
    },
    balanceOf: (address) => bitcoinBalance(library, node, { address, script: scriptOf(address), confirmations }),
    canonical(address) {
      try {
        return addresses.encode(addresses.decode(address));
      } catch {
        return undefined;
      }
    },
    ...preparing(tools),
    broadcast: (bytes) => node.send(bytes),
    ...status(tools),
    stop: async () => undefined,
  };
}

function preparing(tools: Tools): Pick<SendChain, 'prepare' | 'bump'> {
  const { node, network, scriptOf, confirmations } = tools;
  /** By the lowest of what the policy, the send and the amount allow. */
  function termsOf(send: SendTerms, rate: bigint): PaymentTerms {
    const allowed = feeCapOf(send.amount, tools.feeCap);
    const feeCap = send.feeCap !== null && send.feeCap < allowed ? send.feeCap : allowed;
    return { amount: send.amount, scriptLength: BigInt(scriptOf(send.toAddress).length), rate, feeCap };
  }
  function preparedOf(send: SendTerms, slot: BitcoinSlot, choice: CoinChoice, maxFee: bigint): Prepared {
    const { inputs, change, fee } = choice;
    const sum = inputs.reduce((total, { amount }) => total + amount, 0n);
    assert(sum === send.amount + change + fee, 'the inputs are not the amount, the change and the fee');
    assert(fee <= maxFee, 'a fee above its cap');
    const outputs = { to: send.toAddress, amount: send.amount.toString(), change: change.toString() };
    return { transaction: { network, inputs: slot.inputs, ...outputs, fee: fee.toString() }, slot, maxFee };
  }

  return {
    async prepare(send, wallet, taken): Promise<Preparing> {
      const sinceBlock = await node.head();
      const coins = await freeCoins(node, wallet, taken, confirmations);
      const terms = termsOf(send, await node.feeRate());
      const choice = selectCoins(coins, terms);
      // Nodes do not relay an output of dust.
      if (choice === 'amount_below_dust') return { ok: false, refusal: 'not_payable' };
      if (typeof choice === 'string') return { ok: false, refusal: choice };
      await proveCoins(tools, choice.inputs, scriptOf(wallet.address));
      const inputs = choice.inputs.map(({ txid, vout, amount }) => ({ txid, vout, amount: amount.toString() }));
      const room = choice.fee * feeRoom;
      const maxFee = send.feeCap === null && room < terms.feeCap ? room : terms.feeCap;
      return { ok: true, prepared: preparedOf(send, { family: 'bitcoin', inputs, sinceBlock }, choice, maxFee) };
    },
    async bump(send, { slot, transaction, maxFee }) {
      assert(slot.family === 'bitcoin', 'a slot of another family');
      const raised = raiseFee(choiceIn(slot, transaction), {
        ...termsOf(send, await node.feeRate()),
        feeCap: maxFee,
      });
      return raised && preparedOf(send, slot, raised, maxFee);
    },
  };
}

function status({ node, library, confirmations }: Tools): Pick<SendChain, 'statusOf'> {
  const spenderOf = spenders(library, node);
  return {
    async statusOf(slot, _wallet, transactionIds): Promise<SlotStatus> {
      assert(slot.family === 'bitcoin', 'a slot of another family');
      // A reorganisation may have put it below the block that was newest when it was prepared.
      const since = Math.max(slot.sinceBlock - confirmations, 0);
      const spender = await spenderOf(slot.inputs, since, confirmations);
      if (spender === undefined) {
        for (const id of transactionIds) if (await node.isPending(id)) return { type: 'pending' };
        return { type: 'unseen' };
      }
      const { transaction, height: blockNumber, blockHash, depth } = spender;
      const { txid: transactionId } = transaction;
      const final = depth >= confirmations;
      if (!transactionIds.includes(transactionId))
        return final ? { type: 'impossible', reason: `its coins were spent by ${transactionId}` } : { type: 'unseen' };
      const cost = { fee: feePaid(slot, transaction), gasUsed: null, gasPrice: null };
      return { type: 'included', transactionId, blockNumber, blockHash, final, succeeded: true, ...cost };
    },
  };
}

/** Final coins that no open send holds. */
async function freeCoins(
  node: BitcoinWalletNode,
  wallet: SendWallet,
  taken: readonly TakenSlot[],
  confirmations: number,
): Promise<readonly Coin[]> {
  const held = new Set(taken.flatMap(({ slot }) => (slot.family === 'bitcoin' ? slot.inputs.map(nameOf) : [])));
  const coins = await node.coinsOf(wallet.address);
  const distinct = new Map(coins.map((coin) => [nameOf(coin), coin]));
  return [...distinct.values()].filter((coin) => coin.confirmations >= confirmations && !held.has(nameOf(coin)));
}

/**
 * Reads the amount of each coin in its own transaction. A signature covers only the amount of its own input (BIP-143): who
 * can tell another amount each time a transaction is signed can have the difference taken as a fee.
 */
async function proveCoins({ library, node }: Tools, coins: readonly Coin[], script: Uint8Array): Promise<void> {
  for (const { txid, vout, amount } of coins) {
    const raw = await node.rawTransaction(txid);
    const transaction = raw && readTransaction(library, raw);
    const output = transaction?.outputs[vout];
    if (transaction?.txid !== txid || output?.amount !== amount || !Buffer.from(output.script).equals(script))
      throw contradiction(`coin ${txid}:${vout} is not what the node says`);
  }
}

function choiceIn(slot: BitcoinSlot, transaction: Prepared['transaction']): CoinChoice {
  const inputs = slot.inputs.map(({ txid, vout, amount }) => ({ txid, vout, amount: BigInt(amount) }));
  return { inputs, change: digits(transaction['change']), fee: digits(transaction['fee']) };
}

function digits(value: unknown): bigint {
  assert(typeof value === 'string', 'a transaction that this did not prepare');
  return BigInt(value);
}

/** What its coins hold more than it pays. */
function feePaid(slot: BitcoinSlot, { inputs, outputs }: ReadTransaction): bigint {
  const names = new Set(inputs.map(nameOf));
  assert(
    inputs.length === slot.inputs.length && slot.inputs.every((input) => names.has(nameOf(input))),
    'a transaction of ours spends other coins than its slot',
  );
  const spent = slot.inputs.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  return spent - outputs.reduce((sum, { amount }) => sum + amount, 0n);
}

const nameOf = ({ txid, vout }: { readonly txid: string; readonly vout: number }) => `${txid}:${vout}`;

/** The node is not of what is configured: asking again changes nothing. */
const refused = (detail: string) => new OperationalError('upstream_unavailable', false, { detail });

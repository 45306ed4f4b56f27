/**
 * Bitcoin by one node, through either API of `bitcoin-nodes.ts`. Payments are outputs to the addresses that this service
 * gives out (P2WPKH), found in raw blocks that prove themselves; index is the output's place. Nothing is taken from the
 * memory pool, so what is replaced before it is mined never was. Outputs of a coinbase cannot be spent for 100 blocks
 * and are left out: nobody mines to a deposit address. A transaction is spent by all whose keys are in its witnesses.
 */
import { contradiction } from '@daybook/http';
import type { BlockReference } from '../domain/reorg';
import { ChainRefusedError, type ChainBlock, type ChainSource, type Transfer, type WatchedAddresses } from '../ports';
import { type BitcoinBlock, readBitcoinBlock } from './bitcoin-block';
import type { BitcoinNode } from './bitcoin-nodes';
import { type BitcoinNetwork, bitcoinNetworks } from './bitcoin-networks';
import { numbersAfter, readInOrder } from './block-range';

/** Version 0 and a hash of 20 bytes. */
const payToWitnessKeyHash = Buffer.from([0x00, 0x14]);
const scriptLength = 22;

const bitcoinChainName = (network: BitcoinNetwork) => `bitcoin-${network}`;

export function bitcoinChain(node: BitcoinNode, network: BitcoinNetwork): ChainSource {
  const { genesisHash } = bitcoinNetworks[network];

  async function read({ number, hash }: BlockReference, watched: WatchedAddresses): Promise<ChainBlock | undefined> {
    const raw = await node.rawBlock(hash);
    if (raw === undefined) return undefined;
    const block = proven(raw, hash);
    return { number, hash, parentHash: block.parentHash, transfers: await paymentsIn(block, network, watched) };
  }

  return {
    chain: bitcoinChainName(network),
    async verify() {
      const served = await node.hashAt(0);
      if (served !== genesisHash)
        throw new ChainRefusedError(
          `the node's first block is ${served ?? 'none'}, which is not BITCOIN_NETWORK ${network}`,
        );
    },
    faultOf: async () => undefined,
    async genesisHash() {
      const first = await node.hashAt(0);
      if (first === undefined) throw contradiction('the node has no block 0');
      return first;
    },
    head: () => node.head(),
    /** Depth decides. */
    finalized: async () => undefined,
    hashAt: (number) => node.hashAt(number),
    blocksAfter: (number, limit, watched) =>
      readInOrder(numbersAfter(number, limit), async (at) => {
        const hash = await node.hashAt(at);
        return hash === undefined ? undefined : read({ number: at, hash }, watched);
      }),
    async finalTransfers(block, watched) {
      if ((await node.hashAt(block.number)) !== block.hash) return undefined;
      return (await read(block, watched))?.transfers;
    },
    stop: async () => undefined,
  };
}

function proven(raw: Buffer, hash: string): BitcoinBlock {
  try {
    const block = readBitcoinBlock(raw);
    if (block.hash === hash) return block;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw contradiction(`block ${hash}: ${error.message}`);
  }
  throw contradiction(`block ${hash} has another hash`);
}

async function paymentsIn(
  block: BitcoinBlock,
  network: BitcoinNetwork,
  watched: WatchedAddresses,
): Promise<readonly Transfer[]> {
  const { Address } = await import('@scure/btc-signer');
  const { hash160 } = await import('@scure/btc-signer/utils.js');
  const { encode } = Address(bitcoinNetworks[network].prefixes);
  const addressOf = (hash: Uint8Array) => encode({ type: 'wpkh', hash: new Uint8Array(hash) });
  return block.transactions.flatMap(({ id: transactionId, isCoinbase, outputs, spendingKeys }) => {
    if (isCoinbase) return [];
    const payments = outputs.flatMap(({ value: amount, script }, index) => {
      if (amount === 0n || script.length !== scriptLength || !script.subarray(0, 2).equals(payToWitnessKeyHash))
        return [];
      const to = addressOf(script.subarray(2));
      return watched.has(to) ? [{ transactionId, index, asset: 'BTC' as const, to, amount }] : [];
    });
    if (payments.length === 0) return [];
    const spent = new Set(spendingKeys.map((key) => addressOf(hash160(new Uint8Array(key)))));
    const spenders = [...spent].filter((address) => watched.has(address));
    return payments.map((payment) => ({ ...payment, spenders }));
  });
}

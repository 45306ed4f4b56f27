import { regtestNode, type Output } from '@daybook/bitcoin-node';
import { Secret } from '@daybook/runtime';
import { Address } from '@scure/btc-signer';
import { randomBytes } from 'node:crypto';
import { bitcoinChain } from '../src/adapters/bitcoin-chain';
import { bitcoinNetworks } from '../src/adapters/bitcoin-networks';
import { bitcoindNode, esploraNode } from '../src/adapters/bitcoin-nodes';
import { byDepth, type TestChain } from './test-chain';

const { encode, decode } = Address(bitcoinNetworks.regtest.prefixes);

/** A regtest node, read through one of the two APIs. */
export async function bitcoinTestChain(api: 'bitcoind' | 'esplora'): Promise<TestChain> {
  const node = await regtestNode();
  const url = api === 'bitcoind' ? node.rpcUrl : node.esploraUrl;
  const connect = (to = url) =>
    bitcoinChain(api === 'bitcoind' ? bitcoindNode(new Secret(to)) : esploraNode(new Secret(to)), 'regtest');
  const outputTo = (address: string, value: bigint): Output => {
    const to = decode(address);
    if (to.type !== 'wpkh') throw new Error(`${address} is no P2WPKH address`);
    return { script: Buffer.concat([Buffer.from([0x00, 0x14]), to.hash]), value };
  };
  return {
    name: 'bitcoin-regtest',
    asset: 'BTC',
    rule: byDepth,
    connect: () => connect(),
    wire: { url, connect },
    newAddress: async () => encode({ type: 'wpkh', hash: randomBytes(20) }),
    pay: (to, amount) => node.pay([outputTo(to, amount)]),
    payments: {
      several: (payments) => node.pay(payments.map(({ to, amount }) => outputTo(to, amount))),
      async nothing(to) {
        await node.pay([outputTo(to, 0n)]);
      },
      replaced: (to, instead, amount) => node.replace([outputTo(to, amount)], [outputTo(instead, amount)]),
    },
    mine: (blocks) => node.mine(blocks),
    reorganise: (depth, transfers) => node.reorganise(depth, transfers),
    stop: () => node.stop(),
  };
}

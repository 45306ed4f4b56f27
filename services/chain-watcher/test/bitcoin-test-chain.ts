import { regtestNode, type Output, type RegtestNode } from '@daybook/bitcoin-node';
import { Secret } from '@daybook/runtime';
import { Address, p2wpkh, Transaction } from '@scure/btc-signer';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import { randomBytes } from 'node:crypto';
import { bitcoinChain } from '../src/adapters/bitcoin-chain';
import { bitcoinNetworks } from '../src/adapters/bitcoin-networks';
import { bitcoindNode, esploraNode } from '../src/adapters/bitcoin-nodes';
import { byDepth, type Spender, type TestChain } from './test-chain';

const fee = 1_000n;
type Coin = { readonly txid: string; readonly vout: number; readonly value: number };

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
      spender: async () => spender(node),
    },
    mine: (blocks) => node.mine(blocks),
    reorganise: (depth, transfers) => node.reorganise(depth, transfers),
    stop: () => node.stop(),
  };
}

/** Spends all of its coins at once; what is left goes to nobody that is watched. */
function spender(node: RegtestNode): Spender {
  const key = randomBytes(32);
  const publicKey = pubECDSA(new Uint8Array(key));
  const { address, script } = p2wpkh(publicKey, bitcoinNetworks.regtest.prefixes);
  async function send(to: string, amount: bigint): Promise<{ readonly transactionId: string }> {
    const coins = (await (await fetch(`${node.esploraUrl}/address/${address}/utxo`)).json()) as readonly Coin[];
    const transaction = new Transaction();
    for (const { txid, vout: index, value } of coins)
      transaction.addInput({ txid, index, witnessUtxo: { script, amount: BigInt(value) } });
    const rest = coins.reduce((sum, { value }) => sum + BigInt(value), 0n) - amount - fee;
    transaction.addOutputAddress(to, amount, bitcoinNetworks.regtest.prefixes);
    transaction.addOutput({ script: Buffer.concat([Buffer.from([0x00, 0x14]), randomBytes(20)]), amount: rest });
    transaction.sign(new Uint8Array(key));
    transaction.finalize();
    const answer = await fetch(`${node.esploraUrl}/tx`, { method: 'POST', body: transaction.hex });
    if (!answer.ok) throw new Error(await answer.text());
    await node.mine(1);
    return { transactionId: transaction.id };
  }
  return { address: address!, send };
}

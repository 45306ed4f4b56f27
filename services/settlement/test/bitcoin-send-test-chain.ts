import { regtestNode } from '@daybook/bitcoin-node';
import { Secret } from '@daybook/runtime';
import { Address, OutScript, TEST_NETWORK } from '@scure/btc-signer';
import { randomBytes } from 'node:crypto';
import { bitcoinSendChain } from '../src/adapters/senders/bitcoin-send-chain';
import { bitcoindWallet, esploraWallet } from '../src/adapters/senders/bitcoin-wallet-nodes';
import { lyingWire } from './lying-wire';
import type { SendTestChain } from './send-test-chain';
import { testSigner } from './test-signer';

const addresses = Address({ ...TEST_NETWORK, bech32: 'bcrt' });
const confirmations = 3;
const coinValue = 2_000_000n;
const coins = 30;
/** Codes and words of bitcoind for what is mined already. */
const mined = { code: -27, message: 'Transaction outputs already in utxo set' };

/** A regtest node, sent through by one of the two APIs. */
export async function bitcoinSendTestChain(api: 'bitcoind' | 'esplora'): Promise<SendTestChain> {
  const node = await regtestNode();
  const truth = bitcoindWallet(new Secret(node.rpcUrl));
  const wire = await lyingWire(api === 'bitcoind' ? node.rpcUrl : node.esploraUrl);
  const signer = await testSigner('bitcoin', 'BTC', { BITCOIN_NETWORK: 'regtest' });
  const { address } = signer.wallet;
  const scriptOf = (to: string) => OutScript.encode(addresses.decode(to));
  for (let coin = 0; coin < coins; coin++) await node.pay([{ script: scriptOf(address), value: coinValue }]);
  await node.mine(confirmations);
  const sum = async (of: string) => (await truth.coinsOf(of)).reduce((total, { amount }) => total + amount, 0n);
  const isBroadcast: SendTestChain['isBroadcast'] = ({ path, method }) =>
    method === 'sendrawtransaction' || path === 'tx';
  return {
    name: `Bitcoin through ${api}`,
    wallet: signer.wallet,
    native: 'BTC',
    amount: 300_000n,
    finality: confirmations,
    wire,
    connect: () =>
      bitcoinSendChain({
        node: api === 'bitcoind' ? bitcoindWallet(new Secret(wire.url)) : esploraWallet(new Secret(wire.url)),
        network: 'regtest',
        mode: 'sandbox',
        confirmations,
        feeCap: { absolute: 20_000n, partsPerMillion: 100_000n },
      }),
    isBroadcast,
    forgetful() {
      wire.lie(
        ({ method, path }) => method === 'getmempoolentry' || /^tx\/\w+\/status$/.test(path),
        () => JSON.stringify({ result: null, error: { code: -5, message: 'not here' }, confirmed: true }),
      );
    },
    ...(api === 'bitcoind' ? { alreadyKnown: () => JSON.stringify({ result: null, error: mined, id: 1 }) } : {}),
    newAddress: async () => addresses.encode({ type: 'wpkh', hash: new Uint8Array(randomBytes(20)) }),
    receivedBy: sum,
    held: () => sum(address),
    sign: signer.sign,
    mine: (blocks) => node.mine(blocks),
    drop: (depth) => node.reorganise(depth, 'drop'),
    async takeSlot(slot) {
      if (slot.family !== 'bitcoin') throw new Error('a slot of another family');
      const [first] = slot.inputs;
      const to = addresses.encode({ type: 'wpkh', hash: new Uint8Array(randomBytes(20)) });
      const amount = (BigInt(first!.amount) - 1000n).toString();
      const payment = { to, amount, change: '0', fee: '1000' };
      const { bytes } = await signer.signElsewhere({ network: 'regtest', inputs: [first], ...payment });
      await truth.send(bytes);
      await node.mine(1);
    },
    async stop() {
      await signer.stop();
      await wire.stop();
      await node.stop();
    },
  };
}

import { tronNode } from '@daybook/testing';
import { Secret } from '@daybook/runtime';
import { randomBytes } from 'node:crypto';
import { TronWeb } from 'tronweb';
import { tronSendChain } from '../src/adapters/senders/tron-send-chain';
import { lyingWire } from './lying-wire';
import type { SendTestChain } from './send-test-chain';
import { testSigner } from './test-signer';

const trx = 1_000_000n;
const finality = 4;
const hexOf = (address: string) => TronWeb.address.toHex(address).toLowerCase();
const randomAddress = () => TronWeb.address.fromHex(`41${randomBytes(20).toString('hex')}`);

/** The node double, with accounts that move as transfers say. */
export async function tronSendTestChain(): Promise<SendTestChain> {
  const node = await tronNode({ blocksToFinality: finality });
  const wire = await lyingWire(node.url);
  const usdtContract = randomAddress();
  const token = hexOf(usdtContract);
  const signer = await testSigner('tron', 'TRX', { TRON_USDT_CONTRACT: usdtContract });
  const { address } = signer.wallet;
  const wallet = hexOf(address);
  node.give(wallet, 10_000n * trx);
  node.giveTokens(token, wallet, 10_000n * trx);
  for (let block = 0; block < finality; block++) node.mine();
  const held = (of: string, asset: string) =>
    asset === 'TRX' ? (node.state().trxOf(hexOf(of)) ?? 0n) : node.state().tokensOf(token, hexOf(of));
  return {
    name: 'Tron',
    wallet: signer.wallet,
    native: 'TRX',
    amount: 12n * trx,
    token: { asset: 'USDT_TRC20', amount: 7n * trx },
    finality,
    // Ten minutes in blocks of three seconds.
    lifetime: 200,
    wire,
    connect: () =>
      tronSendChain({
        url: new Secret(wire.url),
        apiKey: undefined,
        network: 'private',
        mode: 'sandbox',
        usdtContract,
        feeCap: 40n * trx,
      }),
    isBroadcast: ({ path }) => path === 'wallet/broadcasthex',
    alreadyKnown: () => JSON.stringify({ code: 'DUP_TRANSACTION_ERROR', message: '' }),
    forgetful() {
      wire.lie(
        ({ path }) => /gettransaction(infobyid|frompending)$/.test(path),
        () => '{}',
      );
    },
    bodiless() {
      wire.lie(
        ({ path }) => path.endsWith('/getblockbynum'),
        (answer) => {
          const { transactions: _lost, ...rest } = JSON.parse(answer) as Record<string, unknown>;
          return JSON.stringify(rest);
        },
      );
    },
    newAddress: async () => randomAddress(),
    receivedBy: async (of, asset) => held(of, asset),
    held: async (asset) => held(address, asset),
    sign: signer.sign,
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) node.mine();
    },
    drop: async (depth) => node.reorganise(depth, 'drop'),
    async failNext() {
      // What is given applies from the first block on: the tokens are gone before the transfer.
      node.giveTokens(token, wallet, -node.state().tokensOf(token, wallet));
    },
    async stop() {
      await signer.stop();
      await wire.stop();
      await node.stop();
    },
  };
}

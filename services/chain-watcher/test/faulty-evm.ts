/**
 * A long EVM chain in memory behind the methods of its JSON-RPC, and a provider that answers wrongly at fixed rates: empty
 * answers, receipts without a log, old heads and errors. The same seed gives the same chain and the same faults.
 */
import { seededRandom } from '@daybook/testing';
import { getBytes, hexlify, keccak256, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers';
import type { EvmProvider } from '../src/adapters/evm-rpc';

const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** keccak256 of the empty string in RLP. */
const noTransactions = keccak256('0x80');
const staleBlocksMax = 40;
const decimalsCall = '0x313ce567';
const sender = zeroPadValue('0xaa', 32);

export const token = '0x5fbdb2315678afecb367f032d93f642f64180aa3';
export type Payment = {
  readonly block: number;
  readonly to: string;
  readonly asset: 'ETH' | 'USDT_ERC20';
  readonly amount: bigint;
};

/** Parts of a hundred. `partial` leaves one log out of the receipts of a block. */
export type Rates = {
  readonly empty: number;
  readonly partial: number;
  readonly stale: number;
  readonly error: number;
};

export function faultyEvm(payments: readonly Payment[], rates: Rates, seed: number) {
  const random = seededRandom(seed);
  const happens = (percent: number) => random.below(100) < percent;
  const hashOf = (text: string) => keccak256(toUtf8Bytes(text));
  const blockHash = (number: number) => (number < 0 ? `0x${'00'.repeat(32)}` : hashOf(`block ${number}`));
  const byBlock = new Map<number, Payment[]>();
  for (const payment of payments) byBlock.set(payment.block, [...(byBlock.get(payment.block) ?? []), payment]);
  const transactionHash = (number: number, place: number) => hashOf(`transaction ${number} ${place}`);
  const places = new Map<string, readonly [number, number]>();
  for (const [number, paid] of byBlock)
    for (const place of paid.keys()) places.set(transactionHash(number, place), [number, place]);
  let height = 0;
  const faults = { empty: 0, partial: 0, stale: 0, error: 0 };

  const logsOf = (number: number) =>
    (byBlock.get(number) ?? []).flatMap(({ to, asset, amount }, place) =>
      asset === 'ETH'
        ? []
        : [
            {
              address: token,
              topics: [transferTopic, sender, zeroPadValue(to.toLowerCase(), 32)],
              data: toBeHex(amount, 32),
              blockHash: blockHash(number),
              transactionHash: transactionHash(number, place),
              logIndex: toBeHex(place),
            },
          ],
    );
  const headerOf = (number: number) => ({
    number: toBeHex(number),
    hash: blockHash(number),
    parentHash: blockHash(number - 1),
  });
  function blockOf(number: number) {
    const paid = byBlock.get(number) ?? [];
    return {
      ...headerOf(number),
      logsBloom: bloomOf(logsOf(number).flatMap(({ address, topics }) => [address, ...topics])),
      transactionsRoot: paid.length > 0 ? hashOf('transactions') : noTransactions,
      transactions: paid.map(({ to, asset, amount }, place) => ({
        hash: transactionHash(number, place),
        from: `0x${sender.slice(-40)}`,
        to: asset === 'ETH' ? to.toLowerCase() : token,
        value: asset === 'ETH' ? toBeHex(amount) : '0x0',
      })),
    };
  }
  function receiptOf(hash: string) {
    const [number] = places.get(hash)!;
    return {
      transactionHash: hash,
      blockHash: blockHash(number),
      status: '0x1',
      logs: logsOf(number).filter((log) => log.transactionHash === hash),
    };
  }
  function receiptsAnswer(number: number) {
    const receipts = (byBlock.get(number) ?? []).map((_, place) => receiptOf(transactionHash(number, place)));
    if (logsOf(number).length === 0 || !happens(rates.partial)) return receipts;
    faults.partial++;
    const last = receipts.findLast(({ logs }) => logs.length > 0)!;
    return receipts.map((receipt) => (receipt === last ? { ...receipt, logs: receipt.logs.slice(0, -1) } : receipt));
  }
  function blockAnswer(tag: string, full: boolean) {
    if (tag === 'latest') {
      if (!happens(rates.stale)) return headerOf(height);
      faults.stale++;
      return headerOf(Math.max(0, height - 1 - random.below(staleBlocksMax)));
    }
    const number = Number(tag);
    if (number > height) return null;
    return full ? blockOf(number) : headerOf(number);
  }

  const provider: EvmProvider = {
    async send(method, parameters) {
      if (happens(rates.error)) {
        faults.error++;
        throw Object.assign(new Error('too many requests'), { code: 'SERVER_ERROR' });
      }
      const empty =
        (method === 'eth_getBlockReceipts' || (method === 'eth_getBlockByNumber' && parameters[1] === true)) &&
        happens(rates.empty);
      if (empty) faults.empty++;
      if (method === 'eth_getBlockByNumber')
        return empty ? null : blockAnswer(parameters[0] as string, parameters[1] as boolean);
      if (method === 'eth_getBlockReceipts') return empty ? [] : receiptsAnswer(numbers.get(parameters[0] as string)!);
      // As most contracts of tokens: the pinned decimals.
      if (method === 'eth_call' && (parameters as [{ data: string }])[0].data === decimalsCall) return toBeHex(6, 32);
      if (method === 'eth_getTransactionReceipt') return receiptOf(parameters[0] as string);
      // Balances: as a node that has pruned its states.
      throw Object.assign(new Error('pruned'), { code: 'UNKNOWN_ERROR', error: { message: 'missing trie node' } });
    },
    destroy: () => undefined,
  };
  const numbers = new Map([...byBlock.keys()].map((number) => [blockHash(number), number]));
  return { provider, faults, grow: (to: number) => void (height = to) };
}

/** The filter of a block whose logs name these addresses and topics. */
function bloomOf(named: readonly string[]): string {
  const filter = new Uint8Array(256);
  for (const one of named) {
    const digest = getBytes(keccak256(one));
    for (const at of [0, 2, 4]) {
      const bit = ((digest[at]! << 8) | digest[at + 1]!) & 2047;
      filter[255 - (bit >> 3)]! |= 1 << (bit & 7);
    }
  }
  return hexlify(filter);
}

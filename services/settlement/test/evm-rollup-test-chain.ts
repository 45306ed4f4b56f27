import { callNode, deploySandboxUsdt, embeddedEvmNode, mintSandboxUsdt } from '@daybook/embedded';
import { Secret } from '@daybook/runtime';
import { Interface, Transaction } from 'ethers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evmSendChain } from '../src/adapters/senders/evm-send-chain';
import { lyingWire, type Asked } from './lying-wire';
import type { SignedBytes } from './send-test-chain';
import { testSigner } from './test-signer';

/** Where the oracle is, and whether it wants bytes with their signature. */
export type Rollup = { readonly chainId: number; readonly oracle: string; readonly bytes: 'unsigned' | 'signed' };

/** `data`: wei for each byte of a call of getL1Fee. `operator`: hundreds of wei for each gas, as receipts tell it. */
type Rates = { readonly data: bigint; readonly operator: bigint };

const finality = 3;
/** Empty blocks until the base fee is as low as it gets, so that a fee that is asked for again is the same. */
const blocksUntilCheap = 200;
/** getL1Fee answers the length of its call data times storage slot 0, any other function its argument times slot 1. */
const oracleCode = [
  '0x60003560e01c6349948e0e14601e57', // calldataload(0) >> 224 == getL1Fee: jump to 30
  '6004356001540260005260206000f3', // return calldataload(4) * sload(1)
  '5b366000540260005260206000f3', // return calldatasize * sload(0)
].join('');
export const oracleCalls = new Interface(['function getL1Fee(bytes)', 'function getOperatorFee(uint256)']);

const hex = (value: bigint) => `0x${value.toString(16)}`;
const wordOf = (value: bigint | number) => `0x${value.toString(16).padStart(64, '0')}`;

export type RollupTestChain = Awaited<ReturnType<typeof evmRollupTestChain>>;

/**
 * A development node before which stands what makes it a rollup: bytes are taken only from a wallet that has what the chain
 * takes besides gas too, receipts tell it, and it is gone when the transaction is in a block.
 */
export async function evmRollupTestChain({ chainId, oracle, bytes }: Rollup) {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-rollup-'));
  const node = embeddedEvmNode({ directory, chainId, keptStates: 256 });
  await node.start();
  const ask = <T>(method: string, ...params: unknown[]) => callNode<T>(node.url, method, params);
  const { address: usdtContract } = await deploySandboxUsdt(node.url);
  const signer = await testSigner('evm', 'ETH', { EVM_CHAIN_ID: `${chainId}`, EVM_USDT_CONTRACT: usdtContract });
  const { address } = signer.wallet;
  await mintSandboxUsdt({ rpcUrl: node.url, to: address, amount: 1_000_000_000n, usdtAddress: usdtContract });
  await ask('evm_setAutomine', false);
  await ask('anvil_setCode', oracle, oracleCode);

  const wire = await lyingWire(node.url);
  const oracleAsked: string[] = [];
  const given = new Map<string, Transaction>();
  const receipts = new Map<string, Readonly<Record<string, string>>>();
  let [balance, rates]: [bigint, Rates] = [0n, { data: 0n, operator: 0n }];

  const dataFee = (said: Transaction) => {
    const call = oracleCalls.encodeFunctionData('getL1Fee', [
      bytes === 'signed' ? said.serialized : said.unsignedSerialized,
    ]);
    return (BigInt(call.length - 2) / 2n) * rates.data;
  };
  const operatorFee = (gas: bigint) => gas * rates.operator * 100n;
  /** As nodes of rollups count when they are given a transaction. */
  const needs = (said: Transaction) =>
    said.value + said.gasLimit * (said.maxFeePerGas ?? 0n) + dataFee(said) + operatorFee(said.gasLimit);

  function isTooPoor({ method, body }: Asked): boolean {
    if (method !== 'eth_sendRawTransaction') return false;
    const said = Transaction.from((JSON.parse(body) as { params: [string] }).params[0]);
    if (needs(said) > balance) return true;
    given.set(said.hash!, said);
    return false;
  }

  async function take(said: Transaction): Promise<void> {
    const receipt = await ask<{ readonly gasUsed: string } | null>('eth_getTransactionReceipt', said.hash);
    if (receipt === null) return;
    given.delete(said.hash!);
    const [l1Fee, ofOperator] = [dataFee(said), operatorFee(BigInt(receipt.gasUsed))];
    const operator = { operatorFeeScalar: hex(rates.operator), operatorFeeConstant: '0x0' };
    receipts.set(said.hash!, { l1Fee: hex(l1Fee), ...(bytes === 'signed' ? {} : operator) });
    await setBalance((await held()) - l1Fee - ofOperator);
  }

  const held = async (of = address) => BigInt(await ask<string>('eth_getBalance', of, 'latest'));
  async function setBalance(units: bigint): Promise<void> {
    balance = units;
    await ask('anvil_setBalance', address, hex(units));
  }
  async function mine(blocks: number): Promise<void> {
    await ask('anvil_mine', hex(BigInt(blocks)));
    for (const said of given.values()) await take(said);
  }
  function honest(): void {
    wire.honest();
    wire.lie(({ method }) => method === 'eth_getTransactionReceipt', told);
    wire.lie(isTooPoor, 'refused');
    wire.lie(
      ({ method, body }) => method === 'eth_call' && body.toLowerCase().includes(oracle.toLowerCase()),
      (answer, { body }) => {
        oracleAsked.push((JSON.parse(body) as { params: [{ data: string }] }).params[0].data);
        return answer;
      },
    );
  }
  function told(answer: string): string {
    const { result, ...rest } = JSON.parse(answer) as { result: { transactionHash: string } | null };
    return JSON.stringify({ ...rest, result: result && { ...result, ...receipts.get(result.transactionHash) } });
  }

  honest();
  await mine(blocksUntilCheap);
  return {
    wallet: signer.wallet,
    wire,
    honest,
    mine,
    held,
    /** Call data that the oracle was asked with. */
    oracleAsked,
    oracleCode,
    dataFee: (signed: SignedBytes) => dataFee(Transaction.from(`0x${signed.bytes}`)),
    sign: signer.sign,
    connect: (more: { readonly feeMax?: bigint; readonly chainId?: number } = {}) =>
      evmSendChain({
        url: new Secret(wire.url),
        chainId,
        mode: 'sandbox',
        usdtContract,
        withContract: false,
        finality: { kind: 'depth', confirmations: finality },
        feeMax: 10n ** 18n,
        ...more,
      }),
    /** So much and no more, by the final state. */
    async fund(units: bigint) {
      await setBalance(units);
      await mine(finality);
    },
    async setRates(to: Rates) {
      rates = to;
      await ask('anvil_setStorageAt', oracle, wordOf(0), wordOf(to.data));
      await ask('anvil_setStorageAt', oracle, wordOf(1), wordOf(to.operator * 100n));
    },
    setOracleCode: (code: string) => ask('anvil_setCode', oracle, code),
    async stop() {
      await signer.stop();
      await wire.stop();
      await node.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedEvmNode, sandboxMnemonic, type EmbeddedServer } from '@daybook/embedded';
import { Contract, ContractFactory, HDNodeWallet, JsonRpcProvider, Wallet, type BaseWallet, type Log } from 'ethers';
import {
  DeploymentError,
  deploySettlement,
  encodeSettle,
  hasSettlement,
  settledEventOf,
  settlementAbi,
  settlementAddress,
  settlementBytecode,
  settlementIdOf,
} from '../src';
import { deploymentProxy } from '../src/deployment';

type Compiled = { readonly abi: readonly object[]; readonly bytecode: string };
const { compileContract } = require(join(__dirname, '../../embedded/scripts/compile-contracts.cjs')) as {
  compileContract(source: string, contract: string): Compiled;
};
const receivers = join(__dirname, 'contracts/receivers.sol');
const zeroAddress = `0x${'00'.repeat(20)}`;
const gasLimit = 300_000;

describe('the settlement contract on a node', () => {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-settlement-contract-'));
  let node: EmbeddedServer;
  let provider: JsonRpcProvider;
  const account = (index: number) =>
    HDNodeWallet.fromPhrase(sandboxMnemonic, undefined, `m/44'/60'/0'/0/${index}`).connect(provider);
  const deployBy = (index: number) => deploySettlement({ rpcUrl: node.url, privateKey: account(index).privateKey });
  let payer: BaseWallet;
  let deployed: Awaited<ReturnType<typeof deploySettlement>>[];

  beforeAll(async () => {
    node = embeddedEvmNode({ directory });
    await node.start();
    provider = new JsonRpcProvider(node.url, undefined, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
    provider.pollingInterval = 20;
    payer = account(5);
    deployed = await Promise.all([0, 0, 7].map(deployBy));
  });
  afterAll(async () => {
    provider?.destroy();
    await node.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const balanceOf = (address: string) => provider.getBalance(address);
  const newAddress = () => Wallet.createRandom().address;
  let sends = 0;
  const newId = () => settlementIdOf(`send-${++sends}`);
  const deploy = async (contract: string) => {
    const { abi, bytecode } = compileContract(receivers, contract);
    const deployed = await new ContractFactory([...abi], bytecode, account(1)).deploy();
    await deployed.waitForDeployment();
    return { address: await deployed.getAddress(), abi };
  };

  /** What became of a transaction that a node had to take, however it ends: no estimate says no before. */
  async function settle(
    { settlementId, to, amount }: { settlementId: string; to: string; amount: bigint },
    from: BaseWallet = payer,
  ) {
    const data = encodeSettle({ settlementId, to });
    const call = { to: settlementAddress, data, value: amount, from: from.address };
    // What a call answers now is what the transaction in the next block fails with.
    const refusal = await provider.call(call).then(
      () => undefined,
      (error: { data?: string }) => new Contract(settlementAddress, settlementAbi).interface.parseError(error.data!)!,
    );
    const { hash } = await from.sendTransaction({ ...call, gasLimit });
    const receipt = (await provider.waitForTransaction(hash))!;
    return {
      succeeded: receipt.status === 1,
      refusal: refusal && [refusal.name, ...refusal.args],
      events: receipt.logs.map((log: Log) => settledEventOf(log)),
    };
  }

  const isSettled = (from: string, settlementId: string) =>
    new Contract(settlementAddress, settlementAbi, provider).getFunction('isSettled')(from, settlementId);

  test('is at the same address whoever deploys, also at the same moment', async () => {
    expect(new Set(deployed.map(({ address }) => address))).toEqual(new Set([settlementAddress]));
    expect(deployed.filter(({ isNew }) => isNew).length).toBeGreaterThanOrEqual(1);
    expect(await hasSettlement(node.url)).toBe(true);
    expect(await deployBy(0)).toEqual({ address: settlementAddress, isNew: false });
  });

  test('a chain without the deployment proxy, or a key without ether, does not get it', async () => {
    const snapshot = (await provider.send('evm_snapshot', [])) as string;
    try {
      await provider.send('anvil_setCode', [settlementAddress, '0x']);
      await provider.send('anvil_setNonce', [settlementAddress, '0x0']);
      expect(await hasSettlement(node.url)).toBe(false);
      const { privateKey } = Wallet.createRandom();
      await expect(deploySettlement({ rpcUrl: node.url, privateKey })).rejects.toMatchObject({
        code: 'INSUFFICIENT_FUNDS',
      });
      await provider.send('anvil_setCode', [deploymentProxy, '0x']);
      await expect(deployBy(0)).rejects.toThrow(DeploymentError);
    } finally {
      await provider.send('evm_revert', [snapshot]);
    }
    expect(await hasSettlement(node.url)).toBe(true);
  });

  test('pays all of the value and tells it', async () => {
    const [settlementId, to] = [newId(), newAddress()];
    const outcome = await settle({ settlementId, to, amount: 7n });
    expect(outcome.succeeded).toBe(true);
    expect(outcome.events).toEqual([{ settlementId, payer: payer.address, to, amount: 7n }]);
    expect([await balanceOf(to), await balanceOf(settlementAddress)]).toEqual([7n, 0n]);
    expect(await isSettled(payer.address, settlementId)).toBe(true);
  });

  test('an id settles once: the second transaction reverts, also with another amount or receiver', async () => {
    const [settlementId, to, other] = [newId(), newAddress(), newAddress()];
    await settle({ settlementId, to, amount: 7n });
    for (const [receiver, amount] of [
      [to, 7n],
      [to, 8n],
      [other, 7n],
    ] as const) {
      const outcome = await settle({ settlementId, to: receiver, amount });
      expect(outcome).toEqual({ succeeded: false, refusal: ['AlreadySettled', settlementId], events: [] });
    }
    expect([await balanceOf(to), await balanceOf(other), await balanceOf(settlementAddress)]).toEqual([7n, 0n, 0n]);
  });

  test('two transactions of one id in one block pay once', async () => {
    const [settlementId, to] = [newId(), newAddress()];
    await provider.send('evm_setAutomine', [false]);
    const nonce = await payer.getNonce();
    const call = { to: settlementAddress, data: encodeSettle({ settlementId, to }), value: 7n, gasLimit };
    const sent = [];
    for (const at of [0, 1]) sent.push(await payer.sendTransaction({ ...call, nonce: nonce + at }));
    await provider.send('evm_mine', []);
    await provider.send('evm_setAutomine', [true]);
    const receipts = await Promise.all(sent.map(({ hash }) => provider.waitForTransaction(hash)));
    expect(receipts.map((receipt) => receipt!.status)).toEqual([1, 0]);
    expect(await balanceOf(to)).toBe(7n);
  });

  test('ids are the payer’s own: a stranger cannot use one up', async () => {
    const [settlementId, to] = [newId(), newAddress()];
    const stranger = account(6);
    expect(await settle({ settlementId, to: stranger.address, amount: 1n }, stranger)).toMatchObject({
      succeeded: true,
    });
    expect(await settle({ settlementId, to, amount: 7n })).toMatchObject({ succeeded: true });
    expect(await balanceOf(to)).toBe(7n);
  });

  test('a receiver that refuses, no receiver and no amount: everything stays with the payer, and the id is free', async () => {
    const { address: refusing } = await deploy('Refusing');
    const settlementId = newId();
    const before = await balanceOf(payer.address);
    const refusals = [
      await settle({ settlementId, to: refusing, amount: 7n }),
      await settle({ settlementId, to: zeroAddress, amount: 7n }),
      await settle({ settlementId, to: settlementAddress, amount: 7n }),
      await settle({ settlementId, to: newAddress(), amount: 0n }),
    ];
    expect(refusals.map(({ refusal }) => refusal)).toEqual([
      ['PaymentRefused', refusing],
      ['InvalidReceiver'],
      ['InvalidReceiver'],
      ['InvalidAmount'],
    ]);
    expect(refusals.every(({ succeeded, events }) => !succeeded && events.length === 0)).toBe(true);
    expect(await balanceOf(refusing)).toBe(0n);
    // Only fees are gone.
    expect(before - (await balanceOf(payer.address))).toBeLessThan(10n ** 17n);
    expect(await isSettled(payer.address, settlementId)).toBe(false);
    expect(await settle({ settlementId, to: newAddress(), amount: 7n })).toMatchObject({ succeeded: true });
  });

  test('a receiver that calls back cannot settle the id again', async () => {
    const { address, abi } = await deploy('Reentrant');
    const reentrant = new Contract(address, [...abi], account(1));
    const settlementId = newId();
    const sent = await reentrant.getFunction('begin')(settlementAddress, settlementId, 7n, { value: 70n, gasLimit });
    const receipt = await provider.waitForTransaction((sent as { hash: string }).hash);
    expect(receipt!.status).toBe(1);
    expect(receipt!.logs.map((log) => settledEventOf(log))).toEqual([
      { settlementId, payer: address, to: address, amount: 7n },
    ]);
    const count = (name: string) => reentrant.getFunction(name)() as Promise<bigint>;
    expect([await count('repeats'), await count('repeatsPaid')]).toEqual([1n, 0n]);
    expect([await balanceOf(address), await balanceOf(settlementAddress)]).toEqual([70n, 0n]);
  });

  test('takes no ether without a settlement', async () => {
    const { hash } = await payer.sendTransaction({ to: settlementAddress, value: 7n, gasLimit });
    expect((await provider.waitForTransaction(hash))!.status).toBe(0);
    expect(await balanceOf(settlementAddress)).toBe(0n);
  });

  test('has no way in but settle and isSettled, and no instruction that lets its code change or go', () => {
    const functions = settlementAbi.filter(({ type }) => type === 'function').map(({ name }) => name);
    expect(functions.sort()).toEqual(['isSettled', 'settle']);
    const opcodes = instructionsOf(settlementBytecode);
    for (const forbidden of [0xf0, 0xf2, 0xf4, 0xf5, 0xff]) expect(opcodes).not.toContain(forbidden);
  });
});

/** Instructions of the creation and runtime code, without the operands of PUSH. */
function instructionsOf(bytecode: string): number[] {
  const code = Buffer.from(bytecode.slice(2), 'hex');
  const instructions: number[] = [];
  for (let at = 0; at < code.length; at++) {
    const instruction = code[at]!;
    instructions.push(instruction);
    if (instruction >= 0x60 && instruction <= 0x7f) at += instruction - 0x5f;
  }
  return instructions;
}

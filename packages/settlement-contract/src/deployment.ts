/**
 * Deployment by the deterministic deployment proxy (github.com/Arachnid/deterministic-deployment-proxy), which is on the
 * public EVM networks and on every anvil under one address, and makes a contract by CREATE2. Anyone may deploy; all get
 * the same contract at the same address.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '@daybook/core';
import type { JsonRpcProvider } from 'ethers';
import { loadEthers, settlementAddress, settlementBytecode } from './settlement';

export const deploymentProxy = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
/** 32 bytes that the address depends on besides the bytecode. */
export const deploymentSalt = `0x${'00'.repeat(32)}`;

const attemptsMax = 8;

/** The chain cannot get the contract: it has no deployment proxy. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

/** Whether the contract is on the chain. Throws when the node does not answer. */
export async function hasSettlement(rpcUrl: string): Promise<boolean> {
  return withProvider(rpcUrl, (provider) => isThere(provider, settlementAddress));
}

/**
 * Puts the contract on the chain, if it is not there yet, and waits for its block. Pays with the key's ether. May be
 * called by several processes at once. Throws DeploymentError on a chain without the deployment proxy.
 */
export async function deploySettlement(deployment: {
  readonly rpcUrl: string;
  readonly privateKey: string;
}): Promise<{ readonly address: string; readonly isNew: boolean }> {
  return withProvider(deployment.rpcUrl, async (provider) => {
    if (await isThere(provider, settlementAddress)) return { address: settlementAddress, isNew: false };
    if (!(await isThere(provider, deploymentProxy))) {
      throw new DeploymentError(`the chain has no deployment proxy at ${deploymentProxy}`);
    }
    const { concat, Wallet } = loadEthers();
    const wallet = new Wallet(deployment.privateKey, provider);
    const creation = { to: deploymentProxy, data: concat([deploymentSalt, settlementBytecode]) };
    for (let attempt = 1; ; attempt++) {
      try {
        const sent = await wallet.sendTransaction(creation);
        await sent.wait();
        break;
      } catch (error) {
        // Another process was faster: with the deployment, or with a transaction of the same nonce.
        if (await isThere(provider, settlementAddress)) return { address: settlementAddress, isNew: false };
        if (attempt === attemptsMax || isFinal(error)) throw error;
        await delay(provider.pollingInterval);
      }
    }
    assert(await isThere(provider, settlementAddress), 'the settlement contract is where its bytecode puts it');
    return { address: settlementAddress, isNew: true };
  });
}

/** No other nonce helps. */
function isFinal(error: unknown): boolean {
  const { isError } = loadEthers();
  return isError(error, 'INSUFFICIENT_FUNDS') || isError(error, 'NETWORK_ERROR');
}

async function isThere(provider: JsonRpcProvider, address: string): Promise<boolean> {
  return (await provider.getCode(address)) !== '0x';
}

async function withProvider<T>(rpcUrl: string, work: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
  const { JsonRpcProvider } = loadEthers();
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  provider.pollingInterval = 50;
  try {
    return await work(provider);
  } finally {
    provider.destroy();
  }
}

/** The sandbox's USDT: deployed, minted and paid out by the public keys of the development mnemonic. */
import type { Contract } from 'ethers';
import { deployerIndex, loadEthers, withChain, type Chain } from './sandbox-accounts';
import artefact from './sandbox-usdt.json';

const faucetIndex = 1;
const attemptsMax = 8;
/** What the faucet mints for itself when it runs dry: a billion USDT. */
const faucetRefill = 1_000_000_000_000_000n;

type Payment = {
  readonly rpcUrl: string;
  readonly to: string;
  readonly asset: 'ETH' | 'USDT_ERC20';
  /** Minor units: wei, or millionths of a USDT. */
  readonly amount: bigint;
  /** Found on the chain when absent. */
  readonly usdtAddress?: string;
};

/** Address of the token: where it is already, or newly deployed. May be called by several processes at once. */
export async function deploySandboxUsdt(rpcUrl: string): Promise<{ address: string }> {
  return inTurn(rpcUrl, (chain) => deployed(chain));
}

/** Makes new tokens. Its transaction is in the node's pool when this returns. */
export async function mintSandboxUsdt(mint: {
  readonly rpcUrl: string;
  readonly to: string;
  readonly amount: bigint;
  readonly usdtAddress?: string;
}): Promise<{ transactionHash: string }> {
  return inTurn(mint.rpcUrl, async (chain) => {
    const token = await tokenFor(chain, mint.usdtAddress, deployerIndex);
    return send(chain, deployerIndex, (nonce) => token.getFunction('mint')(mint.to, mint.amount, { nonce }));
  });
}

/** A payment as a customer would make it. Its transaction is in the node's pool when this returns. */
export async function payFromFaucet(payment: Payment): Promise<{ transactionHash: string }> {
  return inTurn(payment.rpcUrl, async (chain) => {
    if (payment.asset === 'ETH') {
      const faucet = chain.account(faucetIndex);
      return send(chain, faucetIndex, (nonce) =>
        faucet.sendTransaction({ to: payment.to, value: payment.amount, nonce }),
      );
    }
    const token = await tokenFor(chain, payment.usdtAddress, faucetIndex);
    await refill(chain, token, payment.amount);
    return send(chain, faucetIndex, (nonce) => token.getFunction('transfer')(payment.to, payment.amount, { nonce }));
  });
}

async function refill(chain: Chain, token: Contract, amount: bigint): Promise<void> {
  const faucet = chain.account(faucetIndex).address;
  const balance = (await token.getFunction('balanceOf')(faucet)) as bigint;
  if (balance >= amount) return;
  const issuing = token.connect(chain.account(deployerIndex)) as Contract;
  const minted = amount > faucetRefill ? amount : faucetRefill;
  const { transactionHash } = await send(chain, deployerIndex, (nonce) =>
    issuing.getFunction('mint')(faucet, minted, { nonce }),
  );
  await mined(chain, transactionHash);
}

const minedPollMs = 20;
const minedMaxMs = 30_000;

/** The library's own waiting misses a block that is made while it begins, and here no other may ever follow. */
async function mined({ provider }: Chain, transactionHash: string): Promise<void> {
  const until = performance.now() + minedMaxMs;
  while ((await provider.getTransactionReceipt(transactionHash)) === null) {
    if (performance.now() > until) throw new Error(`${transactionHash} is in no block after ${minedMaxMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, minedPollMs));
  }
}

const turns = new Map<string, Promise<unknown>>();

/** One after the other within this process: all use the same two accounts, and a nonce is good for one transaction. */
async function inTurn<T>(rpcUrl: string, work: (chain: Chain) => Promise<T>): Promise<T> {
  const before = turns.get(rpcUrl) ?? Promise.resolve();
  const turn = before.then(() => withChain(rpcUrl, work));
  const settled = turn.catch(() => undefined);
  turns.set(rpcUrl, settled);
  try {
    return await turn;
  } finally {
    if (turns.get(rpcUrl) === settled) turns.delete(rpcUrl);
  }
}

/** Another process may use the account at the same moment and take the nonce: then the next one is tried. */
async function send(
  chain: Chain,
  index: number,
  submit: (nonce: number) => Promise<{ hash: string }>,
): Promise<{ transactionHash: string }> {
  const { address } = chain.account(index);
  for (let attempt = 1; ; attempt++) {
    const nonce = await chain.provider.getTransactionCount(address, 'pending');
    try {
      return { transactionHash: (await submit(nonce)).hash };
    } catch (error) {
      if (attempt === attemptsMax || !isNonceTaken(error)) throw error;
    }
  }
}

function isNonceTaken(error: unknown): boolean {
  return /nonce|replacement|already (known|imported)|underpriced/i.test(error instanceof Error ? error.message : '');
}

async function tokenFor(chain: Chain, address: string | undefined, signer: number): Promise<Contract> {
  const { Contract } = loadEthers();
  const target = address ?? (await deployed(chain)).address;
  return new Contract(target, artefact.abi, chain.account(signer));
}

async function deployed(chain: Chain): Promise<{ address: string }> {
  const existing = await findDeployed(chain);
  if (existing !== undefined) return { address: existing };
  const { ContractFactory } = loadEthers();
  const factory = new ContractFactory(artefact.abi, artefact.bytecode, chain.account(deployerIndex));
  const creation = await factory.getDeployTransaction();
  try {
    const { transactionHash } = await send(chain, deployerIndex, (nonce) =>
      chain.account(deployerIndex).sendTransaction({ ...creation, nonce }),
    );
    await mined(chain, transactionHash);
  } catch (error) {
    if (!isNonceTaken(error)) throw error;
  }
  const address = await findDeployed(chain);
  if (address === undefined) throw new Error('the sandbox USDT was deployed but is not on the chain');
  return { address };
}

/** The first contract of the deployer that calls itself our token; on a new chain it is the one of nonce 0. */
async function findDeployed(chain: Chain): Promise<string | undefined> {
  const { Contract, getCreateAddress } = loadEthers();
  const deployer = chain.account(deployerIndex).address;
  const used = await chain.provider.getTransactionCount(deployer, 'latest');
  for (let nonce = 0; nonce < Math.min(used, 100); nonce++) {
    const address = getCreateAddress({ from: deployer, nonce });
    if ((await chain.provider.getCode(address)) === '0x') continue;
    const token = new Contract(address, artefact.abi, chain.provider);
    const name = await token
      .getFunction('name')()
      .catch(() => undefined);
    if (name === 'Sandbox Tether USD') return address;
  }
  return undefined;
}

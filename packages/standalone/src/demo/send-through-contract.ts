import { randomBytes } from 'node:crypto';
import { callNode, payFromFaucet } from '@daybook/embedded';
import { jsonNumber } from '@daybook/http';
import { settledEventOf, settlementIdOf, type Settled } from '@daybook/settlement-contract';
import type { EvmPlace } from '../evm-node';
import { request, type Caller, type Callers } from './client';
import type { Progress } from './progress';

/** In wei. */
const topUp = { text: '0.25', units: 250_000_000_000_000_000n };
const amount = { text: '0.1', units: 100_000_000_000_000_000n };
const creditedWithinMs = 20_000;
const completedWithinMs = 20_000;
const reconciledWithinMs = 10_000;

type Balance = { readonly address: string };
type Created = { readonly transaction_id: string };
type Details = { readonly status: string; readonly blockchain_transaction: Chain | null };
type Chain = { readonly eth_tx_hash: string | null; readonly block_number: number | null; readonly status: string };
type Wallet = {
  readonly address: string;
  readonly asset: string;
  readonly on_chain: string | null;
  readonly in_ledger: string | null;
  readonly underway: number;
};
type Account = { readonly account_id: string; readonly available: string };

/**
 * Tops the tenant's hot wallet up, sends ether out of it through the settlement contract, and follows the send until it is
 * booked. Throws unless the contract tells the settlement of just this send, and the wallet holds what the ledger says.
 * Returns the send's transaction id.
 */
export async function sendThroughContract(
  evm: EvmPlace,
  { partner, operator }: Pick<Callers, 'partner' | 'operator'>,
  progress: Progress,
): Promise<string> {
  const wallet = await fundWallet(evm, partner, progress);
  const to = `0x${randomBytes(20).toString('hex')}`;
  const { transaction_id: transactionId } = (await request(partner, 'POST', '/api/blockchain/transactions', {
    to_address: to,
    amount: jsonNumber(amount.text),
    description: 'A settlement of the demo',
    use_contract: true,
  })) as Created;
  progress.step(`send ${transactionId} created: ${amount.text} ETH to ${to}, through the settlement contract`);

  const look = async () => {
    const details = (await request(partner, 'GET', `/api/transactions/${transactionId}`)) as Details;
    return { details, state: stateOf(details) };
  };
  const isOver = ({ details }: { details: Details }) => ['completed', 'failed'].includes(details.status);
  const { details } = await progress.until(look, isOver, completedWithinMs);
  const hash = details.blockchain_transaction?.eth_tx_hash;
  if (details.status !== 'completed' || !hash) throw new Error(`the send ended as ${details.status}`);
  await requireSettled(evm, hash, transactionId, to);
  progress.step(`the contract tells it: settlement ${settlementIdOf(transactionId)}, in transaction ${hash}`);
  await requireReconciled(operator, wallet, progress);
  return transactionId;
}

/** Pays to the wallet's address, and waits until the ledger has credited it to the tenant. Returns the address. */
async function fundWallet(evm: EvmPlace, partner: Caller, progress: Progress): Promise<string> {
  const { address } = (await request(partner, 'GET', '/api/blockchain/balance')) as Balance;
  const before = await availableEther(partner);
  await payFromFaucet({ rpcUrl: evm.rpcUrl, to: address, asset: 'ETH', amount: topUp.units });
  progress.step(`${topUp.text} ETH paid to the tenant's hot wallet ${address}`);
  const look = async () => {
    const available = await availableEther(partner);
    return { available, state: `${available} ETH available to the tenant` };
  };
  await progress.until(look, ({ available }) => available !== before, creditedWithinMs);
  return address;
}

async function availableEther(partner: Caller): Promise<string> {
  const { accounts } = (await request(partner, 'GET', '/v1/ledger/accounts?limit=100')) as { accounts: Account[] };
  return accounts.find(({ account_id: id }) => /^merchant:.*:ETH$/.test(id))?.available ?? '0.00';
}

function stateOf({ status, blockchain_transaction: chain }: Details): string {
  const place = chain?.block_number == null ? '' : `, in block ${chain.block_number}`;
  return `send is ${status}${place}`;
}

async function requireSettled(evm: EvmPlace, hash: string, transactionId: string, to: string): Promise<void> {
  type Log = Parameters<typeof settledEventOf>[0];
  const receipt = await callNode<{ readonly logs: readonly Log[] }>(evm.rpcUrl, 'eth_getTransactionReceipt', [hash]);
  const events = receipt.logs.map(settledEventOf).filter((event): event is Settled => event !== undefined);
  const [event] = events;
  const isIt =
    events.length === 1 &&
    event?.settlementId === settlementIdOf(transactionId) &&
    event.to.toLowerCase() === to &&
    event.amount === amount.units;
  if (!isIt) throw new Error(`transaction ${hash} does not tell the settlement of ${transactionId}`);
}

async function requireReconciled(operator: Caller, address: string, progress: Progress): Promise<void> {
  const look = async () => {
    const { wallets } = (await request(operator, 'GET', '/v1/ops/wallets')) as { wallets: Wallet[] };
    const wallet = wallets.find((known) => known.address === address && known.asset === 'ETH');
    const state = `the wallet holds ${wallet?.on_chain} ETH by the chain, ${wallet?.in_ledger} ETH by the ledger`;
    return { wallet, state };
  };
  const agrees = ({ wallet }: { wallet: Wallet | undefined }) =>
    wallet?.underway === 0 && wallet.on_chain !== null && wallet.on_chain === wallet.in_ledger;
  await progress.until(look, agrees, reconciledWithinMs);
}

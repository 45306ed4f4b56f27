/**
 * What transactions do to accounts on Tron, as far as transfers go: TRX, and the tokens of TRC-20 contracts that a test made
 * known. Nobody has staked: bytes and energy are paid for. Balances are folded anew from the blocks, so a
 * reorganisation needs nothing.
 */
import type { SentTransaction } from './transaction';

/** In sun, as the network's parameters are (`getchainparameters`). */
export const chainParameters = {
  getTransactionFee: 1000,
  getEnergyFee: 100,
  getCreateNewAccountFeeInSystemContract: 1_000_000,
  getCreateAccountFee: 100_000,
} as const;
/** Of a TRC-20 transfer to a holder, and to who has none yet. */
const energy = { holder: 64_285, newHolder: 129_285 } as const;
const transferSelector = 'a9059cbb';
const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

export type Outcome = {
  readonly result: 'SUCCESS' | 'OUT_OF_ENERGY' | 'REVERT';
  readonly fee: number;
  readonly log: readonly { readonly address: string; readonly topics: readonly string[]; readonly data: string }[];
};

export type Accounts = ReturnType<typeof accounts>;

/** Addresses are hex with the network's byte. */
export function accounts(tokens: ReadonlySet<string>) {
  const trx = new Map<string, bigint>();
  const held = new Map<string, bigint>();
  const of = (token: string, owner: string) => `${token}/${owner}`;
  const add = (book: Map<string, bigint>, name: string, amount: bigint) =>
    book.set(name, (book.get(name) ?? 0n) + amount);

  function transferOf(contract: SentTransaction['contract']) {
    if (contract.type !== 'TriggerSmartContract' || !tokens.has(contract.address)) return undefined;
    if (!contract.data.startsWith(transferSelector) || contract.data.length !== 136) return undefined;
    return { to: `41${contract.data.slice(32, 72)}`, amount: BigInt(`0x${contract.data.slice(72)}`) };
  }
  const energyTo = (token: string, to: string) =>
    (held.get(of(token, to)) ?? 0n) > 0n ? energy.holder : energy.newHolder;

  return {
    trxOf: (owner: string) => trx.get(owner),
    tokensOf: (token: string, owner: string) => held.get(of(token, owner)) ?? 0n,
    energyTo,
    give(owner: string, amount: bigint): void {
      add(trx, owner, amount);
    },
    giveTokens(token: string, owner: string, amount: bigint): void {
      add(held, of(token, owner), amount);
    },
    /** Undefined for what no block would include: a transfer of TRX that is not there. */
    execute({ owner, contract, size, feeLimit }: SentTransaction): Outcome | undefined {
      const bytesFee = size * chainParameters.getTransactionFee;
      if (contract.type === 'TransferContract') {
        const isNew = !trx.has(contract.to);
        const created = chainParameters.getCreateNewAccountFeeInSystemContract + chainParameters.getCreateAccountFee;
        const fee = isNew ? created : bytesFee;
        if ((trx.get(owner) ?? 0n) < contract.amount + BigInt(fee)) return undefined;
        add(trx, owner, -contract.amount - BigInt(fee));
        add(trx, contract.to, contract.amount);
        return { result: 'SUCCESS', fee, log: [] };
      }
      const transfer = transferOf(contract);
      const needed = (transfer ? energyTo(contract.address, transfer.to) : 1000) * chainParameters.getEnergyFee;
      const fee = Math.min(needed, feeLimit) + bytesFee;
      if ((trx.get(owner) ?? 0n) < BigInt(fee)) return undefined;
      add(trx, owner, BigInt(-fee));
      if (needed > feeLimit) return { result: 'OUT_OF_ENERGY', fee, log: [] };
      if (transfer === undefined || (held.get(of(contract.address, owner)) ?? 0n) < transfer.amount)
        return { result: 'REVERT', fee, log: [] };
      add(held, of(contract.address, owner), -transfer.amount);
      add(held, of(contract.address, transfer.to), transfer.amount);
      const topics = [transferTopic, ...[owner, transfer.to].map((one) => one.slice(2).padStart(64, '0'))];
      const data = contract.data.slice(72);
      return { result: 'SUCCESS', fee, log: [{ address: contract.address.slice(2), topics, data }] };
    },
  };
}

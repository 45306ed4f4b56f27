/**
 * Deposit: one transfer to one of our addresses, identified by (chain, transaction id, index inside it).
 *
 *   none ──see──▶ seen ──confirm──▶ confirmed
 *                 │  ▲
 *            revert  see
 *                 ▼  │
 *               reverted
 *
 * Invariants (each has a property test of the same name):
 *   D1  Nothing is recorded after a deposit is confirmed.
 *   D2  A deposit is in at most one block at a time: seen and reverted alternate.
 *   D3  A deposit is confirmed or reverted with the block, amount and address that it was last seen with.
 *   D4  Repeating an accepted command at once is accepted again and records nothing.
 *   D5  The amount is positive.
 *   D6  Each event is dated after the one before, whatever the clock does: readers tell by it which fact is the later.
 *   D7  What stands as a sweep is never taken for a payment, and a payment for a sweep only by being reverted first.
 *   D8  A deposit is confirmed only as what was told of it when its block was final.
 *
 * A sweep is spent by a deposit address: nobody but the operator has its key, so nobody has paid. It takes the same way and
 * is credited to nobody.
 */
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';

export type Deposit = {
  readonly depositId: string;
  readonly chain: string;
  readonly transactionId: string;
  readonly index: number;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly address: string;
  /** What the address was allocated for. */
  readonly reference: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** The deposit address that spent it. Absent where it is a payment. */
  readonly sweptFrom?: string;
};

/** What has to be told the same once more. */
type Told = Pick<Deposit, 'asset' | 'amount' | 'address' | 'blockHash' | 'sweptFrom'>;

export type DepositCommand =
  | { readonly type: 'SeeDeposit'; readonly deposit: Deposit; readonly at: string }
  | { readonly type: 'ConfirmDeposit'; readonly told: Told; readonly at: string }
  | { readonly type: 'RevertDeposit'; readonly blockHash: string; readonly at: string };

export type DepositEvent = Deposit & {
  readonly type: 'DepositSeen' | 'DepositConfirmed' | 'DepositReverted';
  readonly at: string;
};

/** In descending precedence: when several apply, the first listed is returned. */
export const depositRejections = [
  'amount_not_positive',
  'deposit_not_found',
  'deposit_already_confirmed',
  'deposit_exists_with_different_fields',
  'deposit_in_another_block',
  'deposit_not_in_a_block',
] as const;
export type DepositRejection = (typeof depositRejections)[number];

export type DepositState =
  | { readonly status: 'none' }
  | { readonly status: 'seen' | 'confirmed' | 'reverted'; readonly deposit: Deposit; readonly at: string };

export const depositDecider: Decider<DepositState, DepositCommand, DepositEvent, DepositRejection> = {
  initial: { status: 'none' },
  decide,
  evolve,
};

function decide(command: DepositCommand, state: DepositState): Decision<DepositEvent, DepositRejection> {
  switch (command.type) {
    case 'SeeDeposit':
      return see(command.deposit, command.at, state);
    case 'ConfirmDeposit':
      if (state.status === 'none') return reject('deposit_not_found');
      if (state.deposit.blockHash !== command.told.blockHash)
        return reject(state.status === 'confirmed' ? 'deposit_already_confirmed' : 'deposit_in_another_block');
      if (state.status === 'confirmed') return accept();
      if (state.status === 'reverted') return reject('deposit_not_in_a_block');
      if (!samePayment(command.told, state.deposit)) return reject('deposit_exists_with_different_fields');
      return accept({ type: 'DepositConfirmed', ...state.deposit, at: after(state.at, command.at) });
    case 'RevertDeposit':
      if (state.status === 'none') return reject('deposit_not_found');
      if (state.status === 'confirmed') return reject('deposit_already_confirmed');
      if (state.deposit.blockHash !== command.blockHash) return reject('deposit_in_another_block');
      if (state.status === 'reverted') return accept();
      return accept({ type: 'DepositReverted', ...state.deposit, at: after(state.at, command.at) });
    default:
      return assertNever(command);
  }
}

/**
 * A transfer that comes back after a reorg is executed anew, so its amount and address may differ; inside one block
 * they may not. But a build that did not look at spenders has seen sweeps as payments, and a node may have told another
 * spender or amount: until it is confirmed, that is taken back. To be confirmed it has to be told the same once more.
 */
function see(deposit: Deposit, at: string, state: DepositState): Decision<DepositEvent, DepositRejection> {
  if (deposit.amount <= 0n) return reject('amount_not_positive');
  if (state.status === 'none') return accept({ type: 'DepositSeen', ...deposit, at });
  if (state.status === 'reverted') return accept({ type: 'DepositSeen', ...deposit, at: after(state.at, at) });
  if (deposit.blockHash !== state.deposit.blockHash)
    return reject(state.status === 'confirmed' ? 'deposit_already_confirmed' : 'deposit_in_another_block');
  const isSame = sameDeposit(deposit, state.deposit);
  // What is confirmed stays what it was confirmed as: nobody can take back what it was credited as.
  if (state.status === 'confirmed') return isSame ? accept() : reject('deposit_exists_with_different_fields');
  if (isSame && deposit.sweptFrom === state.deposit.sweptFrom) return accept();
  const reverted: DepositEvent = { type: 'DepositReverted', ...state.deposit, at: after(state.at, at) };
  return accept(reverted, { type: 'DepositSeen', ...deposit, at: after(reverted.at, at) });
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function evolve(state: DepositState, event: DepositEvent): DepositState {
  const { type, at, ...deposit } = event;
  switch (type) {
    case 'DepositSeen':
      assert(state.status === 'none' || state.status === 'reverted', `deposit seen after ${state.status}`);
      return { status: 'seen', deposit, at };
    case 'DepositConfirmed':
      assert(state.status === 'seen', `deposit confirmed after ${state.status}`);
      return { status: 'confirmed', deposit, at };
    case 'DepositReverted':
      assert(state.status === 'seen', `deposit reverted after ${state.status}`);
      return { status: 'reverted', deposit, at };
    default:
      return assertNever(type);
  }
}

/** `at`, or the first instant after `last` if the clock was set back. */
function after(last: string, at: string): string {
  return at > last ? at : new Date(Date.parse(last) + 1).toISOString();
}

function samePayment(a: Told, b: Told): boolean {
  return a.asset === b.asset && a.amount === b.amount && a.address === b.address && a.sweptFrom === b.sweptFrom;
}

/** By whom it was spent is asked apart. */
function sameDeposit(a: Deposit, b: Deposit): boolean {
  return (
    a.depositId === b.depositId &&
    a.asset === b.asset &&
    a.amount === b.amount &&
    a.address === b.address &&
    a.reference === b.reference &&
    a.blockNumber === b.blockNumber
  );
}

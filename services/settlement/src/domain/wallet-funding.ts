/**
 * What comes to a hot wallet. A deposit is recorded once, in a stream of its own. So is what the operator sweeps from deposit
 * addresses, which is nobody's payment. What our own transactions send back to the wallet that they spend from (change) is
 * no deposit; which transactions are ours is recorded before they leave.
 *
 * Invariants (each has a property test of the same name):
 *   F1  A deposit funds a wallet at most once.
 *   F2  A transaction is claimed once, for one wallet.
 *   F3  What came to a wallet is a deposit or a sweep, never both, and a sweep is received at most once.
 */
import type { Mode } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider } from '@daybook/core';
import type { AssetCode } from '@daybook/money';

export type Funding = {
  readonly depositId: string;
  readonly walletId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly chain: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  /** Null for deposits that were recorded before they were transactions of their tenant. */
  readonly receipt: Receipt | null;
};
/** What was moved from a deposit address to a hot wallet. Whose wallet it is has no more for it. */
export type Sweep = Omit<Funding, 'receipt'>;
/** The deposit as its tenant's transaction. */
export type Receipt = {
  readonly transactionId: string;
  readonly number: number;
  readonly hash: string;
  readonly toAddress: string;
  readonly blockNumber: number;
};
/** A transaction that we signed. */
export type Claim = { readonly transactionId: string; readonly walletId: string; readonly sendId: string };

export type FundingCommand =
  | { readonly type: 'RecordFunding'; readonly funding: Funding; readonly at: string }
  | { readonly type: 'RecordSweep'; readonly sweep: Sweep; readonly at: string }
  | { readonly type: 'ClaimTransaction'; readonly claim: Claim; readonly at: string };
export type FundingEvent =
  | { readonly type: 'WalletFunded'; readonly funding: Funding; readonly at: string }
  | { readonly type: 'SweepReceived'; readonly sweep: Sweep; readonly at: string }
  | { readonly type: 'TransactionClaimed'; readonly claim: Claim; readonly at: string };
export type FundingState = {
  readonly funding: Funding | null;
  readonly sweep: Sweep | null;
  readonly claim: Claim | null;
};

export const walletFunding: Decider<FundingState, FundingCommand, FundingEvent, 'recorded_differently'> = {
  initial: { funding: null, sweep: null, claim: null },
  decide(command, state) {
    const { at } = command;
    switch (command.type) {
      case 'RecordFunding': {
        const { funding } = command;
        if (state.sweep !== null) return reject('recorded_differently');
        if (state.funding === null) return accept({ type: 'WalletFunded', funding, at });
        return isSame(funding, state.funding) ? accept() : reject('recorded_differently');
      }
      case 'RecordSweep': {
        const { sweep } = command;
        if (state.funding !== null) return reject('recorded_differently');
        if (state.sweep === null) return accept({ type: 'SweepReceived', sweep, at });
        return isSame(sweep, state.sweep) ? accept() : reject('recorded_differently');
      }
      case 'ClaimTransaction': {
        const { claim } = command;
        if (state.claim === null) return accept({ type: 'TransactionClaimed', claim, at });
        const same = claim.walletId === state.claim.walletId && claim.sendId === state.claim.sendId;
        return same ? accept() : reject('recorded_differently');
      }
      default:
        return assertNever(command);
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'WalletFunded':
        assert(state.funding === null && state.sweep === null, 'a deposit funds twice');
        return { ...state, funding: event.funding };
      case 'SweepReceived':
        assert(state.funding === null && state.sweep === null, 'a sweep is received twice');
        return { ...state, sweep: event.sweep };
      case 'TransactionClaimed':
        assert(state.claim === null, 'a transaction is claimed twice');
        return { ...state, claim: event.claim };
      default:
        return assertNever(event);
    }
  },
};

function isSame(a: Sweep, b: Sweep): boolean {
  return a.walletId === b.walletId && a.asset === b.asset && a.amount === b.amount;
}

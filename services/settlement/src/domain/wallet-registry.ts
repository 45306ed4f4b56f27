/**
 * The registry of hot wallets: which place in the signer's keystore belongs to which wallet. One stream for all, so that
 * no place is given twice.
 *
 * Invariants (each has a property test of the same name):
 *   R1  A wallet has one place, for ever; no two have the same.
 */
import { accept, assert, type Decider } from '@daybook/core';

export type RegistryCommand = { readonly type: 'RegisterWallet'; readonly walletId: string; readonly at: string };
export type RegistryEvent = {
  readonly type: 'WalletRegistered';
  readonly walletId: string;
  readonly index: number;
  readonly at: string;
};
/** Place by wallet. */
export type RegistryState = ReadonlyMap<string, number>;

export const walletRegistry: Decider<RegistryState, RegistryCommand, RegistryEvent, never> = {
  initial: new Map(),
  decide({ walletId, at }, state) {
    return state.has(walletId) ? accept() : accept({ type: 'WalletRegistered', walletId, index: state.size, at });
  },
  evolve(state, { walletId, index }) {
    assert(index === state.size && !state.has(walletId), `wallet ${walletId} at place ${index} is out of order`);
    return new Map(state).set(walletId, index);
  },
};

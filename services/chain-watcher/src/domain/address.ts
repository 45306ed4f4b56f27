/**
 * Address: what a payer sends to, allocated once for a reference and watched for ever.
 *
 *   none ──allocate──▶ allocated
 *
 * Invariants (each has a property test of the same name):
 *   A1  A reference has one address: the first that was allocated. A repeat is accepted and records nothing.
 */
import { accept, assert, type Decider } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';

export const addressFamilies = ['evm', 'tron', 'solana', 'upi'] as const;
export type AddressFamily = (typeof addressFamilies)[number];

export type AllocatedAddress = {
  readonly reference: string;
  readonly chain: string;
  readonly address: string;
  readonly family: AddressFamily;
  /** Place under the family's key; null where an address is not derived from a key. Never given twice. */
  readonly index: number | null;
  /** Which key it was derived from; a rotated key gives other addresses at the same places. */
  readonly keyId: string | null;
  readonly asset: AssetCode;
  readonly tenantId: string;
  readonly mode: Mode;
};

export type AddressCommand = {
  readonly type: 'AllocateAddress';
  readonly address: AllocatedAddress;
  readonly at: string;
};
export type AddressEvent = AllocatedAddress & { readonly type: 'AddressAllocated'; readonly at: string };
export type AddressState = { readonly status: 'none' } | ({ readonly status: 'allocated' } & AllocatedAddress);

export const addressDecider: Decider<AddressState, AddressCommand, AddressEvent, never> = {
  initial: { status: 'none' },
  decide: ({ address, at }, state) =>
    state.status === 'none' ? accept({ type: 'AddressAllocated', ...address, at }) : accept(),
  evolve(state, event) {
    assert(state.status === 'none', 'an address was allocated twice for one reference');
    const { type: _type, at: _at, ...address } = event;
    return { status: 'allocated', ...address };
  },
};

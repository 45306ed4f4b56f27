/**
 * Address: what a payer sends to, allocated once for a reference and watched for ever.
 *
 *   none ──allocate──▶ allocated
 *
 * Invariants (each has a property test of the same name):
 *   A1  A reference has one address: the first that was allocated. A repeat is accepted and records nothing; another
 *       asset, amount or owner under a used reference is refused.
 */
import { accept, assert, reject, type Decider } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';

export const addressFamilies = ['evm', 'tron', 'solana', 'upi', 'bitcoin'] as const;
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
  /** What is to be paid there, which a payment link says. Null in allocations that did not record it yet. */
  readonly amount: bigint | null;
  readonly tenantId: string;
  readonly mode: Mode;
};

export type AddressCommand = {
  readonly type: 'AllocateAddress';
  readonly address: AllocatedAddress;
  readonly at: string;
};
export type AddressEvent = AllocatedAddress & { readonly type: 'AddressAllocated'; readonly at: string };
/** What was asked for. The rest of an address is our choice, and the first choice stays. */
export type AddressTerms = Pick<AllocatedAddress, 'asset' | 'amount' | 'tenantId' | 'mode'>;

const addressRejections = ['address_exists_with_different_fields'] as const;
export type AddressRejection = (typeof addressRejections)[number];

export type AddressState = { readonly status: 'none' } | ({ readonly status: 'allocated' } & AllocatedAddress);

export const addressDecider: Decider<AddressState, AddressCommand, AddressEvent, AddressRejection> = {
  initial: { status: 'none' },
  decide({ address, at }, state) {
    if (state.status === 'none') return accept({ type: 'AddressAllocated', ...address, at });
    return isFor(state, address) ? accept() : reject('address_exists_with_different_fields');
  },
  evolve(state, event) {
    assert(state.status === 'none', 'an address was allocated twice for one reference');
    const { type: _type, at: _at, ...address } = event;
    return { status: 'allocated', ...address };
  },
};

export function isFor(allocated: AddressTerms, { asset, amount, tenantId, mode }: AddressTerms): boolean {
  return (
    allocated.asset === asset &&
    (allocated.amount === null || allocated.amount === amount) &&
    allocated.tenantId === tenantId &&
    allocated.mode === mode
  );
}

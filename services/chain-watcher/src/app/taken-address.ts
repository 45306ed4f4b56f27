/**
 * An address is of one reference: what comes to it is told under that one alone, so a second would be paid and never hear
 * of it. Two meet when a deposit key is also the signer's. Asked before an address is recorded and again before it is
 * answered: of two processes that record it at the same time, the later is not known before.
 */
import type { AllocatedAddress } from '../domain/address';

export type AddressOwners = {
  /** The reference that the address is of, by everything that is recorded so far. */
  referenceOf(chain: string, address: string): Promise<string | undefined>;
};

export async function isTaken(
  deps: AddressOwners,
  { chain, address, reference }: Pick<AllocatedAddress, 'chain' | 'address' | 'reference'>,
): Promise<boolean> {
  const owner = await deps.referenceOf(chain, address);
  return owner !== undefined && owner !== reference;
}

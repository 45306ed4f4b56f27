import type { Transfer, WatchedAddresses } from '../ports';
import type { AddressOwner } from '../projections/addresses';

/** Whose address it is, for every address of a chain. Addresses are only ever added, so only new ones are read. */
export type Watchlist = WatchedAddresses & {
  ownerOf(address: string): AddressOwner | undefined;
  /** Reads what was allocated before the call. */
  refresh(): Promise<void>;
};

/** The deposit addresses that spent it. Hot wallets are none: what they send to a deposit address is a payment. */
export function sweptBy(watchlist: Pick<Watchlist, 'ownerOf'>, { spenders }: Transfer): readonly string[] {
  return spenders.filter((address) => watchlist.ownerOf(address)?.isOfDepositKey);
}

export function watchlist(
  addressesAfter: (
    id: string,
  ) => Promise<readonly (AddressOwner & { readonly id: string; readonly address: string })[]>,
): Watchlist {
  const owners = new Map<string, AddressOwner>();
  let last = '0';
  return {
    has: (address) => owners.has(address),
    ownerOf: (address) => owners.get(address),
    async refresh() {
      for (const { id, address, ...owner } of await addressesAfter(last)) {
        owners.set(address, owner);
        last = id;
      }
    },
  };
}

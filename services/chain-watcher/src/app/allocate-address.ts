import { assert, OperationalError } from '@daybook/core';
import type { allocateAddress, CallOutcome, CallRequest } from '@daybook/contracts';
import type { CommandContext, Outcome } from '@daybook/event-store';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import { codeFrom, currentCorrelation, uuidv7, type Clock } from '@daybook/runtime';
import {
  isFor,
  type AddressCommand,
  type AddressEvent,
  type AddressFamily,
  type AddressRejection,
  type AddressState,
  type AllocatedAddress,
} from '../domain/address';
import { paymentUri, type PaymentPlace } from '../domain/payment-uri';
import type { AddressDeriver } from '../ports';
import { networkOf, type Network } from './networks';
import { isTaken, type AddressOwners } from './taken-address';

type Request = CallRequest<typeof allocateAddress>;
type Derived = Pick<AllocatedAddress, 'address' | 'index' | 'keyId'>;

export type AllocateDeps = AddressOwners & {
  readonly networks: readonly Network[];
  readonly derivers: readonly AddressDeriver[];
  readonly payee: { readonly address: string; readonly name: string } | undefined;
  /** Takes a place under the family's key: the same for the same reference, never the same for two. */
  reservePlace(family: AddressFamily, reference: string): Promise<number>;
  /** True once the chain has a cursor, from when on no payment can be missed, while neither it nor the asset is off. */
  isWatched(chain: string, asset: AssetCode): Promise<boolean>;
  load(stream: string): Promise<{ readonly state: AddressState }>;
  handle(
    stream: string,
    command: AddressCommand,
    context: CommandContext,
  ): Promise<Outcome<AddressState, AddressEvent, AddressRejection>>;
  /** What a payment URI says besides the address. */
  paymentPlace(chain: string, asset: AssetCode): PaymentPlace;
  readonly now: Clock;
};

const otherContent = { ok: false, rejection: 'address_exists_with_different_fields' } as const;

/** Gives the reference its address, for ever. Nothing is answered that was not derived twice with one result. */
export async function allocate(deps: AllocateDeps, request: Request): Promise<CallOutcome<typeof allocateAddress>> {
  const stream = `address-${request.reference}`;
  const { state } = await deps.load(stream);
  if (state.status === 'allocated') return isFor(state, request) ? answer(deps, state) : otherContent;

  const network = networkOf(deps.networks, request.asset, request.mode);
  if (network === undefined) return { ok: false, rejection: 'asset_not_available' };
  if (!(await deps.isWatched(network.chain, request.asset)))
    throw new OperationalError('upstream_unavailable', true, {
      detail: `${request.asset} on ${network.chain} is not followed`,
    });

  const { reference, asset, amount, tenantId, mode } = request;
  const derived = network.family === 'upi' ? upiLink(deps, request) : await derive(deps, network.family, reference);
  const { chain, family } = network;
  const address: AllocatedAddress = { reference, chain, family, asset, amount, tenantId, mode, ...derived };
  await refuseTaken(deps, address);
  const now = deps.now();
  const command: AddressCommand = { type: 'AllocateAddress', address, at: now.toISOString() };
  // Its own for each attempt: two that race carry different times, and the store must see two commands, not one.
  const outcome = await deps.handle(stream, command, { commandId: uuidv7(now), ...currentCorrelation(reference) });
  if (!outcome.ok) return otherContent;
  assert(outcome.state.status === 'allocated', `no address for ${reference}`);
  return answer(deps, outcome.state);
}

/** The stored address, derived once more: what is shown is what our key controls. */
async function answer(deps: AllocateDeps, address: AllocatedAddress): Promise<CallOutcome<typeof allocateAddress>> {
  const deriver = deps.derivers.find(({ keyId }) => keyId === address.keyId);
  // An address of a key that is no longer configured was compared when it was allocated.
  if (deriver !== undefined && address.index !== null) {
    const again = await deriver.addressAt(address.index);
    assert(again === address.address, `address ${address.index} of ${address.family} is not what its key derives`);
  }
  await refuseTaken(deps, address);
  const place = deps.paymentPlace(address.chain, address.asset);
  return {
    ok: true,
    value: { chain: address.chain, address: address.address, paymentUri: paymentUri(address, place) },
  };
}

/**
 * Fails for everybody to see, and takes no other place: the key is also the signer's, each address that it gives is one that
 * no hot wallet can have any more, and the next place is no better. With a key of its own the same reference gets an address.
 */
async function refuseTaken(deps: AllocateDeps, address: AllocatedAddress): Promise<void> {
  if (!(await isTaken(deps, address))) return;
  throw new OperationalError('upstream_unavailable', false, {
    detail:
      `address ${address.index} of ${address.family} is watched for another reference: ` +
      'deposit addresses and hot wallets must not come from one key',
  });
}

async function derive(deps: AllocateDeps, family: AddressDeriver['family'], reference: string): Promise<Derived> {
  const deriver = deps.derivers.find((one) => one.family === family);
  assert(deriver, `no key for ${family}`);
  const index = await deps.reservePlace(family, reference);
  return { address: await deriver.addressAt(index), index, keyId: deriver.keyId };
}

/** A payment link of India's UPI. `tr` is what tells one payment from another, as an address does on a chain. */
function upiLink({ payee }: AllocateDeps, { reference, amount }: Request): Derived {
  assert(payee, 'no UPI payee');
  const tr = codeFrom('DB', ['upi', reference]);
  const fields = {
    pa: payee.address,
    pn: payee.name,
    am: formatAmount(amount, assets.INR.scale),
    cu: 'INR',
    tr,
    tn: `Payment ${tr}`,
  };
  // `@` may stand in a query as it is, and some payment apps do not decode it.
  const encoded = (value: string) => encodeURIComponent(value).replaceAll('%40', '@');
  const query = Object.entries(fields).map(([key, value]) => `${key}=${encoded(value)}`);
  return { address: `upi://pay?${query.join('&')}`, index: null, keyId: null };
}

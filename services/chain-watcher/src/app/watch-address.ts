import type { CallOutcome, CallRequest, watchAddress } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { currentCorrelation, uuidv7 } from '@daybook/runtime';
import type { AllocatedAddress } from '../domain/address';
import type { AllocateDeps } from './allocate-address';
import { isTaken, type AddressOwners } from './taken-address';

type Request = CallRequest<typeof watchAddress>;
type Deps = Pick<AllocateDeps, 'networks' | 'isWatched' | 'referenceOf' | 'load' | 'handle' | 'now'>;

const otherContent = { ok: false, rejection: 'address_exists_with_different_fields' } as const;

/** Watches an address that somebody else has the key of, for ever. Its place under a key of ours is none. */
export async function watch(deps: Deps, request: Request): Promise<CallOutcome<typeof watchAddress>> {
  const { chain, address, tenantId, mode, reference } = request;
  const stream = `address-${reference}`;
  const { state } = await deps.load(stream);
  if (state.status === 'allocated') return outcomeOf(deps, state, request);
  const network = deps.networks.find((each) => each.chain === chain && each.mode === mode);
  const asset = network?.assets[0];
  if (network === undefined || asset === undefined) return { ok: false, rejection: 'chain_not_found' };
  if (!(await deps.isWatched(chain, asset)))
    throw new OperationalError('upstream_unavailable', true, { detail: `${chain} is not followed` });
  if (await isTaken(deps, request)) return otherContent;
  const now = deps.now();
  const watched = { reference, chain, address, family: network.family, index: null, keyId: null, asset, amount: null };
  const outcome = await deps.handle(
    stream,
    { type: 'AllocateAddress', address: { ...watched, tenantId, mode }, at: now.toISOString() },
    // Its own for each attempt: two that race carry different times, and the store must see two commands, not one.
    { commandId: uuidv7(now), ...currentCorrelation(reference) },
  );
  if (outcome.state.status !== 'allocated') return otherContent;
  return outcomeOf(deps, outcome.state, request);
}

async function outcomeOf(
  deps: AddressOwners,
  known: AllocatedAddress,
  asked: Request,
): Promise<CallOutcome<typeof watchAddress>> {
  const same =
    known.chain === asked.chain &&
    known.address === asked.address &&
    known.tenantId === asked.tenantId &&
    known.mode === asked.mode;
  return same && !(await isTaken(deps, asked)) ? { ok: true, value: {} } : otherContent;
}

/** Stored events of the chain-watcher: private to it; what it publishes is mapped in `published-events.ts`. */
import { asset, minorUnits, mode, tenantId, timestamp } from '@daybook/contracts';
import { defineStoredEvents } from '@daybook/event-store';
import { z } from 'zod';
import { addressFamilies } from '../domain/address';

const deposit = z.object({
  depositId: z.uuid(),
  chain: z.string(),
  transactionId: z.string(),
  index: z.number().int().nonnegative(),
  asset,
  amount: minorUnits,
  address: z.string(),
  reference: z.string(),
  tenantId,
  mode,
  blockNumber: z.number().int().nonnegative(),
  blockHash: z.string(),
  at: timestamp,
  /** Of sweeps alone: what a deposit is stored as does not change. */
  sweptFrom: z.string().exactOptional(),
});

const allocated = z.object({
  reference: z.string(),
  chain: z.string(),
  address: z.string(),
  family: z.enum(addressFamilies),
  index: z.number().int().nonnegative().nullable(),
  keyId: z.string().nullable(),
  asset,
  amount: minorUnits.nullable(),
  tenantId,
  mode,
  at: timestamp,
});

const depositDefinition = { version: 2, data: deposit, upcast: { 1: (data: unknown) => data } } as const;
const depositDefinitions = {
  DepositSeen: depositDefinition,
  DepositConfirmed: depositDefinition,
  DepositReverted: depositDefinition,
} as const;
const addressDefinitions = {
  AddressAllocated: {
    version: 2,
    data: allocated,
    upcast: { 1: (data: unknown) => ({ ...(data as object), amount: null }) },
  },
} as const;

const deposits = defineStoredEvents(depositDefinitions);
/** A payment is stored as it always was. A build that does not know sweeps ends at one: it would take it for a payment. */
export const depositEvents: typeof deposits = {
  ...deposits,
  encode: (event) => ({ ...deposits.encode(event), version: event.sweptFrom === undefined ? 1 : 2 }),
};
export const addressEvents = defineStoredEvents(addressDefinitions);

/** All of them, for readers of the whole log. */
export const storedEvents = defineStoredEvents({ ...depositDefinitions, ...addressDefinitions });

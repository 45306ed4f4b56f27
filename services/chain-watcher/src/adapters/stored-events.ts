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

const depositDefinitions = {
  DepositSeen: { version: 1, data: deposit },
  DepositConfirmed: { version: 1, data: deposit },
  DepositReverted: { version: 1, data: deposit },
} as const;
const addressDefinitions = {
  AddressAllocated: {
    version: 2,
    data: allocated,
    upcast: { 1: (data: unknown) => ({ ...(data as object), amount: null }) },
  },
} as const;

export const depositEvents = defineStoredEvents(depositDefinitions);
export const addressEvents = defineStoredEvents(addressDefinitions);

/** All of them, for readers of the whole log. */
export const storedEvents = defineStoredEvents({ ...depositDefinitions, ...addressDefinitions });

import { z } from 'zod';
import { defineCall } from '../call-contract';
import { asset, label, minorUnits, mode, signedMinorUnits, tenantId, timestamp } from '../fields';

/**
 * Idempotent by `reference`: a repeat answers with the address allocated first. Other content under a used reference is
 * refused: the address is of one chain, and a payment link says one amount.
 */
export const allocateAddress = defineCall({
  name: 'chain-watcher.allocate-address',
  request: z.strictObject({ asset, mode, tenantId, reference: label, amount: minorUnits }),
  response: z.object({
    chain: z.string(),
    address: z.string(),
    /** What a wallet makes of a scanned code: the address with its asset and amount. */
    paymentUri: z.string().nullish(),
  }),
  rejections: ['address_exists_with_different_fields', 'asset_not_available'],
});

/**
 * Has an address watched that somebody else has the key of: a hot wallet. Its transfers are told like those of addresses
 * that were allocated, in every asset of the chain. Idempotent by `reference`.
 */
export const watchAddress = defineCall({
  name: 'chain-watcher.watch-address',
  request: z.strictObject({
    chain: z.string().max(64),
    address: z.string().min(1).max(200),
    tenantId,
    mode,
    reference: label,
  }),
  response: z.object({}),
  rejections: ['address_exists_with_different_fields', 'chain_not_found'],
});

/** Puts a deposit into the next block of a simulated chain. `depositKey` makes a repeat a no-op. */
export const simulateDeposit = defineCall({
  name: 'chain-watcher.simulate-deposit',
  request: z.strictObject({ tenantId, mode, address: z.string(), asset, amount: minorUnits, depositKey: z.string() }),
  response: z.object({ chain: z.string(), transactionId: z.string(), blockNumber: z.number().int() }),
  rejections: ['address_not_found', 'asset_not_simulated', 'deposit_exists_with_different_fields'],
});

/** References that one call asks about at most, and deposits that are told of each. */
export const referencesAskedMax = 100;
export const depositsToldMax = 100;

/**
 * What came to the addresses of references, whether or not the facts of it have reached anybody: of each reference the
 * deposits that were news last, newest first.
 */
export const depositsOf = defineCall({
  name: 'chain-watcher.deposits-of',
  request: z.strictObject({ references: z.array(label).min(1).max(referencesAskedMax) }),
  response: z.object({
    deposits: z.array(
      z.object({ reference: label, depositId: z.uuid(), status: z.enum(['seen', 'confirmed', 'reverted']) }),
    ),
  }),
});

export const chainStatus = defineCall({
  name: 'chain-watcher.chain-status',
  request: z.strictObject({}),
  response: z.object({
    chains: z.array(
      z.object({
        chain: z.string(),
        headNumber: z.number().int().nullable(),
        /** When the head was last another block: one that stands still is a frozen node or an idle chain. */
        headChangedAt: timestamp.nullable(),
        cursorNumber: z.number().int().nullable(),
        cursorHash: z.string().nullable(),
        lagBlocks: z.number().int().nullable(),
        /** When the chain was last followed without an error. */
        updatedAt: timestamp.nullable(),
        /** What keeps it from being followed; null while nothing does. */
        error: z.string().nullable(),
        /**
         * Whether somebody has to look: the chain is halted, its head stands still, its cursor is far behind, or an asset of
         * it is not credited.
         */
        alarm: z.enum(['halted', 'frozen', 'lagging', 'asset_off']).nullish(),
        /** Addresses whose balance differs from what their deposits come to, and the largest of them. */
        unexplainedCount: z.number().int().optional(),
        unexplained: z
          .array(
            z.object({
              address: z.string(),
              reference: z.string(),
              asset,
              /** Below zero the address holds less than its deposits. */
              amount: signedMinorUnits,
              blockNumber: z.number().int(),
            }),
          )
          .optional(),
      }),
    ),
  }),
});

/** Blocks that one rescan reads at most. */
export const rescanBlocksMax = 1000;

/**
 * Reads blocks again that were scanned before, both ends included. What was recorded stays as it is; what was missed is
 * recorded as if it were seen now.
 */
export const rescanChain = defineCall({
  name: 'chain-watcher.rescan-chain',
  request: z.strictObject({
    chain: z.string().max(64),
    from: z.number().int().nonnegative(),
    to: z.number().int().nonnegative(),
  }),
  response: z.object({ blocks: z.number().int(), deposits: z.number().int() }),
  rejections: ['chain_not_found', 'range_invalid', 'range_not_scanned'],
});

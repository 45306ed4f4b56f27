import { z } from 'zod';
import { defineEvent } from './event-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'settlement.sends';

export const chainFamilies = ['evm', 'bitcoin', 'tron', 'solana'] as const;
export const sendStatuses = ['pending', 'processing', 'completed', 'failed'] as const;

/** A payment out of a hot wallet, as far as it has come. */
export const sendState = z.object({
  transactionId: z.string(),
  /** The number that `partner` shows as `id`. */
  number: z.number().int().positive(),
  /** The user who made it, within the tenant. */
  userNumber: z.number().int().positive().nullable(),
  asset,
  amount: minorUnits,
  /** Whether it goes through the settlement contract. */
  useContract: z.boolean(),
  status: z.enum(sendStatuses),
  /** Why it failed. */
  failure: z.string().nullable(),
  chain: z.string(),
  fromAddress: z.string(),
  toAddress: z.string(),
  /** Of the newest transaction that carries it, and of the one that was included once it was; null before the first. */
  hash: z.string().nullable(),
  blockNumber: z.number().int().nonnegative().nullable(),
  /** EVM only, like `gasPrice`, which is what was paid for each. */
  gasUsed: minorUnits.nullable(),
  gasPrice: minorUnits.nullable(),
  /** What the chain took, in minor units of `feeAsset`; null until the inclusion is final. */
  fee: minorUnits.nullable(),
  feeAsset: asset,
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const sendStatusChanged = defineEvent({
  type: 'SendStatusChanged',
  version: 1,
  topic,
  summary: 'A send came further: signed, included, final, booked, or failed. Carries the full state.',
  key: (data) => data.transactionId,
  data: sendState.extend({ tenantId, mode }),
});

export const sendFinal = defineEvent({
  type: 'SendFinal',
  version: 1,
  topic,
  summary:
    "A send's transaction is final. `amount` left the wallet, zero when the chain refused it; `fee` did in any case.",
  key: (data) => data.transactionId,
  data: z.object({
    transactionId: z.string(),
    tenantId,
    mode,
    /** Whose accounts in the ledger are `wallet:<walletId>:<asset>`. */
    walletId: z.uuid(),
    asset,
    amount: minorUnits,
    feeAsset: asset,
    fee: minorUnits,
    /** The holds in the ledger that it was promised by. */
    amountHoldId: z.string(),
    feeHoldId: z.string(),
    at: timestamp,
  }),
});

/** `depositId` is the transfer's, as chain-watcher has it; the wallet is the tenant's. */
const cameToWallet = z.object({
  depositId: z.uuid(),
  walletId: z.uuid(),
  tenantId,
  mode,
  chain: z.string(),
  asset,
  amount: minorUnits,
  at: timestamp,
});

export const walletFunded = defineEvent({
  type: 'WalletFunded',
  version: 1,
  topic,
  summary: 'A final deposit came to a hot wallet: it is now part of what the tenant can send.',
  key: (data) => data.walletId,
  data: cameToWallet.extend({
    /** The deposit as its tenant's transaction. Deposits that were recorded before they were one have none. */
    receipt: z
      .object({
        transactionId: z.string(),
        number: z.number().int().positive(),
        hash: z.string(),
        toAddress: z.string(),
        blockNumber: z.number().int().nonnegative(),
      })
      .optional(),
  }),
});

export const sweepReceived = defineEvent({
  type: 'SweepReceived',
  version: 1,
  topic,
  summary:
    'A final sweep came to a hot wallet: what lay on deposit addresses is in the wallet. No tenant has more for it.',
  key: (data) => data.walletId,
  data: cameToWallet,
});

/** Chain transactions that we make: payments out of a tenant's hot wallets, and what the wallets hold. */
import { z } from 'zod';
import { defineCall } from '../call-contract';
import {
  asset,
  instant,
  label,
  minorUnits,
  mode,
  pageOfTransactions,
  signedTotalUnits,
  storableText,
  tenantId,
  timestamp,
  totalUnits,
  transactionKey,
} from '../fields';
import { chainFamilies, sendState } from '../send-events';

/** A send as its owner sees it. */
export const sendView = sendState.extend({
  /** When the transaction that `hash` names was signed. Not yet told by earlier builds. */
  signedAt: timestamp.nullable().default(null),
  /** Null when there is none, or when it was erased. */
  description: z.string().nullable(),
});

/**
 * Amount and highest fee are held in the ledger before anything is signed; the same idempotency key is the same send, for
 * ever. The answer waits for the chain's node no longer than it takes to sign: `hash` may still be null.
 */
export const createSend = defineCall({
  name: 'settlement.create-send',
  outward: true,
  request: z.strictObject({
    tenantId,
    mode,
    idempotencyKey: label.nullable(),
    asset,
    toAddress: z.string().min(1).max(200),
    amount: minorUnits.refine((units) => units > 0n, 'must be greater than zero'),
    useContract: z.boolean(),
    description: storableText(500).nullable(),
    /** The user who asks, within the tenant. */
    userNumber: z.number().int().positive().nullable(),
  }),
  response: z.object({ send: sendView, replayed: z.boolean() }),
  /** In order of precedence. `limit_exceeded`: the signer's caps, or the chain asks for more fee than is allowed. */
  rejections: [
    'idempotency_key_reused',
    'asset_not_supported',
    'address_invalid',
    'contract_not_available',
    'limit_exceeded',
    'wallet_funds_insufficient',
    'insufficient_balance',
    'account_frozen',
  ],
});

export const getSend = defineCall({
  name: 'settlement.get-send',
  request: z.strictObject({ tenantId, mode, transactionId: z.string() }),
  response: z.object({ send: sendView }),
  rejections: ['send_not_found'],
});

/** The tenant's hot wallet for an asset; the first request makes it. `balance` is the chain's newest state. */
export const walletBalance = defineCall({
  name: 'settlement.wallet-balance',
  outward: true,
  request: z.strictObject({ tenantId, mode, asset }),
  response: z.object({ address: z.string(), balance: totalUnits }),
  rejections: ['asset_not_supported'],
});

/** Between a tenant and the outside: sends, transfers through institutions, and what came to its hot wallets. */
export const movementTypes = ['withdrawal', 'transfer', 'settlement', 'deposit'] as const;
export const movementStatuses = ['pending', 'processing', 'completed', 'failed', 'returned'] as const;

export const movementView = z.object({
  transactionId: z.string(),
  number: z.number().int().positive(),
  userNumber: z.number().int().positive().nullable(),
  /**
   * `withdrawal`: a plain send; `settlement`: one through the settlement contract; `transfer`: through an institution;
   * `deposit`: to a hot wallet, listed when it is final.
   */
  type: z.enum(movementTypes),
  asset,
  amount: minorUnits,
  status: z.enum(movementStatuses),
  /** Null when there is none, or when it was erased. */
  description: z.string().nullable(),
  /** Of a transfer. */
  institutionNumber: z.number().int().positive().nullable(),
  /** Of a send, or of a deposit. */
  hash: z.string().nullable(),
  /** Of a deposit. */
  toAddress: z.string().nullable(),
  blockNumber: z.number().int().nonnegative().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

/** Those of them that are there and the tenant's, in any order. */
export const getMovements = defineCall({
  name: 'settlement.get-transactions',
  request: z.strictObject({ tenantId, mode, transactionIds: pageOfTransactions }),
  response: z.object({ transactions: z.array(movementView) }),
});

/**
 * Newest first, by creation time and then by number. `total` counts all that the filters leave. A list is long and its
 * rows are not small: it has their places only, and `getMovements` has the rows of a page.
 */
export const listMovements = defineCall({
  name: 'settlement.list-transactions',
  request: z.strictObject({
    tenantId,
    mode,
    type: z.enum(movementTypes).nullable(),
    status: z.enum(movementStatuses).nullable(),
    /** Created at this time or later, and before `to`. */
    from: instant.nullable(),
    to: instant.nullable(),
    limit: z.number().int().min(0).max(10_000),
  }),
  response: z.object({ transactions: z.array(transactionKey), total: z.number().int().nonnegative() }),
});

/** Every hot wallet and asset: the final state of the chain beside the ledger's account. For operators. */
export const listWallets = defineCall({
  name: 'settlement.list-wallets',
  request: z.strictObject({}),
  response: z.object({
    wallets: z.array(
      z.object({
        walletId: z.uuid(),
        tenantId,
        mode,
        chain: z.string(),
        family: z.enum(chainFamilies),
        address: z.string(),
        asset,
        /** Null when the chain or the ledger was not reached at the last look. */
        onChain: totalUnits.nullable(),
        inLedger: signedTotalUnits.nullable(),
        /** On chain less in the ledger. Other than zero with nothing under way is for a person. */
        difference: signedTotalUnits.nullable(),
        /** Sends of the wallet that are not booked yet. */
        underway: z.number().int().nonnegative(),
        at: timestamp.nullable(),
      }),
    ),
  }),
});

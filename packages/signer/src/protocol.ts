/**
 * The signer's protocol: JSON over HTTP with a bearer token. All requests are idempotent. Whoever keeps keys elsewhere
 * (an HSM, a custodian) serves the same first two routes. The third is optional: without it, which is told by 404, nobody
 * notices signatures that the application does not know.
 *
 *   POST /v1/wallets     a wallet's address and public key
 *   POST /v1/signatures  signed bytes of one payment, or 422 with a refusal
 *   POST /v1/signed      what was signed, from a place in its order on
 */
import { sha256Hex } from '@daybook/runtime';
import { z } from 'zod';
import { bitcoinTransaction, evmTransaction, families, solanaTransaction, tronTransaction } from './transactions';

/** Wallets of one family are numbered; an index is one address for ever. */
const index = z.number().int().min(0).max(0x7fff_ffff);

export const walletRequest = z.strictObject({ family: z.enum(families), index });
export type WalletRequest = z.output<typeof walletRequest>;

/** `publicKey` is in hex without prefix, compressed where the curve knows that. */
export const walletAnswer = z.object({ address: z.string(), publicKey: z.string() });
export type WalletAnswer = z.output<typeof walletAnswer>;

/**
 * A send is one payment for ever: the same id with another recipient, asset, amount or slot is refused. The same request
 * again has the same answer. A higher fee on the same slot is a replacement.
 */
const common = { sendId: z.string().regex(/^[\x21-\x7e]{1,128}$/), index };
export const signRequest = z.discriminatedUnion('family', [
  z.strictObject({ ...common, family: z.literal('evm'), transaction: evmTransaction }),
  z.strictObject({ ...common, family: z.literal('bitcoin'), transaction: bitcoinTransaction }),
  z.strictObject({ ...common, family: z.literal('tron'), transaction: tronTransaction }),
  z.strictObject({ ...common, family: z.literal('solana'), transaction: solanaTransaction }),
]);
export type SignRequest = z.output<typeof signRequest>;

/** Names a request: SHA-256, in hex, of its JSON on the wire without spaces and with the names of every object in order. */
export function requestDigest(request: SignRequest): string {
  const inOrder = (_name: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return sha256Hex(JSON.stringify(z.encode(signRequest, request), inOrder));
}

/**
 * `transactionId` is written as its chain writes it: `0x…` on EVM, hex on Bitcoin and Tron, the base58 signature on Solana.
 * `bytes` are what a node is given, in hex without prefix; on Tron they are the whole protobuf `Transaction`.
 */
export const signAnswer = z.object({ transactionId: z.string(), bytes: z.string().regex(/^([0-9a-f]{2})+$/) });
export type SignAnswer = z.output<typeof signAnswer>;

/** Why nothing was signed. In descending precedence: when several apply, the first listed is told. */
export const refusals = [
  /** An address without a valid checksum, sums that do not add up, nothing to pay, or the wallet paying itself. */
  'transaction_invalid',
  /** Another chain or network than the signer's. */
  'chain_not_allowed',
  /** Neither a token nor a settlement contract that the signer knows. */
  'contract_not_allowed',
  /** The asset has no caps. */
  'asset_not_allowed',
  /** There is a list of recipients, and this is not one of them. */
  'recipient_not_allowed',
  /** This send was signed with another recipient, asset, amount or slot. */
  'send_exists_with_different_fields',
  /** Another send was signed for this nonce, one of these inputs, or the same bytes. */
  'slot_taken',
  /** The send was signed, and this is no higher fee, or a chain on which both transactions could be included. */
  'replacement_not_possible',
  'replacements_exhausted',
  'fee_above_send_cap',
  'fee_above_day_cap',
  'amount_above_send_cap',
  'amount_above_day_cap',
] as const;
export type Refusal = (typeof refusals)[number];

export const refusalAnswer = z.object({ refusal: z.enum(refusals) });

export type SignOutcome =
  { readonly ok: true; readonly value: SignAnswer } | { readonly ok: false; readonly refusal: Refusal };

/** The most that JavaScript's `Date` holds, and the least below zero. */
const timeMsMax = 8_640_000_000_000_000;
const place = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Signatures after a place, of which the first is 1; at most `limit`. */
export const signedRequest = z.strictObject({ after: place, limit: z.number().int().min(1).max(1_000) });
export type SignedRequest = z.output<typeof signedRequest>;

/**
 * Every signature that was ever given, replacements too, in the order of giving: each has its place for ever. A page is
 * full unless it ends with the last; `total` is the last one's place. `digest` is of the request that was signed, as
 * `requestDigest` has it, and `at` in milliseconds since 1970 by the signer's clock.
 */
export const signedPage = z.object({
  total: place,
  signatures: z.array(
    z.object({
      place: place.min(1),
      sendId: z.string(),
      transactionId: z.string(),
      digest: z.string(),
      at: z.number().int().min(-timeMsMax).max(timeMsMax),
    }),
  ),
});
export type SignedPage = z.output<typeof signedPage>;

/** What the holder of the token can have done. Throws OperationalError when there is no answer: then nothing is known. */
export type Signer = {
  walletOf(request: WalletRequest): Promise<WalletAnswer>;
  sign(request: SignRequest): Promise<SignOutcome>;
  /** Undefined from a signer that does not tell what it has signed. */
  signedAfter(request: SignedRequest): Promise<SignedPage | undefined>;
};

/**
 * What the signer is asked to sign, one shape a family. A request says what a payment is, never bytes: the signer builds
 * the transaction itself. Amounts are in minor units (wei, satoshi, sun, lamports, or of the token); on the wire they are
 * decimal strings.
 */
import { z } from 'zod';

export const families = ['evm', 'bitcoin', 'tron', 'solana'] as const;
export type Family = (typeof families)[number];

const whole = z.codec(z.string().regex(/^(0|[1-9]\d{0,37})$/, 'must be a whole number in decimal digits'), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (units) => units.toString(),
});
const evmAddress = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const base58 = (min: number, max: number) => z.string().regex(new RegExp(`^[1-9A-HJ-NP-Za-km-z]{${min},${max}}$`));
const tronAddress = base58(34, 34);
const solanaKey = base58(32, 44);
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const safeInteger = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** A transaction of type 2 (EIP-1559). It spends at most `gasLimit * maxFeePerGas` besides the amount. */
export const evmTransaction = z.strictObject({
  chainId: safeInteger.min(1),
  nonce: safeInteger,
  gasLimit: whole,
  maxFeePerGas: whole,
  maxPriorityFeePerGas: whole,
  payment: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('native'), to: evmAddress, amount: whole }),
    z.strictObject({ type: z.literal('erc20'), token: evmAddress, to: evmAddress, amount: whole }),
    z.strictObject({
      type: z.literal('settlement'),
      contract: evmAddress,
      settlementId: z.string().regex(/^0x[0-9a-f]{64}$/),
      to: evmAddress,
      amount: whole,
    }),
  ]),
});
export type EvmTransaction = z.output<typeof evmTransaction>;

/**
 * Spends outputs of the wallet's own address. What is left goes back to that address as the second output, which the
 * signer derives itself; a `change` of 0 makes none. The sum of the inputs is `amount + change + fee`, or it is refused.
 */
export const bitcoinTransaction = z.strictObject({
  network: z.enum(['mainnet', 'testnet', 'signet', 'regtest']),
  inputs: z
    .array(z.strictObject({ txid: hex(32), vout: z.number().int().min(0).max(0xffff_ffff), amount: whole }))
    .min(1)
    .max(200),
  to: z.string().min(14).max(90),
  amount: whole,
  change: whole,
  fee: whole,
});
export type BitcoinTransaction = z.output<typeof bitcoinTransaction>;

/** Times are in milliseconds since 1970. `feeLimit` is what a contract may burn, in sun; 0 for TRX. */
export const tronTransaction = z.strictObject({
  refBlockBytes: hex(2),
  refBlockHash: hex(8),
  expiration: safeInteger,
  timestamp: safeInteger,
  feeLimit: whole,
  payment: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('native'), to: tronAddress, amount: whole }),
    z.strictObject({ type: z.literal('trc20'), token: tronAddress, to: tronAddress, amount: whole }),
  ]),
});
export type TronTransaction = z.output<typeof tronTransaction>;

/**
 * `lifetime` is a recent blockhash. There are no durable nonces: a recent blockhash that is told to be one could not be told
 * from it. `computeUnitPrice` is in millionths of a lamport. A token is paid to the associated account of `to`, which is
 * made first if `createAccount` says so.
 */
export const solanaTransaction = z.strictObject({
  lifetime: z.strictObject({ type: z.literal('blockhash'), blockhash: solanaKey }),
  computeUnitLimit: z.number().int().min(1).max(1_400_000),
  computeUnitPrice: whole,
  payment: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('native'), to: solanaKey, amount: whole }),
    z.strictObject({
      type: z.literal('token'),
      mint: solanaKey,
      to: solanaKey,
      amount: whole,
      createAccount: z.boolean(),
    }),
  ]),
});
export type SolanaTransaction = z.output<typeof solanaTransaction>;

/** What a TRX or TRC-20 transfer may burn besides its `feeLimit`, in sun: its bytes, and a new account of the recipient. */
const tronOtherFeesMax = 2_000_000n;
/** Of one signature, in lamports. */
const solanaSignatureFee = 5_000n;
/** What a new token account must hold for ever, in lamports. */
const solanaTokenAccountRent = 2_039_280n;

/** The most that the wallet can lose besides the amount, in minor units of the family's native asset. */
export function maxFeeOf(request: FamilyTransaction): bigint {
  switch (request.family) {
    case 'evm':
      return request.transaction.gasLimit * request.transaction.maxFeePerGas;
    case 'bitcoin':
      return request.transaction.fee;
    case 'tron':
      return request.transaction.feeLimit + tronOtherFeesMax;
    case 'solana': {
      const { computeUnitLimit, computeUnitPrice, payment } = request.transaction;
      const priority = (BigInt(computeUnitLimit) * computeUnitPrice + 999_999n) / 1_000_000n;
      const rent = payment.type === 'token' && payment.createAccount ? solanaTokenAccountRent : 0n;
      return solanaSignatureFee + priority + rent;
    }
  }
}

export type FamilyTransaction =
  | { readonly family: 'evm'; readonly transaction: EvmTransaction }
  | { readonly family: 'bitcoin'; readonly transaction: BitcoinTransaction }
  | { readonly family: 'tron'; readonly transaction: TronTransaction }
  | { readonly family: 'solana'; readonly transaction: SolanaTransaction };

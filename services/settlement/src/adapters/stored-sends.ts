/** The stored form of sends and hot wallets: private to this service. What people write is encrypted. */
import { asset, chainFamilies, minorUnits, mode, sendStatuses } from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { SendEvent } from '../domain/chain-send';
import type { FundingEvent } from '../domain/wallet-funding';
import type { RegistryEvent } from '../domain/wallet-registry';
import type { WalletEvent } from '../domain/wallet';

const count = z.number().int().nonnegative();
const at = z.string();
const family = z.enum(chainFamilies);

const slot = z.discriminatedUnion('family', [
  z.object({ family: z.literal('evm'), nonce: count, sinceBlock: count }),
  z.object({
    family: z.literal('bitcoin'),
    inputs: z.array(z.object({ txid: z.string(), vout: count, amount: z.string() })).readonly(),
    sinceBlock: count,
  }),
  z.object({
    family: z.literal('solana'),
    recentBlockhash: z.string(),
    lastValidBlockHeight: count,
    sinceSlot: count,
  }),
  z.object({
    family: z.literal('tron'),
    refBlockBytes: z.string(),
    refBlockHash: z.string(),
    expiration: count,
    timestamp: count,
    sinceBlock: count,
  }),
]);
const prepared = z.object({
  /** What the signer is asked to sign, as it goes over the wire. */
  transaction: z.record(z.string(), z.unknown()),
  slot,
  maxFee: minorUnits,
});

const failure = z.enum([
  'insufficient_balance',
  'account_frozen',
  'wallet_funds_insufficient',
  'fee_too_high',
  'not_payable',
  'signer_refused',
  'reverted',
  'impossible',
]);

const known = z.object({
  transactionId: z.string(),
  number: z.number().int().positive(),
  tenantId: z.string(),
  mode,
  walletId: z.string(),
  chain: z.string(),
  fromAddress: z.string(),
  toAddress: z.string(),
  asset,
  amount: minorUnits,
  feeAsset: asset,
  useContract: z.boolean(),
  userNumber: z.number().int().positive().nullable(),
  encryptedDetails: z.string(),
  createdAt: z.string(),
});
const terms = known.extend({ family, feeCap: minorUnits, contentHash: z.string() });

const summary = known.extend({
  status: z.enum(sendStatuses),
  failure: failure.nullable(),
  hash: z.string().nullable(),
  blockNumber: count.nullable(),
  gasUsed: minorUnits.nullable(),
  gasPrice: minorUnits.nullable(),
  fee: minorUnits.nullable(),
  updatedAt: z.string(),
});

const inclusion = z.object({
  hash: z.string(),
  blockNumber: count,
  blockHash: z.string(),
  succeeded: z.boolean(),
  fee: minorUnits,
  gasUsed: minorUnits.nullable(),
  gasPrice: minorUnits.nullable(),
});

const common = z.object({ summary, at });
const attempt = z.number().int().positive();

const sendDefinitions = {
  SendCreated: { version: 1, data: common.extend({ terms }) },
  SendHeld: { version: 1, data: common },
  SendAcknowledged: { version: 1, data: common },
  SendRefused: { version: 1, data: common.extend({ failure, detail: z.string() }) },
  SendPrepared: { version: 1, data: common.extend({ attempt, prepared }) },
  SendSigned: { version: 1, data: common.extend({ attempt, hash: z.string(), bytes: z.string() }) },
  SendNotReplaced: { version: 1, data: common.extend({ attempt, detail: z.string() }) },
  SendBroadcast: { version: 1, data: common.extend({ attempt }) },
  SendIncluded: { version: 1, data: common.extend({ inclusion }) },
  SendExcluded: { version: 1, data: common },
  SendFinal: { version: 1, data: common.extend({ inclusion }) },
  SendImpossible: { version: 1, data: common.extend({ detail: z.string() }) },
  SendClosed: { version: 1, data: common },
  SendBooked: { version: 1, data: common.extend({ ledgerReference: z.string() }) },
} as const;

const wallet = z.object({
  walletId: z.string(),
  tenantId: z.string(),
  mode,
  chain: z.string(),
  family,
  index: count,
  address: z.string(),
  publicKey: z.string(),
  feeAsset: asset,
  assets: z.array(asset).readonly(),
});
const sendId = z.string();

const walletDefinitions = {
  WalletOpened: { version: 1, data: z.object({ wallet, at }) },
  WalletWatched: { version: 1, data: z.object({ walletId: z.string(), at }) },
  SlotReserved: {
    version: 1,
    data: z.object({ sendId, prepared, spends: z.array(z.object({ asset, amount: minorUnits })).readonly(), at }),
  },
  SlotSigned: { version: 1, data: z.object({ sendId, at }) },
  SlotFreed: { version: 1, data: z.object({ sendId, at }) },
} as const;

const registryDefinitions = {
  WalletRegistered: { version: 1, data: z.object({ walletId: z.string(), index: count, at }) },
} as const;

const sweep = z.object({
  depositId: z.string(),
  walletId: z.string(),
  tenantId: z.string(),
  mode,
  chain: z.string(),
  asset,
  amount: minorUnits,
});
const funding = sweep.extend({
  receipt: z
    .object({
      transactionId: z.string(),
      number: z.number().int().positive(),
      hash: z.string(),
      toAddress: z.string(),
      blockNumber: count,
    })
    .nullable(),
});

type FundedBefore = { readonly funding: object };
const withoutReceipt = (data: unknown) => ({
  ...(data as FundedBefore),
  funding: { ...(data as FundedBefore).funding, receipt: null },
});

const fundingDefinitions = {
  WalletFunded: { version: 2, data: z.object({ funding, at }), upcast: { 1: withoutReceipt } },
  SweepReceived: { version: 1, data: z.object({ sweep, at }) },
  TransactionClaimed: {
    version: 1,
    data: z.object({ claim: z.object({ transactionId: z.string(), walletId: z.string(), sendId }), at }),
  },
} as const;

export const sendEvents: EventCodec<SendEvent> = defineStoredEvents(sendDefinitions);
export const walletEvents: EventCodec<WalletEvent> = defineStoredEvents(walletDefinitions);
export const registryEvents: EventCodec<RegistryEvent> = defineStoredEvents(registryDefinitions);
export const fundingEvents: EventCodec<FundingEvent> = defineStoredEvents(fundingDefinitions);

/** For readers of the whole log. */
export const sendingDefinitions = {
  ...sendDefinitions,
  ...walletDefinitions,
  ...registryDefinitions,
  ...fundingDefinitions,
} as const;

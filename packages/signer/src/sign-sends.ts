/**
 * The signer itself: reads a request as terms, lets the rules decide, signs, records, and only then answers. One request
 * at a time, so that what the rules know is everything that was signed. A crash before the record leaves nothing; a crash
 * after it leaves a signature that nobody has, which the same request gets again.
 */
import { assertNever, OperationalError } from '@daybook/core';
import type { OnFatal } from '@daybook/runtime';
import { decide, remember, repeated, signedAfter, type Policy, type Signed, type Terms } from './domain/signing';
import type { FamilyKeys, Journal, ReadingOutcome } from './ports';
import { requestDigest, type SignAnswer, type Signer, type SignOutcome, type SignRequest } from './protocol';
import {
  maxFeeOf,
  type BitcoinTransaction,
  type EvmTransaction,
  type SolanaTransaction,
  type TronTransaction,
} from './transactions';

export type KeysByFamily = {
  readonly evm: FamilyKeys<EvmTransaction>;
  readonly bitcoin: FamilyKeys<BitcoinTransaction>;
  readonly tron: FamilyKeys<TronTransaction>;
  readonly solana: FamilyKeys<SolanaTransaction>;
};

const feeAssets = { evm: 'ETH', bitcoin: 'BTC', tron: 'TRX', solana: 'SOL' } as const;

export function signSends(deps: {
  readonly keys: KeysByFamily;
  readonly policy: Policy;
  /** What the journal told. */
  readonly signed: Signed;
  readonly journal: Journal;
  now(): Date;
  /** Hears of a journal that could not be written: what it holds is known only after a new start. */
  readonly onFatal: OnFatal;
}): Signer {
  const { keys, policy, signed, journal } = deps;
  let last: Promise<unknown> = Promise.resolve();
  let failed = false;

  async function signOne(request: SignRequest): Promise<SignOutcome> {
    if (failed) throw new OperationalError('store_unavailable', true, { detail: 'the journal of signatures' });
    const digest = requestDigest(request);
    const known = repeated(request.sendId, digest, signed);
    if (known !== undefined) return { ok: true, value: known };
    const outcome = await read(keys, request);
    if (!outcome.ok) return outcome;
    const feeAsset = feeAssets[request.family];
    const terms: Terms = { ...outcome.reading, sendId: request.sendId, digest, feeAsset, fee: maxFeeOf(request) };
    const at = deps.now().getTime();
    const verdict = decide(terms, at, signed, policy);
    switch (verdict.type) {
      case 'repeat':
        return { ok: true, value: verdict.answer };
      case 'refused':
        return { ok: false, refusal: verdict.refusal };
      case 'sign':
        return { ok: true, value: await record({ terms, at, answer: await sign(keys, request) }) };
      default:
        return assertNever(verdict);
    }
  }

  async function record(signature: { terms: Terms; at: number; answer: SignAnswer }): Promise<SignAnswer> {
    try {
      await journal.append(signature);
    } catch (error) {
      failed = true;
      deps.onFatal(error);
      throw new OperationalError('store_unavailable', true, { cause: error, detail: 'the journal of signatures' });
    }
    remember(signed, signature);
    return signature.answer;
  }

  return {
    walletOf: ({ family, index }) => keys[family].walletOf(index),
    sign(request) {
      const outcome = last.then(() => signOne(request));
      last = outcome.catch(() => undefined);
      return outcome;
    },
    signedAfter: async (request) => signedAfter(signed, request),
  };
}

function read(keys: KeysByFamily, request: SignRequest): Promise<ReadingOutcome> {
  switch (request.family) {
    case 'evm':
      return keys.evm.read(request.index, request.transaction);
    case 'bitcoin':
      return keys.bitcoin.read(request.index, request.transaction);
    case 'tron':
      return keys.tron.read(request.index, request.transaction);
    case 'solana':
      return keys.solana.read(request.index, request.transaction);
  }
}

function sign(keys: KeysByFamily, request: SignRequest): Promise<SignAnswer> {
  switch (request.family) {
    case 'evm':
      return keys.evm.sign(request.index, request.transaction);
    case 'bitcoin':
      return keys.bitcoin.sign(request.index, request.transaction);
    case 'tron':
      return keys.tron.sign(request.index, request.transaction);
    case 'solana':
      return keys.solana.sign(request.index, request.transaction);
  }
}

/**
 * The HTTP API of a Tron node, by tronweb's transport: `/wallet` tells the chain as it grows, `/walletsolidity` only what is
 * solidified. Every answer is checked against its schema (developers.tron.network/reference). Failures become
 * OperationalErrors without their cause, which may hold the node's address and its key.
 */
import { OperationalError } from '@daybook/core';
import { checked, contradiction, redacting } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

const requestTimeoutMs = 15_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
export const hexBytes = z.string().regex(/^([0-9a-f]{2})*$/);
/** Of anybody's transfer; one of ours must be exact too. */
const amount = z.number().nonnegative();

/** The network's id in front of the twenty bytes of an account. */
export const mainByte = '41';

export const tronHeader = z.object({
  blockID: hash,
  block_header: z.object({
    raw_data: z.object({ number: z.number().int().nonnegative().optional(), parentHash: hash, txTrieRoot: hash }),
  }),
});
const owned = z.object({ owner_address: hexBytes });
const transfer = owned.extend({ amount: amount.optional(), to_address: hexBytes });
const tronTransaction = z.object({
  txID: hash,
  raw_data_hex: hexBytes,
  ret: z.array(z.object({ contractRet: z.string().optional() })).optional(),
  raw_data: z.object({
    contract: z.array(z.object({ type: z.string(), parameter: z.object({ value: z.unknown() }) })).length(1),
  }),
});
export type TronTransaction = z.output<typeof tronTransaction>;
export const tronBlock = tronHeader.extend({ transactions: z.array(tronTransaction).optional() });
export type TronBlock = z.output<typeof tronBlock>;

const tronLog = z.object({ address: hexBytes, topics: z.array(hash).optional(), data: hexBytes.optional() });
export type TronLog = z.output<typeof tronLog>;
export const tronInfo = z.object({
  id: hash,
  blockNumber: z.number().int(),
  /** Absent for what succeeded. */
  result: z.string().optional(),
  receipt: z.object({ result: z.string().optional() }).optional(),
  log: z.array(tronLog).optional(),
});
export type TronInfo = z.output<typeof tronInfo>;

/** What a TransferContract says. */
export const transferOf = (value: unknown) => checked('TransferContract', transfer, value);

/** Who signed a transaction, by whatever contract it is about. */
export const ownerOf = ({ raw_data: signed }: TronTransaction): string =>
  checked('contract', owned, signed.contract[0]!.parameter.value).owner_address;

/** Which of the node's two faces is asked. */
export type Face = 'wallet' | 'walletsolidity';

export type TronRpc = {
  /** Undefined when the node answers with an empty object: there is no such thing. */
  ask<Answer extends z.ZodType>(
    face: Face,
    path: string,
    body: object,
    answer: Answer,
  ): Promise<z.output<Answer> | undefined>;
};

/** `apiKey` is sent as TronGrid expects it. */
export function tronRpc(url: Secret, apiKey: Secret | undefined): TronRpc {
  let provider: Promise<{ request(path: string, payload: object, method: 'post'): Promise<unknown> }> | undefined;

  const redact = redacting(url, apiKey);

  async function open() {
    const { providers } = await import('tronweb');
    const headers = apiKey === undefined ? {} : { 'TRON-PRO-API-KEY': apiKey.reveal() };
    return new providers.HttpProvider(url.reveal(), requestTimeoutMs, '', '', headers);
  }

  return {
    async ask(face, path, body, answer) {
      provider ??= open();
      let raw: unknown;
      try {
        raw = await (await provider).request(`${face}/${path}`, body, 'post');
      } catch (error) {
        throw unavailable(path, error);
      }
      if (typeof raw === 'object' && raw !== null && 'Error' in raw)
        throw contradiction(`${path}: ${redact(String(raw.Error))}`);
      if (typeof raw === 'object' && raw !== null && !Array.isArray(raw) && Object.keys(raw).length === 0)
        return undefined;
      return checked(path, answer, raw);
    },
  };
}

function unavailable(path: string, error: unknown): OperationalError {
  const { code } = error as { code?: unknown };
  const timeout = code === 'ECONNABORTED' || code === 'ETIMEDOUT';
  return new OperationalError(timeout ? 'upstream_timeout' : 'upstream_unavailable', true, {
    detail: `${path}: ${typeof code === 'string' ? code : 'no answer'}`,
  });
}

/**
 * What who sends asks a Tron node (developers.tron.network/reference): `/wallet` tells the chain as it grows,
 * `/walletsolidity` only what is solidified. Amounts are exact up to nine billion TRX.
 */
import { checked, contradiction, nodeHttp } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

/** Which of the node's two faces is asked. */
export type Face = 'wallet' | 'walletsolidity';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.number().int().nonnegative();
const sun = whole.transform(BigInt);

const block = z.object({
  blockID: hash,
  block_header: z.object({
    raw_data: z.object({
      number: whole.optional(),
      parentHash: hash,
      txTrieRoot: hash,
      timestamp: whole.optional(),
    }),
  }),
  transactions: z.array(z.object({ txID: hash })).optional(),
});
const info = z.object({
  id: hash,
  blockNumber: whole,
  fee: sun.optional(),
  /** Absent for what succeeded. */
  result: z.string().optional(),
  contract_address: z.string().optional(),
  receipt: z.object({ result: z.string().optional() }).optional(),
  log: z.array(z.unknown()).optional(),
});
export type ToldInfo = z.output<typeof info>;
export type ToldBlock = {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly transactionIds: readonly string[];
};

/** The root of a block without transactions. */
const noTransactions = '0'.repeat(64);
const wordLength = 64;
const constantResult = z.object({
  result: z.object({ result: z.boolean().optional() }).optional(),
  energy_used: whole.optional(),
  constant_result: z.array(z.string()).optional(),
});
/** Of the network, in sun: for a byte, for a unit of energy, and for an account that is not there yet. */
const parameterNames = {
  perByte: 'getTransactionFee',
  perEnergy: 'getEnergyFee',
  newAccount: 'getCreateNewAccountFeeInSystemContract',
  newAccountBytes: 'getCreateAccountFee',
} as const;
export type FeeParameters = Readonly<Record<keyof typeof parameterNames, bigint>>;

export type TronRpc = ReturnType<typeof tronRpc>;

/** `apiKey` is sent as TronGrid expects it. Accounts and contracts are named in hex. */
export function tronRpc(url: Secret, apiKey: Secret | undefined) {
  const http = nodeHttp(url, apiKey === undefined ? {} : { 'TRON-PRO-API-KEY': apiKey.reveal() });
  /** Undefined when the node answers with an empty object: there is no such thing. */
  async function find<Answer extends z.ZodType>(face: Face, path: string, body: object, answer: Answer) {
    const { status, body: told } = await http.post(`${face}/${path}`, body);
    const raw = jsonOf(path, status, told);
    if (typeof raw === 'object' && raw !== null && 'Error' in raw) throw contradiction(`${path}: ${String(raw.Error)}`);
    if (typeof raw === 'object' && raw !== null && Object.keys(raw).length === 0) return undefined;
    return checked(path, answer, raw);
  }
  async function ask<Answer extends z.ZodType>(face: Face, path: string, body: object, answer: Answer) {
    const found = await find(face, path, body, answer);
    if (found === undefined) throw contradiction(`${path}: nothing`);
    return found;
  }
  async function constant(face: Face, owner: string, contract: string, call: { selector: string; parameter: string }) {
    const body = { owner_address: owner, contract_address: contract, function_selector: call.selector };
    return ask(face, 'triggerconstantcontract', { ...body, parameter: call.parameter }, constantResult);
  }

  return {
    newest: async (face: Face) => shown(await ask(face, 'getnowblock', {}, block)),
    async blockAt(face: Face, number: number): Promise<ToldBlock | undefined> {
      const found = await find(face, 'getblockbynum', { num: number }, block);
      const told = found && shown(found);
      if (told !== undefined && told.number !== number)
        throw contradiction(`asked for block ${number}, was given ${told.number}`);
      return told;
    },
    /** What became of a transaction; undefined when it is in no block that this face knows. */
    async infoOf(face: Face, id: string): Promise<ToldInfo | undefined> {
      const found = await find(face, 'gettransactioninfobyid', { value: id }, info);
      if (found !== undefined && found.id !== id) throw contradiction(`asked for ${id}, was given ${found.id}`);
      return found;
    },
    isPending: async (id: string) =>
      (await find('wallet', 'gettransactionfrompending', { value: id }, z.object({ txID: hash }))) !== undefined,
    /** Undefined for an account that is not there yet. */
    async balanceOf(face: Face, address: string): Promise<bigint | undefined> {
      const found = await find(face, 'getaccount', { address }, z.object({ balance: sun.optional() }));
      return found && (found.balance ?? 0n);
    },
    async tokensOf(face: Face, contract: string, address: string): Promise<bigint> {
      const call = { selector: 'balanceOf(address)', parameter: wordOf(address) };
      return wordIn(await constant(face, address, contract, call));
    },
    async decimalsOf(contract: string): Promise<bigint> {
      return wordIn(await constant('walletsolidity', contract, contract, { selector: 'decimals()', parameter: '' }));
    },
    /** Units of energy that a transfer of tokens would use now. */
    async energyFor(contract: string, owner: string, to: string, amount: bigint): Promise<bigint> {
      const parameter = wordOf(to) + amount.toString(16).padStart(wordLength, '0');
      const told = await constant('wallet', owner, contract, { selector: 'transfer(address,uint256)', parameter });
      if (told.energy_used === undefined || told.energy_used === 0) throw contradiction('a transfer without energy');
      return BigInt(told.energy_used);
    },
    async feeParameters(): Promise<FeeParameters> {
      const answer = z.object({ chainParameter: z.array(z.object({ key: z.string(), value: z.number().optional() })) });
      const { chainParameter } = await ask('wallet', 'getchainparameters', {}, answer);
      const told = new Map(chainParameter.map(({ key, value }) => [key, value]));
      return feeParametersOf(told);
    },
    async send(hex: string): Promise<void> {
      const answer = z.object({ result: z.boolean().optional(), code: z.string().optional() });
      const { result, code } = await ask('wallet', 'broadcasthex', { transaction: hex }, answer);
      if (result !== true && code !== 'DUP_TRANSACTION_ERROR')
        throw contradiction(`broadcasthex: ${code ?? 'no code'}`);
    },
  };
}

/** More than the network ever asked for: 1 TRX for a byte or a unit of energy, 1,000 TRX for an account. */
const parameterMax = 1_000_000_000;

/** Throws for what is no price: nothing, not a number, zero, or beyond all that was ever asked. */
export function feeParametersOf(told: ReadonlyMap<string, unknown>): FeeParameters {
  const priced = Object.entries(parameterNames).map(([name, key]) => {
    const value = told.get(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0 || value > parameterMax)
      throw contradiction(`${key} of ${String(value)} is no price`);
    return [name, BigInt(value)];
  });
  return Object.fromEntries(priced) as FeeParameters;
}

/** An address as a call's argument: its twenty bytes at the end of a word. */
function wordOf(address: string): string {
  return address.slice(2).padStart(wordLength, '0');
}

function wordIn(told: z.output<typeof constantResult>): bigint {
  const word = told.constant_result?.[0];
  if (word?.length !== wordLength || !/^[0-9a-f]+$/.test(word)) throw contradiction('a call without its result');
  return BigInt(`0x${word}`);
}

/** The first eight bytes of a block's id are its number. */
function shown({ blockID, block_header: { raw_data: header }, transactions = [] }: z.output<typeof block>): ToldBlock {
  const number = header.number ?? 0;
  if (BigInt(`0x${blockID.slice(0, 16)}`) !== BigInt(number))
    throw contradiction(`block ${number} has the id ${blockID}`);
  // The field is missing from an empty block as from one whose body the node has lost; its header tells which it is.
  if ((header.txTrieRoot !== noTransactions) !== transactions.length > 0)
    throw contradiction(`block ${number} comes without its transactions`);
  return {
    number,
    hash: blockID,
    parentHash: header.parentHash,
    timestamp: header.timestamp ?? 0,
    transactionIds: transactions.map(({ txID }) => txID),
  };
}

function jsonOf(path: string, status: number, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw contradiction(`${path}: status ${status}, and no JSON`);
  }
}

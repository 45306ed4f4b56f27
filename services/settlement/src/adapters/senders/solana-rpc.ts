/** What who sends asks a Solana node (solana.com/docs/rpc). Numbers are exact up to nine million SOL. */
import { checked, contradiction, nodeHttp } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

export type Commitment = 'confirmed' | 'finalized';

const whole = z.number().int().nonnegative();
const lamports = whole.transform(BigInt);
/** The cluster's codes for a slot that has no block: not yet there, skipped, skipped long ago. */
const noBlockCodes: readonly number[] = [-32_004, -32_007, -32_009];
/** Of an account that holds tokens: mint, owner, amount (spl-token, state.rs). */
const amountAt = 64;

const header = z.object({
  blockhash: z.string(),
  previousBlockhash: z.string(),
  parentSlot: whole,
  blockHeight: whole,
});
const withSignatures = header.extend({ signatures: z.array(z.string()) });
const account = z.object({
  value: z.object({ owner: z.string(), lamports, data: z.tuple([z.string(), z.literal('base64')]) }).nullable(),
});
const mintAccount = z.object({
  value: z
    .object({
      owner: z.string(),
      data: z.object({ parsed: z.object({ type: z.literal('mint'), info: z.object({ decimals: whole }) }) }),
    })
    .nullable(),
});
const statuses = z.object({
  value: z.array(z.object({ slot: whole, confirmationStatus: z.string().nullish() }).nullable()),
});
const tokenBalance = z.object({ accountIndex: whole });
const transaction = z.object({
  slot: whole,
  transaction: z.object({ signatures: z.array(z.string()) }),
  meta: z.object({
    err: z.unknown(),
    fee: lamports,
    preBalances: z.array(lamports),
    postBalances: z.array(lamports),
    preTokenBalances: z.array(tokenBalance).nullish(),
    postTokenBalances: z.array(tokenBalance).nullish(),
  }),
});
export type ToldTransaction = z.output<typeof transaction>;
export type ToldHeader = z.output<typeof header>;

export type SolanaRpc = ReturnType<typeof solanaRpc>;

export function solanaRpc(url: Secret) {
  const http = nodeHttp(url);
  async function ask<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
    const told = await http.call(method, parameters);
    if (!told.ok) throw contradiction(`${method}: ${told.message}`);
    return checked(method, answer, told.result);
  }
  async function block<Answer extends z.ZodType>(
    slot: number,
    wanted: { readonly commitment: Commitment; readonly transactionDetails: 'none' | 'signatures' },
    answer: Answer,
  ) {
    const parameters = [slot, { ...wanted, rewards: false, maxSupportedTransactionVersion: 0 }];
    const told = await http.call('getBlock', parameters);
    if (!told.ok && noBlockCodes.includes(told.code)) return undefined;
    if (!told.ok) throw contradiction(`getBlock ${slot}: ${told.message}`);
    return told.result === null ? undefined : checked(`getBlock ${slot}`, answer, told.result);
  }
  async function accountOf(address: string, commitment: Commitment) {
    const { value } = await ask('getAccountInfo', [address, { encoding: 'base64', commitment }], account);
    return value === null ? undefined : { ...value, data: Buffer.from(value.data[0], 'base64') };
  }

  return {
    genesisHash: () => ask('getGenesisHash', [], z.string()),
    newestSlot: (commitment: Commitment) => ask('getSlot', [{ commitment }], whole),
    newestHeight: (commitment: Commitment) => ask('getBlockHeight', [{ commitment }], whole),
    /** Undefined for a slot without a block. */
    header: (slot: number, commitment: Commitment) => block(slot, { commitment, transactionDetails: 'none' }, header),
    finalSignatures: (slot: number) =>
      block(slot, { commitment: 'finalized', transactionDetails: 'signatures' }, withSignatures),
    finalSlotsFrom: (slot: number, limit: number) =>
      ask('getBlocksWithLimit', [slot, limit, { commitment: 'finalized' }], z.array(whole)),
    async lamportsOf(address: string, commitment: Commitment): Promise<bigint> {
      return (await ask('getBalance', [address, { commitment }], z.object({ value: lamports }))).value;
    },
    accountOf,
    /** Nothing when there is no such account. */
    async tokensIn(tokenAccount: string, commitment: Commitment): Promise<bigint> {
      const held = await accountOf(tokenAccount, commitment);
      if (held === undefined) return 0n;
      if (held.data.length < amountAt + 8) throw contradiction(`${tokenAccount} holds no tokens`);
      return held.data.readBigUInt64LE(amountAt);
    },
    /** Program and decimals of a mint; undefined when there is no account. */
    async mint(address: string) {
      const parameters = [address, { encoding: 'jsonParsed', commitment: 'finalized' }];
      const { value } = await ask('getAccountInfo', parameters, mintAccount);
      return value === null ? undefined : { program: value.owner, decimals: value.data.parsed.info.decimals };
    },
    /** What an account of so many bytes must hold. */
    rentOf: (bytes: number) => ask('getMinimumBalanceForRentExemption', [bytes, { commitment: 'finalized' }], lamports),
    /** What recent transactions paid beside their signatures, in millionths of a lamport for a unit of computing. */
    async priorityFees(address: string): Promise<readonly bigint[]> {
      const answer = z.array(z.object({ prioritizationFee: lamports }));
      return (await ask('getRecentPrioritizationFees', [[address]], answer)).map((one) => one.prioritizationFee);
    },
    async send(bytes: Buffer): Promise<void> {
      // What was signed was judged before. A preflight would judge it again by a node that may be behind.
      await ask('sendTransaction', [bytes.toString('base64'), { encoding: 'base64', skipPreflight: true }], z.string());
    },
    async statuses(ids: readonly string[]) {
      const { value } = await ask('getSignatureStatuses', [ids, { searchTransactionHistory: true }], statuses);
      if (value.length !== ids.length) throw contradiction('getSignatureStatuses: not one for each');
      return value;
    },
    async transaction(id: string, commitment: Commitment): Promise<ToldTransaction | null> {
      const wanted = { commitment, encoding: 'json', maxSupportedTransactionVersion: 0 };
      const told = await ask('getTransaction', [id, wanted], transaction.nullable());
      if (told !== null && told.transaction.signatures[0] !== id)
        throw contradiction(`asked for ${id}, was given ${told.transaction.signatures[0]}`);
      return told;
    },
  };
}

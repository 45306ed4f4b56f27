/** What callers ask to be posted: entry by entry, or one debit and one credit. */
import { asset, type CallRequest, type operateBook } from '@daybook/contracts';
import { FailureError, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import { amountOf, amountToken, text } from '../fields';
import { invalidField } from '../responses';
import { instant, metadata } from './ledger-fields';
import { assetOfEntries, type ledgerRejections } from './ledger-rejections';
import { accountIdOf, accountRef } from './own-accounts';

type PostOperation = Extract<CallRequest<typeof operateBook>['operation'], { type: 'post' }>;

const entriesMax = 100;

export const posting = {
  entries: z
    .array(
      z.strictObject({
        account_id: accountRef,
        asset,
        direction: z.enum(['debit', 'credit']),
        amount: amountToken,
      }),
    )
    .min(2)
    .max(entriesMax)
    .optional()
    .meta({ description: 'Debits equal credits in each asset. Or, instead: `debit`, `credit`, `asset`, `amount`.' }),
  debit: accountRef.optional().meta({ description: 'Account of the debit.' }),
  credit: accountRef.optional().meta({ description: 'Account of the credit.' }),
  asset: asset.optional(),
  amount: amountToken.optional(),
  effective_at: instant.optional().meta({
    description:
      'When it happened. Now without it, and where it is up to five seconds ahead, as clocks are; later is refused.',
    override: { type: 'string', format: 'date-time' },
  }),
  closed_period: z.enum(['refuse', 'adjust']).default('refuse').meta({
    description: 'When that is in a closed period: refuse, or post it as of the first instant that is still open.',
  }),
  recording: z.boolean().default(false).meta({
    description: 'For operators: a fact, which is not refused for what it does to balances.',
  }),
  description: text(500).optional(),
  metadata: metadata.default({}),
};

const postingObject = z.object(posting);
type Posting = z.output<typeof postingObject>;
export type AccountsNamed = Pick<Posting, 'entries' | 'debit' | 'credit'>;

/** `path` leads to the posting in the body, for the failures that name a field. */
export function postOf(caller: Credential, asked: Posting, transactionId: string, path = ''): PostOperation {
  return {
    type: 'post',
    transactionId,
    mode: asked.recording ? 'recording' : 'authorizing',
    entries: entriesOf(caller, asked, path),
    effectiveAt: asked.effective_at ?? null,
    closedPeriod: asked.closed_period,
    description: asked.description ?? null,
    metadata: asked.metadata,
  };
}

/** What is answered to each no, in the fields of the form that was sent. */
export function postingRejections(
  { entries }: Pick<Posting, 'entries'>,
  table: Record<keyof typeof ledgerRejections, Failure>,
): typeof table {
  return entries === undefined ? table : { ...table, asset_mismatch: assetOfEntries };
}

/** Which field of it names the account. */
export function fieldOfAccount(caller: Credential, { entries, debit, credit }: AccountsNamed) {
  return (accountId: string): string | undefined => {
    const isIt = (ref: string | undefined) => ref !== undefined && accountIdOf(caller, ref) === accountId;
    if (entries === undefined) return isIt(debit) ? 'debit' : isIt(credit) ? 'credit' : undefined;
    const index = entries.findIndex((entry) => isIt(entry.account_id));
    return index < 0 ? undefined : `entries.${index}.account_id`;
  };
}

function entriesOf(caller: Credential, asked: Posting, path: string): PostOperation['entries'] {
  const { entries, debit, credit, asset: code, amount: token } = asked;
  if (entries === undefined) {
    const named = { debit, credit, asset: code, amount: token };
    if (debit === undefined || credit === undefined || code === undefined || token === undefined) {
      const missing = Object.entries(named).find(([, value]) => value === undefined)?.[0] ?? 'entries';
      throw new FailureError(invalidField(path + missing, 'is required, unless there are entries'));
    }
    const amount = amountOf(token, code, `${path}amount`);
    return [
      { accountId: accountIdOf(caller, debit), asset: code, direction: 'debit', amount },
      { accountId: accountIdOf(caller, credit), asset: code, direction: 'credit', amount },
    ];
  }
  if (debit !== undefined || credit !== undefined || code !== undefined || token !== undefined)
    throw new FailureError(invalidField(`${path}entries`, 'must be absent next to debit, credit, asset or amount'));
  return entries.map((entry, index) => ({
    accountId: accountIdOf(caller, entry.account_id),
    asset: entry.asset,
    direction: entry.direction,
    amount: amountOf(entry.amount, entry.asset, `${path}entries.${index}.amount`),
  }));
}

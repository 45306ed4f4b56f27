/**
 * Posting rules turn a business fact into entries. A rule is never edited: a change is a new version with a date from
 * which it holds, and every event names the version that posted it, so that a replay years later gives the same books.
 *
 *   intent-payment    debit custody, credit clearing (applied) and refundable (the rest)
 *   intent-receipt    debit custody, credit clearing (applied), merchant (credited), held, refundable and suspense
 *   intent-underpaid  debit clearing, credit refundable
 *   receipt-move      debit where money of an intent was, credit where it is now
 *   settlement        debit clearing, credit merchant
 *   provider-payment  debit the payment provider, credit merchant
 *   provider-payment-return         debit merchant, credit the payment provider
 *   provider-payment-reinstatement  debit the payment provider, credit merchant
 *   institution-transfer         debit merchant, whose hold for it is released, credit the institution
 *   institution-transfer-return  debit the institution, credit merchant
 *   chain-send        debit merchant, whose holds for it are released, credit the hot wallet: what was sent and the fee
 *   wallet-funding    debit the hot wallet, credit merchant
 *   wallet-sweep      debit the hot wallet, credit custody: what deposit addresses held, no tenant's more or less
 *   transfer          debit the sender's wallet, credit the recipient's; transfer-reversal the other way round
 *   issuance          debit issuance, credit the wallet
 *   posting           the entries of a caller, with the accounts' consent; recording: without it
 *   hold-capture      lower the held account, enter the other side on the account that the caller names
 *   reversal          the entries of a transaction the other way round, all or the same part of each
 */
import { assert, assertNever } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import {
  custodyAccount,
  institutionAccount,
  issuanceAccount,
  ownedAccount,
  providerAccount,
  walletAccount,
  type AccountFields,
  type Entry,
} from './account';
import type { Cause, TransferFields } from './book-events';
import type { Fact } from './facts';

type Leg = { readonly account: AccountFields; readonly direction: Entry['direction']; readonly amount: bigint };

type RuleVersion<Subject> = {
  readonly version: number;
  /** The rule holds for what happened at this time or later. */
  readonly effectiveFrom: string;
  legs(subject: Subject): readonly Leg[];
};

type FactOf<Type extends Fact['type']> = Extract<Fact, { type: Type }>;

const always = '0000-01-01T00:00:00.000Z';

const intentPayment: readonly RuleVersion<FactOf<'intent_payment'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ chain, asset, tenantId, applied, refundable }) => [
      { account: custodyAccount(chain, asset), direction: 'debit', amount: applied + refundable },
      { account: ownedAccount('clearing', tenantId, asset), direction: 'credit', amount: applied },
      { account: ownedAccount('refundable', tenantId, asset), direction: 'credit', amount: refundable },
    ],
  },
];

const intentReceipt: readonly RuleVersion<FactOf<'intent_receipt'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ chain, asset, tenantId, applied, credited, held, refundable, suspense }) => [
      {
        account: custodyAccount(chain, asset),
        direction: 'debit',
        amount: applied + credited + held + refundable + suspense,
      },
      { account: ownedAccount('clearing', tenantId, asset), direction: 'credit', amount: applied },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount: credited },
      { account: ownedAccount('held', tenantId, asset), direction: 'credit', amount: held },
      { account: ownedAccount('refundable', tenantId, asset), direction: 'credit', amount: refundable },
      { account: ownedAccount('suspense', tenantId, asset), direction: 'credit', amount: suspense },
    ],
  },
];

const receiptMove: readonly RuleVersion<FactOf<'receipt_move'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ asset, tenantId, amount, from, to }) => [
      { account: ownedAccount(from, tenantId, asset), direction: 'debit', amount },
      { account: ownedAccount(to, tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const intentUnderpaid: readonly RuleVersion<FactOf<'intent_underpaid'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ asset, tenantId, amount }) => [
      { account: ownedAccount('clearing', tenantId, asset), direction: 'debit', amount },
      { account: ownedAccount('refundable', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const settlement: readonly RuleVersion<FactOf<'settlement'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ asset, tenantId, amount }) => [
      { account: ownedAccount('clearing', tenantId, asset), direction: 'debit', amount },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const providerPayment: readonly RuleVersion<FactOf<'provider_payment'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ gatewayId, asset, tenantId, amount }) => [
      { account: providerAccount(gatewayId, asset), direction: 'debit', amount },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

type ProviderReturn = FactOf<'provider_payment_return' | 'provider_payment_reinstatement'>;

const providerPaymentReturn: readonly RuleVersion<ProviderReturn>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ gatewayId, asset, tenantId, amount }) => [
      { account: ownedAccount('merchant', tenantId, asset), direction: 'debit', amount },
      { account: providerAccount(gatewayId, asset), direction: 'credit', amount },
    ],
  },
];

const providerPaymentReinstatement: readonly RuleVersion<ProviderReturn>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ gatewayId, asset, tenantId, amount }) => [
      { account: providerAccount(gatewayId, asset), direction: 'debit', amount },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const institutionTransfer: readonly RuleVersion<FactOf<'institution_transfer'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ institutionId, asset, tenantId, amount }) => [
      { account: ownedAccount('merchant', tenantId, asset), direction: 'debit', amount },
      { account: institutionAccount(institutionId, asset), direction: 'credit', amount },
    ],
  },
];

const institutionTransferReturn: readonly RuleVersion<FactOf<'institution_transfer_return'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ institutionId, asset, tenantId, amount }) => [
      { account: institutionAccount(institutionId, asset), direction: 'debit', amount },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const chainSend: readonly RuleVersion<FactOf<'chain_send'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ walletId, asset, tenantId, amount, feeAsset, fee }) => {
      const taken = (of: AssetCode, units: bigint): readonly Leg[] => [
        { account: ownedAccount('merchant', tenantId, of), direction: 'debit', amount: units },
        { account: walletAccount(walletId, of), direction: 'credit', amount: units },
      ];
      return asset === feeAsset ? taken(asset, amount + fee) : [...taken(asset, amount), ...taken(feeAsset, fee)];
    },
  },
];

const walletFunding: readonly RuleVersion<FactOf<'wallet_funding'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ walletId, asset, tenantId, amount }) => [
      { account: walletAccount(walletId, asset), direction: 'debit', amount },
      { account: ownedAccount('merchant', tenantId, asset), direction: 'credit', amount },
    ],
  },
];

const walletSweep: readonly RuleVersion<FactOf<'wallet_sweep'>>[] = [
  {
    version: 1,
    effectiveFrom: always,
    legs: ({ walletId, chain, asset, amount }) => [
      { account: walletAccount(walletId, asset), direction: 'debit', amount },
      { account: custodyAccount(chain, asset), direction: 'credit', amount },
    ],
  },
];

/** What a rule makes of its subject. Legs of zero are left out; without any leg there is nothing to record. */
export type Posting = {
  readonly rule: string;
  readonly entries: readonly Entry[];
  /** The accounts of the entries, to be opened if they are not there yet. */
  readonly accounts: readonly AccountFields[];
};

export function postFact(fact: Fact, effectiveAt: string): Posting {
  switch (fact.type) {
    case 'intent_payment':
      return apply('intent-payment', intentPayment, fact, effectiveAt);
    case 'intent_receipt':
      return apply('intent-receipt', intentReceipt, fact, effectiveAt);
    case 'receipt_move':
      return apply('receipt-move', receiptMove, fact, effectiveAt);
    case 'intent_underpaid':
      return apply('intent-underpaid', intentUnderpaid, fact, effectiveAt);
    case 'settlement':
      return apply('settlement', settlement, fact, effectiveAt);
    case 'provider_payment':
      return apply('provider-payment', providerPayment, fact, effectiveAt);
    case 'provider_payment_return':
      return apply('provider-payment-return', providerPaymentReturn, fact, effectiveAt);
    case 'provider_payment_reinstatement':
      return apply('provider-payment-reinstatement', providerPaymentReinstatement, fact, effectiveAt);
    case 'institution_transfer':
      return apply('institution-transfer', institutionTransfer, fact, effectiveAt);
    case 'institution_transfer_return':
      return apply('institution-transfer-return', institutionTransferReturn, fact, effectiveAt);
    case 'chain_send':
      return apply('chain-send', chainSend, fact, effectiveAt);
    case 'wallet_funding':
      return apply('wallet-funding', walletFunding, fact, effectiveAt);
    case 'wallet_sweep':
      return apply('wallet-sweep', walletSweep, fact, effectiveAt);
    default:
      return assertNever(fact);
  }
}

export function causeOf(fact: Fact, transactionId: string): Cause {
  return { type: fact.type, id: transactionId, subject: subjectOf(fact) };
}

function subjectOf(fact: Fact): string {
  if ('walletId' in fact && 'depositId' in fact) return fact.walletId;
  return 'intentId' in fact ? fact.intentId : fact.transactionId;
}

/** The holds that were placed for what has now happened: what they still hold is free in the moment that it is posted. */
export function holdIdsOf(fact: Fact): readonly string[] {
  if (fact.type === 'chain_send') return [...new Set([fact.amountHoldId, fact.feeHoldId])];
  return fact.type === 'institution_transfer' ? [fact.holdId] : [];
}

export function postIssue(wallet: AccountFields, amount: bigint): Posting {
  return postingOf('issuance@1', [
    { account: issuanceAccount(wallet.asset), direction: 'debit', amount },
    { account: wallet, direction: 'credit', amount },
  ]);
}

export const transferRule = 'transfer@1';
export const transferReversalRule = 'transfer-reversal@1';

export const postingRule = 'posting@1';
export const recordingRule = 'recording@1';
export const holdCaptureRule = 'hold-capture@1';
export const reversalRule = 'reversal@1';

/** `amount` is of the first entry; less than that is for two entries of the same amount only. */
export function reversalEntries(entries: readonly Entry[], amount: bigint): readonly Entry[] {
  const isWhole = amount === entries[0]?.amount;
  return entries.map((entry) => ({
    accountId: entry.accountId,
    asset: entry.asset,
    direction: entry.direction === 'debit' ? 'credit' : 'debit',
    amount: isWhole ? entry.amount : amount,
  }));
}

export function transferEntries({ debitAccountId, creditAccountId, asset, amount }: TransferFields): readonly Entry[] {
  return [
    { accountId: debitAccountId, asset, direction: 'debit', amount },
    { accountId: creditAccountId, asset, direction: 'credit', amount },
  ];
}

export function transferReversalEntries(transfer: TransferFields): readonly Entry[] {
  const { debitAccountId, creditAccountId } = transfer;
  return transferEntries({ ...transfer, debitAccountId: creditAccountId, creditAccountId: debitAccountId });
}

function apply<Subject>(
  name: string,
  versions: readonly RuleVersion<Subject>[],
  subject: Subject,
  effectiveAt: string,
): Posting {
  const rule = versions.findLast(({ effectiveFrom }) => effectiveFrom <= effectiveAt);
  assert(rule, `no version of rule ${name} holds at ${effectiveAt}`);
  return postingOf(`${name}@${rule.version}`, rule.legs(subject));
}

// One loop: a book posts hardly anything else.
function postingOf(rule: string, legs: readonly Leg[]): Posting {
  const entries: Entry[] = [];
  const accounts: AccountFields[] = [];
  for (const { account, direction, amount } of legs) {
    if (amount <= 0n) continue;
    entries.push({ accountId: account.accountId, asset: account.asset, direction, amount });
    accounts.push(account);
  }
  return { rule, entries, accounts };
}

/**
 * Receipt policy: where money goes that came to a payment address and cannot be applied to its intent. One per tenant and
 * mode; the default holds until another is set. What was decided by a policy stays decided: a change is for later receipts.
 *
 * Every received unit is at any moment in exactly one place:
 *   applied     counts for the intent; settled to the merchant once the intent is paid
 *   credited    the merchant's, beside the intent
 *   held        kept until somebody decides
 *   refundable  owed back to the payer
 *   suspense    nobody knows yet whose it is
 *
 * Invariants (each has a property test of the same name):
 *   R1  Setting the policy that holds records nothing.
 *   R2  Money below the dust threshold of its asset goes where dust goes, all other by why it cannot be applied.
 */
import type { Mode } from '@daybook/contracts';
import { accept, assertNever, type Decider, type Decision } from '@daybook/core';
import { assetCodes, type AssetCode } from '@daybook/money';

export const receiptPlaces = ['credited', 'held', 'refundable', 'suspense'] as const;
export type ReceiptPlace = (typeof receiptPlaces)[number];

/** Why money could not be applied. */
export type ReceiptReason = 'overpaid' | 'paid_late' | 'wrong_asset' | 'underpaid';
/** Which part of a policy said where it goes. */
export type PolicyPart = 'under' | 'over' | 'late' | 'wrong_asset' | 'dust';

export type ReceiptPolicy = {
  readonly under: {
    /** An intent with no more than this missing, in 1/10,000 of its amount, is paid. */
    readonly toleranceBps: number;
    /** Where a part payment goes when the intent ends without being paid. */
    readonly place: 'held' | 'refundable';
  };
  readonly over: 'credited' | 'held' | 'refundable';
  readonly late: 'credited' | 'held' | 'refundable';
  /** It is never converted: wherever it goes, it stays what it is. */
  readonly wrongAsset: 'held' | 'refundable' | 'suspense';
  readonly dust: {
    /** Minor units by asset; less than that is dust. An asset that is not named has none. */
    readonly below: Readonly<Partial<Record<AssetCode, bigint>>>;
    readonly place: ReceiptPlace;
  };
};

export const defaultReceiptPolicy: ReceiptPolicy = {
  under: { toleranceBps: 0, place: 'refundable' },
  over: 'refundable',
  late: 'refundable',
  wrongAsset: 'suspense',
  dust: { below: {}, place: 'suspense' },
};

export function placeFor(
  policy: ReceiptPolicy,
  reason: ReceiptReason,
  asset: AssetCode,
  amount: bigint,
): { readonly place: ReceiptPlace; readonly decidedBy: PolicyPart } {
  const threshold = policy.dust.below[asset] ?? 0n;
  if (amount < threshold) return { place: policy.dust.place, decidedBy: 'dust' };
  switch (reason) {
    case 'overpaid':
      return { place: policy.over, decidedBy: 'over' };
    case 'paid_late':
      return { place: policy.late, decidedBy: 'late' };
    case 'wrong_asset':
      return { place: policy.wrongAsset, decidedBy: 'wrong_asset' };
    case 'underpaid':
      return { place: policy.under.place, decidedBy: 'under' };
    default:
      return assertNever(reason);
  }
}

/** Whether so little is missing that the policy takes the amount as paid. */
export function isWithinTolerance({ under }: ReceiptPolicy, amount: bigint, applied: bigint): boolean {
  return applied > 0n && (amount - applied) * 10_000n <= amount * BigInt(under.toleranceBps);
}

export type ReceiptPolicyCommand = {
  readonly type: 'SetReceiptPolicy';
  readonly tenantId: string;
  readonly mode: Mode;
  readonly policy: ReceiptPolicy;
  /** Credential that set it. */
  readonly actor: string;
  readonly at: string;
};

export type ReceiptPolicyEvent = Omit<ReceiptPolicyCommand, 'type'> & { readonly type: 'ReceiptPolicySet' };

export type ReceiptPolicyState = { readonly policy: ReceiptPolicy; readonly changedAt: string | null };

export const receiptPolicy: Decider<ReceiptPolicyState, ReceiptPolicyCommand, ReceiptPolicyEvent, never> = {
  initial: { policy: defaultReceiptPolicy, changedAt: null },
  decide(command, { policy }): Decision<ReceiptPolicyEvent, never> {
    if (samePolicy(command.policy, policy)) return accept();
    return accept({ ...command, type: 'ReceiptPolicySet' });
  },
  evolve: (_state, { policy, at }) => ({ policy, changedAt: at }),
};

function samePolicy(a: ReceiptPolicy, b: ReceiptPolicy): boolean {
  return (
    a.under.toleranceBps === b.under.toleranceBps &&
    a.under.place === b.under.place &&
    a.over === b.over &&
    a.late === b.late &&
    a.wrongAsset === b.wrongAsset &&
    a.dust.place === b.dust.place &&
    assetCodes.every((asset) => (a.dust.below[asset] ?? 0n) === (b.dust.below[asset] ?? 0n))
  );
}

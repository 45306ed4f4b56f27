import type { AssetCode } from '@daybook/money';
import type { OwnedPurpose } from './account';

/** Something that has already happened elsewhere. It is recorded, never refused. */
export type Fact =
  | {
      readonly type: 'intent_payment';
      readonly depositId: string;
      readonly intentId: string;
      readonly tenantId: string;
      readonly chain: string;
      readonly asset: AssetCode;
      readonly applied: bigint;
      readonly refundable: bigint;
    }
  /** A deposit of which a part, or all, went elsewhere than to the intent or back to the payer. */
  | {
      readonly type: 'intent_receipt';
      readonly depositId: string;
      readonly intentId: string;
      readonly tenantId: string;
      readonly chain: string;
      readonly asset: AssetCode;
      readonly applied: bigint;
      readonly credited: bigint;
      readonly held: bigint;
      readonly refundable: bigint;
      readonly suspense: bigint;
    }
  /** What was received for an intent is for another from now on: a policy says so, or somebody decided. */
  | {
      readonly type: 'receipt_move';
      readonly moveId: string;
      readonly intentId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly from: OwnedPurpose;
      readonly to: OwnedPurpose;
    }
  | {
      readonly type: 'intent_underpaid';
      readonly intentId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  | {
      readonly type: 'settlement';
      readonly settlementId: string;
      readonly intentId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** A payment provider took a payer's money for the tenant. */
  | {
      readonly type: 'provider_payment';
      readonly transactionId: string;
      readonly gatewayId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** Of what a payment provider took, some went back to the payer, or came back from there. */
  | {
      readonly type: 'provider_payment_return' | 'provider_payment_reinstatement';
      /** Of the one change of what went back. */
      readonly returnId: string;
      /** The payment's. */
      readonly transactionId: string;
      readonly gatewayId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** An institution paid out what was held for it. */
  | {
      readonly type: 'institution_transfer';
      readonly transactionId: string;
      readonly holdId: string;
      readonly institutionId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** What an institution had paid out came back. */
  | {
      readonly type: 'institution_transfer_return';
      readonly transactionId: string;
      readonly institutionId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** The chain took a send out of a hot wallet: the amount, zero when it only took the fee. */
  | {
      readonly type: 'chain_send';
      readonly transactionId: string;
      readonly amountHoldId: string;
      readonly feeHoldId: string;
      readonly walletId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly feeAsset: AssetCode;
      readonly fee: bigint;
    }
  /** A deposit came to a hot wallet. */
  | {
      readonly type: 'wallet_funding';
      readonly depositId: string;
      readonly walletId: string;
      readonly tenantId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  /** The operator moved what lay on deposit addresses to a hot wallet. */
  | {
      readonly type: 'wallet_sweep';
      readonly depositId: string;
      readonly walletId: string;
      readonly chain: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    };

/**
 * transactions_v1, the rows of deposits to hot wallets. Source: funding streams. A deposit is there when it is final, and
 * never changes.
 * Serves: list-transactions.
 */
import type { Projection } from '@daybook/event-store';
import type { FundingEvent } from '../domain/wallet-funding';
import { replaceTransaction } from './transaction-rows';

export const depositsProjection: Projection<FundingEvent> = {
  name: 'deposits',
  version: 1,
  handlers: {
    WalletFunded: ({ funding: { receipt, tenantId, mode, asset, amount }, at: recordedAt }, at) => {
      if (receipt === null) return [];
      const columns = {
        transaction_id: receipt.transactionId,
        number: receipt.number,
        tenant_id: tenantId,
        mode,
        type: 'deposit',
        asset,
        amount,
        status: 'completed',
        hash: receipt.hash,
        to_address: receipt.toAddress,
        block_number: receipt.blockNumber,
        created_at: recordedAt,
        updated_at: recordedAt,
      };
      return [replaceTransaction(columns, at)];
    },
  },
};

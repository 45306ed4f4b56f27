/**
 * The ledger for sends. Holds are on the tenant's merchant accounts, under ids that derive from the send's: `:amount` in
 * the asset, `:fee` in what the chain takes fees in. They end with the fact that the send is final (`SendFinal`), or are
 * released here when it failed without one.
 */
import { getBookAccount, operateBook, operateBookInBulk } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import type { CallClient } from '@daybook/http';
import type { AssetCode } from '@daybook/money';
import type { ChainSendTerms } from '../domain/send-state';
import type { SendLedger } from '../ports';

const actor = 'settlement';

/** As they stand in the journal, where an operator's ids have this before them. */
export function holdIdsOf({ transactionId }: Pick<ChainSendTerms, 'transactionId'>) {
  return { amountHoldId: `ops/${transactionId}:amount`, feeHoldId: `ops/${transactionId}:fee` };
}

export function sendLedger(call: CallClient): SendLedger {
  return {
    async hold(send) {
      const { transactionId, mode, tenantId, asset, amount, feeAsset, feeCap } = send;
      const hold = (part: string, of: AssetCode, units: bigint) =>
        ({
          type: 'hold',
          holdId: `${transactionId}:${part}`,
          accountId: `merchant:${tenantId}:${of}`,
          asset: of,
          amount: units,
          expiresAt: null,
          metadata: { send: transactionId },
        }) as const;
      const operations = [hold('amount', asset, amount), hold('fee', feeAsset, feeCap)];
      const outcome = await call(operateBookInBulk, {
        mode,
        tenantId: null,
        actor,
        dryRun: false,
        atomic: true,
        operations,
      });
      if (!outcome.ok) throw notUnderstood('hold');
      return outcome.value.failed === null ? { ok: true } : { ok: false, rejection: outcome.value.failed.rejection };
    },
    async release(send) {
      for (const holdId of Object.values(holdIdsOf(send))) {
        const operation = { type: 'release', releaseId: `${holdId.slice('ops/'.length)}:release`, holdId } as const;
        const outcome = await call(operateBook, { mode: send.mode, tenantId: null, actor, dryRun: false, operation });
        if (outcome.ok || outcome.rejection === 'hold_closed') continue;
        throw notUnderstood(`release ${holdId}: ${outcome.rejection}`);
      }
    },
    async balanceOf({ walletId, mode }, asset) {
      const accountId = walletAccountOf(walletId, asset);
      const outcome = await call(getBookAccount, { mode, tenantId: null, accountId });
      return outcome.ok ? outcome.value.posted : 0n;
    },
  };
}

/** What the wallet holds, in the ledger's chart of accounts. */
const walletAccountOf = (walletId: string, asset: AssetCode) => `wallet:${walletId}:${asset}`;

function notUnderstood(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', false, { detail: `ledger: ${detail}` });
}

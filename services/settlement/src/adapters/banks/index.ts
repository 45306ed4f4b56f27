import { OperationalError } from '@daybook/core';
import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { BankOf } from '../../ports';
import { iso20022Bank } from './iso20022-bank';
import { sandboxBank } from './sandbox-bank';

/** Without an outbox nobody is told by files. */
export function banksOf(pool: Pool, now: Clock, outbox: string | undefined): BankOf {
  return (institutionId, settings) => {
    if (settings.bank === 'sandbox') return sandboxBank(pool, now, settings.settleAfterSeconds);
    if (outbox === undefined)
      throw new OperationalError('upstream_unavailable', true, { detail: 'BANK_OUTBOX_DIR is not set' });
    return iso20022Bank(outbox, institutionId, settings);
  };
}

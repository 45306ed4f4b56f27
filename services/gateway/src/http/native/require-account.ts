import { getBookAccount } from '@daybook/contracts';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { accepted } from '../rejections';
import { readerOf } from './ledger-fields';
import { ledgerRejections } from './ledger-rejections';
import { accountIdOf, isOperator } from './own-accounts';

/**
 * A list without rows of an account is either one of the caller's without any, or a name that it does not have: another
 * tenant's is answered as nobody's. Operations read every tenant's, and are not asked.
 */
export async function requireAccount(ledger: Services['ledger'], caller: Credential, ref: string): Promise<void> {
  if (isOperator(caller)) return;
  const outcome = await ledger(getBookAccount, { ...readerOf(caller), accountId: accountIdOf(caller, ref) });
  accepted<typeof getBookAccount>(outcome, ledgerRejections);
}

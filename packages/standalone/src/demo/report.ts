import type { Credentials } from '../seed';
import { request } from './client';
import type { PaidIntent } from './pay-intent';

type Entry = { account_id: string; asset: string; direction: 'debit' | 'credit'; amount: string };
type Transaction = {
  transaction_id: string;
  rule: string;
  ledger_reference: string;
  sequence: number;
  entries: Entry[];
};
type Account = { account_id: string; asset: string; type: string; posted: string; held: string; available: string };

/** Prints the intent, its journal entries with a balance line per asset, and the tenant's accounts. */
export async function printReport(credentials: Credentials, paid: PaidIntent): Promise<void> {
  const intent = (await request(credentials, 'GET', `/api/v1/intents/${paid.intentId}`)) as Record<string, unknown>;
  write('\nIntent');
  for (const [name, value] of Object.entries(intent))
    write(`  ${name.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);

  const { transactions } = (await request(credentials, 'GET', `/v1/ledger/transactions?subject=${paid.intentId}`)) as {
    transactions: Transaction[];
  };
  write('\nJournal');
  for (const transaction of transactions) {
    write(`  #${transaction.sequence} ${transaction.rule}  ${transaction.ledger_reference}`);
    for (const entry of transaction.entries) {
      write(
        `    ${entry.direction.padEnd(6)} ${entry.account_id.padEnd(66)} ${entry.amount.padStart(14)} ${entry.asset}`,
      );
    }
  }
  write(`  ${balanceLine(transactions)}`);

  const { accounts } = (await request(credentials, 'GET', '/v1/ledger/accounts?limit=100')) as { accounts: Account[] };
  write('\nBalances of the tenant');
  for (const account of accounts)
    write(`  ${account.account_id.padEnd(66)} ${account.available.padStart(14)} ${account.asset}`);
}

/** Sums the printed decimals as integers of their last place; throws if debits and credits differ. */
function balanceLine(transactions: readonly Transaction[]): string {
  const sums = new Map<string, { debit: bigint; credit: bigint }>();
  for (const { entries } of transactions) {
    for (const { asset, direction, amount } of entries) {
      const sum = sums.get(asset) ?? { debit: 0n, credit: 0n };
      const [whole = '', fraction = ''] = amount.split('.');
      sum[direction] += BigInt(whole + fraction.padEnd(18, '0'));
      sums.set(asset, sum);
    }
  }
  if (sums.size === 0) throw new Error('the journal has no entries for the intent');
  for (const [asset, { debit, credit }] of sums) {
    if (debit !== credit) throw new Error(`the journal does not balance in ${asset}`);
  }
  return `debits equal credits in ${[...sums.keys()].join(', ')}`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

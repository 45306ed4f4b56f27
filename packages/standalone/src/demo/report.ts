import { request, type Caller } from './client';
import type { Progress } from './progress';

const checkedWithinMs = 15_000;

type Entry = { account_id: string; asset: string; direction: 'debit' | 'credit'; amount: string };
type Transaction = {
  transaction_id: string;
  rule: string;
  ledger_reference: string;
  sequence: number;
  entries: Entry[];
};
type Check = {
  id: string;
  status: string;
  error: string | null;
  report: { status: string; invariants: unknown[]; passes: unknown[] } | null;
};
const open = ['queued', 'running'];
type Account = { account_id: string; asset: string; type: string; posted: string; held: string; available: string };

/** Prints an intent as the API answers it. */
export async function printIntent(shop: Caller, intentId: string): Promise<void> {
  const intent = (await request(shop, 'GET', `/api/v1/intents/${intentId}`)) as Record<string, unknown>;
  write('\nIntent');
  for (const [name, value] of Object.entries(intent))
    write(`  ${name.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
}

/** Prints the journal's transactions about a subject, such as an intent, with a balance line per asset. */
export async function printJournal(shop: Caller, subject: string): Promise<void> {
  const { transactions } = (await request(shop, 'GET', `/v1/ledger/transactions?subject=${subject}`)) as {
    transactions: Transaction[];
  };
  write('\nJournal');
  for (const transaction of transactions) {
    write(`  #${transaction.sequence} ${transaction.rule}  ${transaction.ledger_reference}`);
    for (const entry of transaction.entries) {
      write(
        `    ${entry.direction.padEnd(6)} ${entry.account_id.padEnd(66)} ${entry.amount.padStart(22)} ${entry.asset}`,
      );
    }
  }
  write(`  ${balanceLine(transactions)}`);
}

export async function printBalances(shop: Caller): Promise<void> {
  const { accounts } = (await request(shop, 'GET', '/v1/ledger/accounts?limit=100')) as { accounts: Account[] };
  write('\nBalances of the tenant');
  for (const account of accounts)
    write(`  ${account.account_id.padEnd(66)} ${account.available.padStart(24)} ${account.asset}`);
}

/** Has the ledger compared with its journal, and prints what came of it. Throws unless nothing differs. */
export async function checkBooks(operator: Caller, progress: Progress): Promise<void> {
  const { id } = (await request(operator, 'POST', '/v1/ops/checks', { incremental: true })) as Check;
  const look = async () => {
    const check = (await request(operator, 'GET', `/v1/ops/checks/${id}`)) as Check;
    return { check, state: `check of the books ${check.status}` };
  };
  const { check } = await progress.until(look, (found) => !open.includes(found.check.status), checkedWithinMs);
  const { report } = check;
  if (report?.status !== 'CLEAN') throw new Error(`the books do not balance: ${JSON.stringify(report ?? check.error)}`);
  write(
    `  The books balance: ${report.invariants.length} invariants hold, and ${report.passes.length} tables are what the ` +
      'journal says.',
  );
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
  if (sums.size === 0) throw new Error('the journal has no entries for it');
  for (const [asset, { debit, credit }] of sums) {
    if (debit !== credit) throw new Error(`the journal does not balance in ${asset}`);
  }
  return `debits equal credits in ${[...sums.keys()].join(', ')}`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

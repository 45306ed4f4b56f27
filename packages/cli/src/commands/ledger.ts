/** Reads of the ledger. Amounts are printed as they come: exact decimals, never numbers. */
import type { Command } from 'commander';
import type { Json } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { renderTable, type Column } from '../table';
import { asking, listOf, printJson, type Context, type Register } from './context';

export const registerLedger: Register = (program, terminal, finish) => {
  const balance = program
    .command('balance')
    .description('an account and what it has')
    .argument('<account>', 'account id');
  asking(atMoments(balance), terminal, finish, readBalance);
  const accounts = paged(program.command('accounts').description('accounts with their balances, by account id'));
  asking(accounts, terminal, finish, (context, options: Paging) =>
    list(context, '/v1/ledger/accounts', 'accounts', accountColumns, options),
  );
  const entries = paged(
    program.command('entries').description('entries in the order of recording, oldest first'),
  ).option('--account <account>', 'of one account');
  asking(
    atMoments(entries),
    terminal,
    finish,
    (context, { account, ...options }: Paging & Moments & { account?: string }) =>
      list(context, '/v1/ledger/entries', 'entries', entryColumns, options, { account, ...momentsOf(options) }),
  );
  const transactions = paged(program.command('transactions').description('what was posted, oldest first')).option(
    '--subject <id>',
    'of one intent, transfer or account',
  );
  asking(transactions, terminal, finish, (context, { subject, ...paging }: Paging & { subject?: string }) =>
    list(context, '/v1/ledger/transactions', 'transactions', transactionColumns, paging, { subject }),
  );
};

const pageMax = 100;

type Paging = { readonly limit: number };
/** Instants by the two clocks. */
type Moments = { readonly asOf?: string; readonly knownAt?: string };

function atMoments(command: Command): Command {
  return command
    .option('--as-of <instant>', 'what had happened by then, such as 2026-02-01T00:00:00Z')
    .option('--known-at <instant>', 'what the ledger knew by then');
}

const momentsOf = ({ asOf, knownAt }: Moments) => ({ as_of: asOf, known_at: knownAt });

function paged(command: Command): Command {
  return command.option('--limit <count>', 'rows at most', wholeNumber, 20);
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new CliError(`--limit: ${text} is not a whole number above 0`, exitCodes.usage);
  return parseInt(text, 10);
}

/** The last event that a page has seen; null before the first one. */
type Watermark = { readonly sequence: number | null };

/** Each page is read at a moment of its own. What the lowest one has seen, all of them have. */
function lowest(watermarks: readonly Watermark[]): Watermark | undefined {
  return watermarks.toSorted((a, b) => (a.sequence ?? -1) - (b.sequence ?? -1))[0];
}

/** Pages until there are enough rows or no more. */
async function list(
  { api, terminal, json }: Context,
  path: string,
  name: string,
  columns: readonly Column<Json>[],
  { limit }: Paging,
  filter: Readonly<Record<string, string | undefined>> = {},
): Promise<ExitCode> {
  const rows: Json[] = [];
  const watermarks: Watermark[] = [];
  let cursor: string | undefined;
  do {
    const size = Math.min(pageMax, limit - rows.length);
    const page = await api.get(path, { ...filter, limit: size, cursor });
    rows.push(...listOf(page, name));
    watermarks.push(page.watermark as Watermark);
    cursor = (page.next_cursor as string | null) ?? undefined;
  } while (cursor !== undefined && rows.length < limit);
  if (json) printJson(terminal, { [name]: rows, more: cursor !== undefined, watermark: lowest(watermarks) });
  else terminal.out(renderTable(columns, rows) + (cursor === undefined ? '' : `more with --limit ${limit * 10}\n`));
  return exitCodes.ok;
}

async function readBalance({ api, terminal, json }: Context, options: Moments, account?: string): Promise<ExitCode> {
  const found = await api.get(`/v1/ledger/accounts/${encodeURIComponent(account ?? '')}`, momentsOf(options));
  const isPast = options.asOf !== undefined || options.knownAt !== undefined;
  if (json) printJson(terminal, found);
  else terminal.out(renderTable(isPast ? pastColumns : accountColumns, [found]));
  return exitCodes.ok;
}

const accountColumns: readonly Column<Json>[] = [
  { title: 'ACCOUNT', of: ({ account_id: id }) => id },
  { title: 'TYPE', of: ({ type }) => type },
  { title: 'ASSET', of: ({ asset }) => asset },
  { title: 'POSTED', right: true, of: ({ posted }) => posted },
  { title: 'HELD', right: true, of: ({ held }) => held },
  { title: 'AVAILABLE', right: true, of: ({ available }) => available },
  { title: 'UPDATED', of: ({ updated_at: at, frozen }) => `${String(at)}${frozen === true ? ' (frozen)' : ''}` },
];

const pastColumns: readonly Column<Json>[] = [
  ...accountColumns.slice(0, 4),
  { title: 'DEBITS', right: true, of: ({ debits }) => debits },
  { title: 'CREDITS', right: true, of: ({ credits }) => credits },
  { title: 'ENTRIES', right: true, of: ({ entry_count: count }) => count },
  { title: 'AS OF', of: ({ as_of: at }) => at },
  { title: 'KNOWN AT', of: ({ known_at: at }) => at },
];

const entryColumns: readonly Column<Json>[] = [
  { title: 'SEQUENCE', right: true, of: ({ sequence }) => sequence },
  { title: 'TRANSACTION', of: ({ transaction_id: id }) => id },
  { title: 'ACCOUNT', of: ({ account_id: id }) => id },
  { title: 'DIRECTION', of: ({ direction }) => direction },
  { title: 'AMOUNT', right: true, of: ({ amount }) => amount },
  { title: 'ASSET', of: ({ asset }) => asset },
  { title: 'BALANCE', right: true, of: ({ balance }) => balance },
  { title: 'EFFECTIVE', of: ({ effective_at: at }) => at },
  { title: 'POSTED', of: ({ posted_at: at }) => at },
];

const transactionColumns: readonly Column<Json>[] = [
  { title: 'SEQUENCE', right: true, of: ({ sequence }) => sequence },
  { title: 'TRANSACTION', of: ({ transaction_id: id }) => id },
  { title: 'CAUSE', of: ({ cause }) => (cause as Json).type },
  { title: 'RULE', of: ({ rule }) => rule },
  { title: 'POSTED', of: ({ posted_at: at }) => at },
  { title: 'ENTRIES', of: ({ entries }) => (entries as readonly Json[]).map(describeEntry).join(', ') },
];

function describeEntry({ direction, account_id: account, amount, asset }: Json): string {
  return `${String(direction)} ${String(account)} ${String(amount)} ${String(asset)}`;
}

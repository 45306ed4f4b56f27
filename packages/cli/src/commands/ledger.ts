/** Reads of the ledger. Amounts are printed as they come: exact decimals, never numbers. */
import type { Command } from 'commander';
import { z } from 'zod';
import { shaped, type Query, type Shape } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { renderTable, type Column } from '../table';
import { asking, partOfPath, printJson, type Context, type Register } from './context';

export const registerLedger: Register = (program, terminal, finish) => {
  const balance = program
    .command('balance')
    .description('an account and what it has')
    .argument('<account>', 'account id');
  asking(atMoments(balance), terminal, finish, readBalance);
  const accounts = paged(program.command('accounts').description('accounts with their balances, by account id'));
  asking(accounts, terminal, finish, (context, options: Paging) => list(context, accountList, options));
  const entries = paged(
    program.command('entries').description('entries in the order of recording, oldest first'),
  ).option('--account <account>', 'of one account');
  asking(atMoments(entries), terminal, finish, listEntries);
  const transactions = paged(program.command('transactions').description('what was posted, oldest first')).option(
    '--subject <id>',
    'of one intent, transfer or account',
  );
  asking(transactions, terminal, finish, (context, { subject, ...paging }: Paging & { subject?: string }) =>
    list(context, transactionList, paging, { subject }),
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
const watermark = z.looseObject({ sequence: z.number().nullable() });
type Watermark = z.output<typeof watermark>;
const listPage = z.looseObject({ next_cursor: z.string().nullable(), watermark });

/** Each page is read at a moment of its own. What the lowest one has seen, all of them have. */
function lowest(watermarks: readonly Watermark[]): Watermark | undefined {
  return watermarks.toSorted((a, b) => (a.sequence ?? -1) - (b.sequence ?? -1))[0];
}

/** What a row has at least, and shows. */
type Table<Row extends Shape> = { readonly row: Row; readonly columns: readonly Column<z.output<Row>>[] };
/** By the name of the list and of its rows. */
type List<Row extends Shape> = Table<Row> & { readonly name: string };

function tableOf<Row extends Shape>(row: Row, columns: readonly Column<z.output<Row>>[]): Table<Row> {
  return { row, columns };
}

function listOf<Row extends Shape>(name: string, row: Row, columns: readonly Column<z.output<Row>>[]): List<Row> {
  return { name, ...tableOf(row, columns) };
}

/** Pages until there are enough rows or no more. */
async function list<Row extends Shape>(
  { api, terminal, json }: Context,
  { name, row, columns }: List<Row>,
  { limit }: Paging,
  filter: Readonly<Record<string, string | undefined>> = {},
): Promise<ExitCode> {
  const path = `/v1/ledger/${name}`;
  const rows: z.output<Row>[] = [];
  const watermarks: Watermark[] = [];
  let cursor: string | undefined;
  do {
    const size = Math.min(pageMax, limit - rows.length);
    const page = await api.get(path, listPage, { ...filter, limit: size, cursor });
    rows.push(...shaped(path, z.array(row), page[name]));
    watermarks.push(page.watermark);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && rows.length < limit);
  if (json) printJson(terminal, { [name]: rows, more: cursor !== undefined, watermark: lowest(watermarks) });
  else terminal.out(renderTable(columns, rows) + (cursor === undefined ? '' : `more with --limit ${limit * 10}\n`));
  return exitCodes.ok;
}

/** Of an account of nobody an operator would get a list without rows. */
async function listEntries(context: Context, options: Paging & Moments & { account?: string }): Promise<ExitCode> {
  const { account } = options;
  if (account !== undefined)
    await context.api.get(`/v1/ledger/accounts/${partOfPath('--account', account)}`, z.looseObject({}));
  return list(context, entryList, options, { account, ...momentsOf(options) });
}

async function readBalance(context: Context, options: Moments, account = ''): Promise<ExitCode> {
  const path = `/v1/ledger/accounts/${partOfPath('<account>', account)}`;
  const isPast = options.asOf !== undefined || options.knownAt !== undefined;
  return isPast ? show(context, path, pastBalance, momentsOf(options)) : show(context, path, accountList);
}

async function show<Row extends Shape>(
  { api, terminal, json }: Context,
  path: string,
  { row, columns }: Table<Row>,
  query?: Query,
): Promise<ExitCode> {
  const found = await api.get(path, row, query);
  if (json) printJson(terminal, found);
  else terminal.out(renderTable(columns, [found]));
  return exitCodes.ok;
}

/** What an account has now, and what it had. */
const balanceHead = { account_id: z.string(), type: z.string(), asset: z.string(), posted: z.string() };
type BalanceHead = { readonly [Name in keyof typeof balanceHead]: string };

const headColumns: readonly Column<BalanceHead>[] = [
  { title: 'ACCOUNT', of: ({ account_id: id }) => id },
  { title: 'TYPE', of: ({ type }) => type },
  { title: 'ASSET', of: ({ asset }) => asset },
  { title: 'POSTED', right: true, of: ({ posted }) => posted },
];

const accountList = listOf(
  'accounts',
  z.looseObject({
    ...balanceHead,
    held: z.string(),
    available: z.string(),
    updated_at: z.string(),
    frozen: z.boolean(),
  }),
  [
    ...headColumns,
    { title: 'HELD', right: true, of: ({ held }) => held },
    { title: 'AVAILABLE', right: true, of: ({ available }) => available },
    { title: 'UPDATED', of: ({ updated_at: at, frozen }) => `${at}${frozen ? ' (frozen)' : ''}` },
  ],
);

const pastBalance = tableOf(
  z.looseObject({
    ...balanceHead,
    debits: z.string(),
    credits: z.string(),
    entry_count: z.number(),
    as_of: z.string().nullable(),
    known_at: z.string().nullable(),
  }),
  [
    ...headColumns,
    { title: 'DEBITS', right: true, of: ({ debits }) => debits },
    { title: 'CREDITS', right: true, of: ({ credits }) => credits },
    { title: 'ENTRIES', right: true, of: ({ entry_count: count }) => count },
    { title: 'AS OF', of: ({ as_of: at }) => at },
    { title: 'KNOWN AT', of: ({ known_at: at }) => at },
  ],
);

/** A side of a transaction. */
const line = { direction: z.string(), account_id: z.string(), amount: z.string(), asset: z.string() };

const entryList = listOf(
  'entries',
  z.looseObject({
    ...line,
    sequence: z.number(),
    transaction_id: z.string(),
    balance: z.string(),
    effective_at: z.string(),
    posted_at: z.string(),
  }),
  [
    { title: 'SEQUENCE', right: true, of: ({ sequence }) => sequence },
    { title: 'TRANSACTION', of: ({ transaction_id: id }) => id },
    { title: 'ACCOUNT', of: ({ account_id: id }) => id },
    { title: 'DIRECTION', of: ({ direction }) => direction },
    { title: 'AMOUNT', right: true, of: ({ amount }) => amount },
    { title: 'ASSET', of: ({ asset }) => asset },
    { title: 'BALANCE', right: true, of: ({ balance }) => balance },
    { title: 'EFFECTIVE', of: ({ effective_at: at }) => at },
    { title: 'POSTED', of: ({ posted_at: at }) => at },
  ],
);

const transactionList = listOf(
  'transactions',
  z.looseObject({
    sequence: z.number(),
    transaction_id: z.string(),
    cause: z.looseObject({ type: z.string() }),
    rule: z.string(),
    posted_at: z.string(),
    entries: z.array(z.looseObject(line)),
  }),
  [
    { title: 'SEQUENCE', right: true, of: ({ sequence }) => sequence },
    { title: 'TRANSACTION', of: ({ transaction_id: id }) => id },
    { title: 'CAUSE', of: ({ cause }) => cause.type },
    { title: 'RULE', of: ({ rule }) => rule },
    { title: 'POSTED', of: ({ posted_at: at }) => at },
    { title: 'ENTRIES', of: ({ entries }) => entries.map(describeLine).join(', ') },
  ],
);

function describeLine({ direction, account_id: account, amount, asset }: Record<keyof typeof line, string>): string {
  return `${direction} ${account} ${amount} ${asset}`;
}

/**
 * The ledger that one would write in SQL instead: a function that locks both accounts in the order of their ids, moves
 * their balances, and writes the transfer and two entries. The id of the transfer makes it idempotent.
 */
import { assert } from '@daybook/core';
import { Client } from 'pg';
import { createRandom } from './random';

const schema = `
  drop schema if exists sql_ledger cascade;
  create schema sql_ledger;
  create table sql_ledger.accounts (
    id text primary key,
    asset text not null,
    balance bigint not null,
    version bigint not null default 0,
    updated_at timestamptz not null default now()
  );
  create table sql_ledger.transfers (
    id uuid primary key,
    debit_account text not null references sql_ledger.accounts,
    credit_account text not null references sql_ledger.accounts,
    amount bigint not null check (amount > 0),
    created_at timestamptz not null default now()
  );
  create table sql_ledger.entries (
    id bigint generated always as identity primary key,
    transfer_id uuid not null references sql_ledger.transfers,
    account_id text not null references sql_ledger.accounts,
    amount bigint not null,
    balance bigint not null,
    account_version bigint not null
  );
  create index on sql_ledger.entries (account_id, id);

  create function sql_ledger.transfer(p_id uuid, p_debit text, p_credit text, p_amount bigint) returns void
  language plpgsql as $$
  declare
    debit sql_ledger.accounts;
    credit sql_ledger.accounts;
  begin
    perform 1 from sql_ledger.accounts where id in (p_debit, p_credit) order by id for update;
    update sql_ledger.accounts
       set balance = balance - p_amount, version = version + 1, updated_at = now()
     where id = p_debit returning * into debit;
    if debit.balance < 0 then raise exception 'insufficient balance'; end if;
    update sql_ledger.accounts
       set balance = balance + p_amount, version = version + 1, updated_at = now()
     where id = p_credit returning * into credit;
    insert into sql_ledger.transfers (id, debit_account, credit_account, amount)
      values (p_id, p_debit, p_credit, p_amount);
    insert into sql_ledger.entries (transfer_id, account_id, amount, balance, account_version)
      values (p_id, p_debit, -p_amount, debit.balance, debit.version),
             (p_id, p_credit, p_amount, credit.balance, credit.version);
  end $$;`;

const accounts = 10_000;
const funds = 1_000_000_000_000n;
const warmMs = 1_000;

export type SqlLoad = { readonly connections: number; readonly hot: boolean; readonly seconds: number };
export type SqlLedger = {
  /** Transfers a second; with `hot` every debit is from one account. */
  transfers(load: SqlLoad): Promise<number>;
  close(): Promise<void>;
};

export async function openSqlLedger(url: string): Promise<SqlLedger> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  let seed = 0;
  return {
    async transfers({ connections, hot, seconds }) {
      await admin.query(schema);
      await admin.query(
        `insert into sql_ledger.accounts (id, asset, balance)
         select 'account-' || n, 'USD', $2::bigint from generate_series(0, $1::integer - 1) n`,
        [accounts, funds],
      );
      await admin.query('vacuum analyze sql_ledger.accounts');
      await admin.query('checkpoint');
      const clients = await Promise.all(Array.from({ length: connections }, () => connect(url)));
      const begun = performance.now();
      const counts = await Promise.all(clients.map((client) => work(client, ++seed, { hot, seconds, begun })));
      await Promise.all(clients.map((client) => client.end()));
      await assertBalanced(
        admin,
        counts.reduce((sum, { done }) => sum + done, 0),
      );
      return counts.reduce((sum, { counted }) => sum + counted, 0) / seconds;
    },
    close: () => admin.end(),
  };
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

async function work(
  client: Client,
  seed: number,
  load: { readonly hot: boolean; readonly seconds: number; readonly begun: number },
): Promise<{ done: number; counted: number }> {
  const random = createRandom(seed);
  let done = 0;
  let counted = 0;
  for (;;) {
    const credit = 1 + random.below(accounts - 1);
    const other = random.below(accounts - 1);
    const debit = load.hot ? 0 : other < credit ? other : other + 1;
    await client.query({
      name: 'transfer',
      text: 'select sql_ledger.transfer($1, $2, $3, $4)',
      values: [random.uuid(), `account-${debit}`, `account-${credit}`, 1 + random.below(1_000)],
    });
    done += 1;
    const elapsed = performance.now() - load.begun;
    if (elapsed > warmMs + load.seconds * 1_000) return { done, counted };
    if (elapsed > warmMs) counted += 1;
  }
}

async function assertBalanced(admin: Client, done: number): Promise<void> {
  const { rows } = await admin.query<Record<string, string>>(
    `select (select count(*) from sql_ledger.transfers) as transfers,
            (select count(*) from sql_ledger.entries) as entries,
            (select coalesce(sum(amount), 0) from sql_ledger.entries) as sum,
            (select sum(balance) from sql_ledger.accounts) as balances`,
  );
  const { transfers, entries, sum, balances } = rows[0]!;
  assert(Number(transfers) === done && Number(entries) === 2 * done, `${transfers} of ${done} transfers are there`);
  assert(sum === '0' && BigInt(balances!) === BigInt(accounts) * funds, 'the balances of the SQL ledger moved');
}

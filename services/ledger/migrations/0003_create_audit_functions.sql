-- What auditors may see, and balances at any moment by both clocks. Everything here runs with the rights of whoever asks,
-- but for the functions that look the asker up: the row-level security of the read models then shows an auditor its own
-- rows. Bodies in plpgsql name the read models only when they run, because those are made after the migrations.

-- Who may audit. A role that is not here sees no row, whatever was granted to it.
create table auditors (
  role_name name primary key,
  -- Null for the operator's own auditors, who see everything.
  tenant_id uuid,
  registered_at timestamptz not null default clock_timestamp()
);

-- NOTE: session_user, not current_user: inside of these functions current_user is their owner.
create function audit_everything() returns boolean
language sql stable security definer set search_path = ledger, pg_temp
return exists (select from auditors a where a.role_name = session_user and a.tenant_id is null);
comment on function audit_everything() is 'Whether whoever has logged in is an auditor of the operator.';

create function audit_tenant() returns uuid
language sql stable security definer set search_path = ledger, pg_temp
return (select a.tenant_id from auditors a where a.role_name = session_user);
comment on function audit_tenant() is 'The tenant whose auditor has logged in; null for everyone else.';

-- Lets a role that can log in read its part: of one tenant, or everything for null.
create function register_auditor(role_name name, tenant uuid) returns void
language plpgsql
as $$
begin
  execute format('grant usage on schema ledger to %I', role_name);
  insert into ledger.auditors as a (role_name, tenant_id) values (register_auditor.role_name, tenant)
    on conflict on constraint auditors_pkey do update set tenant_id = excluded.tenant_id;
end
$$;
revoke execute on function register_auditor(name, uuid) from public;

-- The nodes of the interval tree of late_entries_v1 whose intervals can hold a moment: one of each level, those not after
-- the moment and those after it. src/projections/late-node.ts says which node an interval stands at.
create function audit_nodes(moment timestamptz, out before bigint[], out after bigint[])
language sql immutable parallel safe
return (
  select row (coalesce(array_agg(n.node) filter (where n.node <= t.ms), '{}'),
              coalesce(array_agg(n.node) filter (where n.node > t.ms), '{}'))
    from (select greatest(0, round(date_part('epoch', date_trunc('milliseconds', moment at time zone 'UTC')) * 1000))::bigint
         ) t (ms)
   cross join lateral (select ((t.ms >> (level + 1) << 1) | 1) << level from generate_series(0, 44) level) n (node)
);
comment on function audit_nodes(timestamptz) is 'Used by the functions below.';

-- NOTE: `node + 0` is what the index by recording is on, so that the planner cannot take one index of late_entries_v1 for
-- the other: without knowing the moments it finds both equally good, and the wrong one is read in vain.

-- The formula: what stood in the account at the earlier of both moments, and what was recorded after the effective one
-- but not after the recorded one, of what had happened by then. Entries are never effective after they are recorded.
create function audit_totals_as_of(
  book text, account text, as_of timestamptz default null, known_at timestamptz default null,
  out posted numeric, out debits numeric, out credits numeric, out entries bigint
) returns setof record
language plpgsql stable
as $$
#variable_conflict use_variable
declare
  debit_is_plus boolean;
  before bigint[];
  after bigint[];
  late record;
begin
  select a.type in ('asset', 'expense') into debit_is_plus
    from ledger.accounts_v1 a where a.mode = book and a.account_id = account;
  if not found then
    return;
  end if;
  select e.balance, e.account_debits, e.account_version into posted, debits, entries
    from ledger.entries_v1 e
   where e.mode = book and e.account_id = account and e.posted_at <= coalesce(least(as_of, known_at), 'infinity')
   order by e.posted_at desc, e.account_version desc limit 1;
  posted := coalesce(posted, 0);
  debits := coalesce(debits, 0);
  entries := coalesce(entries, 0);
  credits := case when debit_is_plus then debits - posted else debits + posted end;
  if as_of < coalesce(known_at, 'infinity') then
    select n.before, n.after into before, after from ledger.audit_nodes(as_of) n;
    select coalesce(sum(l.amount) filter (where l.direction = 'debit'), 0) as debits,
           coalesce(sum(l.amount) filter (where l.direction = 'credit'), 0) as credits, count(*) as entries
      into late
      from (select b.direction, b.amount from ledger.late_entries_v1 b
             where b.mode = book and b.account_id = account and b.node + 0 = any (before)
               and b.posted_at > as_of and b.posted_at <= coalesce(known_at, 'infinity')
            union all
            select b.direction, b.amount from ledger.late_entries_v1 b
             where b.mode = book and b.account_id = account and b.node = any (after)
               and b.effective_at <= as_of and b.posted_at <= coalesce(known_at, 'infinity')) l;
    debits := debits + late.debits;
    credits := credits + late.credits;
    entries := entries + late.entries;
    posted := case when debit_is_plus then debits - credits else credits - debits end;
  end if;
  return next;
end
$$;
comment on function audit_totals_as_of(text, text, timestamptz, timestamptz) is
  'v1: totals of an account at a moment, as of the effective clock and as known by the recorded one; null is without limit. No row when there is no such account.';

create function audit_balance_as_of(
  book text, account text, as_of timestamptz default null, known_at timestamptz default null
) returns numeric
language plpgsql stable
as $$
begin
  return (select t.posted from ledger.audit_totals_as_of(book, account, as_of, known_at) t);
end
$$;
comment on function audit_balance_as_of(text, text, timestamptz, timestamptz) is
  'v1: balance of an account on its normal side at a moment by both clocks. Null when there is no such account.';

-- All accounts in one pass: one look into each account's entries, and one into the late entries of the whole book.
create function audit_balances_as_of(book text, as_of timestamptz default null, known_at timestamptz default null)
returns table (account_id text, tenant_id uuid, asset text, type text, posted numeric, debits numeric, credits numeric,
               entries bigint)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  before bigint[];
  after bigint[];
begin
  select n.before, n.after into before, after from ledger.audit_nodes(coalesce(as_of, known_at, now())) n;
  return query
    with late as (
      select l.account_id, coalesce(sum(l.amount) filter (where l.direction = 'debit'), 0) as debits,
             coalesce(sum(l.amount) filter (where l.direction = 'credit'), 0) as credits, count(*) as entries
        from (select b.account_id, b.direction, b.amount from ledger.late_entries_v1 b
               where b.mode = book and b.node + 0 = any (before) and b.posted_at > as_of
                 and b.posted_at <= coalesce(known_at, 'infinity') and as_of < coalesce(known_at, 'infinity')
              union all
              select b.account_id, b.direction, b.amount from ledger.late_entries_v1 b
               where b.mode = book and b.node = any (after) and b.effective_at <= as_of
                 and b.posted_at <= coalesce(known_at, 'infinity') and as_of < coalesce(known_at, 'infinity')) l
       group by l.account_id
    ), totals as (
      select a.account_id, a.tenant_id, a.asset, a.type, a.type in ('asset', 'expense') as debit_is_plus,
             coalesce(e.account_debits, 0) + coalesce(l.debits, 0) as debits,
             coalesce(e.account_debits, 0) + coalesce(l.credits, 0)
               + case when a.type in ('asset', 'expense') then -1 else 1 end * coalesce(e.balance, 0) as credits,
             coalesce(e.account_version, 0) + coalesce(l.entries, 0) as entries
        from ledger.accounts_v1 a
        left join lateral (
          select e.balance, e.account_debits, e.account_version from ledger.entries_v1 e
           where e.mode = book and e.account_id = a.account_id
             and e.posted_at <= coalesce(least(as_of, known_at), 'infinity')
           order by e.posted_at desc, e.account_version desc limit 1) e on true
        left join late l on l.account_id = a.account_id
       where a.mode = book and a.opened_at <= coalesce(known_at, 'infinity'))
    select t.account_id, t.tenant_id, t.asset, t.type,
           case when t.debit_is_plus then t.debits - t.credits else t.credits - t.debits end, t.debits, t.credits,
           t.entries::bigint
      from totals t;
end
$$;
comment on function audit_balances_as_of(text, timestamptz, timestamptz) is
  'v1: audit_totals_as_of of every account that was known.';

create function audit_trial_balance_as_of(book text, as_of timestamptz default null, known_at timestamptz default null)
returns table (asset text, type text, accounts bigint, debits numeric, credits numeric, net numeric)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  return query
    select b.asset, b.type, count(*), sum(b.debits), sum(b.credits), sum(b.debits) - sum(b.credits)
      from ledger.audit_balances_as_of(book, as_of, known_at) b
     group by b.asset, b.type order by b.asset, b.type;
end
$$;
comment on function audit_trial_balance_as_of(text, timestamptz, timestamptz) is
  'v1: debits and credits of each asset and type of account at a moment by both clocks. In each asset net sums to zero.';

-- In the order of the effective clock. Late entries have an index of their own, so that both halves are a range of one,
-- however many entries the account has.
create function audit_entries_between(
  book text, account text, effective_from timestamptz, effective_to timestamptz, known_at timestamptz default null
) returns table (sequence bigint, entry_index integer, transaction_id text, asset text, direction text, amount numeric,
                 balance numeric, account_version bigint, effective_at timestamptz, posted_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  return query
    select e.sequence, e.entry_index, e.transaction_id, e.asset, e.direction, e.amount, e.balance, e.account_version,
           e.effective_at, e.posted_at
      from ledger.entries_v1 e
     where e.mode = book and e.account_id = account and e.posted_at >= effective_from and e.posted_at < effective_to
       and e.posted_at <= coalesce(known_at, 'infinity') and e.effective_at = e.posted_at
    union all
    select e.sequence, e.entry_index, e.transaction_id, e.asset, e.direction, e.amount, e.balance, e.account_version,
           e.effective_at, e.posted_at
      from ledger.entries_v1 e
     where e.mode = book and e.account_id = account and e.effective_at >= effective_from
       and e.effective_at < effective_to and e.posted_at <= coalesce(known_at, 'infinity')
       and e.effective_at < e.posted_at
     order by 9, 1, 2;
end
$$;
comment on function audit_entries_between(text, text, timestamptz, timestamptz, timestamptz) is
  'v1: entries of an account that were effective from a moment up to and not including another, as far as known, in the order of the effective clock.';

create function audit_daily_balances_between(
  book text, account text, first_day date, last_day date, zone text default 'UTC', known_at timestamptz default null
) returns table (day date, opening numeric, debits numeric, credits numeric, closing numeric, entries bigint)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  return query
    select d.day::date, b.posted, e.debits - b.debits, e.credits - b.credits, e.posted, e.entries - b.entries
      from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') d (day)
     cross join lateral ledger.audit_totals_as_of(
             book, account, (d.day at time zone zone) - interval '1 millisecond', known_at) b
     cross join lateral ledger.audit_totals_as_of(
             book, account, ((d.day + interval '1 day') at time zone zone) - interval '1 millisecond', known_at) e
     order by d.day;
end
$$;
comment on function audit_daily_balances_between(text, text, date, date, text, timestamptz) is
  'v1: each day of an account by the effective clock, both days included, with midnight in any time zone. A day''s closing is the next one''s opening.';

create function audit_statement(
  book text, account text, first_day date, last_day date, zone text default 'UTC', known_at timestamptz default null
) returns table (line bigint, what text, effective_at timestamptz, sequence bigint, entry_index integer,
                 transaction_id text, debit numeric, credit numeric, balance numeric)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  starts timestamptz := first_day::timestamp at time zone zone;
  ends timestamptz := (last_day + 1)::timestamp at time zone zone;
  opening numeric := ledger.audit_balance_as_of(book, account, starts - interval '1 millisecond', known_at);
  plus text;
begin
  select case when a.type in ('asset', 'expense') then 'debit' else 'credit' end into plus
    from ledger.accounts_v1 a where a.mode = book and a.account_id = account;
  if not found then
    return;
  end if;
  return query
    with entry as materialized (
      select row_number() over (order by e.effective_at, e.sequence, e.entry_index) as line, e.*,
             sum(case when e.direction = plus then e.amount else -e.amount end)
               over (order by e.effective_at, e.sequence, e.entry_index) as moved
        from ledger.audit_entries_between(book, account, starts, ends, known_at) e)
    select 0::bigint, 'opening', starts, null::bigint, null::integer, null::text, null::numeric, null::numeric, opening
    union all
    select e.line, 'entry', e.effective_at, e.sequence, e.entry_index, e.transaction_id,
           case when e.direction = 'debit' then e.amount end, case when e.direction = 'credit' then e.amount end,
           opening + e.moved
      from entry e
    union all
    select (select count(*) from entry) + 1, 'closing', ends, null, null, null, null, null,
           ledger.audit_balance_as_of(book, account, ends - interval '1 millisecond', known_at)
     order by 1;
end
$$;
comment on function audit_statement(text, text, date, date, text, timestamptz) is
  'v1: opening balance, entries and closing balance of an account by the effective clock, both days included, with midnight in any time zone.';

-- The first transaction that was recorded at a moment or later, by bisection: times in a book never go back, so no index
-- by time is needed.
create function audit_sequence_at(book text, moment timestamptz) returns bigint
language plpgsql stable
as $$
declare
  low bigint := 0;
  high bigint := (select coalesce(max(t.sequence), -1) + 1 from ledger.transactions_v1 t where t.mode = book);
  middle bigint;
  found_at bigint;
  recorded timestamptz;
begin
  while low < high loop
    middle := (low + high) / 2;
    select t.sequence, t.posted_at into found_at, recorded from ledger.transactions_v1 t
     where t.mode = book and t.sequence >= middle order by t.sequence limit 1;
    if recorded >= moment then
      high := middle;
    else
      low := found_at + 1;
    end if;
  end loop;
  return low;
end
$$;
comment on function audit_sequence_at(text, timestamptz) is
  'v1: a place in the book behind everything that was recorded before a moment, and before everything recorded then or later.';

-- Transfers have two owners, and the giver's auditors have no business with the taker: so no policy shows the table, and
-- this reads it with our rights and shows the giver's side.
create function audit_pending_transfers()
returns table (mode text, transfer_id text, account_id text, tenant_id uuid, asset text, amount numeric,
               placed_at timestamptz, sequence bigint)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select t.mode, t.transfer_id, t.debit_account_id, t.debit_tenant_id, t.asset, t.amount, t.accepted_at,
           t.accepted_sequence
      from transfers_v1 t
     where t.status = 'processing' and (audit_everything() or t.debit_tenant_id = audit_tenant());
end
$$;
comment on function audit_pending_transfers() is 'Used by audit_holds: transfers that are being confirmed.';

-- A part of the journal, without its content. It reads with our rights, hence the question first.
create function audit_journal_between(book text, first bigint, last bigint)
returns table (sequence bigint, event_type text, event_id uuid, ledger_reference text, recorded_at timestamptz,
               correlation_id text, causation_id text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  if not audit_everything() then
    return;
  end if;
  return query
    select v.revision, v.type, v.id, '0x' || encode(sha256(v.payload), 'hex'), v.recorded_at,
           v.metadata ->> 'correlationId', v.metadata ->> 'causationId'
      from stream_events('book-' || book, first, last) v;
end
$$;
comment on function audit_journal_between(text, bigint, bigint) is
  'v1: events of the journal from one sequence to another, both included, without their content. For the operator''s auditors.';

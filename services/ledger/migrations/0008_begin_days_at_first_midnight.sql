-- Where clocks are set back to midnight, as on the Azores and in Havana, they show it twice. A day begins at the first one:
-- Postgres takes the second.

create function audit_day_begin(day date, zone text) returns timestamptz
language plpgsql stable
as $$
declare
  midnight timestamptz := day::timestamp at time zone zone;
  -- By which the clocks differed from UTC before any change of that night.
  difference interval;
  first_midnight timestamptz;
begin
  if not isfinite(day) then
    return midnight;
  end if;
  difference := ((midnight - interval '24 hours') at time zone zone) - ((midnight - interval '24 hours') at time zone 'UTC');
  first_midnight := (day::timestamp - difference) at time zone 'UTC';
  if first_midnight < midnight and first_midnight at time zone zone = day::timestamp then
    return first_midnight;
  end if;
  return midnight;
end
$$;
comment on function audit_day_begin(date, text) is 'Used by the functions below: the first instant of a day in a time zone.';

create or replace function audit_daily_balances_between(
  book text, account text, first_day date, last_day date, zone text default 'UTC', known_at timestamptz default null
) returns table (day date, opening numeric, debits numeric, credits numeric, closing numeric, entries bigint)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  perform ledger.audit_refuse_no_zone(zone);
  perform ledger.audit_refuse_reversed(last_day < first_day, 'last_day', 'first_day');
  first_day := nullif(first_day, '-infinity');
  last_day := nullif(last_day, 'infinity');
  if first_day is null or last_day is null then
    select coalesce(first_day, (f.first_at at time zone zone)::date), coalesce(last_day, (f.last_at at time zone zone)::date)
      into first_day, last_day
      from ledger.audit_first_and_last(book, account, known_at) f;
  end if;
  return query
    select d.day::date, b.posted, e.debits - b.debits, e.credits - b.credits, e.posted, e.entries - b.entries
      from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') d (day)
     cross join lateral ledger.audit_totals_as_of(
             book, account, ledger.audit_day_begin(d.day::date, zone) - interval '1 millisecond', known_at) b
     cross join lateral ledger.audit_totals_as_of(
             book, account, ledger.audit_day_begin(d.day::date + 1, zone) - interval '1 millisecond', known_at) e
     order by d.day;
end
$$;

create or replace function audit_statement(
  book text, account text, first_day date, last_day date, zone text default 'UTC', known_at timestamptz default null
) returns table (line bigint, what text, effective_at timestamptz, sequence bigint, entry_index integer,
                 transaction_id text, debit numeric, credit numeric, balance numeric)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  starts timestamptz := coalesce(ledger.audit_day_begin(first_day, zone), '-infinity');
  ends timestamptz := coalesce(ledger.audit_day_begin(last_day + 1, zone), 'infinity');
  opening numeric;
  plus text;
begin
  perform ledger.audit_refuse_no_zone(zone);
  perform ledger.audit_refuse_reversed(last_day < first_day, 'last_day', 'first_day');
  select case when a.type in ('asset', 'expense') then 'debit' else 'credit' end into plus
    from ledger.accounts_v1 a where a.mode = book and a.account_id = account;
  if not found then
    return;
  end if;
  opening := ledger.audit_balance_as_of(book, account, starts - interval '1 millisecond', known_at);
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

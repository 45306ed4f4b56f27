-- The audit functions for times of null, which are without limit, and for what cannot be answered, which is an error; how
-- an auditor ends; and what a database takes from everyone so that an auditor can neither write nor hold up the services.

-- As it was, but for moments after the last node: no interval of the tree reaches there, so they count as that node.
create or replace function audit_nodes(moment timestamptz, out before bigint[], out after bigint[])
language sql immutable parallel safe
return (
  select row (coalesce(array_agg(n.node) filter (where n.node <= t.ms), '{}'),
              coalesce(array_agg(n.node) filter (where n.node > t.ms), '{}'))
    from (select least((1::bigint << 45) - 1, greatest(0,
                   round(date_part('epoch', date_trunc('milliseconds', moment at time zone 'UTC')) * 1000)))::bigint
         ) t (ms)
   cross join lateral (select ((t.ms >> (level + 1) << 1) | 1) << level from generate_series(0, 44) level) n (node)
);

-- Where two limits of a question are the wrong way round, an empty answer would look like one without entries.
create function audit_refuse_reversed(reversed boolean, upper_name text, lower_name text) returns void
language plpgsql immutable
as $$
begin
  if reversed then
    raise exception '% must not be before %', upper_name, lower_name using errcode = 'invalid_parameter_value';
  end if;
end
$$;
comment on function audit_refuse_reversed(boolean, text, text) is 'Used by the functions below.';

create function audit_refuse_no_zone(zone text) returns void
language plpgsql immutable
as $$
begin
  if zone is null then
    raise exception 'zone must not be null' using errcode = 'null_value_not_allowed', hint = 'Leave it out for UTC.';
  end if;
end
$$;
comment on function audit_refuse_no_zone(text) is 'Used by the functions below.';

create or replace function audit_entries_between(
  book text, account text, effective_from timestamptz, effective_to timestamptz, known_at timestamptz default null
) returns table (sequence bigint, entry_index integer, transaction_id text, asset text, direction text, amount numeric,
                 balance numeric, account_version bigint, effective_at timestamptz, posted_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  perform ledger.audit_refuse_reversed(effective_to < effective_from, 'effective_to', 'effective_from');
  effective_from := coalesce(effective_from, '-infinity');
  effective_to := coalesce(effective_to, 'infinity');
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
  'v1: entries of an account that were effective from a moment up to and not including another, as far as known, in the order of the effective clock; null is without limit.';

-- When the first and the last entry of an account were effective: each the outermost of two indexes, of entries that were
-- recorded when they happened and of late ones.
create function audit_first_and_last(
  book text, account text, known_at timestamptz, out first_at timestamptz, out last_at timestamptz
)
language plpgsql stable
as $$
#variable_conflict use_variable
begin
  known_at := coalesce(known_at, 'infinity');
  first_at := least(
    (select e.posted_at from ledger.entries_v1 e
      where e.mode = book and e.account_id = account and e.posted_at <= known_at and e.effective_at = e.posted_at
      order by e.posted_at, e.account_version limit 1),
    (select e.effective_at from ledger.entries_v1 e
      where e.mode = book and e.account_id = account and e.posted_at <= known_at and e.effective_at < e.posted_at
      order by e.effective_at, e.sequence, e.entry_index limit 1));
  last_at := greatest(
    (select e.posted_at from ledger.entries_v1 e
      where e.mode = book and e.account_id = account and e.posted_at <= known_at and e.effective_at = e.posted_at
      order by e.posted_at desc, e.account_version desc limit 1),
    (select e.effective_at from ledger.entries_v1 e
      where e.mode = book and e.account_id = account and e.posted_at <= known_at and e.effective_at < e.posted_at
      order by e.effective_at desc, e.sequence desc, e.entry_index desc limit 1));
end
$$;
comment on function audit_first_and_last(text, text, timestamptz) is 'Used by audit_daily_balances_between.';

comment on function audit_trial_balance_as_of(text, timestamptz, timestamptz) is
  'v1: debits and credits of each asset and type of account at a moment by both clocks. In each asset net sums to zero over the whole book, which the operator''s auditors see.';

-- Days without limit are those from the account's first entry to its last: before and after them nothing moves.
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
             book, account, (d.day at time zone zone) - interval '1 millisecond', known_at) b
     cross join lateral ledger.audit_totals_as_of(
             book, account, ((d.day + interval '1 day') at time zone zone) - interval '1 millisecond', known_at) e
     order by d.day;
end
$$;
comment on function audit_daily_balances_between(text, text, date, date, text, timestamptz) is
  'v1: each day of an account by the effective clock, both days included, with midnight in any time zone; null is the day of its first or last entry. A day''s closing is the next one''s opening.';

create or replace function audit_statement(
  book text, account text, first_day date, last_day date, zone text default 'UTC', known_at timestamptz default null
) returns table (line bigint, what text, effective_at timestamptz, sequence bigint, entry_index integer,
                 transaction_id text, debit numeric, credit numeric, balance numeric)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  starts timestamptz := coalesce(first_day::timestamp at time zone zone, '-infinity');
  ends timestamptz := coalesce((last_day + 1)::timestamp at time zone zone, 'infinity');
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
comment on function audit_statement(text, text, date, date, text, timestamptz) is
  'v1: opening balance, entries and closing balance of an account by the effective clock, both days included, with midnight in any time zone; null is without limit.';

create or replace function audit_journal_between(book text, first bigint, last bigint)
returns table (sequence bigint, event_type text, event_id uuid, ledger_reference text, recorded_at timestamptz,
               correlation_id text, causation_id text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  if not audit_everything() then
    return;
  end if;
  perform ledger.audit_refuse_reversed(last < first, 'last', 'first');
  return query
    select v.revision, v.type, v.id, '0x' || encode(sha256(v.payload), 'hex'), v.recorded_at,
           v.metadata ->> 'correlationId', v.metadata ->> 'causationId'
      from stream_events('book-' || book, greatest(first, 0), coalesce(last, 9223372036854775807)) v;
end
$$;
comment on function audit_journal_between(text, bigint, bigint) is
  'v1: events of the journal from one sequence to another, both included, without their content; null is without limit. For the operator''s auditors.';

-- Takes back what register_auditor gave. What the role made itself goes with `drop owned by`.
create function unregister_auditor(role_name name) returns void
language plpgsql
as $$
begin
  delete from ledger.auditors a where a.role_name = unregister_auditor.role_name;
  if exists (select from pg_catalog.pg_roles r where r.rolname = unregister_auditor.role_name) then
    execute format('revoke usage on schema ledger from %I', role_name);
  end if;
end
$$;
revoke execute on function unregister_auditor(name) from public;

-- Everyone who may log in may call these functions of Postgres; the services that need them keep them, by owning a schema
-- of the database or by their names. An advisory lock of a service's stops that service, and so does an open transaction
-- with a number, for readers of the log wait for it; large objects and messages of the log are written whatever was granted.
create function confine_auditors(services name[] default '{}') returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  keepers text;
  withheld record;
begin
  if not (select r.rolsuper from pg_roles r where r.rolname = current_user) then
    raise exception 'only a superuser can take functions of Postgres from everyone' using errcode = 'insufficient_privilege';
  end if;
  select string_agg(distinct quote_ident(k.name), ', ') into keepers
    from (select unnest(services) as name
          union
          select pg_get_userbyid(n.nspowner) from pg_namespace n
           where n.nspname !~ '^pg_' and n.nspname <> 'information_schema') k
   where not exists (select from ledger.auditors a where a.role_name = k.name);
  execute format('revoke temporary on database %I from public', current_database());
  for withheld in
    select p.oid::regprocedure as function, p.proname ~ '^pg_(try_)?advisory_|^(txid_current|pg_current_xact_id)$' as kept
      from pg_proc p
     where p.pronamespace = 'pg_catalog'::regnamespace
       and p.proname ~ '^pg_(try_)?advisory_|^(txid_current|pg_current_xact_id|pg_logical_emit_message|loread|lowrite)$|^lo_'
  loop
    execute format('revoke execute on function %s from public', withheld.function);
    if withheld.kept then
      execute format('grant execute on function %s to %s', withheld.function, keepers);
    end if;
  end loop;
end
$$;
revoke execute on function confine_auditors(name[]) from public;
comment on function confine_auditors(name[]) is
  'Takes from everyone but the services what would let whoever may log in write, or hold the services up. For a superuser.';

-- Long work of the service, asked for and remembered: rebuilds and checks. One row a job, changed as it goes on.
create table jobs (
  -- Order of the requests.
  number bigint generated always as identity primary key,
  job_id uuid not null unique,
  kind text not null,
  mode text not null,
  parameters json not null,
  status text not null
    check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted')),
  phase text,
  done bigint not null default 0,
  total bigint,
  rate_per_second double precision,
  report json,
  error text,
  requested_by text not null,
  requested_at timestamptz(3) not null,
  started_at timestamptz(3),
  cancel_requested_at timestamptz(3),
  finished_at timestamptz(3),
  check ((finished_at is null) = (status in ('queued', 'running')))
);
create index jobs_unfinished on jobs (number) where status in ('queued', 'running');
create index jobs_by_kind on jobs (kind, mode, number);

-- Wrong tries of a login within its window; see src/adapters/login-attempts.ts.
create table login_attempts (
  login_digest text primary key,
  started_at timestamptz not null,
  tries integer not null check (tries > 0)
);
create index login_attempts_started_at on login_attempts (started_at);

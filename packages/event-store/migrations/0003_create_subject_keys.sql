-- Data keys of persons, wrapped by the master key. Erasing one makes everything encrypted under it unreadable.
create table subject_keys (
  subject text primary key,
  wrapped_key text,
  created_at timestamptz not null default clock_timestamp(),
  erased_at timestamptz,
  check ((wrapped_key is null) = (erased_at is not null))
);

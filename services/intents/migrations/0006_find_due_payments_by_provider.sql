-- Each provider's payments have a worker of their own in each mode; across them nobody asks what is due.
alter table payment_checks add column provider text, add column mode text;
update payment_checks c set provider = p.provider, mode = p.mode
from payments_v1 p where p.transaction_id = c.transaction_id;
-- A row without them would be one that nobody looks at.
alter table payment_checks alter column provider set not null, alter column mode set not null;
create index payment_checks_due_at_provider on payment_checks (provider, mode, check_at);
drop index payment_checks_due;

-- Processes of the build before this one, which go on while they are replaced, name neither. They write the payment first.
create function name_provider_of_check() returns trigger language plpgsql as $$
begin
  select provider, mode into new.provider, new.mode from payments_v1 where transaction_id = new.transaction_id;
  return new;
end
$$;
create trigger payment_checks_name_provider
  before insert on payment_checks
  for each row when (new.provider is null) execute function name_provider_of_check();

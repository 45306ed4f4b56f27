-- The user's number within the tenant, which `partner` shows. Null for credentials from before there were numbers.
alter table credentials_v1 add column user_number integer;

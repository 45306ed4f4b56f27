-- The owner of the log may read and append, like everyone it grants that to. With this its own statements that change the
-- log are refused also when somebody has removed the trigger, and the start of a service refuses any grant of more.
revoke update, delete, truncate on appends from current_user;
-- In sessions that replay what a replica gets, too.
alter table appends enable always trigger appends_append_only;

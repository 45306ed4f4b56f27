-- How many of the signatures that the signer has given were found to be of sends that are recorded here, from the first on.
-- One row. Whoever compares moves it.
create table compared_signatures (
  one_row boolean primary key default true check (one_row),
  place bigint not null check (place >= 0)
);

insert into compared_signatures (place) values (0);

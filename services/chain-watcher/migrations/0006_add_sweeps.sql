-- The deposit address that spent what came: null of a payment. A sweep is credited to nobody, and follows its block as a
-- deposit does.
alter table deposits_v1 add column swept_from text;
alter table reverted_places_v1 add column swept_from text;

/**
 * Which rows of the read models a reader sees that does not own them: conditions of row-level security, in SQL. They are
 * made with the tables, in every schema that the tables are built in. Whoever is not a registered auditor sees nothing.
 */

/** The operator's auditors see all rows, a tenant's those that carry its id. */
export const ownRows = `(select ledger.audit_everything()) or tenant_id = (select ledger.audit_tenant())`;

/** Also those of others whose accounts have entries of it: the entries that the reader sees. */
export const rowsWithEntries = `${ownRows} or exists (
  select from {schema}.entries_v1 e where e.mode = transactions_v1.mode and e.sequence = transactions_v1.sequence)`;

/** What is the same for every auditor. */
export const everyAuditor = `(select ledger.audit_everything()) or (select ledger.audit_tenant()) is not null`;

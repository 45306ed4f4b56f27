/**
 * Which rows of the read models a reader sees that does not own them: conditions of row-level security, in SQL. They are
 * made with the tables, in every schema that the tables are built in. Whoever is not a registered auditor sees nothing.
 */

/** The operator's auditors see all rows, a tenant's those that carry its id. */
export const ownRows = `(select ledger.audit_everything()) or tenant_id = (select ledger.audit_tenant())`;

/**
 * Also those of others whose accounts have entries in it. One operator, as `ownRows` has: Postgres asks a policy that costs
 * more after the reader's own comparisons, and a plan that was run tells of hidden rows which of those they fit.
 */
export const rowsOfTenants = `(select ledger.audit_everything()) or tenants ? (select ledger.audit_tenant()::text)`;

/** What is the same for every auditor. */
export const everyAuditor = `(select ledger.audit_everything()) or (select ledger.audit_tenant()) is not null`;

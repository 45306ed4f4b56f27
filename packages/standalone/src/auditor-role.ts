import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Where auditors log in; null where the database does not let us make roles. */
export type AuditorUrls = { readonly databaseUrl: string | null; readonly tenantDatabaseUrl: string | null };

/** Two login roles that can read the ledger's audit views and nothing else: all of them, and one tenant's part. */
export async function auditorUrls(databaseUrl: string, tenantId: string): Promise<AuditorUrls> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const urlOf = async (role: string, tenant: string | null) => {
      const url = new URL(databaseUrl);
      url.username = role;
      url.password = await auditorRole(client, role, tenant);
      return url.toString();
    };
    return {
      databaseUrl: await urlOf('daybook_auditor', null),
      tenantDatabaseUrl: await urlOf('daybook_auditor_demo', tenantId),
    };
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return { databaseUrl: null, tenantDatabaseUrl: null };
    throw error;
  } finally {
    await client.end();
  }
}

/** Makes the role, or gives it a new password, which it returns. */
async function auditorRole(client: Client, role: string, tenantId: string | null): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${role} login password '${password}'`);
  // What it may read is the ledger's to say; this only keeps its own mistakes small.
  await client.query(`alter role ${role} set default_transaction_read_only = on`);
  await client.query(`alter role ${role} set statement_timeout = '5min'`);
  await client.query(`alter role ${role} set timezone = 'UTC'`);
  await client.query('select ledger.register_auditor($1, $2)', [role, tenantId]);
  return password;
}

/** The auditor's URL at the address where the database is now. */
export function movedTo(auditorUrl: string | null, databaseUrl: string): string | null {
  if (auditorUrl === null) return null;
  const url = new URL(auditorUrl);
  url.host = new URL(databaseUrl).host;
  return url.toString();
}

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

const auditorRole = 'daybook_auditor';
const auditorViews = ['audit_accounts', 'audit_transactions', 'audit_entries'];

/** A login role that can read the ledger's audit views and nothing else; null where the database does not let us make one. */
export async function auditorUrl(databaseUrl: string): Promise<string | null> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const password = randomBytes(24).toString('base64url');
    const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [auditorRole]);
    await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${auditorRole} login password '${password}'`);
    await client.query(`grant usage on schema ledger to ${auditorRole}`);
    await client.query(`grant select on ${auditorViews.map((view) => `ledger.${view}`).join(', ')} to ${auditorRole}`);
    const url = new URL(databaseUrl);
    url.username = auditorRole;
    url.password = password;
    return url.toString();
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return null;
    throw error;
  } finally {
    await client.end();
  }
}

/** The auditor's URL at the address where the database is now. */
export function movedTo(auditorUrl: string | null, databaseUrl: string): string | null {
  if (auditorUrl === null) return null;
  const url = new URL(auditorUrl);
  url.host = new URL(databaseUrl).host;
  return url.toString();
}

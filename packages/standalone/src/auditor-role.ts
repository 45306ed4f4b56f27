import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Where auditors log in; null where the database does not let us make roles. */
export type AuditorUrls = { readonly databaseUrl: string | null; readonly tenantDatabaseUrl: string | null };

const everything = 'daybook_auditor';
const ofTenant = 'daybook_auditor_demo';

/** Two login roles that can read the ledger's audit views and nothing else: all of them, and one tenant's part. */
export async function auditorUrls(databaseUrl: string, tenantId: string): Promise<AuditorUrls> {
  return withClient(databaseUrl, async (client) => {
    const urlOf = async (role: string, tenant: string | null) => {
      const url = new URL(databaseUrl);
      url.username = role;
      url.password = await auditorRole(client, role, tenant);
      return url.toString();
    };
    const made = await whereAllowed(async () => ({
      databaseUrl: await urlOf(everything, null),
      tenantDatabaseUrl: await urlOf(ofTenant, tenantId),
    }));
    if (made !== undefined) await confine(client);
    return made ?? { databaseUrl: null, tenantDatabaseUrl: null };
  });
}

/** Gives the roles of an earlier start the limits of this build. */
export async function limitAuditors(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    for (const role of [everything, ofTenant])
      if (await exists(client, role)) await whereAllowed(() => limit(client, role));
    await confine(client);
  });
}

/** Makes the role, or gives it a new password, which it returns. */
async function auditorRole(client: Client, role: string, tenantId: string | null): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  await client.query(`${(await exists(client, role)) ? 'alter' : 'create'} role ${role} login password '${password}'`);
  await limit(client, role);
  await client.query('select ledger.register_auditor($1, $2)', [role, tenantId]);
  return password;
}

async function exists(client: Client, role: string): Promise<boolean> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  return rowCount !== 0;
}

/** The number of connections is a limit. The others keep mistakes small: a session may set them anew. */
async function limit(client: Client, role: string): Promise<void> {
  await client.query(`alter role ${role} connection limit 10`);
  await client.query(`alter role ${role} set default_transaction_read_only = on`);
  await client.query(`alter role ${role} set statement_timeout = '5min'`);
  // A transaction that is left open holds up a replay, and with it everyone who reads the same tables.
  await client.query(`alter role ${role} set idle_in_transaction_session_timeout = '1min'`);
  await client.query(`alter role ${role} set timezone = 'UTC'`);
}

/** Only a superuser can; whoever runs another database finds the line in docs/auditor.md. */
async function confine(client: Client): Promise<void> {
  await whereAllowed(() => client.query('select ledger.confine_auditors()'));
}

/** Undefined where the database does not let us. */
async function whereAllowed<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: string }).code === insufficientPrivilege) return undefined;
    throw error;
  }
}

const insufficientPrivilege = '42501';

async function withClient<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
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

/** Roles of auditors as docs/auditor.md makes and ends them, beside services that run as an owner who is no superuser. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { alice, auditRig, moved, opened, posted, type AuditRig } from './audit-rig';

const at = (second: number) => new Date(Date.parse('2026-05-01T00:00:00.000Z') + second * 1_000).toISOString();
const page = readFileSync(join(__dirname, '../../../docs/auditor.md'), 'utf8');

/** The lines of the page that begin like this, for another role than the page's. */
function linesOf(begin: string, role: string): string {
  const block = [...page.matchAll(/```text\n([^`]+)```/g)].map(([, text = '']) => text);
  const found = block.filter((text) => text.startsWith(begin));
  expect([begin, found.length]).toEqual([begin, 1]);
  return found[0]!
    .replaceAll('auditor_of_acme', role)
    .replaceAll(/'[0-9a-f-]{36}'/g, `'${alice}'`)
    .replace('…', role);
}

describe('the role of an auditor', () => {
  const suffix = randomBytes(4).toString('hex');
  const owner = `services_${suffix}`;
  const auditor = `auditor_${suffix}`;
  const other = `other_${suffix}`;
  let rig: AuditRig;
  let server: Pool;
  let superuser: Pool;
  const clients: Client[] = [];

  async function login(role = auditor, database = new URL(rig.url).pathname.slice(1)): Promise<Client> {
    const url = Object.assign(new URL(rig.url), { username: role, password: role, pathname: `/${database}` });
    const client = new Client({ connectionString: url.href });
    await client.connect();
    clients.push(client);
    return client;
  }
  const codeOf = (client: Client, text: string) =>
    client.query(text).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    );
  const rolesNamed = async (name: string) =>
    (await server.query('select from pg_roles where rolname = $1', [name])).rowCount;

  beforeAll(async () => {
    const url = process.env['DAYBOOK_TEST_DATABASE_URL']!.split(' ')[(Number(process.env['JEST_WORKER_ID']) || 1) - 1];
    server = new Pool({ connectionString: url, max: 1 });
    for (const role of [owner, other]) await server.query(`create role ${role} login password '${role}'`);
    rig = await auditRig(owner);
    superuser = new Pool({ connectionString: rig.url, max: 1 });
    superuser.on('error', () => undefined);
    await rig.record([
      opened('issuance', at(0), { accountType: 'equity' }),
      opened('wallet-alice', at(0), { tenantId: alice }),
      opened('wallet-bob', at(0)),
      posted('one', moved('issuance', 'wallet-alice', 100n), at(1)),
    ]);
    await superuser.query(linesOf('create role', auditor));
    await superuser.query(linesOf('select ledger.confine_auditors', auditor));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
  });
  afterAll(async () => {
    await superuser.end();
    await rig.close();
    for (const role of [owner, other]) await server.query(`drop role ${role}`);
    await server.end();
  });

  /** What Postgres lets whoever may log in do, whatever was granted. */
  const forbidden = [
    `select pg_advisory_lock(hashtextextended('subscription ledger ledger_g1', 0))`,
    `select pg_try_advisory_lock_shared(1, 2)`,
    `select pg_advisory_xact_lock(hashtextextended('projection generations ledger', 0))`,
    `select pg_try_advisory_xact_lock_shared(1)`,
    `select pg_current_xact_id()`,
    `select txid_current()`,
    `select lo_from_bytea(0, 'hello')`,
    `select lo_creat(-1)`,
    `select lo_create(0)`,
    `select pg_logical_emit_message(false, 'hello', 'hello')`,
    `create temporary table hello (n int)`,
  ];

  test.each(forbidden)('cannot %s', async (text) => {
    const client = await login();
    await client.query('set default_transaction_read_only = off');
    expect(await codeOf(client, text)).toBe('42501');
    expect(await codeOf(client, 'select count(*) from ledger.audit_entries')).toBe('done');
  });

  test('cannot take locks because a schema was made for it', async () => {
    await superuser.query(`create schema papers authorization ${auditor}`);
    await superuser.query('select ledger.confine_auditors()');
    expect(await codeOf(await login(), 'select pg_advisory_lock(1)')).toBe('42501');
  });

  test('of no function that locks or writes there is a form that is left to everyone', async () => {
    const { rows } = await superuser.query<{ form: string }>(
      `select oid::regprocedure::text as form from pg_proc
        where proname ~ 'advisory|^lo_|^lo(read|write)|xact_id$|^txid_current$|emit_message'
          and proname !~ 'unassigned|if_assigned|subxact' and has_function_privilege('public', oid, 'execute')`,
    );
    expect(rows.map(({ form }) => form)).toEqual([]);
  });

  test('stays out of the other databases of the server, where they are closed as the page says', async () => {
    const elsewhere = `elsewhere_${suffix}`;
    await server.query(`create database ${elsewhere} template template0`);
    try {
      await (await login(auditor, elsewhere)).end();
      clients.pop();
      const line = linesOf('revoke connect on database', auditor);
      await server.query(line.replace('postgres, template1', elsewhere));
      await expect(login(auditor, elsewhere)).rejects.toMatchObject({ code: '42501' });
      expect(await codeOf(await login(), 'select count(*) from ledger.audit_entries')).toBe('done');
    } finally {
      await server.query(`drop database ${elsewhere} with (force)`);
    }
  });

  test('has ten connections and no more', async () => {
    for (let count = 0; count < 10; count++) await login();
    await expect(login()).rejects.toMatchObject({ code: '53300' });
  });

  test('begins with settings that keep mistakes small', async () => {
    const client = await login();
    const { rows } = await client.query(
      `select name, setting from pg_settings where source = 'user' and name ~ 'read_only|timeout' order by name`,
    );
    expect(rows).toEqual([
      { name: 'default_transaction_read_only', setting: 'on' },
      { name: 'idle_in_transaction_session_timeout', setting: '60000' },
      { name: 'statement_timeout', setting: '300000' },
    ]);
  });

  test('the services, who own what they made, go on', async () => {
    const recorded = async () =>
      Number((await rig.pool.query<{ n: string }>('select count(*) as n from audit_entries')).rows[0]?.n);
    const before = await recorded();
    await rig.record([posted('two', moved('wallet-alice', 'wallet-bob', 3n), at(2))]);
    expect(await recorded()).toBe(before + 2);
    const { rows } = await rig.pool.query(`select rolsuper from pg_roles where rolname = current_user`);
    expect(rows).toEqual([{ rolsuper: false }]);
  });

  test('a service that owns nothing keeps its locks when it is named', async () => {
    const client = await login(other);
    const lock = 'select pg_try_advisory_xact_lock(1)';
    expect(await codeOf(client, lock)).toBe('42501');
    await superuser.query('select ledger.confine_auditors($1)', [[other]]);
    expect(await codeOf(client, lock)).toBe('done');
    expect(await codeOf(client, 'select lo_create(0)')).toBe('42501');
    await superuser.query(`drop owned by ${other}`);
  });

  test('only a superuser can confine auditors, and no auditor can register', async () => {
    await expect(rig.pool.query('select confine_auditors()')).rejects.toMatchObject({
      code: '42501',
      message: 'only a superuser can take functions of Postgres from everyone',
    });
    const client = await login();
    for (const call of ['confine_auditors()', `unregister_auditor('x')`, `register_auditor('x', null)`])
      expect([call, await codeOf(client, `select ledger.${call}`)]).toEqual([call, '42501']);
  });

  test('is ended by the lines of the page, also when it made something and a second time', async () => {
    const [role, end] = [`ending_${suffix}`, (name: string) => linesOf('select ledger.unregister_auditor', name)];
    await superuser.query(linesOf('create role', role));
    const client = await login(role);
    await client.query('set default_transaction_read_only = off');
    await client.query('alter default privileges grant select on tables to public');
    expect((await client.query('select account_id from ledger.audit_accounts')).rows).toHaveLength(1);
    await superuser.query(`select ledger.unregister_auditor('${role}')`);
    // Also the session that is open sees nothing more.
    expect(await codeOf(client, 'select account_id from ledger.audit_accounts')).toBe('42501');
    await superuser.query(end(role));
    expect(await rolesNamed(role)).toBe(0);
    await superuser.query(`select ledger.unregister_auditor('${role}')`);
    const { rows } = await superuser.query('select role_name from ledger.auditors');
    expect(rows).toEqual([{ role_name: auditor }]);
    await superuser.query(end(auditor));
    expect(await rolesNamed(auditor)).toBe(0);
  });
});

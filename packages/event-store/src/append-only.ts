/**
 * Asserted when a service starts: the log in the schema of the pool's search_path is append-only by privileges and by its
 * trigger. Both were made by migrations; this finds what an operator, or a restore without privileges, has undone since.
 */
import { StartRefusal } from '@daybook/runtime';
import type { Pool } from 'pg';
import { asOperational } from './operational';

type Found = {
  readonly trigger: string | null;
  readonly mayAppend: boolean;
  readonly mayRead: boolean;
  readonly changers: readonly string[];
};

/** Privileges of the table and of its columns, whoever has them; a superuser needs none, and is not told by this. */
const protectionQuery = `
  select (select tgenabled::text from pg_trigger where tgrelid = log.oid and tgname = 'appends_append_only') as trigger,
         has_table_privilege(log.oid, 'insert') as "mayAppend",
         has_table_privilege(log.oid, 'select') as "mayRead",
         array(select distinct case grantee when 0 then 'everyone' else grantee::regrole::text end || ' may ' || lower(privilege_type)
                 from (select * from aclexplode(coalesce(log.relacl, acldefault('r', log.relowner)))
                       union all
                       select granted.* from pg_attribute, aclexplode(attacl) granted where attrelid = log.oid) granted
                where privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')
                order by 1) as changers
    from pg_class log where log.oid = 'appends'::regclass`;

/**
 * Throws StartRefusal that names what is wrong: a trigger that is off or gone, a role with a privilege to change the
 * log, or no privilege to append and read. Throws OperationalError `store_unavailable`.
 */
export async function assertAppendOnly(pool: Pool): Promise<void> {
  let found: Found | undefined;
  try {
    found = (await pool.query<Found>(protectionQuery)).rows[0];
  } catch (error) {
    throw asOperational(error);
  }
  const isOn = found?.trigger === 'O' || found?.trigger === 'A';
  const wrong = [
    ...(isOn ? [] : ['its trigger appends_append_only is off or missing']),
    ...(found?.changers ?? []),
    ...(found?.mayAppend && found.mayRead ? [] : ['this role may not append and read']),
  ];
  if (wrong.length > 0) throw new StartRefusal(`the log is not append-only: ${wrong.join(', ')}`);
}

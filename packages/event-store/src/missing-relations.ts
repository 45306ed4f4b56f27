/** Tables and views that ought to be there and are not: somebody has dropped them, or what they showed. */
import type { PoolClient } from 'pg';
import type { Tx } from './database';

/** Those of `names` that the schema does not have, or all when there is no such schema. */
export async function missingRelations(
  db: Tx | PoolClient,
  schema: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select name from unnest($2::text[]) with ordinality as wanted (name, place)
      where not exists (select from pg_class where relnamespace = to_regnamespace($1) and relname = name)
      order by place`,
    [schema, [...names]],
  );
  return rows.map(({ name }) => name);
}

/** What Postgres says of a table that is not there, and of a schema. */
const missing = new Set(['42P01', '3F000']);

/** Whether a statement failed because a table of the schema, or the schema itself, is not there. */
export function isMissingIn(schema: string, error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  // The name is in the text in every language of the server.
  return missing.has(String(code)) && typeof message === 'string' && new RegExp(`\\b${schema}\\b`).test(message);
}

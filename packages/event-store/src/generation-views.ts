/**
 * The views that show a generation: one for each table, under its name, and further ones upon these. Whoever drops a table
 * takes the views upon it along, so that whether they are there is looked at wherever they may be made again.
 */
import type { Tx } from './database';
import type { Generation, GenerationPlan } from './generation-tables';
import { missingRelations } from './missing-relations';
import { tablesOf } from './table-projections';

export function viewsHashOf({ views }: GenerationPlan): string {
  return views?.hash ?? '';
}

/** Whether all views are there, and those of this plan. They may show another generation of the same tables. */
export async function hasViews(tx: Tx, plan: GenerationPlan, { views }: Generation): Promise<boolean> {
  if (views !== viewsHashOf(plan)) return false;
  const names = [...tablesOf(plan.projections), ...furtherOf(plan)].map(({ name }) => name);
  return (await missingRelations(tx, plan.schema, names)).length === 0;
}

/**
 * Further views are made anew when they are another build's; of the plan's own only those that are missing, because others
 * may have built upon the rest.
 */
export async function replaceViews(tx: Tx, plan: GenerationPlan, to: Generation): Promise<void> {
  await showTables(tx, plan, to);
  const { schema } = plan;
  const further = furtherOf(plan);
  if (to.views !== viewsHashOf(plan))
    for (const { name } of further) await tx.query(`drop view if exists ${schema}.${name}`);
  const names = further.map(({ name }) => name);
  const missing = new Set(await missingRelations(tx, schema, names));
  for (const { name, statements } of further)
    if (missing.has(name)) for (const statement of statements) await tx.query(statement);
}

function furtherOf({ views }: GenerationPlan) {
  return views?.further ?? [];
}

/**
 * A view for each table, under its name. Those that fit are replaced where they stand; when columns have gone or changed
 * their type, all are made anew, and with them whatever others have built upon them is gone.
 */
async function showTables(tx: Tx, { schema, projections }: GenerationPlan, to: Generation): Promise<void> {
  const tables = tablesOf(projections);
  // One message, so that the time between the first lock and the last is short.
  const statements = tables.flatMap(({ name, columns: of }) => [
    `create or replace view ${schema}.${name} with (security_invoker = true) as
     select ${Object.keys(of).join(', ')} from ${to.checkpoint}.${name}`,
    `grant select on ${schema}.${name} to public`,
  ]);
  const create = () => tx.query(statements.join(';\n'));
  await tx.query('savepoint views');
  try {
    await create();
  } catch (error) {
    if ((error as { code?: string }).code !== invalidTableDefinition) throw error;
    await tx.query('rollback to savepoint views');
    for (const { name } of tables) await tx.query(`drop view if exists ${schema}.${name} cascade`);
    await create();
  }
}

/** What Postgres says of a view that would lose a column. */
const invalidTableDefinition = '42P16';

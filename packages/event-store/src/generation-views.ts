/**
 * The views that show a generation: one for each table, under its name, and further ones upon these. Whoever drops a table
 * takes the views upon it along, so that whether they are there is looked at wherever they may be made again.
 */
import { StartRefusal } from '@daybook/runtime';
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
 * Further views are replaced when they are another build's; of the plan's own only those that are missing are made. Throws
 * StartRefusal where one has to be made anew and others have built upon it.
 */
export async function replaceViews(tx: Tx, plan: GenerationPlan, to: Generation): Promise<void> {
  await showTables(tx, plan, to);
  const { schema } = plan;
  const further = furtherOf(plan);
  const names = further.map(({ name }) => name);
  const wanted = to.views === viewsHashOf(plan) ? await missingRelations(tx, schema, names) : names;
  for (const { name, statements } of further)
    if (wanted.includes(name)) await showFurther(tx, schema, name, statements);
}

/** Their statements replace a view that is there. */
function furtherOf({ views }: GenerationPlan) {
  return views?.further ?? [];
}

/** What others have built upon it stays where it only gets columns behind its last; else that is not ours to drop. */
async function showFurther(tx: Tx, schema: string, name: string, statements: readonly string[]): Promise<void> {
  const drop = () =>
    tx.query(`drop view ${schema}.${name}`).catch((error: unknown) => {
      throw refusalOf(error, `${schema}.${name}`);
    });
  await createOrReplace(tx, { create: () => tx.query(statements.join(';\n')), drop });
}

function refusalOf(error: unknown, view: string): unknown {
  const { code, detail } = error as { readonly code?: string; readonly detail?: string };
  if (code !== dependentObjects) return error;
  const dependants = detail?.replaceAll('\n', '; ');
  return new StartRefusal(
    `the view ${view} has other columns in this release, and others have built upon it: ${dependants}. ` +
      'Drop what they have built, start again, and make it anew',
    { cause: error },
  );
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
  await createOrReplace(tx, {
    create: () => tx.query(statements.join(';\n')),
    async drop() {
      for (const { name } of tables) await tx.query(`drop view if exists ${schema}.${name} cascade`);
    },
  });
}

/** Drops only what cannot be replaced. */
async function createOrReplace(
  tx: Tx,
  { create, drop }: { create(): Promise<unknown>; drop(): Promise<unknown> },
): Promise<void> {
  await tx.query('savepoint views');
  try {
    await create();
  } catch (error) {
    if ((error as { code?: string }).code !== invalidTableDefinition) throw error;
    await tx.query('rollback to savepoint views');
    await drop();
    await create();
  }
}

/** What Postgres says of a view that would lose a column. */
const invalidTableDefinition = '42P16';
/** What it says of a drop of what others depend on. */
const dependentObjects = '2BP01';

/**
 * Generations of read models: every build of the tables lies in a schema of its own, `<schema>_g<number>`, and views of the
 * service's schema show the live one.
 *
 *   building ──▶ live ──▶ old ──▶ dropped
 *       └──────────────────▲
 *
 * All changes of state are made under one lock. Becoming live replaces the views in the transaction that retires the
 * generation before, under that one's claim: it moves no more, and whoever follows it finds out at its next batch.
 */
import { assert, isOperationalError, OperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import type { Pool } from 'pg';
import { inTransaction, type Tx } from './database';
import type { EventStore, Position } from './event-store';
import { asOperational } from './operational';
import { checkSuccession } from './generation-succession';
import { hasViews, replaceViews, viewsHashOf } from './generation-views';
import { missingRelations } from './missing-relations';
import { createIndexesSql, createTableSql, type ProjectionTable } from './projection-table';
import { forgetStatements } from './projection-statements';
import { tablesOf, versionsOf } from './table-projections';
import { withholdStatistics } from './withheld-statistics';

export type Generation = {
  readonly number: number;
  readonly state: 'building' | 'live' | 'old' | 'dropped';
  /** Of the projections that fill it. */
  readonly versions: string;
  /** Name of its checkpoint, and of its schema. */
  readonly checkpoint: string;
  /** Tells the further views of one build from those of another. */
  readonly views: string;
};

/** What generations are made of in this build. */
export type GenerationPlan = {
  /** The service's schema, which connections have in their search path. */
  readonly schema: string;
  readonly projections: readonly {
    readonly name: string;
    readonly version: number;
    readonly tables: readonly ProjectionTable[];
  }[];
  /** Views upon those that show each table, none upon another of them: what makes each, and what tells all from others. */
  readonly views?: {
    readonly hash: string;
    readonly further: readonly { readonly name: string; readonly statements: readonly string[] }[];
  };
};

const columns = 'number, state, versions, checkpoint, views';

export async function generationsOf(pool: Pool): Promise<readonly Generation[]> {
  try {
    const { rows } = await pool.query<Generation>(`select ${columns} from projection_generations order by number`);
    return rows;
  } catch (error) {
    throw asOperational(error);
  }
}

export async function liveGeneration(pool: Pool): Promise<Generation | undefined> {
  return (await generationsOf(pool)).find(({ state }) => state === 'live');
}

/**
 * The live generation. The first is made on the spot; a live one gets this build's views when it has others or they are
 * missing. While it misses a table its views stay as they are: whatever makes the table again makes them, too.
 * Tables that an earlier build made tell readers no more of themselves than those of this one.
 */
export async function ensureLive(pool: Pool, plan: GenerationPlan): Promise<Generation> {
  return inTransaction(pool, async (tx) => {
    await lockGenerations(tx, plan);
    await withholdStatistics(tx, await schemasOf(tx));
    const live = await inState(tx, 'live');
    if (live === undefined) {
      const first = await create(tx, plan);
      return makeLive(tx, plan, first);
    }
    if (live.versions !== versionsOf(plan.projections) || (await hasViews(tx, plan, live))) return live;
    return (await hasTables(tx, plan, live)) ? makeLive(tx, plan, live) : live;
  });
}

/** The one that is being built of the same projections, to go on with, or another; the one that was is given up then. */
export async function ensureBuilding(pool: Pool, plan: GenerationPlan, fresh = false): Promise<Generation> {
  return inTransaction(pool, async (tx) => {
    await lockGenerations(tx, plan);
    const building = await inState(tx, 'building');
    const fits = !fresh && building?.versions === versionsOf(plan.projections);
    if (fits && (await hasTables(tx, plan, building))) return building;
    if (building) await retire(tx, building);
    return create(tx, plan);
  });
}

/**
 * `level` moves the next one to where the live one stands still meanwhile. False when it did not get there; true also when it
 * has been live already, as after a commit that nobody answered for. Throws OperationalError, not to be tried again, when
 * the live one is of another build that does not give way, or when the next one was given up.
 */
export async function switchTo(
  pool: Pool,
  plan: GenerationPlan,
  {
    store,
    next,
    level,
    tries = 1,
    succeeds = false,
  }: {
    readonly store: EventStore;
    readonly next: Generation;
    readonly tries?: number;
    /** Whether it may take the place of another build's. */
    readonly succeeds?: boolean;
    level(place: Position): Promise<void>;
  },
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    // Whoever reads the views must not wait for us for long: the caller tries again.
    await tx.query(`set local lock_timeout = '${Math.min(switchLockMs * tries, switchLockMaxMs)}ms'`);
    await lockGenerations(tx, plan);
    if (await wasLive(tx, next)) return true;
    await checkBuilding(tx, next);
    const live = await inState(tx, 'live');
    assert(live, 'no generation is live');
    await checkSuccession(tx, live, { versions: next.versions, succeeds });
    const shown = await claimGeneration(tx, live);
    await level(shown);
    if (store.compare(await claimGeneration(tx, next), shown) < 0) return false;
    await retire(tx, live);
    await tx.query(`update subscriptions set version = 'retired ' || version where name = $1`, [live.checkpoint]);
    await makeLive(tx, plan, { ...next, views: live.views });
    return true;
  });
}

/**
 * Readers take the views in whatever order they like, so waiting for one while holding another can be for ever. Short at
 * first; always less than the server's time to look for deadlocks, so that it is never a reader that fails.
 */
const switchLockMs = 100;
const switchLockMaxMs = 800;

/** Drops the tables of a generation that nobody reads any more. Throws OperationalError while somebody uses them all the same. */
export async function dropGeneration(pool: Pool, plan: Pick<GenerationPlan, 'schema'>, number: number): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await lockGenerations(tx, plan);
    const { rows } = await tx.query<Generation>(`select ${columns} from projection_generations where number = $1`, [
      number,
    ]);
    const generation = rows[0];
    assert(generation?.state !== 'live', `generation ${number} is live`);
    if (generation && generation.state !== 'dropped') await drop(tx, plan, generation);
  });
}

type Dropping = Pick<GenerationPlan, 'schema'> & { readonly pool: Pool; readonly logger: Logger };

/** As `dropGeneration`. What cannot go now stays, for whoever sweeps next. */
export async function dropOrLeave({ pool, schema, logger }: Dropping, number: number): Promise<void> {
  try {
    await dropGeneration(pool, { schema }, number);
  } catch (error) {
    // Those who use it end by themselves; views that others have built upon it do not go without them.
    if (isOperationalError(error)) logger.info({ error, generation: number }, 'old read models will be dropped later');
    else logger.warn({ error, generation: number }, 'old read models could not be dropped');
  }
}

/**
 * Gives up what a build leaves, unless that has become live, and drops it or leaves it: nobody goes on with it, whoever uses
 * its tables.
 */
export async function abandonGeneration(deps: Dropping, number: number): Promise<void> {
  const abandoned = await inTransaction(deps.pool, async (tx) => {
    await lockGenerations(tx, deps);
    const building = await inState(tx, 'building');
    if (building?.number !== number) return false;
    await retire(tx, building);
    return true;
  });
  if (abandoned) await dropOrLeave(deps, number);
}

/** Numbers of the generations that were retired longer ago, and of those that were given up, which nobody has read. */
export async function retiredFor(pool: Pool, milliseconds: number): Promise<readonly number[]> {
  const { rows } = await pool.query<{ number: number }>(
    `select number from projection_generations
      where state = 'old' and (live_at is null or retired_at <= clock_timestamp() - $1 * interval '1 millisecond')
      order by number`,
    [milliseconds],
  );
  return rows.map(({ number }) => number);
}

async function lockGenerations(tx: Tx, { schema }: Pick<GenerationPlan, 'schema'>): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`projection generations ${schema}`]);
}

async function inState(tx: Tx, state: Generation['state']): Promise<Generation | undefined> {
  const { rows } = await tx.query<Generation>(`select ${columns} from projection_generations where state = $1`, [
    state,
  ]);
  return rows[0];
}

async function schemasOf(tx: Tx): Promise<readonly string[]> {
  const { rows } = await tx.query<Generation>(`select ${columns} from projection_generations where state <> 'dropped'`);
  return rows.map(({ checkpoint }) => checkpoint);
}

async function wasLive(tx: Tx, { number }: Generation): Promise<boolean> {
  const { rowCount } = await tx.query(`select from projection_generations where number = $1 and live_at is not null`, [
    number,
  ]);
  return rowCount === 1;
}

/** Whoever has lost the lock of builds without noticing may be late. */
async function checkBuilding(tx: Tx, { number }: Generation): Promise<void> {
  const building = await inState(tx, 'building');
  if (building?.number === number) return;
  throw new OperationalError('store_unavailable', false, { detail: `generation ${number} was given up` });
}

async function retire(tx: Tx, { number }: Generation): Promise<void> {
  await tx.query(`update projection_generations set state = 'old', retired_at = clock_timestamp() where number = $1`, [
    number,
  ]);
}

/** Waits for the claim of its runner, which then cannot move until this transaction ends; returns its place. */
export async function claimGeneration(tx: Tx, { checkpoint }: Generation): Promise<Position> {
  await tx.query(
    `select pg_advisory_xact_lock(hashtextextended('subscription ' || current_schema() || ' ' || $1::text, 0))`,
    [checkpoint],
  );
  const { rows } = await tx.query<{ position: Position }>(`select position from subscriptions where name = $1`, [
    checkpoint,
  ]);
  const position = rows[0]?.position;
  assert(position !== undefined, `generation ${checkpoint} has no checkpoint`);
  return position;
}

async function create(tx: Tx, plan: GenerationPlan): Promise<Generation> {
  const { rows } = await tx.query<{ number: number }>(
    `select coalesce(max(number), 0) + 1 as number from projection_generations`,
  );
  const number = rows[0]?.number ?? 1;
  const name = `${plan.schema}_g${number}`;
  const versions = versionsOf(plan.projections);
  await tx.query(`create schema ${name}`);
  for (const table of tablesOf(plan.projections)) {
    await tx.query(createTableSql(name, table));
    for (const statement of createIndexesSql(name, table)) await tx.query(statement);
  }
  await withholdStatistics(tx, [name]);
  // Which rows of which tables others see is a matter of the tables.
  await tx.query(`grant usage on schema ${name} to public`);
  await tx.query(`insert into subscriptions (name, version, position) values ($1, $2, 'start')`, [name, versions]);
  await tx.query(
    `insert into projection_generations (number, state, versions, checkpoint) values ($1, 'building', $2, $3)`,
    [number, versions, name],
  );
  return { number, state: 'building', versions, checkpoint: name, views: '' };
}

async function hasTables(tx: Tx, { projections }: GenerationPlan, { checkpoint }: Generation): Promise<boolean> {
  const names = tablesOf(projections).map(({ name }) => name);
  return (await missingRelations(tx, checkpoint, names)).length === 0;
}

async function makeLive(tx: Tx, plan: GenerationPlan, generation: Generation): Promise<Generation> {
  await replaceViews(tx, plan, generation);
  const views = viewsHashOf(plan);
  await tx.query(
    `update projection_generations set state = 'live', live_at = coalesce(live_at, clock_timestamp()), views = $2
      where number = $1`,
    [generation.number, views],
  );
  return { ...generation, state: 'live', views };
}

/**
 * Postgres gives a transaction its number before it waits for an exclusive lock of a table, and no reader of the log gets past
 * one that has a number: while this waited for a dump to let go of a table, all of them would stand still. The sweep tries
 * again.
 */
const dropLockMs = 100;

/**
 * Views that still show its tables are of tables that the live plan does not have. With them go the service's own views
 * upon them; refused while anything else depends on its tables.
 */
async function drop(
  tx: Tx,
  { schema }: Pick<GenerationPlan, 'schema'>,
  { number, checkpoint }: Generation,
): Promise<void> {
  await tx.query(`set local lock_timeout = '${dropLockMs}ms'`);
  const views = await viewsUpon(tx, schema, checkpoint);
  if (views.length > 0) await tx.query(`drop view ${views.map((name) => `${schema}.${name}`).join(', ')}`);
  const { rows } = await tx.query<{ name: string }>(
    `select quote_ident(relname) as name from pg_class where relnamespace = to_regnamespace($1) and relkind = 'r'`,
    [checkpoint],
  );
  if (rows.length > 0) await tx.query(`drop table ${rows.map(({ name }) => `${checkpoint}.${name}`).join(', ')}`);
  await tx.query(`drop schema if exists ${checkpoint}`);
  await tx.query(`delete from subscriptions where name = $1`, [checkpoint]);
  await tx.query(
    `update projection_generations set state = 'dropped', dropped_at = clock_timestamp() where number = $1`,
    [number],
  );
  forgetStatements(checkpoint);
}

/** Of `schema`: those that show tables of the schema `shown`, and those that show these. */
async function viewsUpon(tx: Tx, schema: string, shown: string): Promise<readonly string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `with recursive upon as (
       select oid from pg_class where relnamespace = to_regnamespace($2)
       union
       select view.oid
         from upon
         join pg_depend on refclassid = 'pg_class'::regclass and refobjid = upon.oid and classid = 'pg_rewrite'::regclass
         join pg_rewrite on pg_rewrite.oid = objid
         join pg_class view on view.oid = ev_class and view.relkind = 'v' and view.relnamespace = to_regnamespace($1)
     )
     select quote_ident(relname) as name from pg_class join upon using (oid) where relnamespace = to_regnamespace($1)`,
    [schema, shown],
  );
  return rows.map(({ name }) => name);
}

import { openDatabase } from '../src/database';
import { assertAppendOnly } from '../src/append-only';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

/** A role of the run's server, which no other test has. */
const roleOf = (purpose: string) => `${purpose}_${databases.database.url.slice(-12)}`;

describe('the assertion that the log is append-only', () => {
  test('holds after the migrations', async () => {
    const { pool } = await databases.fresh();
    await expect(assertAppendOnly(pool)).resolves.toBeUndefined();
  });

  test.each([
    [
      'a trigger that is off',
      'alter table appends disable trigger appends_append_only',
      /trigger .* is off or missing/,
    ],
    ['a trigger that is gone', 'drop trigger appends_append_only on appends', /trigger .* is off or missing/],
    ['update granted to everyone', 'grant update on appends to public', /everyone may update$/],
    ['update of one column', 'grant update (payloads) on appends to public', /everyone may update$/],
    ['delete granted to everyone', 'grant delete on appends to public', /everyone may delete$/],
    ['truncate granted to its owner', 'grant truncate on appends to current_user', /\w+ may truncate$/],
    ['a table that came without its privileges', 'grant all on appends to current_user', /may delete, .*may update$/],
  ])('refuses %s', async (_name, sabotage, message) => {
    const { pool } = await databases.fresh();
    await pool.query(sabotage);
    await expect(assertAppendOnly(pool)).rejects.toThrow(message);
  });

  test('the owner, when it is no superuser, may change nothing even without the trigger', async () => {
    const { pool, schema } = await databases.fresh();
    const owner = roleOf('owner');
    await pool.query(
      `create role ${owner}; grant usage, create on schema ${schema} to ${owner};
       alter table appends disable trigger appends_append_only; alter table appends owner to ${owner}`,
    );
    const owned = openDatabase({
      url: `${databases.database.url}?options=${encodeURIComponent(`-c role=${owner}`)}`,
      schema,
      poolMax: 1,
      onError: () => undefined,
    });
    for (const statement of ['update appends set count = 1', 'delete from appends', 'truncate appends']) {
      await expect(owned.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    await owned.query('alter table appends enable trigger appends_append_only');
    await expect(assertAppendOnly(owned)).resolves.toBeUndefined();
    await owned.end();
    await pool.query(`reassign owned by ${owner} to current_user; drop owned by ${owner}; drop role ${owner}`);
  });

  test('a role that may not append is told so', async () => {
    const { pool, schema } = await databases.fresh();
    const role = roleOf('reader');
    await pool.query(
      `create role ${role}; grant usage on schema ${schema} to ${role}; grant select on appends to ${role}`,
    );
    const limited = openDatabase({
      url: `${databases.database.url}?options=${encodeURIComponent(`-c role=${role}`)}`,
      schema,
      poolMax: 1,
      onError: () => undefined,
    });
    await expect(assertAppendOnly(limited)).rejects.toThrow(/this role may not append and read$/);
    await limited.end();
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  });
});

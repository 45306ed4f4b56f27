import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { embeddedPostgres } from '@daybook/embedded';
import { scratchDirectory, startAndBeKilled } from './servers';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Where the data of a directory is: inside, or elsewhere when the server's account cannot get there. */
function dataOf(home: string): string {
  const { shared } = JSON.parse(readFileSync(join(home, 'postgres.json'), 'utf8')) as { shared?: string };
  return join(shared ?? home, 'data');
}

describe('embeddedPostgres', () => {
  let directory: string;
  beforeEach(() => {
    directory = scratchDirectory();
  });
  afterEach(async () => {
    const server = embeddedPostgres({ directory });
    await server.start();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('is durable, asks for a password, and listens on this machine only', async () => {
    const server = embeddedPostgres({ directory });
    await server.start();
    const [settings] = await query(
      server.url,
      `select current_setting('fsync') as fsync, current_setting('listen_addresses') as listens,
              current_setting('unix_socket_directories') as sockets, current_setting('max_connections') as connections,
                current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(settings).toEqual({ fsync: 'on', listens: '127.0.0.1', sockets: '', connections: '200', idle: '1min' });
    const wrong = Object.assign(new URL(server.url), { password: 'wrong' }).href;
    await expect(query(wrong, 'select 1')).rejects.toThrow('password authentication failed');
    expect(statSync(join(directory, 'postgres.json')).mode & 0o077).toBe(0);
    await server.stop();
    await server.stop();
  });

  test('outlives a killed starter and is adopted with its data', async () => {
    const url = await startAndBeKilled('embeddedPostgres', { directory });
    await query(url, 'create table kept (id int)');
    const server = embeddedPostgres({ directory });
    await server.start();
    expect(server.url).toBe(url);
    await expect(query(server.url, 'select count(*)::int as n from kept')).resolves.toEqual([{ n: 0 }]);
    await server.stop();
    await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  test('starts anew at once after its server was killed, with everything committed', async () => {
    const server = embeddedPostgres({ directory });
    await server.start();
    await query(server.url, 'create table kept as select generate_series(1, 1000) as id');
    const [row] = await query(server.url, "select pg_read_file('postmaster.pid') as lock");
    process.kill(Number.parseInt(String(row?.['lock']), 10), 'SIGKILL');
    const next = embeddedPostgres({ directory });
    await next.start();
    await expect(query(next.url, 'select count(*)::int as n from kept')).resolves.toEqual([{ n: 1000 }]);
    await next.stop();
  });

  test('two simultaneous first starts share one server', async () => {
    const servers = [embeddedPostgres({ directory }), embeddedPostgres({ directory })];
    await Promise.all(servers.map((server) => server.start()));
    expect(servers[0]!.url).toBe(servers[1]!.url);
    await servers[0]!.stop();
    await servers[1]!.stop();
  });

  test('a directory that was deleted is a clean start, also where the data must live elsewhere', async () => {
    const home = join(directory, 'private', 'postgres');
    mkdirSync(join(directory, 'private'));
    chmodSync(join(directory, 'private'), 0o700);
    const url = await startAndBeKilled('embeddedPostgres', { directory: home });
    await query(url, 'create table forgotten (id int)');
    rmSync(home, { recursive: true, force: true });
    const server = embeddedPostgres({ directory: home });
    await server.start();
    await expect(query(server.url, "select to_regclass('forgotten') as found")).resolves.toEqual([{ found: null }]);
    await server.stop();
    expect(existsSync(join(dataOf(home), 'PG_VERSION'))).toBe(true);
    rmSync(dataOf(home), { recursive: true });
  });

  test('data elsewhere goes when its directory is gone, with the server on it', async () => {
    const [abandoned, home] = ['abandoned', 'used'].map((name) => join(directory, name, 'postgres')) as [
      string,
      string,
    ];
    for (const path of [abandoned, home]) mkdirSync(dirname(path), { mode: 0o700 });
    const url = await startAndBeKilled('embeddedPostgres', { directory: abandoned });
    const data = dataOf(abandoned);
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10);
    rmSync(dirname(abandoned), { recursive: true, force: true });
    const server = embeddedPostgres({ directory: home });
    await server.start();
    await server.stop();
    expect(existsSync(data)).toBe(false);
    if (data.startsWith(directory)) process.kill(pid, 'SIGQUIT');
    else await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    rmSync(dataOf(home), { recursive: true });
  });

  test('a start that fails says why and what to do', async () => {
    const server = embeddedPostgres({ directory, settings: { no_such_setting: 'on' } });
    await expect(server.start()).rejects.toThrow(/no_such_setting[\s\S]*delete .* to start with an empty database/);
  });
});

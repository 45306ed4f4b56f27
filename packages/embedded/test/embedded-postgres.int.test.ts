import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
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

  test('lets a role that is no superuser into the database of the services alone, on data of an earlier build too', async () => {
    const server = embeddedPostgres({ directory });
    await server.start();
    await query(server.url, `create role guest login password 'guest'`);
    const enter = (database: string) => {
      const url = Object.assign(new URL(server.url), { username: 'guest', password: 'guest', pathname: database });
      return query(url.href, 'select 1').then(
        () => 'in',
        (error: { code?: string }) => error.code,
      );
    };
    const doors = async () => Promise.all(['/daybook', '/postgres', '/template1'].map(enter));
    expect(await doors()).toEqual(['in', '42501', '42501']);
    await query(server.url, 'grant connect on database postgres, template1 to public');
    expect(await doors()).toEqual(['in', 'in', 'in']);
    await Promise.all([server.start(), embeddedPostgres({ directory }).start()]);
    expect(await doors()).toEqual(['in', '42501', '42501']);
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

  test('data elsewhere is kept, whatever became of the files beside it', async () => {
    mkdirSync(join(directory, 'private'), { mode: 0o700 });
    const home = join(directory, 'private', 'postgres');
    const server = embeddedPostgres({ directory: home });
    await server.start();
    await query(server.url, 'create table kept (id int)');
    await server.stop();
    const base = dirname(dataOf(home));
    for (const spoil of [
      (file: string) => rmSync(file),
      (file: string) => truncateSync(file),
      (file: string) => writeFileSync(file, 'of another'),
    ]) {
      const beside = readdirSync(base).filter((name) => name !== 'data' && name !== 'postgres.json');
      expect(beside).toContain('server.log');
      beside.forEach((name) => spoil(join(base, name)));
      const next = embeddedPostgres({ directory: home });
      await next.start();
      await expect(query(next.url, 'select count(*)::int as n from kept')).resolves.toEqual([{ n: 0 }]);
      await next.stop();
    }
    rmSync(dataOf(home), { recursive: true });
  });

  test('a start leaves alone what others have elsewhere, also when their directory was moved or is away', async () => {
    // Not the folder of the system that is for what nobody misses.
    const place = mkdtempSync('/var/tmp/daybook-embedded-');
    const [ours, moved, other] = ['ours', 'moved', 'other'].map((name) => join(place, name)) as [
      string,
      string,
      string,
    ];
    const startIn = async (home: string) => {
      mkdirSync(home, { recursive: true, mode: 0o700 });
      const server = embeddedPostgres({ directory: join(home, 'postgres') });
      await server.start();
      return server;
    };
    const first = await startIn(ours);
    await query(first.url, 'create table kept (id int)');
    await first.stop();
    renameSync(ours, moved);
    await (await startIn(other)).stop();
    await (await startIn(ours)).stop();
    const again = await startIn(moved);
    await expect(query(again.url, 'select count(*)::int as n from kept')).resolves.toEqual([{ n: 0 }]);
    await again.stop();
    for (const home of [ours, moved, other]) rmSync(dirname(dataOf(join(home, 'postgres'))), { recursive: true });
    rmSync(place, { recursive: true });
  });

  test('data that is to be there and is not stops the start, which makes none in its place', async () => {
    const home = join(directory, 'postgres');
    const server = embeddedPostgres({ directory: home });
    await server.start();
    await query(server.url, 'create table kept (id int)');
    await server.stop();
    const expecting = embeddedPostgres({ directory: home, wholeDirectory: directory, expectsData: true });
    const gone = (path: string) => `is not in ${path} any more: bring it back, or delete the whole of ${directory} to`;
    for (const path of [dataOf(home), home]) {
      renameSync(path, `${path}.away`);
      await expect(expecting.start()).rejects.toThrow(gone(path === home ? join(home, 'postgres.json') : path));
      expect(existsSync(path) ? readdirSync(path) : []).toEqual([]);
      rmSync(path, { recursive: true, force: true });
      renameSync(`${path}.away`, path);
    }
    await expecting.start();
    await expect(query(expecting.url, 'select count(*)::int as n from kept')).resolves.toEqual([{ n: 0 }]);
    await expecting.stop();
  });

  test('data that has another password is left alone, with no server on it', async () => {
    const server = embeddedPostgres({ directory });
    await server.start();
    await server.stop();
    const file = join(directory, 'postgres.json');
    renameSync(file, `${file}.away`);
    await expect(embeddedPostgres({ directory }).start()).rejects.toThrow(/another password[^]*bring back/);
    expect(existsSync(join(directory, 'data', 'postmaster.pid'))).toBe(false);
    renameSync(`${file}.away`, file);
  });

  test('a start that fails says why and what to do', async () => {
    const server = embeddedPostgres({ directory, settings: { no_such_setting: 'on' } });
    await expect(server.start()).rejects.toThrow(/no_such_setting[^]*Keep the data. .* disk is full/);
  });

  describe('of data that it does not start on', () => {
    const failure = async () => {
      const error = await embeddedPostgres({ directory, wholeDirectory: '/whole' })
        .start()
        .then(
          () => undefined,
          (reason: Error) => reason.message,
        );
      return error ?? 'it started';
    };
    beforeEach(async () => {
      const server = embeddedPostgres({ directory });
      await server.start();
      await server.stop();
    });

    test('it says who must own it, and nothing of deleting, where Postgres may not write', async () => {
      const data = join(directory, 'data');
      chmodSync(data, 0o500);
      const message = await failure();
      chmodSync(data, 0o700);
      expect(message).toMatch(/could not create lock file "postmaster.pid": Permission denied/);
      expect(message).toMatch(
        new RegExp(`\\n.*disk is full, and whether ${data} belongs to user ${statSync(data).uid},`),
      );
      expect(message).not.toContain('delete');
    });

    test('it names the other version of Postgres that made it', async () => {
      const file = join(directory, 'data', 'PG_VERSION');
      const version = readFileSync(file);
      writeFileSync(file, '17\n');
      const message = await failure();
      writeFileSync(file, version);
      expect(message).toMatch(/version 17, which is not compatible[^]*\nStart the build that made the data/);
      expect(message).not.toContain('delete');
    });

    test('it names all that has to go where the data is damaged', async () => {
      const file = join(directory, 'data', 'global', 'pg_control');
      const control = readFileSync(file);
      writeFileSync(file, control.subarray(0, 100));
      const message = await failure();
      writeFileSync(file, control);
      expect(message).toMatch(/pg_control[^]*\nThe data is damaged: .*, or delete the whole of \/whole to begin anew/);
    });
  });
});

import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Pool } from 'pg';
import { openDatabase } from '../src/database';
import { postgresEventStore } from '../src/postgres-event-store';
import { anEvent } from './event-store.contract';
import { schemas } from './fixtures';

/** Cuts the connection after so many more bytes in one direction; null lets everything pass. */
type Cut = { readonly direction: 'request' | 'answer'; left: number } | null;

type Proxy = { readonly url: string; cut(next: Cut): void; stop(): Promise<void> };

let databases: Awaited<ReturnType<typeof schemas>>;
let proxy: Proxy;
let direct: Pool;
let through: Pool;
beforeAll(async () => {
  databases = await schemas();
  const { schema, pool } = await databases.fresh();
  direct = pool;
  proxy = await startProxy(new URL(databases.database.url));
  through = openDatabase({ url: proxy.url, schema, poolMax: 1, onError: () => undefined });
});
afterAll(async () => {
  await through.end();
  await proxy.stop();
  await databases.end();
});

const offsets = (count: number, step: number) => Array.from({ length: count }, (_, n) => n * step);

/** The request of an append is some 700 bytes long when its statement is prepared, the answer some 150. */
const cuts = [
  ...offsets(30, 17).map((left) => ({ direction: 'request' as const, left })),
  ...offsets(40, 4).map((left) => ({ direction: 'answer' as const, left })),
];

describe('an append whose connection is lost', () => {
  test('says that its outcome is unknown, and repeating it ends in exactly one append', async () => {
    const store = postgresEventStore(through);
    await store.append('warm', [anEvent()], 'no_stream');
    let [unknown, committed] = [0, 0];
    for (const [index, cut] of cuts.entries()) {
      const stream = `s${index}`;
      const events = [anEvent(), anEvent()];
      proxy.cut({ ...cut });
      const answer = await store.append(stream, events, 'no_stream').catch((error: unknown) => error);
      proxy.cut(null);
      if (answer instanceof Error) {
        expect(answer).toMatchObject({ code: 'outcome_unknown', retryable: true });
        unknown++;
        committed += (await direct.query(`select from events where stream = $1 limit 1`, [stream])).rowCount ?? 0;
      }
      await expect(store.append(stream, events, 'no_stream')).resolves.toEqual({ revision: 1n });
      expect((await store.readStream(stream)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    }
    // Both ways of being unknown were met: done, and not done.
    expect(unknown).toBeGreaterThan(20);
    expect(committed).toBeGreaterThan(5);
    expect(unknown - committed).toBeGreaterThan(5);
  });

  test('is told apart from one that never reached the server', async () => {
    const nobody = openDatabase({
      url: 'postgres://postgres@127.0.0.1:1/x',
      schema: 's',
      poolMax: 1,
      onError: () => undefined,
    });
    const store = postgresEventStore(nobody);
    await expect(store.append('s', [anEvent()], 'no_stream')).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.tail()).rejects.toMatchObject({ code: 'store_unavailable' });
    await nobody.end();
  });
});

async function startProxy(target: URL): Promise<Proxy> {
  let cut: Cut = null;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const drop = () => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (direction: 'request' | 'answer', from: Socket, to: Socket) =>
      from.on('data', (bytes) => {
        if (cut?.direction !== direction || bytes.length < cut.left) {
          if (cut?.direction === direction) cut.left -= bytes.length;
          to.write(bytes);
          return;
        }
        // What came before the cut still arrives.
        to.write(bytes.subarray(0, cut.left), () => to.destroySoon());
        from.destroySoon();
      });
    pass('request', client, upstream);
    pass('answer', upstream, client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', drop).on('close', () => {
        sockets.delete(socket);
        drop();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = Object.assign(new URL(target.href), { port: String((server.address() as AddressInfo).port) }).href;
  return {
    url,
    cut: (next) => void (cut = next),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

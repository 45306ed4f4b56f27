import { eventually } from '@daybook/testing';
import type { Pool } from 'pg';
import { createBatches, openBatches } from '../src/batches';
import { openDatabase, type Tx } from '../src/database';
import type { StoredEvent } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { auditSubscriptions } from '../src/subscription-audit';
import { anEvent } from './counted-events';
import { startProxy, type Direction, type Proxy } from './cutting-proxy';
import { schemas } from './fixtures';

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

/** How many bytes go each way while `work` runs on a connection that has run it before. */
async function exchangeOf(work: () => Promise<unknown>): Promise<Readonly<Record<Direction, number>>> {
  await work();
  const before = proxy.passed();
  await work();
  const after = proxy.passed();
  return { request: after.request - before.request, answer: after.answer - before.answer };
}

/** Far from its end a request is cut before each fourth byte only: nothing of it has been executed there. */
const closeToEnd = 40;

/** A cut before each byte of the exchange, and one behind its last. */
const cutsOf = ({ request, answer }: Readonly<Record<Direction, number>>) =>
  [
    ...Array.from({ length: request + 1 }, (_, left) => ({ direction: 'request' as const, left })),
    ...Array.from({ length: answer + 1 }, (_, left) => ({ direction: 'answer' as const, left })),
  ].filter(({ direction, left }) => direction === 'answer' || left > request - closeToEnd || left % 4 === 0);

describe('an append whose connection is lost', () => {
  test('at any byte says that its outcome is unknown, and repeating it ends in exactly one append', async () => {
    const store = postgresEventStore(through);
    let streams = 0;
    const exchange = await exchangeOf(() => store.append(`s-${streams++}`, [anEvent()], 'no_stream'));
    const seen = { request: { unknown: 0, committed: 0 }, answer: { unknown: 0, committed: 0 } };
    for (const cut of cutsOf(exchange)) {
      const stream = `s-${streams++}`;
      const event = anEvent();
      proxy.cut({ ...cut });
      const answer = await store.append(stream, [event], 'no_stream').catch((error: unknown) => error);
      proxy.cut(null);
      if (answer instanceof Error) {
        expect(answer).toMatchObject({ code: 'outcome_unknown', retryable: true });
        seen[cut.direction].unknown++;
        const { rowCount } = await direct.query(`select from appends where stream = $1`, [stream]);
        seen[cut.direction].committed += rowCount ?? 0;
      }
      // The cut may have come behind the answer: the connection is lost only now.
      const repeat = () => store.append(stream, [event], 'no_stream');
      expect(await eventually(repeat, { timeoutMs: 5_000 })).toEqual({ revision: 0n });
      expect((await store.readStream(stream)).map(({ id }) => id)).toEqual([event.id]);
    }
    // A request that is cut anywhere is not executed; an answer that is cut anywhere is of one that was.
    expect(seen.request.unknown).toBeGreaterThan(50);
    expect(seen.request.committed).toBe(0);
    expect(seen.answer.unknown).toBeGreaterThan(30);
    expect(seen.answer.committed).toBe(seen.answer.unknown);
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

describe('a reader whose connection is lost', () => {
  /** `commit` as a simple query, and "COMMIT" with "ready" behind it. */
  const commitExchange = { request: 12, answer: 18 };

  test('at any byte of its commit applies each event once', async () => {
    const store = postgresEventStore(direct);
    await direct.query('create table applied (id uuid)');
    const options = {
      pool: through,
      store,
      name: 'reader',
      async handle(tx: Tx, events: readonly StoredEvent[]) {
        await tx.query('insert into applied select * from unnest($1::uuid[])', [events.map(({ id }) => id)]);
      },
    };
    const batches = createBatches(options);
    let checkpoint = await openBatches(options);
    const catchUp = async () => {
      for (let progress = true; progress;) ({ checkpoint, progress } = await batches.next(checkpoint));
    };
    await catchUp();
    let [lost, committed] = [0, 0];
    for (const [index, cut] of cutsOf(commitExchange).entries()) {
      const event = anEvent();
      await store.append(`reader-${index}`, [event], 'no_stream');
      proxy.cutAtCommit({ ...cut });
      const failure = await batches.next(checkpoint).then(
        () => undefined,
        (error: unknown) => error,
      );
      proxy.cut(null);
      if (failure !== undefined) {
        expect(failure).toMatchObject({ code: 'store_unavailable', retryable: true });
        lost++;
        committed += (await direct.query('select from applied where id = $1', [event.id])).rowCount ?? 0;
      }
      await eventually(catchUp, { timeoutMs: 5_000 });
      expect(await direct.query('select from applied where id = $1', [event.id])).toMatchObject({ rowCount: 1 });
    }
    expect(lost - committed).toBeGreaterThanOrEqual(commitExchange.request);
    expect(committed).toBeGreaterThanOrEqual(commitExchange.answer);
    expect(await auditSubscriptions(direct, store)).toMatchObject([{ name: 'reader', agrees: true }]);
  });
});

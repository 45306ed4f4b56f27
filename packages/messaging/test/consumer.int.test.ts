import { defineEvent } from '@daybook/contracts';
import { assert, OperationalError } from '@daybook/core';
import { migrate, type Tx } from '@daybook/event-store';
import {
  createConsumer,
  listParked,
  messagingMigrations,
  on,
  onSeveral,
  redrive,
  type Consumer,
  type OutgoingMessage,
  type ReceivedMessage,
  type Subscription,
  type Transport,
} from '@daybook/messaging';
import { currentCorrelation } from '@daybook/runtime';
import { eventually, testLogger, testMetrics } from '@daybook/testing';
import type { Pool } from 'pg';
import { counted, message, onEachTransport, servicePool, upTo, type Harness } from './harness';

const timeoutMs = 30_000;
type Counted = ReceivedMessage<{ key: string; n: number }>;

onEachTransport('the consumer', (name, create) => {
  describe(`A consumer on ${name}`, () => {
    let harness: Harness;
    let transport: Transport;
    let pool: Pool;
    let started: Consumer[];
    let fatal: unknown[];
    const metrics = testMetrics();
    const { logger, lines } = testLogger();
    /** How often the log of this test says so. */
    const said = (what: string) =>
      lines.filter(({ msg, topic }) => msg === what && topic === harness.topic.name).length;

    beforeEach(async () => {
      harness = await create();
      transport = await harness.open();
      pool = servicePool(harness.database, 'service');
      await migrate(pool, 'service', [messagingMigrations]);
      await pool.query(`create table effects (place bigint generated always as identity, key text, n int, id uuid)`);
      started = [];
      fatal = [];
      metrics.resetMetrics();
    });
    afterEach(async () => {
      await Promise.all(started.map((consumer) => consumer.stop()));
      await pool.end();
      await harness.dispose();
    });

    const record = (tx: Tx, { data, id }: Counted) =>
      tx.query(`insert into effects (key, n, id) values ($1, $2, $3)`, [data.key, data.n, id]);

    function subscribe(handle: (tx: Tx, received: Counted) => Promise<unknown> = record, group = 'tests.effects') {
      const handler = on(counted, async (tx, received) => void (await handle(tx, received)));
      return { group, topic: harness.topic.name, handlers: [handler] };
    }

    async function run(subscription: Subscription, stallMs = 60_000, using = transport): Promise<Consumer> {
      const onFatal = (error: unknown) => void fatal.push(error);
      const deps = { pool, transport: using, logger, metrics, onFatal, now: () => new Date(), stallMs };
      const consumer = createConsumer(deps, subscription);
      await consumer.start();
      started.push(consumer);
      return consumer;
    }

    const numbered = (keys: readonly string[], count: number): OutgoingMessage[] =>
      upTo(count).map((n) => {
        const key = keys[n % keys.length]!;
        return message(harness.topic, key, { key, n });
      });

    async function effects(): Promise<ReadonlyMap<string, readonly number[]>> {
      const { rows } = await pool.query<{ key: string; n: number }>(`select key, n from effects order by place`);
      const byKey = new Map<string, number[]>();
      for (const { key, n } of rows) byKey.set(key, [...(byKey.get(key) ?? []), n]);
      return byKey;
    }
    const total = async () => [...(await effects()).values()].flat().length;
    const outcome = async (of: string) => {
      const { values } = (await metrics.getSingleMetric('daybook_consumer_messages_total')!.get()) as {
        values: { value: number; labels: { outcome?: string } }[];
      };
      return values.filter(({ labels }) => labels.outcome === of).reduce((sum, { value }) => sum + value, 0);
    };

    test('applies every message once and each key in order, under its correlation', async () => {
      const seen = new Map<string, unknown>();
      const consumer = await run(
        subscribe(async (tx, received) => {
          seen.set(received.id, currentCorrelation('none'));
          await record(tx, received);
        }),
      );
      const sent = numbered(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 700);
      await transport.publish(sent);
      await consumer.caughtUp();
      expect(await total()).toBe(700);
      for (const ns of (await effects()).values()) expect(ns).toEqual([...ns].sort((x, y) => x - y));
      const { id } = sent[0]!;
      expect(seen.get(id)).toEqual({ correlationId: `correlation of ${id}`, causationId: id });
    });

    test('handles a message that comes again, in any number and order, once', async () => {
      const sent = numbered(['a', 'b', 'c'], 90);
      await transport.publish(sent);
      await transport.publish([sent[0]!, sent[0]!, ...sent.toReversed()]);
      const consumer = await run(subscribe());
      await consumer.caughtUp();
      await transport.publish(sent);
      await consumer.caughtUp();
      expect(await total()).toBe(90);
      for (const ns of (await effects()).values()) expect(ns).toEqual([...ns].sort((x, y) => x - y));
      expect(await outcome('duplicate')).toBeGreaterThanOrEqual(182);
    });

    test('passes over what does not concern it, without a trace in its inbox', async () => {
      const handler = on(
        counted,
        async (tx, received) => void (await record(tx, received)),
        ({ n }) => n % 3 === 0,
      );
      await transport.publish(numbered(['a', 'b', 'c', 'd'], 60));
      const consumer = await run({ group: 'tests.effects', topic: harness.topic.name, handlers: [handler] });
      await consumer.caughtUp();
      const applied = [...(await effects()).values()].flat();
      expect(applied.toSorted((x, y) => x - y)).toEqual(upTo(60).filter((n) => n % 3 === 0));
      const inbox = await pool.query<{ count: string }>('select count(*) from inbox');
      expect(inbox.rows[0]!.count).toBe(String(applied.length));
      expect(await outcome('skipped')).toBe(60 - applied.length);
    });

    test('hands over what comes together at once, each message once and each key in order', async () => {
      const sizes: number[] = [];
      const handler = onSeveral(counted, async (tx, received) => {
        sizes.push(received.length);
        if (received.some(({ data }) => data.n === 13)) throw new Error('poison');
        for (const one of received) await record(tx, one);
      });
      const sent = numbered(['a', 'b', 'c'], 90);
      await transport.publish([...sent, sent[0]!, sent[5]!]);
      const consumer = await run({ group: 'tests.effects', topic: harness.topic.name, handlers: [handler] });
      await consumer.caughtUp();
      // The key of the poison waits behind it.
      const expected = sent.filter(({ key }, n) => key !== 'b' || n < 13).length;
      expect(await total()).toBe(expected);
      for (const ns of (await effects()).values()) expect(ns).toEqual([...ns].sort((x, y) => x - y));
      expect(Math.max(...sizes)).toBeGreaterThan(1);
    });

    test('parks the key of a poison message of any kind, lets the others go on, and redrives in order', async () => {
      const kinds: Record<string, () => unknown> = {
        error: () => {
          throw new Error('no');
        },
        type: () => (undefined as unknown as { x: { y: number } }).x.y,
        syntax: () => JSON.parse('{'),
        range: () => BigInt(1.5),
        reference: () => {
          throw new ReferenceError('x is not defined');
        },
        fetch: () => fetch('http://127.0.0.1:1/'),
        assertion: () => assert(false, 'broken'),
        thrown: () => Promise.reject('a string'),
      };
      const keys = [...Object.keys(kinds), 'malformed', ...upTo(31).map((n) => `fine ${n}`)];
      let repaired = false;
      const subscription = subscribe(async (tx, received) => {
        // The effect comes first, so that it must be undone.
        await record(tx, received);
        if (!repaired && received.data.n >= 200 && received.data.n < 240) await kinds[received.data.key]?.();
      });
      const sent = numbered(keys, 1_000);
      const bad = sent.findIndex((candidate, n) => candidate.key === 'malformed' && n >= 200);
      sent[bad] = { ...sent[bad]!, value: Buffer.from('{"id":') };
      await transport.publish(sent);
      const consumer = await run(subscription);
      await consumer.caughtUp();

      const poisoned = [...Object.keys(kinds), 'malformed'];
      const parked = await listParked(pool, { group: subscription.group });
      expect(parked.map(({ key }) => key).sort()).toEqual([...poisoned].sort());
      const parkedCount = parked.reduce((sum, { messages }) => sum + messages, 0);
      expect((await total()) + parkedCount).toBe(1_000);
      expect(await outcome('handled')).toBe(await total());
      expect(await outcome('parked')).toBe(parkedCount);
      const before = await effects();
      for (const key of keys) expect(before.get(key)).toHaveLength(poisoned.includes(key) ? 5 : 25);
      const { rows } = await pool.query<{ value: Buffer; cause: string }>(
        `select value, cause from parked_messages where key = 'malformed' order by parked_id limit 1`,
      );
      expect(rows[0]).toMatchObject({ value: Buffer.from('{"id":'), cause: expect.stringContaining('SyntaxError') });

      const onFatal = (error: unknown) => void fatal.push(error);
      const deps = { pool, logger, metrics, onFatal, subscriptions: [subscription] };
      expect(await redrive(deps, { group: subscription.group, key: 'type' })).toEqual({ handled: 0, stillParked: 20 });
      repaired = true;
      expect(await redrive(deps, { group: subscription.group, key: 'type' })).toEqual({ handled: 20, stillParked: 0 });
      expect(await redrive(deps, { group: subscription.group })).toEqual({ handled: 140, stillParked: 20 });
      await transport.publish(numbered(keys, 40));
      await consumer.caughtUp();
      const after = await effects();
      for (const [key, ns] of after) {
        if (key !== 'malformed') expect(ns.slice(0, 25)).toEqual(ns.slice(0, 25).sort((x, y) => x - y));
        expect(ns).toHaveLength(key === 'malformed' ? 5 : 26);
      }
      expect(fatal).toEqual([]);
    });

    test('loses and repeats nothing when its connection dies between effect and commit', async () => {
      let deaths = 0;
      const subscription = subscribe(async (tx, received) => {
        await record(tx, received);
        if (received.data.n % 40 === 17 && deaths < 5) {
          deaths += 1;
          await tx.query(`select pg_terminate_backend(pg_backend_pid())`);
        }
      });
      await transport.publish(numbered(['a', 'b', 'c', 'd'], 200));
      const consumer = await run(subscription);
      await consumer.caughtUp();
      expect(deaths).toBe(5);
      expect(await total()).toBe(200);
      expect(await listParked(pool)).toEqual([]);
    });

    test('waits while the world fails, and parks nothing', async () => {
      let failing = 4;
      const subscription = subscribe(async (tx, received) => {
        if (received.data.key === 'a' && failing-- > 0) throw new OperationalError('upstream_unavailable', true);
        await record(tx, received);
      });
      await transport.publish(numbered(['a', 'b', 'c', 'd', 'e', 'f'], 60));
      const consumer = await run(subscription);
      await consumer.caughtUp();
      expect(failing).toBeLessThanOrEqual(0);
      expect(await total()).toBe(60);
      expect(await listParked(pool)).toEqual([]);
    });

    test('waits for the build that reads a newer version, and parks nothing', async () => {
      const newer = message(harness.topic, 'a', { key: 'a', n: 2 }, 'Counted', 2);
      await transport.publish([message(harness.topic, 'a', { key: 'a', n: 1 }), newer]);
      const older = await run(subscribe());
      await eventually(async () => expect(await waits()).toBeGreaterThan(1), { timeoutMs });
      // What stands before it waits for nobody.
      expect((await effects()).get('a')).toEqual([1]);
      await older.stop();
      expect(await listParked(pool)).toEqual([]);
      const lifted = defineEvent({ ...counted, version: 2, upcast: { 1: (data) => data } });
      const next = await run({
        ...subscribe(),
        handlers: [on(lifted, async (tx, received) => void (await record(tx, received)))],
      });
      await next.caughtUp();
      expect((await effects()).get('a')).toEqual([1, 2]);
    });

    async function waits(): Promise<number> {
      const { values } = await metrics.getSingleMetric('daybook_consumer_retries_total')!.get();
      return values.reduce((sum, { value }) => sum + value, 0);
    }

    test('of the ledger ends the process on a broken invariant, and skips nothing', async () => {
      const subscription = subscribe(async (tx, received) => {
        assert(received.data.n !== 5, 'books do not balance');
        await record(tx, received);
      }, 'ledger.tests');
      await transport.publish(numbered(['a'], 10));
      await run(subscription);
      await eventually(() => expect(fatal[0]).toMatchObject({ message: 'books do not balance' }), { timeoutMs });
      expect((await effects()).get('a')?.at(-1) ?? -1).toBeLessThan(5);
      expect(await listParked(pool)).toEqual([]);
    });

    test('skips and counts what it does not listen to', async () => {
      const consumer = await run(subscribe());
      await transport.publish([
        message(harness.topic, 'a', { anything: true }, 'Unheard'),
        message(harness.topic, 'a', { key: 'a', n: 1 }),
      ]);
      await consumer.caughtUp();
      expect(await total()).toBe(1);
      expect(await outcome('skipped')).toBe(1);
    });

    test('goes on where its predecessor stopped', async () => {
      await transport.publish(numbered(['a', 'b'], 50));
      const first = await run(subscribe());
      await first.caughtUp();
      await first.stop();
      await transport.publish(numbered(['a', 'b'], 50));
      let handled = 0;
      const second = await run(
        subscribe(async (tx, received) => {
          handled += 1;
          await record(tx, received);
        }),
        60_000,
        await harness.open(),
      );
      await second.caughtUp();
      expect(handled).toBe(50);
    });

    test('starts over when the topic begins again, and the inbox keeps effects single', async () => {
      const sent = numbered(['a', 'b'], 30);
      await transport.publish(sent);
      const first = await run(subscribe());
      await first.caughtUp();
      await first.stop();
      await pool.query(`update consumer_offsets set next_offset = next_offset + 1000`);
      await transport.publish(numbered(['a', 'b'], 10));
      const second = await run(subscribe());
      await eventually(async () => expect(await total()).toBe(40), { timeoutMs });
      await second.caughtUp();
      expect(await total()).toBe(40);
    });

    test('that makes no progress ends the process', async () => {
      let release!: () => void;
      const hanging = new Promise<void>((resolve) => (release = resolve));
      await run(
        subscribe(() => hanging),
        600,
      );
      await transport.publish(numbered(['a'], 1));
      await eventually(() => expect(fatal[0]).toMatchObject({ message: expect.stringContaining('no progress') }), {
        timeoutMs,
      });
      release();
    });

    test('that cannot leave a sign of life, as on a disk that is full, ends no process, and goes on when it can', async () => {
      await transport.publish(numbered(['a'], 1));
      const first = await run(subscribe());
      await first.caughtUp();
      await first.stop();
      await pool.query(
        `create table disk (is_full boolean); insert into disk values (true);
         create function refuse_when_full() returns trigger language plpgsql as $$
         begin
           if (select is_full from disk) then raise exception 'no space left' using errcode = 'disk_full'; end if;
           return new;
         end $$;
         create trigger full_disk before insert or update on consumer_offsets for each row execute function refuse_when_full()`,
      );
      await transport.publish(numbered(['a'], 1));
      await run(subscribe(), 600);
      await eventually(() => expect(said('nothing can be stored; lag proves nothing')).toBeGreaterThan(1), {
        timeoutMs,
      });
      expect(fatal).toEqual([]);
      await pool.query('update disk set is_full = false');
      await eventually(async () => expect(await total()).toBe(2), { timeoutMs });
    });

    test('whose first message waits for the world shows that it tries, and ends no process', async () => {
      let [away, tries] = [true, 0];
      const waits = subscribe(async (tx, received) => {
        tries += 1;
        if (away) throw new OperationalError('upstream_unavailable', true);
        await record(tx, received);
      });
      const first = await run(waits);
      await transport.publish(numbered(['a'], 1));
      await eventually(() => expect(tries).toBeGreaterThan(0), { timeoutMs });
      const alive = async () => {
        const { rows } = await pool.query<{ alive: string }>('select alive_at::text as alive from consumer_offsets');
        return rows.map((row) => row.alive);
      };
      await eventually(async () => expect(await alive()).toHaveLength(1), { timeoutMs });
      const before = await alive();
      await eventually(async () => expect(await alive()).not.toEqual(before), { timeoutMs });
      away = false;
      await first.caughtUp();
      expect([fatal, await total()]).toEqual([[], 1]);
    });

    test('says so when all that comes next is gone from the topic, and ends no process', async () => {
      const sent = numbered(['a'], 30);
      await transport.publish(sent);
      await harness.removeBefore(30n);
      const waiting = await run(subscribe(), 600);
      await eventually(() => expect(said('messages are missing; publish them again')).toBeGreaterThan(1), {
        timeoutMs,
      });
      expect([fatal, await total()]).toEqual([[], 0]);
      await waiting.stop();
      await harness.wipe();
      await (await harness.open()).publish(sent);
      await (await run(subscribe())).caughtUp();
      expect(await total()).toBe(30);
    }, 60_000);

    test('does not take the whole pool, so handlers that ask for another connection get it', async () => {
      const consumer = await run(
        subscribe(async (tx, received) => {
          await pool.query(`select 1`);
          await record(tx, received);
        }),
      );
      await Promise.all(
        ['one', 'two', 'three'].map((other) =>
          run(subscribe(async () => void (await pool.query(`select 1`)), `tests.${other}`)),
        ),
      );
      await transport.publish(numbered(upTo(40).map(String), 400));
      await consumer.caughtUp();
      expect(await total()).toBe(400);
    });
  });
});

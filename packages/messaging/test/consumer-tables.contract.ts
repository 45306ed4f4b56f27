import { inTransaction, type Tx } from '@daybook/event-store';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { ConsumerTables, RawMessage } from '@daybook/messaging';

export type TablesUnderTest = { readonly pool: Pool; readonly tables: ConsumerTables };

/** Every ConsumerTables runs this: what a consumer is safe by. */
export function describeConsumerTables(name: string, create: () => Promise<TablesUnderTest>): void {
  describe(`${name} as ConsumerTables`, () => {
    let pool: Pool;
    let tables: ConsumerTables;
    beforeAll(async () => ({ pool, tables } = await create()));

    const place = () => ({ group: `group ${randomUUID()}`, topic: 'topic', partition: 0 });
    const within = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(pool, work);
    const undone = (work: (tx: Tx) => Promise<unknown>) =>
      expect(
        within(async (tx) => {
          await work(tx);
          throw new Error('undone');
        }),
      ).rejects.toThrow('undone');

    test('a place begins at 0 and moves with its transaction', async () => {
      const at = place();
      expect(await within((tx) => tables.lockOffset(tx, at))).toBe(0n);
      await within((tx) => tables.lockOffset(tx, at).then(() => tables.moveOffset(tx, at, 7n)));
      await undone((tx) => tables.lockOffset(tx, at).then(() => tables.moveOffset(tx, at, 9n)));
      expect(await within((tx) => tables.lockOffset(tx, at))).toBe(7n);
      expect((await tables.readProgress(pool, at)).get(0)?.next).toBe(7n);
    });

    test('a sign of life can be left also where nothing was handled, and moves no place', async () => {
      const at = place();
      const signs = new Set<string | undefined>();
      const touch = async () => {
        await tables.touchOffset(pool, at);
        const { next, aliveAt } = (await tables.readProgress(pool, at)).get(0)!;
        signs.add(aliveAt);
        return next;
      };
      expect(await touch()).toBe(0n);
      await within((tx) => tables.lockOffset(tx, at).then(() => tables.moveOffset(tx, at, 7n)));
      expect(await touch()).toBe(7n);
      expect(signs).not.toContain('');
    });

    test('a place is one transaction at a time', async () => {
      const at = place();
      const add = () =>
        within(async (tx) => {
          const next = await tables.lockOffset(tx, at);
          await tables.moveOffset(tx, at, next + 1n);
        });
      await within((tx) => tables.lockOffset(tx, at));
      await Promise.all(Array.from({ length: 8 }, add));
      expect(await within((tx) => tables.lockOffset(tx, at))).toBe(8n);
    });

    test('a place goes back only behind the end of its log', async () => {
      const at = place();
      await within((tx) => tables.lockOffset(tx, at).then(() => tables.moveOffset(tx, at, 7n)));
      await tables.rewindOffset(pool, at, 7n);
      expect((await tables.readProgress(pool, at)).get(0)?.next).toBe(7n);
      await tables.rewindOffset(pool, at, 3n);
      expect((await tables.readProgress(pool, at)).get(0)?.next).toBe(0n);
    });

    test('a place moves past messages without an effect only from where it is, and not behind a parked one', async () => {
      const { passOver } = tables;
      if (passOver === undefined) return;
      const at = place();
      const next = () => within((tx) => tables.lockOffset(tx, at));
      const pass = (from: bigint, key = 'k') =>
        passOver(pool, at, { from, next: from + 2n, last: 'l', keys: ['x', key] });
      expect(await pass(0n)).toBe(false);
      await next();
      expect([await pass(1n), await pass(0n), await pass(0n)]).toEqual([false, true, false]);
      expect(await next()).toBe(2n);
      expect(await within(async (tx) => tables.lastMessage?.(tx, at))).toBe('l');
      const message: RawMessage = { ...at, offset: 1n, key: 'k', value: Buffer.from('{}'), headers: {} };
      await within((tx) => tables.park(tx, at.group, message, { at: new Date(0), cause: 'why' }));
      expect([await pass(2n), await next()]).toEqual([false, 2n]);
      expect([await pass(2n, 'other'), await next()]).toEqual([true, 4n]);
    });

    test('an id is claimed once, by the transaction that commits', async () => {
      const { group } = place();
      const ids = [randomUUID(), randomUUID()];
      await undone((tx) => tables.claim(tx, group, ids));
      expect([...(await within((tx) => tables.claim(tx, group, [ids[0]!])))]).toEqual([ids[0]]);
      expect([...(await within((tx) => tables.claim(tx, group, ids)))]).toEqual([ids[1]]);
      const rivals = await Promise.all(
        Array.from({ length: 4 }, () => within((tx) => tables.claim(tx, `${group} again`, ids))),
      );
      expect(rivals.reduce((sum, claimed) => sum + claimed.size, 0)).toBe(2);
    });

    test('a key is parked for its group and topic, with the transaction', async () => {
      const at = place();
      const message: RawMessage = { ...at, offset: 3n, key: 'k', value: Buffer.from('{}'), headers: {} };
      const parked = { at: new Date(0), cause: 'why' };
      await undone((tx) => tables.park(tx, at.group, message, parked));
      expect(await tables.countParked(pool, at.group, at.topic)).toBe(0);
      await within((tx) => tables.park(tx, at.group, message, parked));
      await within((tx) => tables.park(tx, at.group, message, parked));
      expect(await tables.countParked(pool, at.group, at.topic)).toBe(1);
      expect([...(await within((tx) => tables.parkedKeys(tx, at, ['k', 'other'])))]).toEqual(['k']);
      expect([...(await within((tx) => tables.parkedKeys(tx, place(), ['k'])))]).toEqual([]);
    });

    test('a message is parked beside the one that had its offset before the log began again', async () => {
      const at = place();
      const [before, after, none] = [Buffer.from('{'), Buffer.from('['), null];
      const park = async (value: Buffer | null, key = 'k') => {
        const message: RawMessage = { ...at, offset: 3n, key, value, headers: {} };
        await within((tx) => tables.park(tx, at.group, message, { at: new Date(0), cause: 'why' }));
        return tables.countParked(pool, at.group, at.topic);
      };
      expect([await park(before), await park(after), await park(none), await park(none, 'other')]).toEqual([
        1, 2, 3, 4,
      ]);
      expect([await park(before), await park(after), await park(none)]).toEqual([4, 4, 4]);
    });
  });
}

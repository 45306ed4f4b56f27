import { inTransaction, type Checkpoint, type CheckpointTable, type Position } from '@daybook/event-store';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export type CheckpointsUnderTest = { readonly pool: Pool; readonly checkpoints: CheckpointTable };

/** Every CheckpointTable runs this: what a subscription is safe by. */
export function describeCheckpoints(name: string, create: () => Promise<CheckpointsUnderTest>): void {
  describe(`${name} as CheckpointTable`, () => {
    let pool: Pool;
    let checkpoints: CheckpointTable;
    beforeAll(async () => ({ pool, checkpoints } = await create()));

    const placeOf = (count: bigint): Checkpoint => ({
      position: `${count}` as Position,
      count,
      hash: count.toString(16).padStart(32, '0'),
    });
    const claim = (subscription: string) =>
      inTransaction(pool, (tx) => checkpoints.claim(tx, subscription).then(({ current }) => current));

    test('begins at the start of the log, with the version that opened it', async () => {
      const subscription = randomUUID();
      const opened = await checkpoints.open(pool, subscription, 'v1');
      expect(opened).toEqual({ position: 'start', count: 0n, hash: '0'.repeat(32), version: 'v1' });
      expect(await checkpoints.open(pool, subscription, 'v2')).toEqual(opened);
    });

    test('moves from where it stands and from nowhere else, with its transaction', async () => {
      const subscription = randomUUID();
      const opened = await checkpoints.open(pool, subscription, '');
      const move = (from: Checkpoint, to: Checkpoint) =>
        inTransaction(pool, (tx) => checkpoints.move(tx, subscription, from, to));
      expect(await move(opened, placeOf(2n))).toBe(true);
      expect(await move(opened, placeOf(3n))).toBe(false);
      await expect(
        inTransaction(pool, async (tx) => {
          await checkpoints.move(tx, subscription, placeOf(2n), placeOf(4n));
          throw new Error('undone');
        }),
      ).rejects.toThrow('undone');
      expect(await claim(subscription)).toEqual(placeOf(2n));
    });

    test('is claimed by one transaction at a time, without a wait', async () => {
      const subscription = randomUUID();
      await checkpoints.open(pool, subscription, '');
      const [outer, inner] = await inTransaction(pool, async (tx) => {
        const { claimed } = await checkpoints.claim(tx, subscription);
        return [
          claimed,
          await inTransaction(pool, async (other) => (await checkpoints.claim(other, subscription)).claimed),
        ];
      });
      expect([outer, inner]).toEqual([true, false]);
      expect((await inTransaction(pool, (tx) => checkpoints.claim(tx, subscription))).claimed).toBe(true);
    });
  });
}

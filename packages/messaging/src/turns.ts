import type { Pool } from 'pg';

type Queue = { free: number; readonly waiting: (() => void)[] };

const queues = new WeakMap<Pool, Queue>();

/**
 * Runs `work` when one of the pool's turns is free. A handler holds a connection and may ask the pool for another; if
 * handlers could hold all of them, each would wait for the others for ever. So half of the pool is theirs.
 */
export async function takeTurn<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const queue = queues.get(pool) ?? { free: Math.max(1, Math.floor(pool.options.max / 2)), waiting: [] };
  queues.set(pool, queue);
  if (queue.free > 0) queue.free -= 1;
  else await new Promise<void>((resolve) => queue.waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = queue.waiting.shift();
    if (next) next();
    else queue.free += 1;
  }
}

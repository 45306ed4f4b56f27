import { assert } from '@daybook/core';
import type { Pool } from 'pg';
import type { ComparedPlace } from '../ports';

/** In the same database as the read models: it goes back with them. */
export function comparedPlace(pool: Pool): ComparedPlace {
  return {
    async read() {
      const { rows } = await pool.query<{ place: string }>('select place from compared_signatures');
      assert(rows[0], 'a migration has made the row');
      return parseInt(rows[0].place, 10);
    },
    async move(from, to) {
      await pool.query('update compared_signatures set place = $2 where place = $1', [from, to]);
    },
  };
}

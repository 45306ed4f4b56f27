/** The last good rate of each pair. One that is older never replaces a newer one. */
import type { Pool } from 'pg';
import type { LastRates } from '../../ports';

export function lastRates(pool: Pool): LastRates {
  async function query<Row extends object>(text: string, values: unknown[]): Promise<readonly Row[]> {
    const { rows } = await pool.query<Row>(text, values);
    return rows;
  }
  return {
    async of({ mode, from, to }) {
      const [row] = await query<{ numerator: string; denominator: string; sources: string[]; observed_at: Date }>(
        `select numerator, denominator, sources, observed_at from last_rates
         where mode = $1 and from_asset = $2 and to_asset = $3`,
        [mode, from, to],
      );
      if (row === undefined) return null;
      const rate = { numerator: BigInt(row.numerator), denominator: BigInt(row.denominator) };
      return { rate, sources: row.sources, observedAt: row.observed_at.toISOString() };
    },
    async put({ mode, from, to }, { rate, sources, observedAt }) {
      await query(
        `insert into last_rates (mode, from_asset, to_asset, numerator, denominator, sources, observed_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (mode, from_asset, to_asset) do update
         set numerator = excluded.numerator, denominator = excluded.denominator, sources = excluded.sources,
             observed_at = excluded.observed_at
         where last_rates.observed_at < excluded.observed_at`,
        [mode, from, to, rate.numerator, rate.denominator, sources, observedAt],
      );
    },
  };
}

import { isOperationalError } from '@daybook/core';
import type { Clock, Logger } from '@daybook/runtime';
import { combine, judge, rateRefusals, type GoodRate, type Rate, type RateRefusal, type Reading } from '../domain/rate';
import type { LastRates, Pair, RateSource } from '../ports';

export type RateDeps = {
  readonly sourcesOf: (mode: Pair['mode']) => readonly RateSource[];
  readonly lastRates: LastRates;
  readonly now: Clock;
  readonly logger: Logger;
  /** For so long the last good rate is used again without asking anybody. */
  readonly rateAgeMs: number;
};

export type GoodRateOf = (pair: Pair) => Promise<GoodRate | RateRefusal>;

type Said =
  { readonly reading: Reading; readonly rate: Rate } | { readonly source: string; readonly refusal: RateRefusal };

/**
 * The good rate of a pair at this moment, or why there is none. Every source is asked; those that say nothing that can be
 * taken are left out, and the others have to agree.
 */
export function goodRateOf(deps: RateDeps): GoodRateOf {
  const { lastRates, now, logger } = deps;

  async function ask(source: RateSource, pair: Pair, last: GoodRate | null): Promise<Said> {
    const asked = await source.read(pair.from, pair.to).catch((error: unknown) => {
      if (!isOperationalError(error)) throw error;
      logger.warn({ error, source: source.name }, 'a source of rates does not answer');
      return 'rate_source_down' as const;
    });
    if (asked === null) return { source: source.name, refusal: 'pair_not_supported' };
    if (asked === 'rate_source_down') return { source: source.name, refusal: asked };
    const rate = judge(asked, last, now());
    if (typeof rate !== 'string') return { reading: asked, rate };
    logger.warn({ source: source.name, reading: asked.rate, refusal: rate }, 'what a source of rates says is refused');
    return { source: source.name, refusal: rate };
  }

  return async (pair) => {
    const last = await lastRates.of(pair);
    if (last !== null && now().getTime() - Date.parse(last.observedAt) <= deps.rateAgeMs) return last;
    const said = await Promise.all(deps.sourcesOf(pair.mode).map((source) => ask(source, pair, last)));
    const good = said.flatMap((one) => ('rate' in one ? [one] : []));
    if (good.length === 0) return worstOf(said.flatMap((one) => ('refusal' in one ? [one.refusal] : [])));
    const combined = combine(good);
    if (typeof combined === 'string') {
      logger.warn({ pair, sources: good.map(({ reading }) => reading.source) }, 'sources of rates disagree');
      return combined;
    }
    await lastRates.put(pair, combined);
    return combined;
  };
}

/** What is said of a source that has the pair tells more than that another does not have it, or is down. */
function worstOf(refusals: readonly RateRefusal[]): RateRefusal {
  return rateRefusals.findLast((refusal) => refusals.includes(refusal)) ?? 'pair_not_supported';
}

import type { Failure } from '@daybook/http';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const windowSeconds = 60;

/** Counts in this process. Each returns the failure to answer with, or nothing. */
export type Limits = {
  /** Counts a request of a credential, or of an address on public routes. */
  countRequest(key: string): Promise<Failure | undefined>;
  countAuthFailure(addressGroup: string): Promise<void>;
  /** Whether the address has failed too often to be checked again in this window. */
  blocked(addressGroup: string): Promise<Failure | undefined>;
};

export function createLimits(options: { requestsPerMinute: number; authFailuresPerMinute: number }): Limits {
  const requests = new RateLimiterMemory({ points: options.requestsPerMinute, duration: windowSeconds });
  const failures = new RateLimiterMemory({ points: options.authFailuresPerMinute, duration: windowSeconds });
  return {
    async countRequest(key) {
      const spent = await consume(requests, key);
      return spent && tooMany(spent, `Rate limit of ${options.requestsPerMinute} requests per minute exceeded.`);
    },
    async countAuthFailure(addressGroup) {
      await consume(failures, addressGroup);
    },
    async blocked(addressGroup) {
      const seen = await failures.get(addressGroup);
      return seen !== null && seen.consumedPoints >= options.authFailuresPerMinute
        ? tooMany(seen, 'Too many failed authentications from this address.')
        : undefined;
    },
  };
}

/** The limiter rejects with its result when nothing is left. */
async function consume(limiter: RateLimiterMemory, key: string): Promise<RateLimiterRes | undefined> {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  }
}

function tooMany(spent: RateLimiterRes, message: string): Failure {
  const retryAfterSeconds = Math.max(1, Math.ceil(spent.msBeforeNext / 1000));
  return { status: 429, code: 'RATE_LIMIT_EXCEEDED', message, retryAfterSeconds };
}

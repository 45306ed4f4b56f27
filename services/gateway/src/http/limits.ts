import type { Failure } from '@daybook/http';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const windowSeconds = 60;
/** To one gateway from one address. Providers tell in bursts, when many payments end together. */
const noticesPerMinute = 1_000;
/** From one address to all gateways together: anyone can make up an id. */
const noticesOfAddressPerMinute = 10_000;
/** Of what stands for an id in the path, so much is looked at; a UUID has no more. */
const idLengthMax = 36;

/** Whose requests are counted together: a credential's on `pay`, its others, or an address's on public routes. */
export type LimitName = 'pay' | 'general' | 'public';

/** Counts in this process. Each returns the failure to answer with, or nothing. */
export type Limits = {
  /** `key` is the credential's id or the address group. */
  countRequest(limit: LimitName, key: string): Promise<Failure | undefined>;
  /**
   * A notice of a provider. It comes for many tenants from the same few addresses, so that what one tenant's gateway gets
   * must use up nothing of another's, and nothing of what clients have.
   */
  countNotice(gatewayId: string, addressGroup: string): Promise<Failure | undefined>;
  countAuthFailure(addressGroup: string): Promise<void>;
  /** Whether the address has failed too often to be checked again in this window. */
  blocked(addressGroup: string): Promise<Failure | undefined>;
};

export function createLimits(options: {
  readonly requestsPerMinute: Readonly<Record<LimitName, number>>;
  readonly authFailuresPerMinute: number;
}): Limits {
  const points = options.requestsPerMinute;
  const limiterOf = (limit: LimitName) =>
    new RateLimiterMemory({ keyPrefix: limit, points: points[limit], duration: windowSeconds });
  const requests = { pay: limiterOf('pay'), general: limiterOf('general'), public: limiterOf('public') };
  const failures = new RateLimiterMemory({ points: options.authFailuresPerMinute, duration: windowSeconds });
  return {
    countRequest: (limit, key) => count(requests[limit], key),
    countNotice: countNotices(),
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

function countNotices(): Limits['countNotice'] {
  const ofGateway = new RateLimiterMemory({ keyPrefix: 'notices', points: noticesPerMinute, duration: windowSeconds });
  const ofAddress = new RateLimiterMemory({ points: noticesOfAddressPerMinute, duration: windowSeconds });
  return async (gatewayId, addressGroup) => {
    const seen = await ofAddress.get(addressGroup);
    // Before the gateway is counted: an address that has nothing left would make us remember what it makes up.
    if (seen !== null && seen.consumedPoints >= noticesOfAddressPerMinute) return tooManyOf(ofAddress, seen);
    const gateway = gatewayId.slice(0, idLengthMax).toLowerCase();
    // In this order: what is refused to one gateway is not taken from what the others have together.
    return (await count(ofGateway, `${gateway} ${addressGroup}`)) ?? (await count(ofAddress, addressGroup));
  };
}

async function count(limiter: RateLimiterMemory, key: string): Promise<Failure | undefined> {
  const spent = await consume(limiter, key);
  return spent && tooManyOf(limiter, spent);
}

function tooManyOf(limiter: RateLimiterMemory, spent: RateLimiterRes): Failure {
  return tooMany(spent, `Rate limit of ${limiter.points} requests per minute exceeded.`);
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

/** How a service answers those who operate it: what its consumers have parked, and the way back for a key. */
import { parkedCalls, type CallOutcome, type CallRequest, type ParkedCalls } from '@daybook/contracts';
import { asOperational } from '@daybook/event-store';
import { listParked, redrive, type RedriveDeps } from './parked';

type Answering<Call extends keyof ParkedCalls> = (
  request: CallRequest<ParkedCalls[Call]>,
) => Promise<CallOutcome<ParkedCalls[Call]>>;

export type ParkedMessages = { readonly [Call in keyof ParkedCalls]: Answering<Call> };

/** Well below the time that a caller waits for its answer. What is left then is for the next call. */
const redriveMs = 5_000;

export function parkedMessages(deps: RedriveDeps): ParkedMessages {
  const { pool } = deps;
  /** Redrives of one key at once would only wait for each other, each with a connection that consumers need. */
  const underway = new Map<string, ReturnType<ParkedMessages['redrive']>>();
  return {
    async list({ limit, ...filter }) {
      const found = await listParked(pool, filter, limit + 1).catch(operationally);
      const keys = found.slice(0, limit).map(({ since, types, ...parked }) => ({
        ...parked,
        firstParkedAt: since,
        types: [...types],
      }));
      return { ok: true, value: { keys, more: found.length > limit } };
    },
    async redrive(request) {
      const name = JSON.stringify([request.group, request.key]);
      const answer =
        underway.get(name) ??
        redriveKey(deps, request)
          .catch(operationally)
          .finally(() => underway.delete(name));
      underway.set(name, answer);
      return answer;
    },
  };
}

/** A database that is away is the world's failure, and the caller is to be told so. */
function operationally(error: unknown): never {
  throw asOperational(error);
}

async function redriveKey(
  deps: RedriveDeps,
  { group, key, actor }: CallRequest<ParkedCalls['redrive']>,
): Promise<CallOutcome<ParkedCalls['redrive']>> {
  const { pool, logger } = deps;
  if ((await listParked(pool, { group, key })).length === 0) return { ok: false, rejection: 'parked_key_not_found' };
  logger.info({ group, key, actor }, 'redriving a parked key');
  const begun = performance.now();
  const result = await redrive(deps, { group, key }, () => performance.now() - begun < redriveMs);
  const [first] = result.stillParked === 0 ? [] : await listParked(pool, { group, key });
  logger.info({ group, key, actor, ...result }, 'redrove a parked key');
  return { ok: true, value: { ...result, cause: first?.cause ?? null } };
}

/** Each call with what answers it. */
export function parkedAnswers(service: string, messages: ParkedMessages) {
  const calls = parkedCalls(service);
  return {
    list: { call: calls.list, handle: messages.list },
    redrive: { call: calls.redrive, handle: messages.redrive },
  };
}

/**
 * Creates an intent, once per request however often it is sent.
 *
 * With an idempotency key the intent's id derives from (tenant, mode, key). Without one it derives from (tenant, mode,
 * order, currency, amount, attempt): the latest attempt answers again until its time is over and nothing is in flight
 * for it, then the next attempt is a new intent. The address is allocated first and belongs to the id, so a crash between the two
 * leaves nothing behind that a repeat does not find.
 *
 * `replayed` says that the intent was there before this call. A lost acknowledgement of the store is settled below, by
 * the event's id. One of the call itself is not: when the gateway gets no answer it sends the call again, and that
 * repeat is `replayed` although its client asks for the first time. The two requests are equal in every byte, as a
 * client's own repeat is; only an id that client and gateway share could tell them apart, and a request without a
 * key has none. The intent is the same either way.
 */
import {
  intentAssets,
  type CallOutcome,
  type CallRequest,
  type createIntent as createIntentCall,
} from '@daybook/contracts';
import { currentCorrelation, uuidFrom, uuidv7, type Clock } from '@daybook/runtime';
import type { IntentState } from '../domain/payment-intent';
import type { AllocateAddress, DepositsOf, IntentStore, PolicyOf } from '../ports';
import { streamOf } from './intent-stream';
import { viewOf } from './intent-view';

type Request = CallRequest<typeof createIntentCall>;
type Answer = CallOutcome<typeof createIntentCall>;
type Deps = {
  readonly intents: IntentStore;
  readonly allocateAddress: AllocateAddress;
  readonly depositsOf: DepositsOf;
  readonly policyOf: PolicyOf;
  readonly now: Clock;
  readonly ttlMs: number;
};

/**
 * An address that was allocated for other content belongs to a request with the same idempotency key: one that runs at
 * this moment, or died before its intent was created.
 */
const refusals = {
  address_exists_with_different_fields: 'idempotency_key_reused',
  asset_not_available: 'currency_not_available',
} as const;

export function createIntent(deps: Deps): (request: Request) => Promise<Answer> {
  return async (request) => {
    const { tenantId, mode, orderId, currency, amount, idempotencyKey } = request;
    const intentId =
      idempotencyKey === null
        ? await attemptId(deps, request)
        : uuidFrom(['intent', tenantId, mode, 'key', idempotencyKey], 4);

    const asset = intentAssets[currency];
    const allocated = await addressOf(deps, intentId, { asset, mode, tenantId, amount });
    if (!allocated.ok) return { ok: false, rejection: refusals[allocated.rejection] };

    const now = deps.now();
    const createdAt = now.toISOString();
    const expiresAt = new Date(now.getTime() + deps.ttlMs).toISOString();
    const terms = { intentId, tenantId, mode, orderId, currency, asset, amount, createdAt, expiresAt };
    const paymentAddress = allocated.address;
    const outcome = await deps.intents.handle(
      streamOf(intentId),
      { type: 'CreateIntent', ...terms, paymentAddress },
      // Concurrent repeats are commands of their own: the store lets one create the stream, the others find it.
      { commandId: uuidv7(now), ...currentCorrelation(intentId) },
    );
    if (!outcome.ok) return { ok: false, rejection: 'idempotency_key_reused' };
    return { ok: true, value: { intent: viewOf(outcome.state), replayed: outcome.events.length === 0 } };
  };
}

/** The address of an intent that exists, else the one that is allocated for it. */
async function addressOf(
  { intents, allocateAddress }: Deps,
  intentId: string,
  wanted: Omit<Parameters<AllocateAddress>[0], 'reference'>,
) {
  const { state } = await intents.load(streamOf(intentId));
  if (state.stage !== 'none') return { ok: true, address: state.paymentAddress } as const;
  const allocated = await allocateAddress({ ...wanted, reference: intentId });
  return allocated.ok ? ({ ok: true, address: allocated.value.address } as const) : allocated;
}

/** The id of the latest attempt while it can be paid, or is paid or settled, otherwise of the next one. */
async function attemptId({ now, ...deps }: Deps, request: Request): Promise<string> {
  const { tenantId, mode, orderId, currency, amount } = request;
  const idOf = (attempt: number) =>
    uuidFrom(['intent', tenantId, mode, 'order', orderId, currency, amount.toString(), String(attempt)], 4);
  const stateOf = async (attempt: number) => (await deps.intents.load(streamOf(idOf(attempt)))).state;

  const latest = await latestAttempt(stateOf);
  if (latest === undefined) return idOf(1);
  const latestId = idOf(latest.attempt);
  const state = await expiredIfDue(deps, latestId, latest.state, now());
  return hasEndedUnpaid(state) ? idOf(latest.attempt + 1) : latestId;
}

/**
 * The worker may not have come by yet, and an intent whose time is over is nothing to pay. The intent itself rules: a
 * deposit in flight, or on its way from the watcher, keeps it, and of several who expire it at once all find it expired.
 */
async function expiredIfDue(
  { intents, depositsOf, policyOf }: Omit<Deps, 'now'>,
  intentId: string,
  state: IntentState,
  now: Date,
) {
  const at = now.toISOString();
  if (state.stage !== 'open' || at < state.expiresAt) return state;
  const context = { commandId: uuidv7(now), ...currentCorrelation(intentId) };
  const [policy, watched] = await Promise.all([policyOf(state), depositsOf([intentId])]);
  return (await intents.handle(streamOf(intentId), { type: 'ExpireIntent', at, watched, policy }, context)).state;
}

/** Attempts are numbered from 1 without gaps, so doubling and halving finds the latest in few reads. */
async function latestAttempt(
  stateOf: (attempt: number) => Promise<IntentState>,
): Promise<{ attempt: number; state: IntentState } | undefined> {
  let latest: { attempt: number; state: IntentState } | undefined;
  let probe = 1;
  let missing: number | undefined;
  while (missing === undefined || probe < missing) {
    const state = await stateOf(probe);
    if (state.stage === 'none') missing = probe;
    else latest = { attempt: probe, state };
    const known = latest?.attempt ?? 0;
    probe = missing === undefined ? probe * 2 : Math.max(known + 1, Math.floor((known + missing) / 2));
  }
  return latest;
}

function hasEndedUnpaid(state: IntentState): boolean {
  return state.stage === 'expired' || state.stage === 'underpaid';
}

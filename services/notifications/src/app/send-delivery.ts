import type { Clock, Logger, Sealer } from '@daybook/runtime';
import { withCorrelation } from '@daybook/runtime';
import type { AttemptOutcome, DeliveryState } from '../domain/delivery';
import { earlierSecretsAt, type Endpoint } from '../domain/endpoint';
import type { SendResult, WebhookClient } from '../ports';
import { signatureHeaders } from './standard-webhooks';
import type { KnownDelivery, Webhooks } from './webhooks';

export type SendDeps = {
  readonly webhooks: Webhooks;
  readonly client: WebhookClient;
  readonly sealer: Sealer;
  readonly now: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
};

/**
 * `unsigned`: nothing was sent, because the secret of the endpoint cannot be opened. `skipped`: it was not due any more,
 * or the attempt was broken off and has no outcome.
 */
export type Attempt = 'delivered' | 'failed' | 'unsigned' | 'skipped';

type Pending = Extract<DeliveryState, { status: 'pending' | 'delivered' | 'exhausted' }>;

const goneStatus = 410;

/**
 * One attempt: read what is to be sent, unless it is known, send it, record what came of it. A crash between sending and
 * recording sends again later, with the same webhook id and body.
 */
export async function sendDelivery(
  deps: SendDeps,
  { deliveryId, known }: { readonly deliveryId: string; readonly known: KnownDelivery | undefined },
  abort: AbortSignal,
): Promise<Attempt> {
  const { state, revision } = known ?? (await deps.webhooks.deliveryOf(deliveryId));
  if (state.status !== 'pending' || state.nextAttemptAt === null) return 'skipped';
  if (state.nextAttemptAt > deps.now().toISOString()) return 'skipped';
  const { correlationId } = state;
  return withCorrelation({ correlationId, causationId: deliveryId }, () => attempt(deps, state, revision, abort));
}

async function attempt(deps: SendDeps, state: Pending, revision: bigint, abort: AbortSignal): Promise<Attempt> {
  const { webhooks, now, random } = deps;
  const endpoint = await endpointOf(webhooks, state);
  if (endpoint?.status !== 'enabled') {
    const reason = endpoint === undefined ? 'endpoint_removed' : 'endpoint_disabled';
    const at = now().toISOString();
    await webhooks.changeDelivery(state.deliveryId, { type: 'AbandonDelivery', reason, at });
    return 'skipped';
  }
  const startedMs = performance.now();
  const result = await send(deps, state, endpoint, abort);
  if (result === 'aborted') return 'skipped';
  const at = now().toISOString();
  if (result.status === goneStatus) {
    // First, so that a crash in between leaves no delivery to an endpoint that is gone.
    const disable = { type: 'DisableEndpoint', endpointId: endpoint.endpointId, reason: 'gone', at } as const;
    await webhooks.changeEndpoints(state, disable);
  }
  const number = state.attempts + 1;
  const record = { type: 'RecordAttempt', attempt: number, outcome: result, at, random: random() } as const;
  await webhooks.record(state.deliveryId, record, { state, revision });
  report(deps.logger, state, number, result, performance.now() - startedMs);
  if (result === unsigned) return 'unsigned';
  return result.ok ? 'delivered' : 'failed';
}

/**
 * A recent reading is enough to send. What is abandoned stays so, and the endpoint may have been registered or enabled by
 * another process a moment ago, so before that it is looked at anew.
 */
async function endpointOf(webhooks: Webhooks, state: Pending): Promise<Endpoint | undefined> {
  const recent = (await webhooks.recentEndpointsOf(state)).get(state.endpointId);
  return recent?.status === 'enabled' ? recent : (await webhooks.endpointsOf(state)).get(state.endpointId);
}

/** Concerns one endpoint only, so it is an outcome: tried again on schedule, in case the right key comes back. */
const unsigned: AttemptOutcome = { ok: false, status: null, error: 'the secret cannot be opened' };

async function send(deps: SendDeps, state: Pending, endpoint: Endpoint, abort: AbortSignal): Promise<SendResult> {
  const { webhookId, payload: body, mode, correlationId } = state;
  const at = deps.now();
  const secrets = signingSecrets(deps, state, endpoint, at.toISOString());
  if (secrets === undefined) return unsigned;
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Daybook-Webhooks/1',
    'x-correlation-id': correlationId,
    ...signatureHeaders({ secrets, webhookId, at, body }),
  };
  return deps.client.send({ url: endpoint.url, mode, headers, body, abort });
}

/**
 * The present one first. None when that cannot be opened, because a receiver may have dropped the others already; an
 * earlier one that cannot be is left out.
 */
function signingSecrets(
  { sealer, logger }: SendDeps,
  state: Pending,
  endpoint: Endpoint,
  at: string,
): readonly string[] | undefined {
  const open = (sealedSecret: string, text: string) => {
    const opened = sealer.tryOpen(sealedSecret, endpoint.endpointId);
    if (opened.ok) return [opened.plain];
    reportUnsigned(logger, state, opened.problem, text);
    return [];
  };
  const [present] = open(endpoint.sealedSecret, 'the secret of a webhook endpoint cannot be opened');
  if (present === undefined) return undefined;
  const earlier = earlierSecretsAt(endpoint, at).flatMap(({ sealedSecret }) =>
    open(sealedSecret, 'an earlier secret of a webhook endpoint cannot be opened and does not sign'),
  );
  return [present, ...earlier];
}

/** One line an attempt. The url is the tenant's and may hold a key of theirs, so it is not in it. */
function report(logger: Logger, state: Pending, attempt: number, result: Exclude<SendResult, 'aborted'>, ms: number) {
  const { correlationId, deliveryId, endpointId, event } = state;
  const { status } = result;
  const line = { correlationId, deliveryId, endpointId, event, attempt, status, ms: Math.round(ms) };
  if (result.ok) logger.info(line, 'webhook delivered');
  else if (status === goneStatus) logger.warn(line, 'webhook endpoint is gone and was disabled');
  else logger.info({ ...line, reason: result.error }, 'webhook attempt failed');
}

/** Louder than what a receiver does wrong: it is for the operator to put right, and concerns who knows how many. */
function reportUnsigned(logger: Logger, state: Pending, problem: string, text: string) {
  const { tenantId, endpointId, deliveryId } = state;
  logger.error({ tenantId, endpointId, deliveryId, problem }, `${text}: was SECRETS_KEY another one?`);
}

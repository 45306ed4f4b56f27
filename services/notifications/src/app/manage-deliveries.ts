import type { CallOutcome, CallRequest, listDeliveries, redeliver } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import { deliveryPage, readCursor } from '../projections/deliveries';
import { reaches } from '../domain/endpoint';
import type { Webhooks } from './webhooks';

export type DeliveryDeps = {
  readonly webhooks: Webhooks;
  readonly pool: Pool;
  /** Resolves when the read model holds everything recorded before the call. */
  readonly caughtUp: () => Promise<void>;
  readonly now: Clock;
};

export async function list(
  { webhooks, pool, caughtUp }: DeliveryDeps,
  { tenantId, mode, accountId = null, endpointId, limit, cursor }: CallRequest<typeof listDeliveries>,
): Promise<CallOutcome<typeof listDeliveries>> {
  const endpoint = (await webhooks.endpointsOf({ tenantId, mode })).get(endpointId);
  if (endpoint === undefined || !reaches(accountId, endpoint.accountId))
    return { ok: false, rejection: 'endpoint_not_found' };
  const after = cursor === null ? undefined : readCursor(cursor);
  if (cursor !== null && after === undefined) return { ok: false, rejection: 'cursor_invalid' };
  await caughtUp();
  return { ok: true, value: await deliveryPage(pool, { endpointId, tenantId, mode, limit, after }) };
}

/** Due at once, with the same webhook id and body, and a full round of attempts. */
export async function sendAgain(
  { webhooks, now }: DeliveryDeps,
  { tenantId, mode, accountId = null, deliveryId }: CallRequest<typeof redeliver>,
): Promise<CallOutcome<typeof redeliver>> {
  const { state } = await webhooks.deliveryOf(deliveryId);
  if (state.status === 'none' || state.tenantId !== tenantId || state.mode !== mode)
    return { ok: false, rejection: 'delivery_not_found' };
  const endpoint = (await webhooks.endpointsOf(state)).get(state.endpointId);
  // Whose it was is not known any more when it is removed, so an account is told of nothing then.
  if (!reaches(accountId, endpoint?.accountId ?? null)) return { ok: false, rejection: 'delivery_not_found' };
  if (endpoint?.status !== 'enabled') return { ok: false, rejection: 'endpoint_disabled' };
  const outcome = await webhooks.changeDelivery(deliveryId, { type: 'Redeliver', at: now().toISOString() });
  return outcome.ok ? { ok: true, value: { deliveryId } } : { ok: false, rejection: 'delivery_not_found' };
}

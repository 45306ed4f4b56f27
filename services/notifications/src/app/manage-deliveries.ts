import type { CallOutcome, CallRequest, listDeliveries, redeliver } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import { deliveryPage, readCursor } from '../projections/deliveries';
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
  { tenantId, mode, endpointId, limit, cursor }: CallRequest<typeof listDeliveries>,
): Promise<CallOutcome<typeof listDeliveries>> {
  const state = await webhooks.endpointsOf({ tenantId, mode });
  if (!state.has(endpointId)) return { ok: false, rejection: 'endpoint_not_found' };
  const after = cursor === null ? undefined : readCursor(cursor);
  if (cursor !== null && after === undefined) return { ok: false, rejection: 'cursor_invalid' };
  await caughtUp();
  return { ok: true, value: await deliveryPage(pool, { endpointId, tenantId, mode, limit, after }) };
}

/** Due at once, with the same webhook id and body, and a full round of attempts. */
export async function sendAgain(
  { webhooks, now }: DeliveryDeps,
  { tenantId, mode, deliveryId }: CallRequest<typeof redeliver>,
): Promise<CallOutcome<typeof redeliver>> {
  const { state } = await webhooks.deliveryOf(deliveryId);
  if (state.status === 'none' || state.tenantId !== tenantId || state.mode !== mode)
    return { ok: false, rejection: 'delivery_not_found' };
  const endpoint = (await webhooks.endpointsOf(state)).get(state.endpointId);
  if (endpoint?.status !== 'enabled') return { ok: false, rejection: 'endpoint_disabled' };
  const outcome = await webhooks.changeDelivery(deliveryId, { type: 'Redeliver', at: now().toISOString() });
  return outcome.ok ? { ok: true, value: { deliveryId } } : { ok: false, rejection: 'delivery_not_found' };
}

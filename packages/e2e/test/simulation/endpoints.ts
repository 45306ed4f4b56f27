/** Where the tenants want to be told, registered before anything fails. */
import { createSealer } from '@daybook/runtime';
import { webhookEvents } from '@daybook/contracts';
import { register } from '../../../../services/notifications/src/app/manage-endpoints';
import { openWebhooks } from '../../../../services/notifications/src/app/webhooks';
import { sealingKey } from './notifications-machine';
import { mode, startMs, tenants, type Product } from './product';

export const urlOf = (tenantId: string, dialect: string) => `https://${tenantId}.example/${dialect}`;

export async function registerEndpoints({ places, receivers, endpoints, world }: Product): Promise<void> {
  const now = () => new Date(startMs);
  const deps = {
    webhooks: openWebhooks(places.notifications.log.durable, now),
    client: receivers.client({ name: 'setup', alive: true }),
    sealer: createSealer(sealingKey),
    now,
  };
  for (const tenantId of tenants)
    for (const dialect of ['pay', 'intents'] as const) {
      const url = urlOf(tenantId, dialect);
      const outcome = await register(deps, {
        tenantId,
        mode,
        dialect,
        accountId: null,
        url,
        events: [...webhookEvents],
      });
      if (outcome.ok) endpoints.set(outcome.value.endpoint.endpointId, tenantId);
      else world.violated(`the endpoint of ${tenantId} is refused: ${outcome.rejection}`);
    }
}

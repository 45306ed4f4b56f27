/**
 * gateways_v1: where a gateway is configured, by its id. Source: this service's event store. Serves: the webhooks of
 * providers, which name the gateway and nothing else. What a gateway is, its registry says.
 */
import type { Projection } from '@daybook/event-store';
import type { Mode } from '@daybook/contracts';
import type { Pool } from 'pg';
import type { GatewayEvent } from '../domain/payment-gateways';

export const gatewaysProjection: Projection<GatewayEvent> = {
  name: 'gateways',
  version: 1,
  handlers: {
    GatewayAdded: ({ gateway: { gatewayId, tenantId, mode, number } }) => [
      {
        text: `insert into gateways_v1 (gateway_id, tenant_id, mode, number) values ($1, $2, $3, $4)
               on conflict (gateway_id) do nothing`,
        values: [gatewayId, tenantId, mode, number],
      },
    ],
  },
};

export type GatewayPlace = { readonly tenantId: string; readonly mode: Mode; readonly number: number };

export async function placeOfGateway(pool: Pool, gatewayId: string): Promise<GatewayPlace | undefined> {
  const { rows } = await pool.query<{ tenant_id: string; mode: Mode; number: number }>(
    'select tenant_id, mode, number from gateways_v1 where gateway_id = $1',
    [gatewayId],
  );
  const [row] = rows;
  return row && { tenantId: row.tenant_id, mode: row.mode, number: row.number };
}

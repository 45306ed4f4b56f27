import { uuidFrom, withCorrelation, type Clock } from '@daybook/runtime';
import type { Endpoint, WebhookEvent } from '../domain/endpoint';
import {
  intentPayload,
  transactionPayload,
  transferPayload,
  type IntentFact,
  type Transaction,
  type TransferFact,
} from './payloads';
import type { KnownDelivery, Tenant, Webhooks } from './webhooks';

export type ScheduleDeps = {
  readonly webhooks: Webhooks;
  readonly now: Clock;
  /** Called with what was scheduled just now, as soon as it is durable. */
  readonly scheduled: (delivery: KnownDelivery) => void;
};

/** Where a fact comes from. The same message always gives the same deliveries. */
export type FactSource = {
  readonly messageId: string;
  /** Version of the fact in its stream: rises with every fact about the same resource. */
  readonly sequence: string;
  readonly correlationId: string;
};

type Fact = FactSource & {
  readonly event: WebhookEvent;
  readonly subject: string;
  /** Of a fact that is told to two sides in different bodies: the second. The first has the id of a fact with one body. */
  readonly side?: 'credit';
};

/** Tells the payers' and the payees' endpoints of several facts at once, each from its own side. */
export async function scheduleTransfers(deps: ScheduleDeps, told: readonly ToldTransfer[]): Promise<void> {
  const tenants = new Map(told.flatMap(tenantsOf).map((tenant) => [keyOf(tenant), tenant]));
  const registered = new Map<string, EndpointsByTenant>();
  const reading = [...tenants].map(async ([key, tenant]) =>
    registered.set(key, await deps.webhooks.endpointsOf(tenant)),
  );
  await Promise.all(reading);
  await Promise.all(
    told.map(({ source, transfer }) =>
      withCorrelation({ correlationId: source.correlationId, causationId: source.messageId }, () =>
        scheduleTransfer(deps, transfer, source, (tenant) => registered.get(keyOf(tenant))!),
      ),
    ),
  );
}

export type ToldTransfer = { readonly transfer: TransferFact; readonly source: FactSource };
type EndpointsByTenant = ReadonlyMap<string, Endpoint>;

function tenantsOf({ transfer: { mode, debitTenantId, creditTenantId } }: ToldTransfer): Tenant[] {
  return [
    { tenantId: debitTenantId, mode },
    { tenantId: creditTenantId, mode },
  ];
}

const keyOf = ({ tenantId, mode }: Tenant) => `${tenantId} ${mode}`;

async function scheduleTransfer(
  deps: ScheduleDeps,
  transfer: TransferFact,
  source: FactSource,
  endpointsOf: (tenant: Tenant) => EndpointsByTenant,
): Promise<void> {
  const { transferId, mode, debitTenantId, debitAccountId, creditTenantId, creditAccountId } = transfer;
  const fact: Fact = { ...source, event: `transfer.${transfer.status}`, subject: transferId };
  const sides = [
    { direction: 'debit', tenantId: debitTenantId, accountId: debitAccountId },
    { direction: 'credit', tenantId: creditTenantId, accountId: creditAccountId },
  ] as const;
  const scheduling = sides.map(({ direction, tenantId, accountId }) => {
    const tenant = { tenantId, mode };
    const side: Fact = direction === 'credit' ? { ...fact, side: direction } : fact;
    const told = listeners(endpointsOf(tenant), fact, (endpoint) => {
      if (endpoint.dialect !== 'pay') return false;
      if (endpoint.accountId !== null) return endpoint.accountId === accountId;
      // An endpoint for the whole tenant hears of a transfer between two of its wallets once, as the payer.
      return direction === 'debit' || debitTenantId !== creditTenantId;
    });
    return schedule(deps, side, tenant, told, () => transferPayload(fact.event, transfer, direction, source.sequence));
  });
  await Promise.all(scheduling);
}

/** Tells the merchant's endpoints of a change, as each of the events. */
export async function scheduleIntent(
  deps: ScheduleDeps,
  intent: IntentFact,
  source: FactSource,
  events: readonly WebhookEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const { intentId, tenantId, mode } = intent;
  const registered = await deps.webhooks.endpointsOf({ tenantId, mode });
  for (const event of events) {
    const fact = { ...source, event, subject: intentId };
    const told = listeners(registered, fact, ({ dialect, accountId }) => dialect === 'intents' && accountId === null);
    await schedule(deps, fact, { tenantId, mode }, told, () => intentPayload(event, intent, source.sequence));
  }
}

/** Tells the partner's endpoints of where the transaction is. */
export async function scheduleTransaction(
  deps: ScheduleDeps,
  tenant: Tenant,
  transaction: Transaction,
  source: FactSource,
): Promise<void> {
  const { transaction_id: subject, status } = transaction;
  const fact: Fact = { ...source, event: `transaction.${status}`, subject };
  const told = listeners(
    await deps.webhooks.endpointsOf(tenant),
    fact,
    ({ dialect, accountId }) => dialect === 'partner' && accountId === null,
  );
  await schedule(deps, fact, tenant, told, () => transactionPayload(fact.event, transaction, source.sequence));
}

function listeners(
  registered: EndpointsByTenant,
  { event }: Fact,
  concerns: (endpoint: Endpoint) => boolean,
): readonly Endpoint[] {
  return [...registered.values()].filter(
    (endpoint) => endpoint.status === 'enabled' && endpoint.events.includes(event) && concerns(endpoint),
  );
}

async function schedule(
  { webhooks, now, scheduled }: ScheduleDeps,
  fact: Fact,
  tenant: Tenant,
  told: readonly Endpoint[],
  payloadOf: () => string,
): Promise<void> {
  if (told.length === 0) return;
  const { messageId, event, subject, correlationId } = fact;
  const payload = payloadOf();
  const scheduling = told.map(async ({ endpointId }) => {
    const known = await webhooks.schedule({
      type: 'ScheduleDelivery',
      deliveryId: uuidFrom(['delivery', messageId, event, endpointId]),
      webhookId: webhookIdOf(fact),
      endpointId,
      ...tenant,
      event,
      subject,
      payload,
      correlationId,
      at: now().toISOString(),
    });
    if (known !== undefined) scheduled(known);
  });
  await Promise.all(scheduling);
}

/** One for each body: a receiver drops the second body that comes under an id, also where both sides have one URL. */
function webhookIdOf({ messageId, event, side }: Fact): string {
  return uuidFrom(['webhook', messageId, event, ...(side === undefined ? [] : [side])]);
}

import { assert } from '@daybook/core';
import { uuidFrom, type Clock } from '@daybook/runtime';
import type { Endpoint, WebhookEvent } from '../domain/endpoint';
import { intentPayload, transferPayload, type IntentFact, type TransferFact } from './payloads';
import type { Tenant, Webhooks } from './webhooks';

export type ScheduleDeps = { readonly webhooks: Webhooks; readonly now: Clock };

/** Where a fact comes from. The same message always gives the same deliveries. */
export type FactSource = {
  readonly messageId: string;
  /** Version of the fact in its stream: rises with every fact about the same resource. */
  readonly sequence: string;
  readonly correlationId: string;
};

type Fact = FactSource & { readonly event: WebhookEvent; readonly subject: string };

/** Tells the payer's and the payee's endpoints, each from its own side. */
export async function scheduleTransfer(deps: ScheduleDeps, transfer: TransferFact, source: FactSource): Promise<void> {
  const { transferId, mode, debitTenantId, debitAccountId, creditTenantId, creditAccountId } = transfer;
  const fact: Fact = { ...source, event: `transfer.${transfer.status}`, subject: transferId };
  const sides = [
    { direction: 'debit', tenantId: debitTenantId, accountId: debitAccountId },
    { direction: 'credit', tenantId: creditTenantId, accountId: creditAccountId },
  ] as const;
  for (const { direction, tenantId, accountId } of sides) {
    const payload = transferPayload(fact.event, transfer, direction, source.sequence);
    await schedule(deps, fact, { tenantId, mode }, payload, (endpoint) => {
      if (endpoint.dialect !== 'pay') return false;
      if (endpoint.accountId !== null) return endpoint.accountId === accountId;
      // An endpoint for the whole tenant hears of a transfer between two of its wallets once, as the payer.
      return direction === 'debit' || debitTenantId !== creditTenantId;
    });
  }
}

/** Tells the merchant's endpoints of the status, and of exceptions that the intent did not have before. */
export async function scheduleIntent(
  deps: ScheduleDeps,
  intent: IntentFact,
  source: FactSource,
  options: { readonly newExceptions: boolean },
): Promise<void> {
  const { intentId, status, tenantId, mode } = intent;
  const events: WebhookEvent[] = status === 'pending' ? [] : [`intent.${status}`];
  if (options.newExceptions) events.push('intent.exception');
  for (const event of events) {
    const payload = intentPayload(event, intent, source.sequence);
    await schedule(deps, { ...source, event, subject: intentId }, { tenantId, mode }, payload, (endpoint) => {
      return endpoint.dialect === 'intents' && endpoint.accountId === null;
    });
  }
}

async function schedule(
  { webhooks, now }: ScheduleDeps,
  { messageId, event, subject, correlationId }: Fact,
  tenant: Tenant,
  payload: string,
  concerns: (endpoint: Endpoint) => boolean,
): Promise<void> {
  const state = await webhooks.endpointsOf(tenant);
  const told = [...state.values()].filter(
    (endpoint) => endpoint.status === 'enabled' && endpoint.events.includes(event) && concerns(endpoint),
  );
  for (const { endpointId } of told) {
    const deliveryId = uuidFrom(['delivery', messageId, event, endpointId]);
    const outcome = await webhooks.changeDelivery(deliveryId, {
      type: 'ScheduleDelivery',
      deliveryId,
      webhookId: uuidFrom(['webhook', messageId, event]),
      endpointId,
      ...tenant,
      event,
      subject,
      payload,
      correlationId,
      at: now().toISOString(),
    });
    assert(outcome.ok, 'scheduling a delivery is never refused');
  }
}

/** What tenants are told (I19, I20). */
import { intentStatusChanged, transferStatusChanged } from '@daybook/contracts';
import { readMessage } from '@daybook/messaging';
import { urlOf } from './endpoints';
import type { Facts } from './facts';
import type { Product } from './product';
import type { Mode } from './simulate-product';

/** To each of which an intent comes once. */
const ends = ['settled', 'expired', 'underpaid'] as const;

export function deliveryProblems(
  product: Product,
  { deliveries, intents, transfers }: Facts,
  mode: Mode,
): readonly string[] {
  const problems: string[] = [];
  const heard = new Map<string, string>();
  const told = new Set<string>();
  for (const { deliveryId, state } of deliveries) {
    const { endpointId, subject, event, payload, webhookId } = state;
    if (state.status === 'pending' && state.nextAttemptAt === null)
      problems.push(`I20: ${deliveryId} waits for nothing`);
    const sequence = BigInt(/"sequence":(\d+)/.exec(payload)![1]!);
    const line = `${endpointId} ${subject} ${event}`;
    if (told.has(`${line} ${sequence}`)) problems.push(`I20: ${line} is told twice with sequence ${sequence}`);
    if (ends.some((end) => event === `intent.${end}`) && told.has(line)) problems.push(`I20: ${line} is told again`);
    told.add(`${line} ${sequence}`).add(line);
    if ((heard.get(webhookId) ?? payload) !== payload) problems.push(`I20: webhook ${webhookId} is of two bodies`);
    heard.set(webhookId, payload);
  }
  const arrived = new Set<string>();
  for (const { url, webhookId, body } of product.receivers.received) {
    const expected = heard.get(webhookId);
    const dialect = body.includes('"intent_id"') ? 'intents' : 'pay';
    const owners = deliveries.filter(({ state }) => state.webhookId === webhookId).map(({ state }) => state.tenantId);
    if (expected === undefined) problems.push(`I20: webhook ${webhookId} arrived and is not recorded`);
    else if (expected !== body) problems.push(`I20: webhook ${webhookId} arrived with another body`);
    else if (!owners.some((tenantId) => urlOf(tenantId, dialect) === url))
      problems.push(`I19: ${url} heard of ${webhookId}`);
    arrived.add(`${url} ${webhookId}`);
  }
  for (const { deliveryId, state } of deliveries) {
    const dialect = state.payload.includes('"intent_id"') ? 'intents' : 'pay';
    if (state.status === 'delivered' && !arrived.has(`${urlOf(state.tenantId, dialect)} ${state.webhookId}`))
      problems.push(`I20: ${deliveryId} is recorded as delivered and never arrived`);
  }
  problems.push(...handledProblems(product, deliveries));
  if (mode === 'safety') return problems;
  for (const { intentId, state } of intents) {
    const end = ends.find((each) => each === state.stage);
    if (
      end !== undefined &&
      !deliveries.some((one) => one.state.subject === intentId && one.state.event === `intent.${end}`)
    )
      problems.push(`I20: nobody is told that ${intentId} is ${end}`);
  }
  for (const [transferId, status] of transfers)
    if (!deliveries.some((one) => one.state.subject === transferId && one.state.event === `transfer.${status}`))
      problems.push(`I20: nobody is told that ${transferId} is ${status}`);
  return problems;
}

/** What a consumer has handled has been scheduled: of transfers each status, of intents each end. */
function handledProblems({ places, broker }: Product, deliveries: Facts['deliveries']): readonly string[] {
  const { rows } = places.notifications.database;
  const scheduled = new Set(deliveries.map(({ state }) => `${state.subject} ${state.event}`));
  const problems: string[] = [];
  for (const { value } of broker.stored(transferStatusChanged.topic)) {
    const { message, contract } = readMessage([transferStatusChanged], value);
    if (contract === undefined || rows.get('inbox', `notifications.transfers ${message.id}`) === undefined) continue;
    const { transferId, status } = message.data as { transferId: string; status: string };
    if (!scheduled.has(`${transferId} transfer.${status}`))
      problems.push(`I20: ${transferId} ${status} was handled and is told to nobody`);
  }
  for (const { value } of broker.stored(intentStatusChanged.topic)) {
    const { message, contract } = readMessage([intentStatusChanged], value);
    if (contract === undefined || rows.get('inbox', `notifications.intents ${message.id}`) === undefined) continue;
    const { intentId, status } = message.data as { intentId: string; status: string };
    if (ends.some((end) => end === status) && !scheduled.has(`${intentId} intent.${status}`))
      problems.push(`I20: ${intentId} ${status} was handled and is told to nobody`);
  }
  return problems;
}

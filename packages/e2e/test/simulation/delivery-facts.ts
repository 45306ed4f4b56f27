/** What tenants are told (I19, I20). */
import { intentStatusChanged, transferStatusChanged } from '@daybook/contracts';
import { readMessage } from '@daybook/messaging';
import { tenantOf } from './customers';
import { urlOf } from './endpoints';
import type { Facts, RecordedTransfer } from './facts';
import type { Product } from './product';
import type { Mode } from './simulate-product';

/** To each of which an intent comes once. */
const ends = ['settled', 'expired', 'underpaid'] as const;

export function deliveryProblems(product: Product, facts: Facts, mode: Mode): readonly string[] {
  const { deliveries } = facts;
  const problems: string[] = [...tenantProblems(product, facts)];
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
  problems.push(...handledProblems(product, facts));
  return mode === 'safety' ? problems : [...problems, ...untoldProblems(facts)];
}

/** As the customers have the wallets, whoever the product takes for their owners. */
function tenantsOf({ debitAccountId, creditAccountId }: RecordedTransfer): readonly string[] {
  return [...new Set([debitAccountId, creditAccountId].map(tenantOf))];
}

const toldLine = (tenantId: string, subject: string, event: string) => `${tenantId} ${subject} ${event}`;

/** I19: only who has the intent, or a wallet of the transfer, is told of it, where they asked for it, and of that wallet. */
function tenantProblems({ endpoints }: Product, { deliveries, intents, transfers }: Facts): readonly string[] {
  const owners = new Map<string, readonly string[]>();
  for (const { intentId, state } of intents) owners.set(intentId, state.stage === 'none' ? [] : [state.tenantId]);
  for (const [transferId, transfer] of transfers) owners.set(transferId, tenantsOf(transfer));
  return deliveries.flatMap(({ deliveryId, state: { tenantId, endpointId, subject, payload } }) => {
    const { wallet_id: wallet } = JSON.parse(payload) as { readonly wallet_id?: string };
    const isOwn = endpoints.get(endpointId) === tenantId && (wallet === undefined || tenantOf(wallet) === tenantId);
    if (isOwn && owners.get(subject)?.includes(tenantId) === true) return [];
    return [`I19: ${deliveryId} tells ${tenantId} of ${wallet ?? subject}, which is another's`];
  });
}

/** I20, the other way round: when all has come to its end, everybody whom an end concerns is told of it. */
function untoldProblems({ deliveries, intents, transfers }: Facts): readonly string[] {
  const told = new Set(deliveries.map(({ state }) => toldLine(state.tenantId, state.subject, state.event)));
  const problems: string[] = [];
  for (const { intentId, state } of intents) {
    const end = ends.find((each) => each === state.stage);
    if (end === undefined || state.stage === 'none') continue;
    if (!told.has(toldLine(state.tenantId, intentId, `intent.${end}`)))
      problems.push(`I20: nobody is told that ${intentId} is ${end}`);
  }
  for (const [transferId, transfer] of transfers)
    for (const tenantId of tenantsOf(transfer))
      if (!told.has(toldLine(tenantId, transferId, `transfer.${transfer.status}`)))
        problems.push(`I20: ${tenantId} is not told that ${transferId} is ${transfer.status}`);
  return problems;
}

/** What a consumer has handled has been scheduled: of transfers each status, of intents each end. */
function handledProblems({ places, broker }: Product, { deliveries, transfers }: Facts): readonly string[] {
  const { rows } = places.notifications.database;
  const scheduled = new Set(deliveries.map(({ state }) => toldLine(state.tenantId, state.subject, state.event)));
  const problems: string[] = [];
  for (const { value } of broker.stored(transferStatusChanged.topic)) {
    const { message, contract } = readMessage([transferStatusChanged], value);
    if (contract === undefined || rows.get('inbox', `notifications.transfers ${message.id}`) === undefined) continue;
    const { transferId, status } = message.data as { transferId: string; status: string };
    const transfer = transfers.get(transferId);
    if (transfer === undefined) problems.push(`I20: ${transferId} ${status} was published and is not recorded`);
    for (const tenantId of transfer === undefined ? [] : tenantsOf(transfer))
      if (!scheduled.has(toldLine(tenantId, transferId, `transfer.${status}`)))
        problems.push(`I20: ${transferId} ${status} was handled and is not told to ${tenantId}`);
  }
  for (const { value } of broker.stored(intentStatusChanged.topic)) {
    const { message, contract } = readMessage([intentStatusChanged], value);
    if (contract === undefined || rows.get('inbox', `notifications.intents ${message.id}`) === undefined) continue;
    const { intentId, tenantId, status } = message.data as { intentId: string; tenantId: string; status: string };
    if (ends.some((end) => end === status) && !scheduled.has(toldLine(tenantId, intentId, `intent.${status}`)))
      problems.push(`I20: ${intentId} ${status} was handled and is not told to ${tenantId}`);
  }
  return problems;
}

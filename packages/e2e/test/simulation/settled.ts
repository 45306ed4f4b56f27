/**
 * Whether everything has come to its end (liveness):
 *
 *   L1  Every intent whose time is over or that is paid has ended; transfers are confirmed or failed, settlements complete;
 *       a delivery that is neither made nor given up says when it goes on.
 *   L2  Read models and relays are at the end of their logs (L3), consumers at the end of their topics.
 *   L4  Everything that a customer asked is answered.
 *   L6  The cursor of the chain is at its head, and every payment in the chain is confirmed.
 */
import type { Customers } from './customers';
import { chainName } from './chain';
import type { Product } from './product';
import { readFacts } from './facts';

export async function isSettled(product: Product, asked: Customers): Promise<boolean> {
  return (await whatIsLeft(product, asked, true)).length === 0;
}

export async function unsettled(product: Product, asked: Customers): Promise<string> {
  return (await whatIsLeft(product, asked, false)).slice(0, 5).join('; ');
}

async function whatIsLeft(product: Product, asked: Customers, first: boolean): Promise<readonly string[]> {
  const left: string[] = [];
  if (!asked.isThrough()) left.push('L4: customers wait for answers');
  left.push(...(await readersBehind(product)), ...messagesLeft(product), ...cursorBehind(product));
  // The rest decodes all logs.
  if (first && left.length > 0) return left;
  const { intents, settlements, deliveries, deposits, transfers } = await readFacts(product);
  const now = new Date(Date.UTC(2026, 0, 1) + product.world.now()).toISOString();
  for (const { intentId, state } of intents) {
    if (state.stage === 'none' || state.stage === 'settled' || state.stage === 'expired' || state.stage === 'underpaid')
      continue;
    if (state.stage === 'paid' || state.expiresAt < now) left.push(`L1: intent ${intentId} is ${state.stage}`);
  }
  for (const [settlementId, state] of settlements) if (!state.completed) left.push(`L1: settlement ${settlementId}`);
  for (const [transferId, { status }] of transfers) if (status === 'accepted') left.push(`L1: transfer ${transferId}`);
  for (const { state, deliveryId } of deliveries)
    if (state.status === 'pending' && (state.nextAttemptAt === null || state.nextAttemptAt < before(now)))
      left.push(`L1: delivery ${deliveryId} is due since ${state.nextAttemptAt}`);
  const credited = new Set(
    deposits.flatMap(({ status, deposit }) => (status === 'confirmed' ? [deposit.transactionId] : [])),
  );
  for (const { status, deposit } of deposits)
    if (status === 'seen') left.push(`L6: deposit ${deposit.depositId} in block ${deposit.blockNumber}`);
  const addresses = new Set(intents.flatMap(({ state }) => (state.stage === 'none' ? [] : [state.paymentAddress])));
  for (const { to, transactionId } of product.chain.blocks.flatMap(({ transfers: sent }) => sent))
    if (addresses.has(to) && !credited.has(transactionId)) left.push(`L6: payment ${transactionId}`);
  return left;
}

/** Clocks of processes differ by as much, and a lease of one that died lasts as long. */
const before = (time: string) => new Date(Date.parse(time) - 25_000).toISOString();

function cursorBehind({ places, chain }: Product): readonly string[] {
  const cursor = places['chain-watcher'].database.rows.get<{ blocks: readonly { number: number }[] }>(
    'cursor',
    chainName,
  );
  const at = cursor?.blocks.at(-1)?.number ?? -1;
  return at + behindMax < chain.blocks.length ? [`L6: the cursor is at ${at} of ${chain.blocks.length}`] : [];
}

async function readersBehind({ places }: Product): Promise<readonly string[]> {
  const left: string[] = [];
  for (const [service, { log, database }] of Object.entries(places)) {
    const tail = await log.durable.tail();
    for (const [name, { position }] of database.rows.all<{ position: string }>('subscriptions'))
      if (position !== tail) left.push(`L2: ${name} of ${service} is at ${position} of ${tail}`);
  }
  return left;
}

/** Blocks that may be mined between two passes. */
const behindMax = 5;

const consumed = {
  intents: ['chain-watcher.deposits', 'ledger.transactions', 'settlement.settlements'],
  ledger: ['intents.intents', 'settlement.settlements'],
  settlement: ['intents.intents', 'ledger.transactions'],
  notifications: ['intents.intents', 'ledger.transfers'],
} as const;

function messagesLeft({ places, broker }: Product): readonly string[] {
  const left: string[] = [];
  for (const [service, topics] of Object.entries(consumed)) {
    const offsets = places[service as keyof typeof consumed].database.rows.all<{ next: bigint }>('consumer_offsets');
    for (const topic of topics) {
      const ends = new Map<number, bigint>();
      for (const { partition, offset } of broker.stored(topic)) ends.set(partition, offset + 1n);
      for (const [partition, end] of ends) {
        const at = offsets.find(([key]) => key.endsWith(` ${topic} ${partition}`))?.[1].next ?? 0n;
        if (at < end) left.push(`L3: ${service} is at ${at} of ${end} in ${topic} ${partition}`);
      }
    }
  }
  return left;
}

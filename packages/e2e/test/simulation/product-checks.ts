/**
 * What must be true of the product after any run, by the numbers of docs/guarantees.md, read from what is stored alone:
 *
 *   I1, I2   entries balance, balances are their sums, no wallet is below zero at any version   (book-facts.ts)
 *   I3       streams have no gap, ids are unique, the book's chain of hashes holds
 *   I5, I6   every question that was answered with yes is recorded once, as it was asked; one key, one content
 *   I7       what each subscription and consumer applied is what its log or topic has up to its place, and has had its
 *            effect                                                                             (handled-facts.ts)
 *   I8       what a relay has passed is published
 *   I9, I10  intents take legal edges only, and split every deposit exactly                     (money-facts.ts)
 *   I11      every credit is one transfer of the chain as it is now, and is credited once       (money-facts.ts)
 *   I12      nothing is credited before it is final                                             (watched as it happens)
 *   I17      clearing holds what is applied and not settled, and nothing else                   (money-facts.ts)
 *   I19      nobody is paid for, or told of, what is another's                                  (money-facts.ts)
 *   I20      every fact that somebody wants to hear of is delivered, given up or due, in order  (delivery-facts.ts)
 */
import { readMessage, type OutgoingMessage } from '@daybook/messaging';
import {
  depositConfirmed,
  depositReverted,
  depositSeen,
  intentPaid,
  intentStatusChanged,
  intentUnderpaid,
  paymentReceived,
  settlementCompleted,
  settlementInstructed,
  transactionPosted,
  transferStatusChanged,
  type AnyEventContract,
} from '@daybook/contracts';
import type { EventStore, Position, StoredEvent } from '@daybook/event-store';
import type { ParkedRow } from '@daybook/testing';
import { publishedEvents as publishedDeposits } from '../../../../services/chain-watcher/src/adapters/published-events';
import { publishedEvents as publishedIntents } from '../../../../services/intents/src/adapters/published-events';
import { publishedBy } from '../../../../services/ledger/src/adapters/published-events';
import { publishedEvents as publishedSettlements } from '../../../../services/settlement/src/adapters/published-events';
import { decodeBookEvent } from '../../../../services/ledger/src/adapters/stored-events';
import { bookProblems } from './book-facts';
import type { Customers } from './customers';
import { deliveryProblems } from './delivery-facts';
import { allOf, readFacts, type Facts } from './facts';
import { handledProblems } from './handled-facts';
import { happenedIn, nothing } from './happened';
import { moneyProblems } from './money-facts';
import type { Product, ServiceName } from './product';
import type { Mode } from './simulate-product';

export async function examineProduct(product: Product, asked: Customers, mode: Mode) {
  const { world, places, broker } = product;
  const tell = (problems: readonly string[]) => problems.forEach((problem) => world.violated(problem));
  const logs = {} as Record<ServiceName, readonly StoredEvent[]>;
  for (const [service, { log }] of Object.entries(places)) logs[service as ServiceName] = await allOf(log.durable);
  for (const [service, log] of Object.entries(logs)) tell(streamProblems(service, log));
  for (const service of Object.keys(places) as ServiceName[])
    tell(await subscriptionProblems(product, service, places[service].log.durable));
  tell(consumerProblems(product));
  tell(relayProblems(product, logs));
  const facts = await foldOrTell(product);
  if (facts !== undefined) {
    tell(await bookProblems(product, asked, logs.ledger));
    tell(moneyProblems(product, asked, facts, mode));
    tell(deliveryProblems(product, facts, mode));
    tell(handledProblems(product, facts));
  }
  return {
    events: Object.values(logs).reduce((sum, log) => sum + log.length, 0),
    messages: [...new Set(consumers.map(({ topic }) => topic))].reduce(
      (sum, topic) => sum + broker.stored(topic).length,
      0,
    ),
    ...(facts === undefined ? nothing : await happenedIn(product, asked, facts)),
  };
}

/** I9: the folds assert that only legal edges were taken. */
async function foldOrTell(product: Product): Promise<Facts | undefined> {
  try {
    return await readFacts(product);
  } catch (error) {
    product.world.violated(`I9: ${String(error)}`);
    return undefined;
  }
}

/** I3. */
function streamProblems(service: string, log: readonly StoredEvent[]): readonly string[] {
  const problems: string[] = [];
  const next = new Map<string, bigint>();
  for (const { stream, revision } of log) {
    if (revision !== (next.get(stream) ?? 0n))
      problems.push(`I3: ${stream} of ${service} has a gap before ${revision}`);
    next.set(stream, revision + 1n);
  }
  const ids = new Set(log.map(({ id }) => id));
  if (ids.size !== log.length) problems.push(`I3: an event id of ${service} is not unique`);
  return problems;
}

type Row = { readonly position: Position; readonly count: bigint; readonly hash: string };

/** I7, for readers of logs: count, and exclusive or of ids. */
async function subscriptionProblems(
  product: Product,
  service: ServiceName,
  log: EventStore,
): Promise<readonly string[]> {
  const all = await allOf(log);
  const problems: string[] = [];
  for (const [name, { position, count, hash }] of product.places[service].database.rows.all<Row>('subscriptions')) {
    const applied = all.filter((event) => log.compare(event.position, position) <= 0);
    const sum = applied.reduce((xor, { id }) => xor ^ BigInt(`0x${id.replaceAll('-', '')}`), 0n);
    if (count !== BigInt(applied.length) || BigInt(`0x${hash}`) !== sum)
      problems.push(`I7: ${name} of ${service} applied ${count} events up to ${position}, there are ${applied.length}`);
  }
  return problems;
}

type Consumer = {
  readonly service: ServiceName;
  readonly group: string;
  readonly topic: string;
  readonly contracts: readonly AnyEventContract[];
  /** What a transaction has to be posted for to be of concern, where not all are. Not asked of the service itself. */
  readonly causes?: readonly string[];
};
const consumerOf = (service: ServiceName, group: string, ...contracts: readonly AnyEventContract[]): Consumer => ({
  service,
  group: `${service}.${group}`,
  topic: contracts[0]!.topic,
  contracts,
});
const consumers: readonly Consumer[] = [
  consumerOf('intents', 'deposits', depositSeen, depositReverted, depositConfirmed),
  {
    ...consumerOf('intents', 'ledger-transactions', transactionPosted),
    causes: ['provider_payment', 'intent_payment', 'intent_receipt'],
  },
  consumerOf('intents', 'settlements', settlementCompleted),
  consumerOf('ledger', 'intents', paymentReceived, intentUnderpaid),
  consumerOf('ledger', 'settlements', settlementInstructed),
  consumerOf('settlement', 'intents', intentPaid),
  {
    ...consumerOf('settlement', 'ledger-transactions', transactionPosted),
    causes: ['institution_transfer', 'institution_transfer_return', 'chain_send', 'settlement'],
  },
  consumerOf('notifications', 'intents', intentStatusChanged),
  consumerOf('notifications', 'transfers', transferStatusChanged),
];

/** I7, for consumers: what lies before their place and concerns them is in the inbox. Nothing may be parked: nobody sends nonsense here. */
function consumerProblems({ places, broker }: Product): readonly string[] {
  const problems: string[] = [];
  for (const { service, group, topic, contracts, causes } of consumers) {
    const { rows } = places[service].database;
    for (const { partition, offset, value } of broker.stored(topic)) {
      const next = rows.get<{ next: bigint }>('consumer_offsets', `${group} ${topic} ${partition}`)?.next ?? 0n;
      const { message, contract } = readMessage(contracts, value);
      const { cause } = message.data as { readonly cause?: { readonly type: string } };
      const isWanted = contract !== undefined && (causes?.includes(cause?.type ?? '') ?? true);
      if (offset < next && isWanted && rows.get('inbox', `${group} ${message.id}`) === undefined)
        problems.push(`I7: ${group} let go of ${message.type} at ${offset} of ${topic} ${partition} without effect`);
    }
    for (const [key, { cause }] of rows.all<ParkedRow>('parked_messages')) problems.push(`parked: ${key}: ${cause}`);
  }
  return problems;
}

const relays: readonly [ServiceName, string, (event: StoredEvent) => readonly OutgoingMessage[]][] = [
  ['chain-watcher', 'relay deposits', publishedDeposits],
  ['intents', 'relay intents', publishedIntents],
  ['ledger', 'relay ledger', publishedBy((stored) => decodeBookEvent(stored).event)],
  ['settlement', 'relay settlement', publishedSettlements],
];

/** I8. */
function relayProblems(
  { places, broker }: Product,
  logs: Record<ServiceName, readonly StoredEvent[]>,
): readonly string[] {
  const problems: string[] = [];
  const published = new Map<string, ReadonlySet<string>>();
  const idsOf = (topic: string) => {
    const known =
      published.get(topic) ?? new Set(broker.stored(topic).map(({ value }) => readMessage([], value).message.id));
    published.set(topic, known);
    return known;
  };
  for (const [service, name, map] of relays) {
    const { log, database } = places[service];
    const place = database.rows.get<Row>('subscriptions', name)?.position;
    const passed = logs[service].filter(
      ({ position }) => place !== undefined && log.durable.compare(position, place) <= 0,
    );
    for (const message of passed.flatMap((event) => map(event)))
      if (!idsOf(message.topic).has(message.id))
        problems.push(`I8: ${name} passed ${message.id} and did not publish it`);
  }
  return problems;
}

/**
 * The end of a run: what the clients were told against what the journal, the API, the webhooks and the product's own check
 * say. Every difference is a violation.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { auditSubscriptions, openDatabase, postgresEventStore } from '@daybook/event-store';
import { intentAssets } from '@daybook/contracts';
import type { ReceivedWebhook } from '@daybook/standalone';
import { checkBooks } from '@daybook/testing';
import { comparedWith, constancyOf, hiddenFrom } from './answers';
import { okAnswerOf, type Clients } from './clients';
import { readJournal, withDatabase } from './journal';
import { idsOf, ownAccounts, ownAsset, replay, type Command, type Modelled } from './model';
import { walletUnits, type People, type Receivers } from './people';
import { decimal } from './requests';
import { schemaOf, services } from './services';

const checkWithinMs = 30_000;
const checkPollMs = 100;

export type Evidence = {
  readonly databaseUrl: string;
  readonly people: People;
  readonly clients: Clients;
  readonly receivers: Receivers;
  /** What prepared the run. */
  readonly before: readonly Command[];
};

export async function violationsOf(evidence: Evidence): Promise<readonly string[]> {
  const { databaseUrl, people, clients, before } = evidence;
  const opening = new Map(people.wallets.map(({ walletId }) => [walletId, walletUnits]));
  const commands = [...before, ...clients.asked.map(({ planned }) => planned)];
  const modelled = replay(people, commands, opening, await readJournal(databaseUrl));
  const { violations } = await checkBooks({ databaseUrl });
  return [
    ...modelled.violations.map((each) => `model: ${each}`),
    ...clients.asked.flatMap((asked) => [...constancyOf(asked), ...comparedWith(modelled, people, asked)]),
    ...hiddenFrom(clients.asked),
    ...(await balancesShown(evidence, modelled)),
    ...(await intentsShown(evidence)),
    ...(await intentsThere(evidence)),
    ...webhooksMissing(evidence, modelled),
    ...violations.map(({ rule, where, message }) => `books: ${rule}: ${where}: ${message}`),
    ...(await gaps(databaseUrl)),
    ...(await parked(databaseUrl)),
    ...(await ownCheck(evidence)),
  ];
}

async function balancesShown({ clients, people }: Evidence, { balances }: Modelled): Promise<readonly string[]> {
  const violations: string[] = [];
  const compare = (account: string, field: string, shown: unknown, expected: string) => {
    if (Number(shown) !== Number(expected))
      violations.push(`balance: ${account} shows ${field} ${shown}, not ${expected}`);
  };
  for (const { name } of ownAccounts) {
    const { body } = await got(clients, `/v1/ledger/accounts/${name}`, people.client);
    const { posted, held } = balances.get(name) ?? { posted: 0n, held: 0n };
    compare(name, 'posted', body['posted'], decimal(posted, ownAsset));
    compare(name, 'held', body['held'], decimal(held, ownAsset));
  }
  for (const { walletId, token } of people.wallets) {
    const { body } = await got(clients, '/pay/v1/wallet/balance', { authorization: `Bearer ${token}` });
    const { posted, held } = balances.get(walletId) ?? { posted: 0n, held: 0n };
    compare(walletId, 'available', body['available_balance'], decimal(posted - held, 'TXC'));
  }
  return violations;
}

async function got(clients: Clients, path: string, headers: Readonly<Record<string, string>>) {
  const { outcome, answer, error } = await clients.send({ method: 'GET', path, headers });
  if (outcome !== 'ok' || answer === undefined)
    throw new Error(`GET ${path} at the end of the run: ${error ?? `${answer?.status} ${answer?.text}`}`);
  return answer;
}

/** What each intent received and became, from what its deposits were. */
async function intentsShown({ clients, people }: Evidence): Promise<readonly string[]> {
  const violations: string[] = [];
  for (const { planned, attempts } of clients.asked) {
    const { operation, key } = planned;
    if (operation.kind !== 'intent') continue;
    const id = attempts.find(({ outcome }) => outcome === 'ok')?.answer?.body['intent_id'];
    if (id === undefined) continue;
    const paid = paidFor(clients, key);
    const { text, body } = await got(clients, `/api/v1/intents/${String(id)}`, people.client);
    const asset = intentAssets[operation.currency];
    const { amount } = operation;
    const status = paid >= amount ? 'settled' : paid > 0n ? 'partially_paid' : 'pending';
    const refundable = paid > amount ? paid - amount : 0n;
    if (body['status'] !== status) violations.push(`intent: ${key} is ${String(body['status'])}, not ${status}`);
    for (const [field, units] of [
      ['amount_received', paid],
      ['amount_refundable', refundable],
    ] as const)
      if (!text.includes(`"${field}":${decimal(units, asset)},`))
        violations.push(`intent: ${key} does not have ${field} ${decimal(units, asset)}: ${text}`);
  }
  return violations;
}

/** As many as were answered with yes: one that nobody was told of would be another one of its key. */
async function intentsThere({ databaseUrl, clients, people }: Evidence): Promise<readonly string[]> {
  const told = clients.asked.filter(
    ({ planned, outcome }) => planned.operation.kind === 'intent' && outcome === 'ok',
  ).length;
  return withDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ there: number }>(
      `select count(*)::int as there from intents.events
       where type = 'IntentCreated' and convert_from(payload, 'utf8') like '%' || $1 || '%'`,
      [people.tenantId],
    );
    const { there } = rows[0]!;
    if (there === told) return [];
    return [`${there > told ? 'doubled' : 'lost'}: ${there} intents are there, and ${told} were answered`];
  });
}

/** Each end is told, signed, as one fact and always under the same id. */
function webhooksMissing({ clients, people, receivers }: Evidence, modelled: Modelled): readonly string[] {
  const violations: string[] = [];
  const all = { transfers: receivers.transfers.all(), intents: receivers.intents.all() };
  const check = (what: string, told: readonly ReceivedWebhook[]) => {
    const facts = new Set(told.map(({ body }) => body['sequence']));
    const ids = new Set(told.map(({ id }) => id));
    if (told.length === 0) violations.push(`webhook: nobody was told of ${what}`);
    if (facts.size > 1) violations.push(`doubled: ${what} was told as ${facts.size} facts`);
    if (ids.size > facts.size) violations.push(`doubled: ${what} was told under ${ids.size} ids`);
    const bodies = new Set(told.map(({ id, text }) => `${id} ${text}`));
    if (bodies.size > ids.size) violations.push(`webhook: ${what} was told in other words under the same id`);
    if (told.some(({ verified }) => !verified)) violations.push(`webhook: ${what} was told with a wrong signature`);
  };
  for (const asked of clients.asked) {
    const { operation, key } = asked.planned;
    if (operation.kind === 'transfer') {
      const [id = ''] = idsOf(people, asked.planned);
      const told = all.transfers.filter(
        ({ body }) => body['transaction_id'] === id && body['event'] === 'transfer.confirmed',
      );
      if (modelled.confirmed.has(id)) check(`transfer ${id}`, told);
    }
    if (operation.kind !== 'intent' || paidFor(clients, key) < operation.amount) continue;
    const id = okAnswerOf(asked)?.body['intent_id'];
    const told = all.intents.filter(({ body }) => body['intent_id'] === id && body['event'] === 'intent.settled');
    check(`intent ${key}`, told);
  }
  return violations;
}

/** What was deposited for the intent, in minor units. */
function paidFor({ asked }: Clients, intentKey: string): bigint {
  return asked
    .filter(({ outcome }) => outcome === 'ok')
    .flatMap(({ planned: { operation } }) =>
      operation.kind === 'deposit' && operation.of === intentKey ? [operation.amount] : [],
    )
    .reduce((sum, amount) => sum + amount, 0n);
}

/** Every reader of every log has applied exactly what is in the log. */
async function gaps(databaseUrl: string): Promise<readonly string[]> {
  const violations: string[] = [];
  for (const service of services) {
    const pool = openDatabase({ url: databaseUrl, schema: schemaOf(service), poolMax: 2, onError: () => undefined });
    const store = postgresEventStore(pool);
    for (const { name, agrees, applied, log } of await auditSubscriptions(pool, store)) {
      if (!agrees) violations.push(`gap: ${service}: ${name} has applied ${applied.count} of ${log.count} events`);
    }
    await store.close();
    await pool.end();
  }
  return violations;
}

/** No fault of the world sets a message aside. */
async function parked(databaseUrl: string): Promise<readonly string[]> {
  return withDatabase(databaseUrl, async (client) => {
    const texts = services
      .map(schemaOf)
      .map((schema) => `select group_name, topic, key, cause from ${schema}.parked_messages`);
    const { rows } = await client.query<{ group_name: string; topic: string; key: string; cause: string | null }>(
      texts.join(' union all '),
    );
    return rows.map(({ group_name, topic, key, cause }) => `parked: ${group_name} ${topic} ${key}: ${cause}`);
  });
}

/** The full check that operators start. */
async function ownCheck({ clients, people }: Evidence): Promise<readonly string[]> {
  const headers = { ...people.ops, 'content-type': 'application/json' };
  const started = await clients.send({ method: 'POST', path: '/v1/ops/checks', headers, body: '{}' });
  const id = started.answer?.body['id'];
  if (started.outcome !== 'ok') return [`check: could not be started: ${started.error ?? started.answer?.text}`];
  const deadline = performance.now() + checkWithinMs;
  while (performance.now() < deadline) {
    const { body } = await got(clients, `/v1/ops/checks/${String(id)}`, people.ops);
    if (body['finished_at'] !== null) {
      const report = body['report'] as { status?: string } | null;
      if (report?.status === 'CLEAN') return [];
      return [`check: ${String(body['status'])}: ${JSON.stringify(report ?? body['error']).slice(0, 3_000)}`];
    }
    await delay(checkPollMs);
  }
  return [`check: not over after ${checkWithinMs} ms`];
}

import { randomUUID } from 'node:crypto';
import { openReceiver } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { Instance, type Answer } from './instance';
import { expectBooksBalance } from './stories';
import { openTenant, type Tenant } from './tenant';

type Field = { readonly in: string; readonly name: string; readonly required?: boolean };
type Operation = {
  parameters?: Field[];
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> };
};
type Document = { paths: Record<string, Record<string, Operation>> };

/** Fields that name nothing a tenant owns. A new field must be put here or among the ids below, or the test fails. */
const notIds = [
  'query:limit',
  'query:as_of',
  'query:known_at',
  'query:effective_from',
  'query:effective_to',
  'query:posted_from',
  'query:posted_to',
  'query:from',
  'query:to',
  'query:time_zone',
  'query:metadata',
  'query:asset',
  'query:status',
  'query:since',
  'query:sequence',
  'query:mode',
  'header:X-Signature',
  'query:type',
  'query:offset',
  'query:start_date',
  'query:end_date',
  'path:file',
  'body:amount',
  // Anyone on the chain may be paid.
  'body:to_address',
  'body:use_contract',
  'body:note',
  'body:reference_id',
  'body:event',
  'body:events',
  'body:url',
  'body:asset',
  'body:currency',
  'body:order_id',
  'body:login',
  'body:username',
  'body:currencies',
  'body:settings',
  'body:outcome',
  'body:refunded',
  'body:charged_back',
  'body:under',
  'body:from',
  'body:to',
  'body:over',
  'body:late',
  'body:wrong_asset',
  'body:dust',
  // A number within the tenant: with anyone's number one names one's own gateway.
  'body:gateway_id',
  'body:institution_id',
  'body:recipient_info',
  'body:document',
  'query:matched',
  'body:id',
  'body:password',
  'body:name',
  'body:type',
  'body:floor',
  'body:ceiling',
  'body:metadata',
  'body:dry_run',
  'body:atomic',
  'body:transactions',
  'body:entries',
  'body:effective_at',
  'body:expires_at',
  'body:closed_period',
  'body:recording',
  'body:description',
  'body:final',
  'body:overlap_hours',
];
/** Operators act on every tenant of their mode; a tenant's own credential does not open these routes at all. */
const forOperators = '/v1/ops/';
/** Whom these routes know by a signature, not by a credential. */
const forProviders = '/v1/providers/';
/** Paying into another tenant's wallet is what a transfer is for. */
const meantForOthers = 'post /pay/v1/transfer body:recipient_wallet_id';

/** What belongs to the victim, by the field that would name it. */
type Owned = Readonly<Record<string, string>>;

describe("another tenant's id", () => {
  let daybook: Instance;
  let victim: Tenant;
  let owned: Owned;
  let receiver: Awaited<ReturnType<typeof openReceiver>>;
  const attackers: Record<string, Tenant> = {};
  let operations: { method: string; path: string; operation: Operation }[] = [];

  beforeAll(async () => {
    daybook = await new Instance({ LOG_LEVEL: 'warn' }).start();
    receiver = await openReceiver();
    victim = await openTenant(daybook, { txc: 10_000n });
    attackers['another tenant'] = await openTenant(daybook, { txc: 10_000n });
    attackers['the same tenant in the other mode'] = await openTenant(daybook, {
      txc: 10_000n,
      mode: 'live',
      tenantId: victim.tenantId,
    });
    owned = await possessions(daybook, victim, receiver.url);
    const document = (await daybook.request('GET', '/openapi.json')).body as unknown as Document;
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    );
  }, 120_000);
  afterAll(async () => {
    await receiver?.close();
    await daybook?.dispose();
  });
  afterEach(() => expectBooksBalance(daybook));

  test('the matrix knows every field of every route', () => {
    const known = new Set([...notIds, ...Object.keys(owned).map((field) => field.replace(/^.* /, ''))]);
    const fields = operations.flatMap(({ path, operation }) =>
      path.startsWith(forOperators) || path.startsWith(forProviders) ? [] : fieldsOf(operation),
    );
    expect(fields.length).toBeGreaterThan(30);
    expect(fields.map(label).filter((field) => !known.has(field))).toEqual([]);
  });

  test.each(Object.keys(attackersByName()))(
    'in any field of any route, used by %s, tells nothing and does nothing',
    async (name) => {
      const attacker = attackers[name];
      if (attacker === undefined) throw new Error(`no attacker ${name}`);
      const before = await stateOf(daybook, victim);
      const seen: string[] = [];
      for (const { method, path, operation } of operations.filter((each) => !each.path.startsWith(forProviders))) {
        for (const field of fieldsOf(operation)) {
          const place = `${method} ${path} ${label(field)}`;
          const id = owned[`${path} ${label(field)}`] ?? owned[label(field)];
          if (path.startsWith(forOperators)) {
            expect([
              place,
              (await send(daybook, attacker, { method, path, operation }, field, victim.walletId)).status,
            ]).toEqual([place, 403]);
          } else if (id !== undefined && id !== attacker.tenantId && place !== meantForOthers) {
            const answer = await send(daybook, attacker, { method, path, operation }, field, id);
            // With anyone's cursor one lists one's own.
            if (field.name !== 'cursor') {
              // A foreign id is answered as an id that does not exist.
              const other = unknownLike(id);
              const unknown = await send(daybook, attacker, { method, path, operation }, field, other);
              expect([place, answer.status, withoutNoise(answer, id)]).toEqual([
                place,
                unknown.status,
                withoutNoise(unknown, other),
              ]);
            }
            // The simulated chains are closed to live credentials altogether.
            const refusal = path.startsWith('/v1/sandbox/') && attacker.mode === 'live' ? 403 : 404;
            if (!noResources.has(field.name)) expect([place, answer.status]).toEqual([place, refusal]);
            for (const secret of [owned['path:intent_id'], owned['path:transaction_id'], victim.walletId]) {
              if (secret !== undefined && secret !== id)
                expect([place, answer.text.includes(secret)]).toEqual([place, false]);
            }
            seen.push(place);
          }
        }
      }
      expect(seen.length).toBeGreaterThanOrEqual(10);
      expect(await stateOf(daybook, victim)).toEqual(before);
    },
  );

  test('an idempotency key belongs to its tenant: the same key of another is another request', async () => {
    const attacker = attackers['another tenant'];
    const key = randomUUID();
    const first = await daybook.transfer('1.00', { key, token: victim.payToken });
    const second = await daybook.transfer('2.00', { key, token: attacker?.payToken ?? '' });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.transaction_id).not.toBe(first.body.transaction_id);
  });
});

/** A place in a list, words of the tenant's own, which another tenant may use as well, and what is for operators to say. */
const noResources = new Set(['cursor', 'order_id', 'Idempotency-Key', 'tenant_id']);

function attackersByName(): Record<string, true> {
  return { 'another tenant': true, 'the same tenant in the other mode': true };
}

function fieldsOf(operation: Operation): Field[] {
  const bodies = Object.values(operation.requestBody?.content ?? {});
  const body = bodies.flatMap(({ schema }) =>
    Object.keys(schema.properties ?? {}).map((name) => ({ in: 'body', name })),
  );
  return [...(operation.parameters ?? []), ...body];
}

function label(field: Field): string {
  return `${field.in}:${field.name}`;
}

/** One of everything that a route could name. */
async function possessions(daybook: Instance, tenant: Tenant, url: string): Promise<Owned> {
  const as = (method: string, path: string, body?: unknown) =>
    daybook.request(method, path, { headers: tenant.client, ...(body === undefined ? {} : { body }) });
  const endpoint = String(
    (await as('POST', '/v1/webhook-endpoints', { url, events: ['intent.confirming', 'intent.settled'] })).body.id,
  );
  const orderId = `ORDER-${randomUUID()}`;
  const intent = (await as('POST', '/api/v1/intents/create-payment', { amount: 5, currency: 'SOL', order_id: orderId }))
    .body;
  await as('POST', '/api/v1/intents/create-payment', { amount: 6, currency: 'SOL', order_id: orderId });
  await as('POST', '/v1/sandbox/deposits', { address: intent.payment_address, asset: 'SOL', amount: '5.00' });
  const transfer = (await daybook.transfer('1.00', { token: tenant.payToken })).body;
  await daybook.transfer('1.00', { token: tenant.payToken });
  const delivery = await eventually(
    async () => {
      const { deliveries } = (await as('GET', `/v1/webhook-endpoints/${endpoint}/deliveries`)).body as {
        deliveries: { id: string; event: string }[];
      };
      const settled = deliveries.find(({ event }) => event === 'intent.settled');
      if (settled === undefined) throw new Error('no delivery yet');
      return settled.id;
    },
    { timeoutMs: 20_000 },
  );
  const cursor = String((await as('GET', '/v1/intents?limit=1')).body.next_cursor);
  const payCursor = String(
    (await daybook.pay('GET', '/pay/v1/transactions?limit=1', { token: tenant.payToken })).body.next_cursor,
  );
  const quote = (await as('POST', '/v1/quotes', { from: 'SOL', to: 'USD', amount: '2' })).body;
  const payment = await partnerPayment(daybook, tenant);
  const payout = await institutionTransfer(daybook, tenant, payment);
  return {
    'path:transaction_id': String(transfer.transaction_id),
    ...Object.fromEntries(
      [
        '/api/transactions/{transaction_id}',
        '/api/payments/{transaction_id}/status',
        '/v1/sandbox/payments/{transaction_id}',
        '/v1/sandbox/payments/{transaction_id}/returns',
      ].map((path) => [`${path} path:transaction_id`, payment]),
    ),
    ...Object.fromEntries(
      ['/api/transfers/{transaction_id}/status', '/v1/sandbox/transfers/{transaction_id}'].map((path) => [
        `${path} path:transaction_id`,
        payout,
      ]),
    ),
    'path:quote_id': String(quote.quote_id),
    'path:gateway_id': '1',
    'path:institution_id': '1',
    'path:intent_id': String(intent.intent_id),
    '/v1/webhook-endpoints/{id} path:id': endpoint,
    '/v1/webhook-endpoints/{id}/deliveries path:id': endpoint,
    '/v1/webhook-endpoints/{id}/rotate-secret path:id': endpoint,
    '/v1/webhook-deliveries/{id}/redeliver path:id': delivery,
    '/v1/ledger/accounts/{id} path:id': tenant.walletId,
    ...(await ledgerPossessions(daybook, tenant)),
    '/v1/ledger/transactions/{id}/proof path:id': String(transfer.transaction_id),
    'query:tenant_id': tenant.tenantId,
    'query:subject': String(intent.intent_id),
    'query:order_id': orderId,
    'query:cursor': cursor,
    '/pay/v1/transactions query:cursor': payCursor,
    'body:address': String(intent.payment_address),
    'body:recipient_wallet_id': tenant.walletId,
    'header:Idempotency-Key': randomUUID(),
  };
}

/** A payment through a gateway of the tenant. Live tenants have no sandbox gateway. */
async function partnerPayment(daybook: Instance, tenant: Tenant): Promise<string> {
  const headers = { Authorization: `Bearer ${tenant.partnerToken}` };
  const settings = { provider: 'sandbox', plays: 'stripe' };
  const gateway = { name: 'Cards', currencies: ['USD'], settings };
  expect((await daybook.request('POST', '/v1/admin/gateways', { headers, body: gateway })).status).toBe(200);
  const body = { gateway_id: 1, amount: 1, currency: 'USD' };
  const payment = await daybook.request('POST', '/api/payments', { headers, body });
  expect(payment.status).toBe(200);
  return String(payment.body.transaction_id);
}

/** A transfer through an institution of the tenant, out of what a payment brought. */
async function institutionTransfer(daybook: Instance, tenant: Tenant, payment: string): Promise<string> {
  const headers = { Authorization: `Bearer ${tenant.partnerToken}` };
  const post = async (path: string, body: unknown) => {
    const answer = await daybook.request('POST', path, { headers, body });
    expect([path, answer.status, answer.text]).toEqual([path, 200, expect.any(String)]);
    return answer.body;
  };
  await post(`/v1/sandbox/payments/${payment}`, { outcome: 'succeeded' });
  await eventually(
    async () => {
      const { body } = await daybook.request('GET', `/api/payments/${payment}/status`, { headers });
      expect(body.status).toBe('completed');
    },
    { timeoutMs: 20_000 },
  );
  const settings = { bank: 'sandbox', settleAfterSeconds: 86_400 };
  await post('/v1/admin/institutions', { name: 'Bank', currencies: ['USD'], settings });
  const to = { account_number: '1234567890', routing_number: '987654321' };
  const transfer = { institution_id: 1, amount: 0.5, currency: 'USD', recipient_info: to };
  return String((await post('/api/transfers', transfer)).transaction_id);
}

/** An account of its own books, a transaction on it and a hold. */
async function ledgerPossessions(daybook: Instance, tenant: Tenant): Promise<Owned> {
  const write = async (path: string, body: unknown, key: string = randomUUID()) => {
    const headers = { ...tenant.client, 'Idempotency-Key': key };
    const answer = await daybook.request('POST', `/v1/ledger${path}`, { headers, body });
    expect([path, answer.status]).toEqual([path, 200]);
  };
  const inOwn = (id: string) => `${tenant.tenantId}/${id}`;
  const [posting, hold] = [`posting-${randomUUID()}`, `hold-${randomUUID()}`];
  await write('/accounts', { name: 'cash', asset: 'SOL', type: 'asset' });
  await write('/accounts', { name: 'sales', asset: 'SOL', type: 'income' });
  await write('/transactions', { debit: 'cash', credit: 'sales', asset: 'SOL', amount: '9.00' }, posting);
  await write('/holds', { account_id: 'cash', asset: 'SOL', amount: '1.00' }, hold);
  const account = `acct:${tenant.tenantId}:cash`;
  const accountPaths = ['limits', 'statement', 'daily-balances', 'lineage'].map((part) => `accounts/{id}/${part}`);
  const transactionPaths = ['', '/reverse'].map((part) => `transactions/{id}${part}`);
  const holdPaths = ['', '/capture', '/release'].map((part) => `holds/{id}${part}`);
  const named = (paths: readonly string[], id: string) =>
    Object.fromEntries(paths.map((path) => [`/v1/ledger/${path} path:id`, id]));
  return {
    ...named(accountPaths, account),
    ...named(transactionPaths, inOwn(posting)),
    ...named(holdPaths, inOwn(hold)),
    'query:account': account,
    'body:account_id': account,
    'body:debit': account,
    'body:credit': account,
  };
}

/** What the tenant can see of itself. */
async function stateOf(daybook: Instance, tenant: Tenant): Promise<unknown> {
  const paths = [
    '/v1/webhook-endpoints',
    '/v1/intents',
    '/v1/ledger/accounts',
    '/v1/ledger/transactions',
    '/v1/ledger/holds',
  ];
  const answers = [];
  for (const path of paths) {
    // The watermark is of the whole book, and moves with what others do.
    const { watermark: _watermark, ...body } = (await daybook.request('GET', path, { headers: tenant.client })).body;
    answers.push(body);
  }
  const headers = { Authorization: `Bearer ${tenant.partnerToken}` };
  for (const path of [
    '/api/transactions',
    '/v1/admin/gateways',
    '/v1/admin/institutions',
    '/v1/admin/receipt-policies',
  ])
    answers.push((await daybook.request('GET', path, { headers })).body);
  return [...answers, (await daybook.pay('GET', '/pay/v1/transactions', { token: tenant.payToken })).body];
}

const examples: Record<string, unknown> = {
  amount: '0.01',
  reference_id: 'R',
  note: 'n',
  event: 'transfer.confirmed',
  events: ['intent.settled'],
  url: 'https://203.0.113.7/hook',
  asset: 'SOL',
  currency: 'SOL',
  order_id: 'O',
  login: 'nobody@demo.example',
  password: 'wrong',
  username: 'nobody@demo.example',
  gateway_id: 1,
  to_address: '0xabcdef1234567890abcdef1234567890abcdef12',
  use_contract: false,
  '/v1/sandbox/transfers/{transaction_id} outcome': 'rejected',
  institution_id: 1,
  recipient_info: { account_number: '1234567890' },
  document: '<Document/>',
  currencies: ['USD'],
  settings: { provider: 'sandbox', plays: 'stripe' },
  outcome: 'failed',
  under: { tolerance_bps: 100, place: 'held' },
  over: 'held',
  late: 'held',
  wrong_asset: 'held',
  dust: { below: {}, place: 'held' },
  recipient_wallet_id: 'WALLET-NONE',
  address: 'none',
  account_id: 'none',
  debit: 'none',
  credit: 'none',
  floor: '0',
  ceiling: '1',
  from: '2026-01-01',
  to: '2026-02-01',
};

/** The attacker's own well-formed request, but for one field, which holds the id. */
function send(
  daybook: Instance,
  attacker: Tenant,
  { method, path, operation }: { method: string; path: string; operation: Operation },
  field: Field,
  id: string,
): Promise<Answer> {
  const fields = fieldsOf(operation);
  const at = (where: string) => fields.filter((each) => each.in === where);
  const pathname = at('path').reduce(
    (text, { name }) => text.replace(`{${name}}`, encodeURIComponent(field.name === name ? id : randomUUID())),
    path,
  );
  const query = new URLSearchParams(
    at('query')
      .filter(({ name, required }) => required === true || field.name === name)
      .map(({ name }): [string, string] => [
        name,
        field.in === 'query' && field.name === name ? id : String(examples[name]),
      ]),
  );
  const body =
    at('body').length === 0
      ? undefined
      : Object.fromEntries(
          at('body').map(({ name }) => {
            const example = examples[`${path} ${name}`] ?? examples[name];
            return [name, field.in === 'body' && field.name === name ? id : example];
          }),
        );
  const headers = headersFor(attacker, path);
  if (at('header').some(({ name }) => name === 'Idempotency-Key'))
    headers['Idempotency-Key'] = field.name === 'Idempotency-Key' ? id : randomUUID();
  return daybook.request(method.toUpperCase(), `${pathname}?${query}`, {
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

function headersFor(attacker: Tenant, path: string): Record<string, string> {
  if (path.startsWith('/pay/')) return { Authorization: `Bearer ${attacker.payToken}` };
  const isPartner = /^\/(api\/(?!v1\/)|v1\/admin\/|v1\/sandbox\/(payments|transfers))/.test(path);
  return isPartner ? { Authorization: `Bearer ${attacker.partnerToken}` } : { ...attacker.client };
}

/** An id of the same form that nobody has. */
function unknownLike(id: string): string {
  if (/^[0-9a-f-]{36}$/.test(id)) return id.replace(/^.{8}/, '00000000');
  return /^[A-Za-z0-9]+$/.test(id) ? id.replace(/.{6}$/, id.endsWith('ZZZZZZ') ? 'YYYYYY' : 'ZZZZZZ') : `${id}-none`;
}

/** The body without what differs from one answer to the next, whoever asks. */
/** What was asked for may be said again, by its own name where it is an account of the tenant's. */
function withoutNoise({ text }: Answer, asked: string): string {
  return text
    .replaceAll(asked, '…')
    .replace(`there is no account ${asked.replace(/^acct:[^:]*:/, '')}`, 'there is no account …')
    .replace(/"watermark":\{[^}]*\}/, '"watermark":{}')
    .replaceAll(/"(created_at|expires_at|transaction_id|intent_id|payment_address|order_id)":"[^"]*"/g, '"$1":"…"');
}

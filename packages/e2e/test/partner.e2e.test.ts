import { randomUUID } from 'node:crypto';
import {
  acceptedAmounts,
  eventually,
  malformedAmountTokens,
  refusedAmountTokens,
  tokensBeyondScale,
} from '@daybook/testing';
import { Instance, type Answer } from './instance';
import { differences, reference, withoutComments, type Example } from './partner-reference';
import { expectBooksBalance } from './stories';
import { openTenant, type Tenant } from './tenant';

type Listed = { transaction_id: string; status: string; type: string; created_at: string; id: number };

const completedWithinMs = 30_000;
/** What a payment through a provider has none of. */
const notOfPayments = ['eth_transaction_hash', 'institution_id', 'blockchain_transaction'];
const inList = (fields: readonly string[]) => fields.map((field) => `transactions.${field}`);

const badFilters = [
  ['type', 'type=refund'],
  ['type', 'type='],
  ['type', 'type=payment&type=deposit'],
  ['status', 'status=done'],
  ['start_date', 'start_date=2023-02-30'],
  ['start_date', 'start_date=01.09.2023'],
  ['start_date', 'start_date=2023-09-01T00:00:00Z'],
  ['end_date', 'end_date=yesterday'],
  ['end_date', 'start_date=2023-09-02&end_date=2023-09-01'],
  ['limit', 'limit=0'],
  ['limit', 'limit=-1'],
  ['limit', 'limit=1.5'],
  ['limit', 'limit=101'],
  ['limit', 'limit=ten'],
  ['offset', 'offset=-1'],
  ['offset', 'offset=1e2'],
  ['offset', 'offset=99999999999999999999'],
  ['sort', 'sort=amount'],
] as const;

describe('the partner API', () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn' });
  let bearer: Record<string, string>;
  let other: Tenant;

  /** Sends an example as it is printed, but for what names the caller or something of the caller's. */
  const run = (example: Example, options: { readonly id?: string; readonly headers?: Record<string, string> } = {}) =>
    daybook.request(example.method, example.path.replace('<transaction_id>', options.id ?? ''), {
      headers: options.headers ?? bearer,
      ...(example.body === undefined ? {} : { rawBody: withoutComments(example.body) }),
    });
  const get = (path: string, headers = bearer) => daybook.request('GET', path, { headers });
  const pay = (rawBody: string, headers: Record<string, string> = {}) =>
    daybook.request('POST', '/api/payments', { rawBody, headers: { ...bearer, ...headers } });
  const listed = async (query: string) => {
    const { status, body } = await get(`/api/transactions?${query}`);
    expect([query, status]).toEqual([query, 200]);
    return body as { transactions: Listed[]; total: number };
  };
  const decide = async (id: string, outcome: 'succeeded' | 'failed') => {
    const decided = await daybook.request('POST', `/v1/sandbox/payments/${id}`, { headers: bearer, body: { outcome } });
    expect(decided.status).toBe(200);
  };
  const reaches = (id: string, status: string) =>
    eventually(async () => expect((await run(reference.paymentStatus, { id })).body.status).toBe(status), {
      timeoutMs: completedWithinMs,
    });

  beforeAll(async () => {
    await daybook.start();
    bearer = { Authorization: `Bearer ${await signIn(daybook)}` };
    other = await openTenant(daybook, { txc: 0n });
  }, 120_000);
  afterAll(() => daybook.dispose());
  afterEach(() => expectBooksBalance(daybook));

  describe('by the examples of its reference', () => {
    test('a token is given for a username and a password, and opens the API as the key does', async () => {
      const { username, password, apiKey } = daybook.credentials.partner;
      const rawBody = reference.token.body
        .replace('your_api_username', username)
        .replace('your_api_password', password);
      const answer = await daybook.request('POST', '/api/token', { rawBody });
      expect([answer.status, ...differences(answer.body, reference.token.response)]).toEqual([200]);
      expect(answer.body.username).toBe(username);
      const headers = { Authorization: `Bearer ${String(answer.body.access_token)}` };
      const withKey = await get('/api/transactions', { 'X-API-Key': apiKey });
      expect([withKey.status, (await get('/api/transactions', headers)).text]).toEqual([200, withKey.text]);
    });

    test.each(['paymentByStripe', 'paymentByCoinbase', 'paymentByPayPal'] as const)(
      '%s is opened, paid and found',
      async (name) => {
        const opened = await run(reference[name]);
        expect([opened.status, ...differences(opened.body, reference[name].response)]).toEqual([200]);
        const id = String(opened.body.transaction_id);
        await decide(id, 'succeeded');
        await reaches(id, 'completed');

        const status = await run(reference.paymentStatus, { id });
        expect(differences(status.body, reference.paymentStatus.response)).toEqual([]);
        expect(status.text).toContain('"amount":100.00,"currency":"USD"');
        const providersId = opened.body.payment_intent_id ?? opened.body.charge_id ?? opened.body.paypal_order_id;
        expect(status.body.gateway_reference).toBe(providersId);

        const details = await run(reference.details, { id });
        expect(differences(details.body, reference.details.response, notOfPayments)).toEqual([]);
        expect(details.text).toContain('"amount":100.00');
        expect(details.body).toMatchObject({
          type: 'payment',
          status: 'completed',
          description: 'Payment for services',
          gateway_id: (JSON.parse(reference[name].body) as { gateway_id: number }).gateway_id,
        });

        const list = await run(reference.transactions);
        expect(differences(list.body, reference.transactions.response, inList(notOfPayments))).toEqual([]);
        expect(list.body).toMatchObject({ limit: 50, offset: 0 });
        const { user_id, institution_id, gateway_id, blockchain_transaction, ...inTheList } = details.body;
        expect([user_id, institution_id, blockchain_transaction]).toEqual([expect.any(Number), null, null]);
        expect((list.body.transactions as Listed[])[0]).toEqual(inTheList);
        expect(gateway_id).not.toBeNull();
      },
    );

    test('an example that is repeated with its Idempotency-Key is one payment', async () => {
      const headers = { 'Idempotency-Key': randomUUID() };
      const before = (await listed('')).total;
      const answers = await Promise.all([1, 2, 3].map(() => pay(reference.paymentByStripe.body, headers)));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect((await listed('')).total).toBe(before + 1);
      const differs = await pay(reference.paymentByStripe.body.replace('100.00', '100.01'), headers);
      expect(differs).toMatchObject({ status: 409, body: { success: false, field: 'Idempotency-Key' } });
    });
  });

  describe('lists', () => {
    test('filters leave what they name, and pages together are the whole list', async () => {
      const failed = await run(reference.paymentByStripe);
      await decide(String(failed.body.transaction_id), 'failed');
      await reaches(String(failed.body.transaction_id), 'failed');
      await run(reference.paymentByStripe);
      const all = await listed('limit=100');
      expect(all.transactions).toHaveLength(all.total);
      const newestFirst = all.transactions.toSorted((a, b) => b.created_at.localeCompare(a.created_at) || b.id - a.id);
      expect(all.transactions).toEqual(newestFirst);

      const types = ['deposit', 'withdrawal', 'transfer', 'payment', 'settlement'];
      const statuses = ['pending', 'processing', 'completed', 'failed', 'refunded'];
      for (const [field, values] of [
        ['type', types],
        ['status', statuses],
      ] as const) {
        for (const value of values) {
          const some = await listed(`${field}=${value}&limit=100`);
          const expected = all.transactions.filter((one) => one[field] === value);
          expect([field, value, some.total, some.transactions]).toEqual([field, value, expected.length, expected]);
        }
      }
      const both = await listed('type=payment&status=failed');
      expect(both.transactions.map(({ transaction_id: id }) => id)).toContain(failed.body.transaction_id);

      const paged: Listed[] = [];
      for (let offset = 0; offset < all.total; offset += 2) {
        const page = await listed(`limit=2&offset=${offset}`);
        expect(page).toMatchObject({ total: all.total, limit: 2, offset });
        paged.push(...page.transactions);
      }
      expect(paged).toEqual(all.transactions);
    });

    test('days are whole and in UTC, and a range without transactions is empty', async () => {
      await run(reference.paymentByStripe);
      const all = await listed('');
      const day = (daysLater: number) => {
        const newest = Date.parse(all.transactions[0]?.created_at ?? '');
        return new Date(newest + daysLater * 86_400_000).toISOString().slice(0, 10);
      };
      // The run may go over midnight.
      expect((await listed(`start_date=${day(-1)}&end_date=${day(0)}`)).total).toBe(all.total);
      expect(await listed(`start_date=${day(1)}`)).toMatchObject({ transactions: [], total: 0 });
      expect(await listed(`end_date=${day(-2)}`)).toMatchObject({ transactions: [], total: 0 });
    });

    test('a bad filter is refused by its name', async () => {
      for (const [field, query] of badFilters) {
        const answer = await get(`/api/transactions?${query}`);
        expect([query, answer.status, answer.body]).toEqual([
          query,
          400,
          {
            success: false,
            code: 'INVALID_REQUEST',
            field,
            error: expect.stringMatching(new RegExp(`^${field}: `)),
          },
        ]);
      }
    });
  });

  describe('credentials', () => {
    /** Every route of the API that needs one, from its own document. */
    const everyRoute = async (headers: Record<string, string>): Promise<[string, Answer][]> => {
      const document = (await daybook.request('GET', '/openapi.json')).body as { paths: Record<string, object> };
      const paths = Object.keys(document.paths).filter((path) => /^\/api\/(?!v1\/|token$)/.test(path));
      const answers: [string, Answer][] = [];
      for (const path of paths)
        for (const method of Object.keys(document.paths[path] ?? {})) {
          const sent = method === 'post' ? { rawBody: '{}' } : {};
          const pathname = path.replaceAll(/\{\w+\}/g, 'TX4G7Q1ZK0WB8N3RDC5VYM');
          answers.push([
            `${method} ${path}`,
            await daybook.request(method.toUpperCase(), pathname, { headers, ...sent }),
          ]);
        }
      expect(answers.length).toBeGreaterThanOrEqual(4);
      return answers;
    };

    test('without a right one, no route says anything else', async () => {
      const { apiKey } = daybook.credentials.partner;
      const wrong: Record<string, string>[] = [
        {},
        { 'X-API-Key': `${apiKey}x` },
        { 'X-API-Key': randomUUID() },
        { Authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
        { Authorization: `${bearer.Authorization}x` },
        { Authorization: `Basic ${Buffer.from(`a:${apiKey}`).toString('base64')}` },
      ];
      for (const headers of wrong)
        for (const [place, { status, body }] of await everyRoute(headers))
          expect([place, status, body]).toEqual([
            place,
            401,
            { success: false, code: 'UNAUTHORIZED', error: expect.any(String) },
          ]);
    });

    test('one of another API is not enough, and two at once are one too many', async () => {
      for (const [place, { status, body }] of await everyRoute({ Authorization: `Bearer ${other.opsToken}` }))
        expect([place, status, body.code]).toEqual([place, 403, 'FORBIDDEN']);
      const both = { ...bearer, 'X-API-Key': daybook.credentials.partner.apiKey };
      for (const [place, { status, body }] of await everyRoute(both))
        expect([place, status, body.code]).toEqual([place, 400, 'INVALID_REQUEST']);
    });

    test('a wrong username and a wrong password are answered alike', async () => {
      const { username, password } = daybook.credentials.partner;
      const attempt = (body: object) => daybook.request('POST', '/api/token', { body });
      const answers = [
        await attempt({ username, password: `${password}x` }),
        await attempt({ username: 'nobody@demo.example', password }),
        await attempt({ username: username.toUpperCase(), password: 'x' }),
      ];
      for (const { status, body } of answers)
        expect([status, body]).toEqual([401, { success: false, code: 'LOGIN_INVALID', error: expect.any(String) }]);
      expect((await attempt({ username })).body).toMatchObject({ code: 'INVALID_REQUEST', field: 'password' });
    });

    test('ids of another tenant are ids that nobody has', async () => {
      const id = String((await run(reference.paymentByStripe)).body.transaction_id);
      const theirs = { Authorization: `Bearer ${other.partnerToken}` };
      for (const example of [reference.details, reference.paymentStatus]) {
        const foreign = await run(example, { id, headers: theirs });
        expect(foreign).toMatchObject({ status: 404, body: { success: false, code: 'TRANSACTION_NOT_FOUND' } });
        const unknown = await run(example, { id: 'TX00000000000000000000', headers: theirs });
        const nonsense = await run(example, { id: 'TX123456789', headers: theirs });
        expect([unknown.text, nonsense.text]).toEqual([foreign.text, foreign.text]);
        expect((await run(example, { id })).status).toBe(200);
      }
      expect((await get('/api/transactions', theirs)).body).toMatchObject({ transactions: [], total: 0 });
      const foreignGateway = await run(reference.paymentByStripe, { headers: theirs });
      expect(foreignGateway).toMatchObject({ status: 404, body: { code: 'GATEWAY_NOT_FOUND', field: 'gateway_id' } });
    });
  });

  describe('amounts', () => {
    /** Each route that moves money, with the printed amount of its example, and the decimals it may have. */
    const routes: readonly { readonly example: Example; readonly printed: string; readonly scale: number }[] = [
      { example: reference.paymentByStripe, printed: '100.00', scale: 2 },
    ];

    test.each(routes)('what is no amount is refused by $example.path and records nothing', async (route) => {
      const { example, printed, scale } = route;
      const send = (token: string) =>
        daybook.request('POST', example.path, {
          headers: bearer,
          rawBody: withoutComments(example.body ?? '').replace(`"amount": ${printed}`, `"amount": ${token}`),
        });
      const before = (await listed('')).total;
      for (const token of [...refusedAmountTokens, ...tokensBeyondScale(scale)]) {
        const { status, body } = await send(token);
        expect([token, status, body.field]).toEqual([token, 400, 'amount']);
      }
      for (const token of malformedAmountTokens) expect([token, (await send(token)).status]).toEqual([token, 400]);
      const twice = await send(`${printed}, "amount": ${printed}`);
      expect([twice.status, twice.body.error]).toEqual([400, expect.stringContaining('amount')]);
      expect((await listed('')).total).toBe(before);
    });

    test('an amount comes back as it was meant, digit by digit', async () => {
      for (const { token, text } of acceptedAmounts) {
        const opened = await pay(`{"gateway_id": 3, "amount": ${token}, "currency": "USD"}`);
        expect([token, opened.status]).toEqual([token, 200]);
        const id = String(opened.body.transaction_id);
        for (const example of [reference.paymentStatus, reference.details])
          expect((await run(example, { id })).text).toContain(`"amount":${text},`);
      }
    });
  });
});

async function signIn(daybook: Instance): Promise<string> {
  const { username, password } = daybook.credentials.partner;
  const answer = await daybook.request('POST', '/api/token', { body: { username, password } });
  return String(answer.body.access_token);
}

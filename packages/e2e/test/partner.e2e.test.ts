import { randomUUID } from 'node:crypto';
import { eventually } from '@daybook/testing';
import { Client } from 'pg';
import { Instance } from './instance';
import { PartnerClient, type Listed } from './partner-client';
import { differences, reference } from './partner-reference';
import { describePartnerOutgoing } from './partner-outgoing';
import { describePartnerRefusals } from './partner-refusals';
import { openPartnerWebhooks, type PartnerWebhooks } from './partner-webhooks';
import { expectBooksBalance } from './stories';
import { openTenant, type Tenant } from './tenant';

/** What the transactions of a subject did to its tenant's balance, in minor units, in their order. */
async function merchantEntriesOf(daybook: Instance, subject: string): Promise<readonly string[]> {
  const client = new Client({ connectionString: daybook.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ amount: string }>(
      `select (case direction when 'credit' then amount else -amount end)::text as amount
       from ledger.audit_entries join ledger.audit_transactions using (transaction_id)
       where subject = $1 and account_id like 'merchant:%' order by account_version`,
      [subject],
    );
    return rows.map(({ amount }) => amount);
  } finally {
    await client.end();
  }
}

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
  let partner: PartnerClient;
  let webhooks: PartnerWebhooks;
  let other: Tenant;

  beforeAll(async () => {
    await daybook.start();
    partner = await PartnerClient.signIn(daybook);
    webhooks = await openPartnerWebhooks(daybook);
    other = await openTenant(daybook, { txc: 0n });
  }, 120_000);
  afterAll(async () => {
    await daybook.dispose();
    await webhooks?.close();
  });
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
      const withKey = await partner.get('/api/transactions', { 'X-API-Key': apiKey });
      expect([withKey.status, (await partner.get('/api/transactions', headers)).text]).toEqual([200, withKey.text]);
    });

    test.each(['paymentByStripe', 'paymentByCoinbase', 'paymentByPayPal'] as const)(
      '%s is opened, paid, found, and told of by webhook',
      async (name) => {
        const opened = await partner.run(reference[name]);
        expect([opened.status, ...differences(opened.body, reference[name].response)]).toEqual([200]);
        const id = String(opened.body.transaction_id);
        await partner.decide(id, 'succeeded');
        await partner.reaches(id, 'completed');

        const status = await partner.run(reference.paymentStatus, { id });
        expect(differences(status.body, reference.paymentStatus.response)).toEqual([]);
        expect(status.text).toContain('"amount":100.00,"currency":"USD"');
        const providersId = opened.body.payment_intent_id ?? opened.body.charge_id ?? opened.body.paypal_order_id;
        expect(status.body.gateway_reference).toBe(providersId);

        const details = await partner.run(reference.details, { id });
        expect(differences(details.body, reference.details.response, notOfPayments)).toEqual([]);
        expect(details.text).toContain('"amount":100.00');
        await webhooks.expectTold(details);
        expect(details.body).toMatchObject({
          type: 'payment',
          status: 'completed',
          description: 'Payment for services',
          gateway_id: (JSON.parse(reference[name].body) as { gateway_id: number }).gateway_id,
        });

        const list = await partner.run(reference.transactions);
        expect(differences(list.body, reference.transactions.response, inList(notOfPayments))).toEqual([]);
        expect(list.body).toMatchObject({ limit: 50, offset: 0 });
        const { user_id, institution_id, gateway_id, blockchain_transaction, ...inTheList } = details.body;
        expect([user_id, institution_id, blockchain_transaction]).toEqual([expect.any(Number), null, null]);
        expect((list.body.transactions as Listed[])[0]).toEqual(inTheList);
        expect(gateway_id).not.toBeNull();
      },
    );

    test('what goes back of a payment is shown, told of and taken off again, and all of it makes it refunded', async () => {
      const id = String((await partner.run(reference.paymentByStripe)).body.transaction_id);
      await partner.decide(id, 'succeeded');
      const completed = await partner.reaches(id, 'completed');
      await webhooks.expectTold(completed);
      expect(completed.body).not.toHaveProperty('amount_refunded');

      await partner.giveBack(id, { refunded: '40.00' });
      const inPart = await partner.run(reference.paymentStatus, { id });
      expect(inPart.text).toContain('"amount_refunded":40.00');
      expect(inPart.body.status).toBe('completed');
      for (const _ of ['first', 'again']) await partner.giveBack(id, { refunded: '40.00', charged_back: '60.00' });
      const refunded = await partner.reaches(id, 'refunded');
      const shown = { amount: 100, amount_refunded: 40, amount_charged_back: 60, exceptions: ['disputed'] };
      expect(refunded.body).toMatchObject(shown);
      await webhooks.expectTold(refunded);
      const { transactions } = await partner.list('status=refunded&type=payment');
      expect(transactions.map(({ transaction_id: found }) => found)).toContain(id);
      await eventually(async () => expect(await merchantEntriesOf(daybook, id)).toEqual(['10000', '-4000', '-6000']), {
        timeoutMs: 15_000,
      });
    });

    test('an example that is repeated with its Idempotency-Key is one payment', async () => {
      const headers = { 'Idempotency-Key': randomUUID() };
      const before = (await partner.list('')).total;
      const answers = await Promise.all([1, 2, 3].map(() => partner.pay(reference.paymentByStripe.body, headers)));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect((await partner.list('')).total).toBe(before + 1);
      const differs = await partner.pay(reference.paymentByStripe.body.replace('100.00', '100.01'), headers);
      expect(differs).toMatchObject({ status: 409, body: { success: false, field: 'Idempotency-Key' } });
    });
  });

  describePartnerOutgoing(
    () => partner,
    () => other,
    () => webhooks,
  );

  describe('lists', () => {
    test('filters leave what they name, and pages together are the whole list', async () => {
      const failed = await partner.run(reference.paymentByStripe);
      await partner.decide(String(failed.body.transaction_id), 'failed');
      await partner.reaches(String(failed.body.transaction_id), 'failed');
      await partner.run(reference.paymentByStripe);
      const all = await partner.list('limit=100');
      expect(all.transactions).toHaveLength(all.total);
      const typesSeen = new Set(all.transactions.map(({ type }) => type));
      expect([...typesSeen].toSorted()).toEqual(['deposit', 'payment', 'settlement', 'transfer']);
      const newestFirst = all.transactions.toSorted((a, b) => b.created_at.localeCompare(a.created_at) || b.id - a.id);
      expect(all.transactions).toEqual(newestFirst);

      const types = ['deposit', 'withdrawal', 'transfer', 'payment', 'settlement'];
      const statuses = ['pending', 'processing', 'completed', 'failed', 'refunded'];
      for (const [field, values] of [
        ['type', types],
        ['status', statuses],
      ] as const) {
        for (const value of values) {
          const some = await partner.list(`${field}=${value}&limit=100`);
          const expected = all.transactions.filter((one) => one[field] === value);
          expect([field, value, some.total, some.transactions]).toEqual([field, value, expected.length, expected]);
        }
      }
      const both = await partner.list('type=payment&status=failed');
      expect(both.transactions.map(({ transaction_id: id }) => id)).toContain(failed.body.transaction_id);

      const paged: Listed[] = [];
      for (let offset = 0; offset < all.total; offset += 2) {
        const page = await partner.list(`limit=2&offset=${offset}`);
        expect(page).toMatchObject({ total: all.total, limit: 2, offset });
        paged.push(...page.transactions);
      }
      expect(paged).toEqual(all.transactions);
    });

    test('days are whole and in UTC, and a range without transactions is empty', async () => {
      await partner.run(reference.paymentByStripe);
      const all = await partner.list('');
      const day = (daysLater: number) => {
        const newest = Date.parse(all.transactions[0]?.created_at ?? '');
        return new Date(newest + daysLater * 86_400_000).toISOString().slice(0, 10);
      };
      // The run may go over midnight.
      expect((await partner.list(`start_date=${day(-1)}&end_date=${day(0)}`)).total).toBe(all.total);
      expect(await partner.list(`start_date=${day(1)}`)).toMatchObject({ transactions: [], total: 0 });
      expect(await partner.list(`end_date=${day(-2)}`)).toMatchObject({ transactions: [], total: 0 });
    });

    test('a bad filter is refused by its name', async () => {
      for (const [field, query] of badFilters) {
        const answer = await partner.get(`/api/transactions?${query}`);
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

  describePartnerRefusals(
    () => partner,
    () => other,
  );
});

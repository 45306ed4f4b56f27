import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReceiver, type ReceivedWebhook } from '@daybook/standalone';
import { checkBooks, eventually } from '@daybook/testing';
import { Client } from 'pg';
import type { Instance } from './instance';

type Receiver = Awaited<ReturnType<typeof openReceiver>>;

const settledWithinMs = 30_000;

/** The stories that users tell, over the whole system in a process of its own. Every transport tells all of them. */
export function describeStories(transport: string, create: () => Promise<Instance>): void {
  describe(`Daybook with messages over ${transport}`, () => {
    let daybook: Instance;
    let receiver: Receiver;

    beforeAll(async () => {
      daybook = await (await create()).start();
      receiver = await openReceiver();
      const registered = await daybook.intents('POST', '/v1/webhook-endpoints', {
        body: {
          url: receiver.url,
          events: [
            'intent.confirming',
            'intent.partially_paid',
            'intent.paid',
            'intent.settled',
            'intent.expired',
            'intent.underpaid',
            'intent.exception',
          ],
        },
      });
      expect(registered.status).toBe(201);
      receiver.setSecret(String(registered.body.secret));
    }, 120_000);

    afterAll(async () => {
      await receiver?.close();
      await daybook?.dispose();
    });

    afterEach(() => expectBooksBalance(daybook));

    const webhookOf = (intentId: string, event: string) =>
      receiver.first(({ body }) => body.intent_id === intentId && body.event === event, settledWithinMs);
    const reaches = (intentId: string, expected: Record<string, unknown>) =>
      eventually(async () => expect(await daybook.intent(intentId)).toMatchObject(expected), {
        timeoutMs: settledWithinMs,
      });

    test.each([
      ['UPI', '499.00'],
      ['USDT_TRC20', '99.50'],
      ['USDT_SOL', '10.000001'],
      ['SOL', '0.000000001'],
    ])(
      'an intent over %s paid exactly on its simulated chain settles, and the webhook tells',
      async (currency, amount) => {
        const intent = await daybook.createIntent(currency, amount);
        if (currency === 'UPI') expect(intent.address).toMatch(/^upi:\/\/pay\?.*tr=/);
        await daybook.deposit(intent.address, currency, amount);
        const webhook = await webhookOf(intent.id, 'intent.settled');
        expect(webhook.verified).toBe(true);
        await reaches(intent.id, {
          status: 'settled',
          transaction_hash: expect.any(String),
          verified_at: expect.any(String),
        });
      },
    );

    test.each([
      ['ETH', '0.25', 250_000_000_000_000_000n],
      ['USDT_ERC20', '99.50', 99_500_000n],
    ] as const)(
      'an intent over %s paid on the EVM node settles with the hash of its transaction',
      async (currency, amount, units) => {
        const intent = await daybook.createIntent(currency, amount);
        const hash = await daybook.payOnEvm(intent.address, currency, units);
        await webhookOf(intent.id, 'intent.settled');
        await reaches(intent.id, { status: 'settled', transaction_hash: hash });
      },
    );

    test('a payment in three parts settles when the last part is final, and not before', async () => {
      const intent = await daybook.createIntent('USDT_TRC20', '30.00');
      await daybook.deposit(intent.address, 'USDT_TRC20', '10.00');
      await reaches(intent.id, { status: 'partially_paid' });
      await daybook.deposit(intent.address, 'USDT_TRC20', '10.00');
      await daybook.deposit(intent.address, 'USDT_TRC20', '10.00');
      await reaches(intent.id, { status: 'settled', amount_refundable: 0 });
    });

    test('an overpayment and a repeated payment settle once; the excess is refundable', async () => {
      const intent = await daybook.createIntent('USDT_SOL', '20.00');
      await daybook.deposit(intent.address, 'USDT_SOL', '25.00');
      await reaches(intent.id, { status: 'settled', amount_refundable: 5, exceptions: ['overpaid'] });
      await daybook.deposit(intent.address, 'USDT_SOL', '20.00');
      await reaches(intent.id, { status: 'settled', amount_refundable: 25 });
      await eventually(
        async () => expect(await journalOf(daybook, intent.id)).toEqual({ received: { USDT_SOL: 45_000_000n } }),
        { timeoutMs: settledWithinMs },
      );
    });

    test('a wallet sees its balance, pays, finds the transfer, and both sides are told', async () => {
      const { walletId, recipientWalletId, recipientToken } = daybook.credentials.pay;
      const told = await openReceiver();
      const hook = await daybook.pay('POST', '/pay/v1/webhook/register', {
        body: { url: told.url, event: 'transfer.confirmed' },
      });
      expect(hook.status).toBe(200);
      told.setSecret(String(hook.body.secret));

      const before = await daybook.pay('GET', '/pay/v1/wallet/balance');
      expect(before.body).toMatchObject({ wallet_id: walletId, currency: 'TXC' });
      const accepted = await daybook.transfer('150.00', { reference: 'ORDER-1024' });
      expect(accepted).toMatchObject({ status: 200, body: { status: 'processing' } });
      const id = String(accepted.body.transaction_id);

      const webhook = await told.first(({ body }) => body.transaction_id === id, settledWithinMs);
      expect(webhook).toMatchObject({
        verified: true,
        body: { event: 'transfer.confirmed', amount: 150, status: 'confirmed' },
      });
      expect(webhook.text).toContain('"amount":150.00');

      const found = await daybook.pay('GET', `/pay/v1/transfer/${id}`);
      expect(found.body).toMatchObject({
        transaction_id: id,
        status: 'confirmed',
        amount: 150,
        recipient_wallet_id: recipientWalletId,
      });
      expect(String(found.body.ledger_reference)).toMatch(/^0x[0-9a-f]{64}$/);
      const after = await daybook.pay('GET', '/pay/v1/wallet/balance');
      expect(Number(before.body.available_balance) - Number(after.body.available_balance)).toBeCloseTo(150, 2);

      const history = await daybook.pay('GET', '/pay/v1/transactions?limit=1');
      expect(history.body.transactions).toMatchObject([
        { transaction_id: id, type: 'transfer', direction: 'debit', amount: 150, reference_id: 'ORDER-1024' },
      ]);
      const theirs = await daybook.pay('GET', '/pay/v1/transactions?limit=1', { token: recipientToken });
      expect(theirs.body.transactions).toMatchObject([{ transaction_id: id, direction: 'credit' }]);
      await told.close();
    });

    test('a partner signs in and takes a card payment; the journal has it and the list shows it', async () => {
      const { username, password, apiKey } = daybook.credentials.partner;
      const signedIn = await daybook.request('POST', '/api/token', { body: { username, password } });
      expect(signedIn).toMatchObject({ status: 200, body: { user_id: expect.any(Number), username } });
      const headers = { Authorization: `Bearer ${String(signedIn.body.access_token)}` };
      const body = {
        gateway_id: 3,
        amount: 100,
        currency: 'USD',
        description: 'Payment for services',
        metadata: { order_id: 'ORD123456', customer_name: 'John Doe' },
      };
      const made = await daybook.request('POST', '/api/payments', { headers, body });
      expect(made).toMatchObject({
        status: 200,
        body: { success: true, payment_intent_id: expect.any(String), client_secret: expect.any(String) },
      });
      const id = String(made.body.transaction_id);
      const decided = { headers, body: { outcome: 'succeeded' } };
      expect((await daybook.request('POST', `/v1/sandbox/payments/${id}`, decided)).status).toBe(200);
      const inJournal = async () =>
        expect((await daybook.request('GET', `/api/payments/${id}/status`, { headers })).body).toMatchObject({
          success: true,
          status: 'completed',
          amount: 100,
          gateway_reference: made.body.payment_intent_id,
        });
      await eventually(inJournal, { timeoutMs: settledWithinMs });
      const withKey = { headers: { 'X-API-Key': apiKey } };
      const listed = await daybook.request('GET', '/api/transactions?type=payment&status=completed&limit=1', withKey);
      expect(listed.body).toMatchObject({
        transactions: [{ transaction_id: id, type: 'payment', status: 'completed', description: body.description }],
        limit: 1,
        offset: 0,
      });
      expect((await daybook.request('GET', `/api/transactions/${id}`, withKey)).body).toMatchObject({
        gateway_id: 3,
        user_id: signedIn.body.user_id,
        blockchain_transaction: null,
      });
    });

    test('the correlation id of a request is in its log lines, in every service, and on its webhook', async () => {
      const correlationId = `story-${randomUUID()}`;
      const answer = await daybook.intents('POST', '/api/v1/intents/create-payment', {
        headers: { 'X-Correlation-Id': correlationId },
        body: { amount: 1, currency: 'SOL', order_id: randomUUID() },
      });
      expect(answer.headers.get('x-correlation-id')).toBe(correlationId);
      const lines = () => daybook.log.split('\n').filter((line) => line.includes(correlationId));
      await eventually(
        async () =>
          expect(new Set(lines().map((line) => (JSON.parse(line) as { service: string }).service))).toEqual(
            new Set(['gateway', 'intents', 'chain-watcher']),
          ),
        { timeoutMs: 5_000 },
      );

      const transferCorrelation = `story-${randomUUID()}`;
      const told = await openReceiver();
      await daybook.pay('POST', '/pay/v1/webhook/register', { body: { url: told.url, event: 'transfer.confirmed' } });
      await daybook.pay('POST', '/pay/v1/transfer', {
        headers: { 'X-Correlation-Id': transferCorrelation, 'Idempotency-Key': randomUUID() },
        body: { recipient_wallet_id: daybook.credentials.pay.recipientWalletId, amount: 1, reference_id: 'R' },
      });
      const webhook: ReceivedWebhook = await told.first(
        ({ headers }) => headers['x-correlation-id'] === transferCorrelation,
        settledWithinMs,
      );
      expect(webhook.body.event).toBe('transfer.confirmed');
      await told.close();
    });

    /** `signedFor` is the key that the signature is made over; null sends none. */
    const highValue = (amount: string, key: string, signedFor: string | null, secondsAgo = 0) => {
      const { signingSecret, recipientWalletId } = daybook.credentials.pay;
      const rawBody = JSON.stringify({ recipient_wallet_id: recipientWalletId, amount, reference_id: 'BIG' });
      const t = Math.floor(Date.now() / 1000) - secondsAgo;
      const payload = `${t}.POST./pay/v1/transfer.${signedFor}.${rawBody}`;
      const signature = createHmac('sha256', signingSecret).update(payload).digest('hex');
      const signed: Record<string, string> = signedFor === null ? {} : { 'X-Signature': `t=${t},v1=${signature}` };
      return daybook.pay('POST', '/pay/v1/transfer', { rawBody, headers: { 'Idempotency-Key': key, ...signed } });
    };
    const signatureRequired = { status: 403, body: { error: { code: 'SIGNATURE_REQUIRED' } } };
    const signatureInvalid = { status: 403, body: { error: { code: 'SIGNATURE_INVALID' } } };

    test('a high-value transfer needs a signature of the request', async () => {
      const key = randomUUID();
      expect(await highValue('1300.01', key, null)).toMatchObject(signatureRequired);
      // The signature opens the way to the ledger, which then has its say about the balance.
      expect(await highValue('1300.01', key, key)).toMatchObject({
        status: 422,
        body: { error: { code: 'INSUFFICIENT_BALANCE' } },
      });
      expect(await highValue('1300.01', randomUUID(), key)).toMatchObject(signatureInvalid);
    });

    test('a high-value transfer that is repeated late gets its first answer, and nothing moves again', async () => {
      const balance = async () => Number((await daybook.pay('GET', '/pay/v1/wallet/balance')).body.available_balance);
      const before = await balance();
      const key = randomUUID();
      expect(await highValue('1000.01', key, key, 360)).toMatchObject(signatureInvalid);
      const first = await highValue('1000.01', key, key);
      expect(first).toMatchObject({ status: 200, body: { status: 'processing' } });
      for (const late of [await highValue('1000.01', key, key, 360), await highValue('1000.01', key, null)]) {
        expect(late).toMatchObject({ status: 200, text: first.text });
        expect(late.headers.get('idempotent-replayed')).toBe('true');
      }
      expect(await highValue('1000.02', key, key, 360)).toMatchObject(signatureInvalid);
      expect(before - (await balance())).toBeCloseTo(1000.01, 2);
    });

    test('no secret of the instance or of a credential is in the log', () => {
      const canaries = ['credentials.json', 'secrets.json'].flatMap((file) => secretsOf(join(daybook.home, file)));
      expect(canaries.length).toBeGreaterThan(15);
      expect(daybook.log.length).toBeGreaterThan(1_000);
      expect(canaries.filter((canary) => daybook.log.includes(canary))).toEqual([]);
    });
  });
}

/** Names and public keys among what the files of an instance hold; all the rest is secret. */
const notSecret =
  /^(baseUrl|clientId|walletId|recipientWalletId|username|login|instanceId|.*[pP]ublicKeys?|.*Xpub|keyId)$/;

/** Every secret in a file of settings. Of a database URL it is the password. */
function secretsOf(file: string): string[] {
  const found: string[] = [];
  const visit = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(Array.isArray(value) ? name : key, inner);
    else if (typeof value === 'string' && !notSecret.test(name))
      found.push(name === 'databaseUrl' ? new URL(value).password : value);
  };
  visit('', JSON.parse(readFileSync(file, 'utf8')));
  expect(found.filter((secret) => secret.length < 8)).toEqual([]);
  // A key of several lines would be logged with its line breaks escaped.
  return found.flatMap((secret) => secret.split('\n').filter((line) => line.length >= 8 && !line.startsWith('-----')));
}

/** All invariants of the books, read from the database by a program that shares no code with the ledger. */
export async function expectBooksBalance(daybook: Instance): Promise<void> {
  await eventually(async () => expect((await checkBooks(daybook.books)).violations).toEqual([]), { timeoutMs: 15_000 });
}

/** What the journal holds for a subject: what came in per asset, and that every transaction balances. */
async function journalOf(daybook: Instance, subject: string): Promise<{ received: Record<string, bigint> }> {
  const client = new Client({ connectionString: daybook.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ asset: string; amount: string }>(
      `select e.asset, sum(e.amount)::text as amount from ledger.audit_entries e join ledger.audit_transactions t using (transaction_id)
       where t.subject = $1 and e.account_id like 'custody:%' and e.direction = 'debit' group by e.asset`,
      [subject],
    );
    return { received: Object.fromEntries(rows.map(({ asset, amount }) => [asset, BigInt(amount)])) };
  } finally {
    await client.end();
  }
}

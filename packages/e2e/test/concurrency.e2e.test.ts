import { randomUUID } from 'node:crypto';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';
import { openTenant, type Tenant } from './tenant';

describe('transfers under concurrency', () => {
  let daybook: Instance;
  let payer: Tenant;
  let payee: Tenant;

  beforeAll(async () => {
    daybook = await new Instance({ LOG_LEVEL: 'warn' }).start();
    payer = await openTenant(daybook, { txc: 6_000n });
    payee = await openTenant(daybook, { txc: 0n });
  }, 120_000);
  afterAll(() => daybook?.dispose());
  afterEach(() => expectBooksBalance(daybook));

  const balanceOf = async (tenant: Tenant) =>
    Number((await daybook.pay('GET', '/pay/v1/wallet/balance', { token: tenant.payToken })).body.available_balance);

  test('of 100 concurrent transfers of 1.00 from a wallet that holds 60.00, exactly 60 are accepted', async () => {
    // Two credentials, because one may make 100 requests a minute on pay, and the balance is asked for as well.
    const tokens = [payer.payToken, payer.secondPayToken];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        daybook.transfer('1.00', { recipient: payee.walletId, token: tokens[index % 2] ?? '' }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(60);
    expect(statuses.filter((status) => status === 422)).toHaveLength(40);
    expect(answers.find(({ status }) => status === 422)?.body).toEqual({
      error: { code: 'INSUFFICIENT_BALANCE', message: expect.any(String) },
    });
    expect(await balanceOf(payer)).toBe(0);
  });

  test('50 concurrent repeats of one transfer move the money once and get 50 equal answers', async () => {
    const sender = await openTenant(daybook, { txc: 10_000n });
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        daybook.transfer('7.00', { key, recipient: payee.walletId, token: sender.payToken }),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await balanceOf(sender)).toBe(93);
  });

  test('the same key with another body is refused with 409 and moves nothing', async () => {
    const sender = await openTenant(daybook, { txc: 10_000n });
    const key = randomUUID();
    expect((await daybook.transfer('1.00', { key, recipient: payee.walletId, token: sender.payToken })).status).toBe(
      200,
    );
    const other = await daybook.transfer('1.01', { key, recipient: payee.walletId, token: sender.payToken });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'DUPLICATE_IDEMPOTENCY_KEY' } } });
    expect(await balanceOf(sender)).toBe(99);
  });

  test('99.5 and "99.50" are the same amount to a repeat', async () => {
    const sender = await openTenant(daybook, { txc: 20_000n });
    const key = randomUUID();
    const first = await daybook.transfer('99.5', { key, recipient: payee.walletId, token: sender.payToken });
    const repeat = await daybook.transfer('"99.50"', { key, recipient: payee.walletId, token: sender.payToken });
    expect(first.status).toBe(200);
    expect(repeat.text).toBe(first.text);
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
  });

  test('a refusal is the answer to its key for ever, also when the money has come', async () => {
    const sender = await openTenant(daybook, { txc: 100n });
    const key = randomUUID();
    expect((await daybook.transfer('5.00', { key, recipient: payee.walletId, token: sender.payToken })).status).toBe(
      422,
    );
    const funder = await openTenant(daybook, { txc: 1_000n });
    expect((await daybook.transfer('10.00', { recipient: sender.walletId, token: funder.payToken })).status).toBe(200);
    expect((await daybook.transfer('5.00', { key, recipient: payee.walletId, token: sender.payToken })).status).toBe(
      422,
    );
  });
});

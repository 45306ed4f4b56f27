import { createHmac, randomUUID } from 'node:crypto';
import {
  acceptTransfer,
  getBalance,
  getTransfer,
  listTransfers,
  registerEndpoint,
  verifySignature,
  type CallOutcome,
} from '@daybook/contracts';
import { codeFrom } from '@daybook/runtime';
import { acceptedAmounts, malformedAmountTokens, refusedAmountTokens, tokensBeyondScale } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const at = '2026-02-11T10:05:00.000Z';
const gateway = new GatewayHarness();
let wallet: TestCredential;

beforeAll(async () => {
  await gateway.start();
  wallet = await gateway.issue('token', ['pay']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const asWallet = (sent: Sent = {}): Sent => ({ ...sent, headers: { ...wallet.headers, ...sent.headers } });
const get = (path: string) => gateway.request('GET', `/pay/v1${path}`, asWallet());
const body = { recipient_wallet_id: 'WALLET999', amount: '150.00', reference_id: 'ORDER-1024' };
const transfer = (sent: Sent = {}) =>
  gateway.request(
    'POST',
    '/pay/v1/transfer',
    asWallet({
      ...(sent.raw === undefined ? { body } : {}),
      ...sent,
      headers: { 'Idempotency-Key': 'KEY-1', ...sent.headers },
    }),
  );
const accepting = (replayed = false) =>
  gateway.services.respond(acceptTransfer)(({ transferId }) => ({
    ok: true,
    value: { transferId, acceptedAt: at, replayed },
  }));
const rawTransfer = (amount: string) =>
  `{"recipient_wallet_id":"WALLET999","amount":${amount},"reference_id":"ORDER-1024"}`;

type Transfer = Extract<CallOutcome<typeof getTransfer>, { ok: true }>['value']['transfer'];
const confirmed = (): Transfer => ({
  transferId: 'TX2001',
  debitTenantId: wallet.tenantId,
  debitAccountId: wallet.walletId!,
  creditTenantId: randomUUID(),
  creditAccountId: 'WALLET999',
  asset: 'TXC',
  amount: 15_000n,
  referenceId: 'ORDER-1024',
  note: null,
  status: 'confirmed',
  failure: null,
  ledgerReference: `0x${'ab'.repeat(32)}`,
  acceptedAt: at,
  confirmedAt: at,
});

describe('balance', () => {
  const balanceIn = (asset: 'TXC' | 'SOL') =>
    gateway.services.respond(getBalance)(({ accountId }) => ({
      ok: true,
      value: {
        accountId,
        asset,
        type: 'liability',
        posted: 130_075n,
        held: 5_000n,
        available: 125_075n,
        incoming: 5_000n,
        frozen: false,
        updatedAt: at,
      },
    }));

  test('has two decimals, and what is on its way as pending', async () => {
    balanceIn('TXC');
    const reply = await get('/wallet/balance');
    expect(reply.text).toBe(
      `{"wallet_id":"${wallet.walletId}","currency":"TXC","available_balance":1250.75,"pending_balance":50.00,"last_updated":"${at}"}`,
    );
    expect(gateway.services.received(getBalance)).toEqual([
      { mode: 'sandbox', tenantId: wallet.tenantId, accountId: wallet.walletId },
    ]);
  });

  test('of a wallet that the ledger does not know is 404', async () => {
    gateway.services.respond(getBalance)(() => ({ ok: false, rejection: 'account_not_found' }));
    expect(await get('/wallet/balance')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
  });

  test('of an account of another asset is 404, never units of it called TXC', async () => {
    balanceIn('SOL');
    expect(await get('/wallet/balance')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
  });

  test('is refused to a credential without a wallet', async () => {
    const without = await gateway.issue('token', ['pay'], { walletId: null });
    const reply = await gateway.request('GET', '/pay/v1/wallet/balance', { headers: without.headers });
    expect(reply).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
    expect(gateway.services.count()).toBe(0);
  });
});

describe('transfer', () => {
  test('is asked of the ledger under an id that tenant, wallet and key determine', async () => {
    accepting();
    const reply = await transfer({ body: { ...body, note: 'Payment for services' } });
    const transferId = codeFrom('TX', [wallet.tenantId, wallet.walletId!, 'pay.transfer', 'KEY-1']);
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(`{"transaction_id":"${transferId}","status":"processing","created_at":"${at}"}`);
    expect(reply.headers.get('idempotent-replayed')).toBeNull();
    expect(gateway.services.received(acceptTransfer)).toEqual([
      {
        mode: 'sandbox',
        tenantId: wallet.tenantId,
        transferId,
        debitAccountId: wallet.walletId,
        creditAccountId: 'WALLET999',
        asset: 'TXC',
        amount: 15_000n,
        referenceId: 'ORDER-1024',
        note: 'Payment for services',
      },
    ]);
  });

  test('that is repeated gets the same bytes, and a header that says so', async () => {
    accepting();
    const first = await transfer();
    accepting(true);
    const repeat = await transfer();
    expect(repeat.text).toBe(first.text);
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
  });

  test.each([
    ['id_reused', 409, 'DUPLICATE_IDEMPOTENCY_KEY'],
    ['debit_account_not_found', 404, 'NOT_FOUND'],
    ['credit_account_not_found', 404, 'NOT_FOUND'],
    ['asset_mismatch', 404, 'NOT_FOUND'],
    ['accounts_not_distinct', 400, 'INVALID_REQUEST'],
    ['debit_account_frozen', 403, 'FORBIDDEN'],
    ['credit_account_frozen', 403, 'FORBIDDEN'],
    ['insufficient_balance', 422, 'INSUFFICIENT_BALANCE'],
  ] as const)('that the ledger refuses with %s is %s %s', async (rejection, status, code) => {
    gateway.services.respond(acceptTransfer)(() => ({ ok: false, rejection }));
    const reply = await transfer();
    expect(reply).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
    expect(Object.keys(reply.body)).toEqual(['error']);
  });

  test('answers the documented body when the balance is too low', async () => {
    gateway.services.respond(acceptTransfer)(() => ({ ok: false, rejection: 'insufficient_balance' }));
    expect((await transfer()).text).toBe(
      '{"error":{"code":"INSUFFICIENT_BALANCE","message":"Not enough TXC available"}}',
    );
  });

  test.each([
    ['no key', {}],
    ['an empty key', { 'Idempotency-Key': '' }],
    ['a key with a space', { 'Idempotency-Key': 'a b' }],
    ['a key of 201 characters', { 'Idempotency-Key': 'k'.repeat(201) }],
    ['a key beyond ASCII', { 'Idempotency-Key': 'clé' }],
  ])('with %s is refused, naming the header', async (_name, headers) => {
    const reply = await gateway.request('POST', '/pay/v1/transfer', asWallet({ headers, body }));
    expect(reply).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST', field: 'Idempotency-Key' } },
    });
    expect(gateway.services.count()).toBe(0);
  });

  test('takes a key of 200 characters', async () => {
    accepting();
    expect((await transfer({ headers: { 'Idempotency-Key': 'k'.repeat(200) } })).status).toBe(200);
  });

  test.each(acceptedAmounts.filter(({ cents }) => cents <= 100_000n))(
    'takes $token exactly',
    async ({ token, cents }) => {
      accepting();
      expect((await transfer({ raw: rawTransfer(token) })).status).toBe(200);
      expect(gateway.services.received(acceptTransfer)[0]?.amount).toBe(cents);
    },
  );

  test.each([...refusedAmountTokens, ...tokensBeyondScale(2)])('refuses the amount %s by name', async (token) => {
    const reply = await transfer({ raw: rawTransfer(token) });
    expect(reply).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST', field: 'amount' } } });
    expect(reply.body).toMatchObject({ error: { message: expect.stringMatching(/^amount: /) } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(malformedAmountTokens)('refuses a body with the amount %j as malformed', async (token) => {
    const reply = await transfer({ raw: rawTransfer(token) });
    expect(reply).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each([
    ['an unknown field', { ...body, status: 'confirmed' }, 'status'],
    ['a tenant', { ...body, tenant_id: randomUUID() }, 'tenant_id'],
    ['no recipient', { amount: '1.00', reference_id: 'R' }, 'recipient_wallet_id'],
    ['no reference', { amount: '1.00', recipient_wallet_id: 'W' }, 'reference_id'],
    ['no amount', { reference_id: 'R', recipient_wallet_id: 'W' }, 'amount'],
    ["a book's own account", { ...body, recipient_wallet_id: 'issuance:TXC' }, 'recipient_wallet_id'],
    ['a long reference', { ...body, reference_id: 'r'.repeat(201) }, 'reference_id'],
    ['a NUL in the reference', { ...body, reference_id: 'a\u0000b' }, 'reference_id'],
    ['a line break in the note', { ...body, note: 'a\r\nb' }, 'note'],
    ['a long note', { ...body, note: 'n'.repeat(501) }, 'note'],
    ['a number for a note', { ...body, note: 1 }, 'note'],
  ])('with %s is refused by the name of the field', async (_name, sent, field) => {
    const reply = await transfer({ body: sent });
    expect(reply).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST', field } } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each([
    ['not JSON', '{', 400],
    ['nothing', '', 400],
    ['an array', '[]', 400],
    ['a string', '"x"', 400],
    ['a repeated key', `{"amount":"1.00","amount":"1.00","recipient_wallet_id":"W","reference_id":"R"}`, 400],
    ['a prototype', `{"__proto__":{"polluted":1},"amount":"1.00","recipient_wallet_id":"W","reference_id":"R"}`, 400],
    ['a byte order mark', `\ufeff${rawTransfer('1.00')}`, 400],
    ['a lone surrogate', `{"reference_id":"\\ud800","amount":"1.00","recipient_wallet_id":"W"}`, 400],
    ['deep nesting', `${'['.repeat(8_000)}${']'.repeat(8_000)}`, 400],
    ['more than 1 MB', `{"note":"${'n'.repeat(1_048_576)}"}`, 413],
  ])('with a body of %s is refused in the shape of pay', async (_name, raw, status) => {
    const reply = await transfer({ raw });
    expect(reply).toMatchObject({ status, body: { error: { code: expect.any(String) } } });
    expect(gateway.services.count()).toBe(0);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each(['application/json', 'application/json;charset="utf-8"'])(
    'has 16 kB and no byte more, whichever way %s takes',
    async (type) => {
      accepting();
      const padded = (bytes: number) => rawTransfer('1.00').padEnd(bytes, '\n');
      const sent = (bytes: number) => transfer({ raw: padded(bytes), headers: { 'Content-Type': type } });
      expect((await sent(16_384)).status).toBe(200);
      for (const bytes of [16_385, 1_000_000])
        expect(await sent(bytes)).toMatchObject({
          status: 413,
          body: { error: { code: 'BODY_TOO_LARGE', message: expect.any(String) } },
        });
      expect(gateway.services.received(acceptTransfer)).toHaveLength(1);
    },
  );

  test.each([[''], [null], [undefined]])('with the note %j has none', async (note) => {
    accepting();
    expect((await transfer({ body: { ...body, note } })).status).toBe(200);
    expect(gateway.services.received(acceptTransfer)[0]?.note).toBeNull();
  });

  test('with another content type is 415', async () => {
    const reply = await transfer({ raw: rawTransfer('1.00'), headers: { 'Content-Type': 'text/plain' } });
    expect(reply).toMatchObject({ status: 415, body: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } } });
  });

  test('says 503 with Retry-After while the ledger does not answer', async () => {
    gateway.services.fail(503);
    const reply = await transfer();
    expect(reply).toMatchObject({ status: 503, body: { error: { code: 'SERVICE_UNAVAILABLE' } } });
    expect(reply.headers.get('retry-after')).toBe('1');
  });

  test('says 500 and nothing else when the ledger answers nonsense', async () => {
    gateway.services.fail(500);
    const reply = await transfer();
    expect(reply.status).toBe(500);
    expect(reply.text).toBe('{"error":{"code":"SERVER_ERROR","message":"The server failed to handle the request."}}');
  });
});

describe('signature of a high-value transfer', () => {
  const high = rawTransfer('1000.01');
  const signing = 'signing-secret';
  const digestOf = (payload: string) => createHmac('sha256', signing).update(payload).digest('hex');
  const signatureOf = (key: string, raw: string, t = Math.floor(Date.now() / 1000)) =>
    `t=${t},v1=${digestOf(`${t}.POST./pay/v1/transfer.${key}.${raw}`)}`;

  /** As the ledger does: asked for no more than the answer that there is, it gives `recorded`. */
  const knowing = (recorded: CallOutcome<typeof acceptTransfer>) =>
    gateway.services.respond(acceptTransfer)(({ transferId, replayOnly }) => {
      if (replayOnly === true) return recorded;
      return { ok: true, value: { transferId, acceptedAt: at, replayed: false } };
    });
  /** What was asked of the ledger that may move money. */
  const movements = () => gateway.services.received(acceptTransfer).filter(({ replayOnly }) => replayOnly !== true);
  const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
  const signedBefore = (seconds: number) => ({ 'X-Signature': signatureOf('KEY-1', high, secondsAgo(seconds)) });
  const unproven = [
    ['of six minutes ago', 'SIGNATURE_INVALID', () => signedBefore(360)],
    ['of a year ago', 'SIGNATURE_INVALID', () => signedBefore(31_536_000)],
    ['of six minutes ahead', 'SIGNATURE_INVALID', () => signedBefore(-360)],
    ['that is not there', 'SIGNATURE_REQUIRED', () => ({})],
  ] as const;

  beforeEach(() => {
    knowing({ ok: false, rejection: 'transfer_not_found' });
    gateway.services.respond(verifySignature)(({ payload, signature }) => ({
      ok: true,
      value: { valid: digestOf(payload) === signature },
    }));
  });

  test('is not needed at the limit, and needed one unit above', async () => {
    expect((await transfer({ raw: rawTransfer('1000.00') })).status).toBe(200);
    expect(await transfer({ raw: high })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_REQUIRED', field: 'X-Signature' } },
    });
    expect(movements()).toHaveLength(1);
  });

  test('opens the way when it is right', async () => {
    const reply = await transfer({ raw: high, headers: { 'X-Signature': signatureOf('KEY-1', high) } });
    expect(reply.status).toBe(200);
    expect(gateway.services.received(verifySignature)[0]?.credentialId).toBe(wallet.credentialId);
    expect(movements()).toHaveLength(1);
  });

  test.each([
    ['another key', () => signatureOf('KEY-2', high)],
    ['another body', () => signatureOf('KEY-1', rawTransfer('1000.02'))],
    ['the same JSON in other bytes', () => signatureOf('KEY-1', JSON.stringify(JSON.parse(high), null, 1))],
    ['another key, six minutes ago', () => signatureOf('KEY-2', high, secondsAgo(360))],
    ['no digest', () => 't=1700000000'],
    ['nonsense', () => 'nonsense'],
  ])('over %s is refused, and nothing is asked of the ledger', async (_name, signature) => {
    knowing({ ok: true, value: { transferId: 'TX2001', acceptedAt: at, replayed: true } });
    const reply = await transfer({ raw: high, headers: { 'X-Signature': signature() } });
    expect(reply).toMatchObject({ status: 403, body: { error: { code: 'SIGNATURE_INVALID' } } });
    expect(gateway.services.received(acceptTransfer)).toEqual([]);
  });

  test.each(unproven)('%s is enough to hear again what was answered', async (_name, _code, headers) => {
    const signed = await transfer({ raw: high, headers: { 'X-Signature': signatureOf('KEY-1', high) } });
    const [original] = gateway.services.received(acceptTransfer);
    knowing({ ok: true, value: { transferId: original!.transferId, acceptedAt: at, replayed: true } });
    const repeat = await transfer({ raw: high, headers: headers() });
    expect(repeat).toMatchObject({ status: 200, text: signed.text });
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    expect(gateway.services.received(acceptTransfer)).toEqual([original, { ...original, replayOnly: true }]);
  });

  test.each(unproven)('%s is enough to hear again that it was refused', async (_name, _code, headers) => {
    knowing({ ok: false, rejection: 'insufficient_balance', replayed: true });
    const repeat = await transfer({ raw: high, headers: headers() });
    expect(repeat).toMatchObject({ status: 422, body: { error: { code: 'INSUFFICIENT_BALANCE' } } });
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    expect(movements()).toEqual([]);
  });

  test.each(unproven)('%s is %s where nothing was answered, or to other content', async (_name, code, headers) => {
    for (const rejection of ['transfer_not_found', 'id_reused'] as const) {
      knowing({ ok: false, rejection });
      const reply = await transfer({ raw: high, headers: headers() });
      expect(reply).toMatchObject({ status: 403, body: { error: { code, field: 'X-Signature' } } });
      expect(reply.headers.get('idempotent-replayed')).toBeNull();
    }
    expect(movements()).toEqual([]);
  });

  test('is verified over the longest body that there may be, and a longer one is not signed', async () => {
    const sent = (bytes: number) => {
      const raw = high.padEnd(bytes, '\n');
      return transfer({ raw, headers: { 'X-Signature': signatureOf('KEY-1', raw) } });
    };
    expect((await sent(16_384)).status).toBe(200);
    expect(await sent(1_000_000)).toMatchObject({ status: 413, body: { error: { code: 'BODY_TOO_LARGE' } } });
  });

  test('that is missing is no definite no while the ledger does not answer', async () => {
    gateway.services.fail(503);
    expect(await transfer({ raw: high })).toMatchObject({ status: 503 });
  });
});

describe('lookup', () => {
  test('of a confirmed transfer has its ledger reference and time', async () => {
    gateway.services.respond(getTransfer)(() => ({ ok: true, value: { transfer: confirmed() } }));
    const reply = await get('/transfer/TX2001');
    expect(reply.text).toContain('"amount":150.00,');
    expect(reply.body).toEqual({
      transaction_id: 'TX2001',
      status: 'confirmed',
      amount: 150,
      recipient_wallet_id: 'WALLET999',
      reference_id: 'ORDER-1024',
      note: null,
      created_at: at,
      ledger_reference: `0x${'ab'.repeat(32)}`,
      confirmed_at: at,
    });
  });

  test('of one that is processing has neither', async () => {
    const transferred = { ...confirmed(), status: 'processing', ledgerReference: null, confirmedAt: null } as const;
    gateway.services.respond(getTransfer)(() => ({ ok: true, value: { transfer: transferred } }));
    expect(Object.keys((await get('/transfer/TX2001')).body)).not.toEqual(expect.arrayContaining(['ledger_reference']));
  });

  test('is for the recipient too, and for no other wallet, also of the same tenants', async () => {
    const mine = wallet.walletId!;
    for (const [parties, status] of [
      [{ debitAccountId: mine, creditAccountId: 'W2' }, 200],
      [{ debitAccountId: 'W1', creditAccountId: mine }, 200],
      [{ debitAccountId: 'W1', creditAccountId: 'W2' }, 404],
    ] as const) {
      const shared = { debitTenantId: wallet.tenantId, creditTenantId: wallet.tenantId };
      const found = { ...confirmed(), ...shared, ...parties };
      gateway.services.respond(getTransfer)(() => ({ ok: true, value: { transfer: found } }));
      expect((await get('/transfer/TX2001')).status).toBe(status);
    }
  });

  test('of the transfer of others is answered as of one that is not there', async () => {
    const others = { ...confirmed(), debitAccountId: 'W1', creditAccountId: 'W2' };
    gateway.services.respond(getTransfer)(() => ({ ok: true, value: { transfer: others } }));
    const foreign = await get('/transfer/TX2001');
    gateway.services.respond(getTransfer)(() => ({ ok: false, rejection: 'transfer_not_found' }));
    expect(foreign.text).toBe((await get('/transfer/TX2001')).text);
  });

  test.each(['TX2001', '%00', 'a%20b', '..%2f..', "'%20or%201=1", 'x'.repeat(201)])(
    'of %s, which is not there for this tenant, is 404',
    async (id) => {
      gateway.services.respond(getTransfer)(() => ({ ok: false, rejection: 'transfer_not_found' }));
      expect(await get(`/transfer/${id}`)).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    },
  );
});

describe('history', () => {
  const page = (transfers: Transfer[], nextCursor: string | null) =>
    gateway.services.respond(listTransfers)(() => ({ ok: true, value: { transfers, nextCursor } }));

  test('shows both directions, with the cursor of the next page', async () => {
    const incoming = { ...confirmed(), debitAccountId: 'WALLET1', creditAccountId: wallet.walletId! };
    page([confirmed(), incoming], 'def456');
    const reply = await get('/transactions?limit=2&cursor=abc123');
    expect(reply.body).toMatchObject({
      transactions: [{ direction: 'debit', type: 'transfer', amount: 150 }, { direction: 'credit' }],
      next_cursor: 'def456',
    });
    expect(reply.text).toContain('"amount":150.00');
    expect(gateway.services.received(listTransfers)).toEqual([
      { mode: 'sandbox', tenantId: wallet.tenantId, accountId: wallet.walletId, limit: 2, cursor: 'abc123' },
    ]);
  });

  test('has 20 to a page unless asked, at most 100', async () => {
    page([], null);
    expect((await get('/transactions')).body).toEqual({ transactions: [], next_cursor: null });
    expect((await get('/transactions?limit=100')).status).toBe(200);
    expect(gateway.services.received(listTransfers).map(({ limit }) => limit)).toEqual([20, 100]);
  });

  test.each(['limit=0', 'limit=101', 'limit=1e1', 'limit=', 'limit=-1', 'limit=1&limit=2', 'limit=0x10'])(
    'refuses %s by name',
    async (query) => {
      const reply = await get(`/transactions?${query}`);
      expect(reply).toMatchObject({ status: 400, body: { error: { field: 'limit' } } });
    },
  );

  test('refuses a parameter that it does not know, and a cursor that it did not give', async () => {
    expect(await get('/transactions?wallet_id=W')).toMatchObject({ body: { error: { field: 'wallet_id' } } });
    gateway.services.respond(listTransfers)(() => ({ ok: false, rejection: 'cursor_invalid' }));
    expect(await get('/transactions?cursor=x')).toMatchObject({ status: 400, body: { error: { field: 'cursor' } } });
  });

  test.each(['', '%00', 'a%00b', '%F0%9F%98%80', '..%2F', 'x'.repeat(1_001)])(
    'asks nobody for a page after %j, which no cursor is',
    async (cursor) => {
      expect(await get(`/transactions?cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { error: { field: 'cursor', message: 'cursor: is not a next_cursor of this list' } },
      });
      expect(gateway.services.count()).toBe(0);
    },
  );
});

describe('webhook registration', () => {
  const register = (sent: unknown) => gateway.request('POST', '/pay/v1/webhook/register', asWallet({ body: sent }));

  test('is for one event of the wallet of the token', async () => {
    const endpointId = randomUUID();
    const kept = { endpointId, status: 'enabled', createdAt: at, previousSecretUntil: null } as const;
    gateway.services.respond(registerEndpoint)(({ url, events, dialect }) => ({
      ok: true,
      value: { endpoint: { ...kept, url, events, dialect }, secret: 'whsec_x' },
    }));
    const reply = await register({ url: 'https://merchant.com/webhook', event: 'transfer.confirmed' });
    expect(reply.body).toEqual({
      id: endpointId,
      url: 'https://merchant.com/webhook',
      event: 'transfer.confirmed',
      secret: 'whsec_x',
    });
    expect(gateway.services.received(registerEndpoint)).toEqual([
      {
        tenantId: wallet.tenantId,
        mode: 'sandbox',
        dialect: 'pay',
        accountId: wallet.walletId,
        url: 'https://merchant.com/webhook',
        events: ['transfer.confirmed'],
      },
    ]);
  });

  test.each([
    ['url_invalid', 400],
    ['url_not_public', 400],
    ['endpoints_exhausted', 403],
  ] as const)('that is refused with %s is %s', async (rejection, status) => {
    gateway.services.respond(registerEndpoint)(() => ({ ok: false, rejection }));
    expect((await register({ url: 'http://localhost', event: 'transfer.failed' })).status).toBe(status);
  });

  test('knows the events of transfers only', async () => {
    expect(await register({ url: 'https://merchant.com', event: 'intent.paid' })).toMatchObject({
      status: 400,
      body: { error: { field: 'event' } },
    });
  });
});

describe('edges of the dialect', () => {
  test('an unknown path and another method are answered in its shape', async () => {
    expect(await get('/nothing')).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    const wrongMethod = await gateway.request('PUT', '/pay/v1/transfer', asWallet({ body }));
    expect(wrongMethod).toMatchObject({ status: 405, body: { error: { code: 'METHOD_NOT_ALLOWED' } } });
    expect(wrongMethod.headers.get('allow')).toBe('POST');
    expect(await get('/%zz')).toMatchObject({ body: { error: { code: expect.any(String) } } });
  });

  test('answers are not cached, and the log line names tenant and credential', async () => {
    accepting();
    const reply = await transfer({ headers: { 'X-Correlation-Id': 'corr-1' } });
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const line = gateway.log.lines.find(({ correlationId, msg }) => correlationId === 'corr-1' && msg === 'request');
    expect(line).toMatchObject({ tenantId: wallet.tenantId, credentialId: wallet.credentialId, status: 200 });
    expect(JSON.stringify(gateway.log.lines)).not.toContain(wallet.headers['Authorization']!.slice(7));
  });
});

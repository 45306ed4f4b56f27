import { randomUUID } from 'node:crypto';
import {
  addInstitution,
  createInstitutionTransfer,
  getInstitutionTransfer,
  listInstitutions,
  listStatementLines,
  receiveStatement,
  setInstitutionEnabled,
  simulateInstitutionTransfer,
  type CallOutcome,
} from '@daybook/contracts';
import { GatewayHarness, type TestCredential } from './harness';
import { longestDescription, noDescriptions } from './partner-facts';

const gateway = new GatewayHarness();
let partner: TestCredential;
let admin: TestCredential;

beforeAll(async () => {
  await gateway.start();
  partner = await gateway.issue('api_key', ['partner']);
  admin = await gateway.issue('token', ['admin']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const transactionId = 'TX9876543210ABCDEFGHJK';
type Transfer = Extract<CallOutcome<typeof getInstitutionTransfer>, { ok: true }>['value']['transfer'];
const transfer: Transfer = {
  transactionId,
  transferId: 'TRF9876543210ABCDEFGHJK',
  number: 458,
  institutionNumber: 5,
  userNumber: 7,
  bank: 'sandbox',
  asset: 'USD',
  amount: 50_000n,
  description: null,
  status: 'pending',
  failure: null,
  exceptions: [],
  institutionReference: null,
  createdAt: '2023-09-01T12:00:00.000Z',
  updatedAt: '2023-09-01T12:05:00.000Z',
};
const example = {
  institution_id: 5,
  amount: 500.0,
  currency: 'USD',
  description: 'Funds transfer to investment account',
  recipient_info: { account_number: '1234567890', routing_number: '987654321' },
};
const as = (credential: TestCredential, method: string, path: string, body?: unknown, more = {}) =>
  gateway.request(method, path, {
    headers: { ...credential.headers, ...more },
    ...(body === undefined ? {} : { body }),
  });

describe('transfers', () => {
  test('the example of the reference is answered with its fields', async () => {
    gateway.services.respond(createInstitutionTransfer)(({ idempotencyKey }) => ({
      ok: true,
      value: { transfer, replayed: idempotencyKey === 'again' },
    }));
    const reply = await as(partner, 'POST', '/api/transfers', example);
    expect(reply.text).toContain('"amount":500.00');
    expect(reply.body).toEqual({
      success: true,
      transaction_id: transactionId,
      transfer_id: 'TRF9876543210ABCDEFGHJK',
      status: 'pending',
      amount: 500,
      currency: 'USD',
    });
    expect(gateway.services.received(createInstitutionTransfer)).toEqual([
      {
        tenantId: partner.tenantId,
        mode: 'sandbox',
        institutionNumber: 5,
        currency: 'USD',
        amount: 50_000n,
        description: 'Funds transfer to investment account',
        recipient: example.recipient_info,
        userNumber: 7,
        idempotencyKey: expect.any(String),
      },
    ]);
    const again = await as(partner, 'POST', '/api/transfers', example, { 'Idempotency-Key': 'again' });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test.each([
    ['institution_not_found', 404, 'institution_id'],
    ['institution_disabled', 409, 'institution_id'],
    ['currency_not_supported', 400, 'currency'],
    ['recipient_invalid', 400, 'recipient_info'],
    ['recipient_iban_invalid', 400, 'recipient_info.iban'],
    ['recipient_sort_code_invalid', 400, 'recipient_info.sort_code'],
    ['recipient_account_ambiguous', 400, 'recipient_info.account_number'],
    ['recipient_clearing_code_ambiguous', 400, 'recipient_info.sort_code'],
    ['recipient_name_missing', 400, 'recipient_info.name'],
    ['insufficient_balance', 422, 'amount'],
    ['idempotency_key_reused', 409, 'Idempotency-Key'],
    ['account_frozen', 409, undefined],
  ] as const)('%s names the field', async (rejection, status, field) => {
    gateway.services.respond(createInstitutionTransfer)(() => ({ ok: false, rejection, replayed: true }));
    const reply = await as(partner, 'POST', '/api/transfers', example);
    expect(reply).toMatchObject({ status, body: { success: false } });
    expect([reply.body.field, reply.headers.get('idempotent-replayed')]).toEqual([field, 'true']);
  });

  test.each([
    ['recipient_name_missing', 'recipient_info.name: is required'],
    ['recipient_account_ambiguous', 'recipient_info.account_number: must be left out beside an iban'],
    ['recipient_clearing_code_ambiguous', 'recipient_info.sort_code: must be left out beside a routing_number'],
  ] as const)('%s says what to do', async (rejection, said) => {
    gateway.services.respond(createInstitutionTransfer)(() => ({ ok: false, rejection }));
    const reply = await as(partner, 'POST', '/api/transfers', example);
    expect(JSON.stringify(reply.body)).toContain(said);
  });

  test.each([
    ['institution_id', { institution_id: '5' }],
    ['amount', { amount: 0 }],
    ['amount', { amount: 1.001 }],
    ['currency', { currency: 'BTC' }],
    ['description', { description: 'a\u0000b' }],
    ['description', { description: `${longestDescription}d` }],
    ['recipient_info', { recipient_info: {} }],
    ['recipient_info', { recipient_info: { account_number: 1 } }],
    ['recipient_info', { recipient_info: { 'Account Number': '1' } }],
    ['recipient_info', { recipient_info: undefined }],
  ])('refuses a bad %s: %j', async (field, change) => {
    const reply = await as(partner, 'POST', '/api/transfers', { ...example, ...change });
    expect(reply).toMatchObject({ status: 400, body: { success: false, code: 'INVALID_REQUEST' } });
    expect(String(reply.body.field)).toContain(field);
    expect(gateway.services.received(createInstitutionTransfer)).toEqual([]);
  });

  const accepting = () =>
    gateway.services.respond(createInstitutionTransfer)(() => ({ ok: true, value: { transfer, replayed: false } }));

  test.each(noDescriptions)('with the description %j have none', async (description) => {
    accepting();
    expect((await as(partner, 'POST', '/api/transfers', { ...example, description })).status).toBe(200);
    expect(gateway.services.received(createInstitutionTransfer)[0]?.description).toBeNull();
  });

  test('take a description of 500 characters', async () => {
    accepting();
    const described = { ...example, description: longestDescription };
    expect((await as(partner, 'POST', '/api/transfers', described)).status).toBe(200);
    expect(gateway.services.received(createInstitutionTransfer)[0]?.description).toBe(longestDescription);
  });

  test('the status has the documented fields; what came back is refunded', async () => {
    gateway.services.respond(getInstitutionTransfer)(({ transactionId: id }) =>
      id === transactionId
        ? { ok: true, value: { transfer: { ...transfer, status: 'returned', institutionReference: 'REF123456' } } }
        : { ok: false, rejection: 'transfer_not_found' },
    );
    expect((await as(partner, 'GET', `/api/transfers/${transactionId}/status`)).body).toEqual({
      success: true,
      transaction_id: transactionId,
      transfer_id: 'TRF9876543210ABCDEFGHJK',
      status: 'refunded',
      amount: 500,
      currency: 'USD',
      institution_reference: 'REF123456',
    });
    for (const id of ['TX1', transactionId.replace('98', 'ZZ'), '%00'])
      expect((await as(partner, 'GET', `/api/transfers/${id}/status`)).status).toBe(404);
    expect((await as(admin, 'GET', `/api/transfers/${transactionId}/status`)).status).toBe(403);
  });
});

describe('institutions', () => {
  const view = {
    institutionId: randomUUID(),
    number: 5,
    name: 'House bank',
    bank: 'iso20022' as const,
    currencies: ['EUR' as const],
    enabled: true,
    createdAt: '2026-02-11T10:00:00.000Z',
  };
  const settings = {
    bank: 'iso20022',
    debtorName: 'Example Ltd',
    debtorIban: 'DE89370400440532013000',
    debtorBic: 'COBADEFFXXX',
  };
  const shown = {
    institution_id: 5,
    name: 'House bank',
    bank: 'iso20022',
    currencies: ['EUR'],
    enabled: true,
    created_at: '2026-02-11T10:00:00.000Z',
  };

  test('are added, listed, disabled and enabled; settings do not come back', async () => {
    gateway.services.respond(addInstitution)(() => ({ ok: true, value: { institution: view, replayed: false } }));
    gateway.services.respond(listInstitutions)(() => ({ ok: true, value: { institutions: [view] } }));
    gateway.services.respond(setInstitutionEnabled)(({ enabled }) => ({
      ok: true,
      value: { institution: { ...view, enabled } },
    }));
    const path = '/v1/admin/institutions';
    expect((await as(admin, 'POST', path, { name: 'House bank', currencies: ['EUR'], settings })).body).toEqual(shown);
    expect((await as(admin, 'GET', path)).body).toEqual({ institutions: [shown] });
    expect((await as(admin, 'POST', `${path}/5/disable`)).body).toEqual({ ...shown, enabled: false });
    expect((await as(admin, 'POST', `${path}/5/enable`)).body).toEqual(shown);
    expect((await as(admin, 'POST', `${path}/0/enable`)).status).toBe(404);
    const sandbox = { bank: 'sandbox', settleAfterSeconds: 30 };
    expect((await as(admin, 'POST', path, { name: 'x', currencies: ['EUR'], settings: sandbox })).status).toBe(200);
    expect(gateway.services.received(addInstitution).map((each) => each.settings)).toEqual([settings, sandbox]);
    const long = { ...sandbox, settleAfterSeconds: 86_401 };
    expect((await as(admin, 'POST', path, { name: 'x', currencies: ['EUR'], settings: long })).status).toBe(400);
    const bad = { name: 'x', currencies: ['EUR'], settings: { ...settings, debtorIban: 'x' } };
    expect((await as(admin, 'POST', path, bad)).status).toBe(400);
    expect((await as(partner, 'GET', path)).status).toBe(403);
  });

  test('statements go in as they are, and their lines come out', async () => {
    gateway.services.respond(receiveStatement)(({ document }) =>
      document === 'x'
        ? { ok: false, rejection: 'statement_invalid' }
        : { ok: true, value: { statementIds: ['S'], matched: 1, unmatched: 2, replayed: true } },
    );
    const line = {
      statementId: 'S',
      line: 1,
      said: 'debit' as const,
      amount: 50_000n,
      currency: 'USD',
      endToEndId: transactionId,
      reference: 'B1',
      bookedOn: '2026-02-12',
      reason: null,
      transactionId: null,
      problem: 'amount_differs',
      receivedAt: '2026-02-12T10:00:00.000Z',
    };
    const foreign = { ...line, line: 2, amount: null, currency: 'JPY' };
    gateway.services.respond(listStatementLines)(() => ({
      ok: true,
      value: { lines: [line, foreign], nextCursor: null },
    }));
    const path = '/v1/admin/institutions/5';
    // Larger than what other routes take.
    const document = `<Document>${' '.repeat(2_000_000)}</Document>`;
    const taken = await as(admin, 'POST', `${path}/statements`, { document });
    expect(taken).toMatchObject({ status: 200, body: { statements: ['S'], matched: 1, unmatched: 2 } });
    expect(taken.headers.get('idempotent-replayed')).toBe('true');
    expect(gateway.services.received(receiveStatement)[0]?.document).toBe(document);
    expect(await as(admin, 'POST', `${path}/statements`, { document: 'x' })).toMatchObject({
      status: 400,
      body: { field: 'document' },
    });
    expect((await as(admin, 'GET', `${path}/statement-lines?matched=false&limit=2`)).body).toMatchObject({
      lines: [
        { line: 1, amount: '500.00', currency: 'USD', end_to_end_id: transactionId, problem: 'amount_differs' },
        { line: 2, amount: null, currency: 'JPY' },
      ],
      next_cursor: null,
    });
    expect(gateway.services.received(listStatementLines)).toMatchObject([
      { institutionNumber: 5, matched: false, limit: 2 },
    ]);
    expect((await as(partner, 'POST', `${path}/statements`, { document })).status).toBe(403);
  });

  test.each([
    [3_900_000, 200],
    [3_999_990, 413],
  ])('a request of %i bytes with a statement is answered with %i', async (bytes, status) => {
    const value = { statementIds: ['S'], matched: 0, unmatched: 0, replayed: false };
    gateway.services.respond(receiveStatement)(() => ({ ok: true, value }));
    // A quote takes two bytes within JSON.
    const document = `x${'"'.repeat((bytes - 16) / 2)}`;
    const raw = JSON.stringify({ document });
    expect(Buffer.byteLength(raw)).toBe(bytes);
    const path = '/v1/admin/institutions/5/statements';
    expect((await gateway.request('POST', path, { headers: admin.headers, raw })).status).toBe(status);
  });

  test('the sandbox bank is told what to do, in the sandbox only', async () => {
    gateway.services.respond(simulateInstitutionTransfer)(({ outcome }) =>
      outcome === 'rejected'
        ? { ok: false, rejection: 'transfer_decided_otherwise' }
        : { ok: true, value: { transfer: { ...transfer, status: 'processing' } } },
    );
    const path = `/v1/sandbox/transfers/${transactionId}`;
    const decided = await as(partner, 'POST', path, { outcome: 'settled' });
    expect(decided.body).toEqual({ transaction_id: transactionId, status: 'processing' });
    expect((await as(partner, 'POST', path, { outcome: 'rejected' })).status).toBe(409);
    expect((await as(partner, 'POST', path, { outcome: 'lost' })).status).toBe(400);
    const live = await gateway.issue('api_key', ['partner'], { mode: 'live' });
    expect((await as(live, 'POST', path, { outcome: 'settled' })).status).toBe(403);
  });
});

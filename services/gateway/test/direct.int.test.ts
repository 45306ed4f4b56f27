import { operateBook } from '@daybook/contracts';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const gateway = new GatewayHarness();
const path = '/v1/ledger/transactions';
const posting = { debit: 'cash', credit: 'sales', asset: 'INR', amount: '150.00' };
let tenant: TestCredential;
let reader: TestCredential;

beforeAll(async () => {
  await gateway.start();
  tenant = await gateway.issue('token', ['ledger:read', 'ledger:write']);
  reader = await gateway.issue('token', ['ledger:read']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

/** What every answer has of its own. */
const own = ['date', 'connection', 'keep-alive'];

/** The answer to a request with a content type that only express takes, and to the same request as most are sent. */
async function bothWays(headers: Readonly<Record<string, string>>, sent: Sent) {
  const answers = [];
  for (const type of ['application/json;charset="utf-8"', 'application/json']) {
    const said = { ...headers, 'Content-Type': type, 'X-Correlation-Id': 'the-same' };
    const { status, text, headers: told } = await gateway.request('POST', path, { ...sent, headers: said });
    const kept = [...told].filter(([name]) => !own.includes(name)).toSorted();
    answers.push({ status, text, headers: kept });
  }
  return answers as [unknown, { readonly status: number }];
}

const answered = () =>
  gateway.services.respond(operateBook)(() => ({
    ok: true,
    value: { at: '2026-02-11T10:06:10.000Z', ledgerReference: `0x${'ab'.repeat(32)}`, replayed: true },
  }));

test.each<[string, number, () => Readonly<Record<string, string>>, Sent]>([
  ['posted', 200, () => tenant.headers, { body: posting }],
  ['of an unknown field', 400, () => tenant.headers, { body: { ...posting, more: 1 } }],
  ['not JSON', 400, () => tenant.headers, { raw: '{"debit":' }],
  ['with a key twice', 400, () => tenant.headers, { raw: '{"debit":"a","debit":"b"}' }],
  ['behind a byte order mark', 400, () => tenant.headers, { raw: `\uFEFF${JSON.stringify(posting)}` }],
  ['empty', 400, () => tenant.headers, { raw: '' }],
  ['without a credential', 401, () => ({}), { body: posting }],
  ['of who may only read', 403, () => reader.headers, { body: posting }],
  ['longer than a megabyte', 413, () => tenant.headers, { body: { ...posting, description: 'x'.repeat(1_100_000) } }],
])('a request %s is answered with %i, whichever way it takes', async (_name, status, headers, sent) => {
  answered();
  const [byExpress, directly] = await bothWays({ 'Idempotency-Key': 'K', ...headers() }, sent);
  expect(directly.status).toBe(status);
  expect(directly).toEqual(byExpress);
});

test('what the ledger refuses, and that it does not answer, is told alike', async () => {
  const headers = { ...tenant.headers, 'Idempotency-Key': 'K' };
  gateway.services.respond(operateBook)(() => ({ ok: false, rejection: 'insufficient_balance', replayed: true }));
  const [refusedByExpress, refused] = await bothWays(headers, { body: posting });
  expect(refused).toMatchObject({ status: 422 });
  expect(refused).toEqual(refusedByExpress);
  gateway.services.respond(operateBook)(() => {
    throw new Error('broken');
  });
  const [failedByExpress, failed] = await bothWays(headers, { body: posting });
  expect(failed).toMatchObject({ status: 500 });
  expect(failed).toEqual(failedByExpress);
});

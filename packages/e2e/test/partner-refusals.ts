import { randomUUID } from 'node:crypto';
import { acceptedAmounts, malformedAmountTokens, refusedAmountTokens, tokensBeyondScale } from '@daybook/testing';
import type { Answer } from './instance';
import type { PartnerClient } from './partner-client';
import { reference, type Example } from './partner-reference';
import type { Tenant } from './tenant';

/** Each route that moves money, with the decimals that its amounts may have. */
const moneyRoutes: readonly { readonly example: Example; readonly scale: number }[] = [
  { example: reference.paymentByStripe, scale: 2 },
  { example: reference.transfer, scale: 2 },
  { example: reference.send, scale: 18 },
];

/** What the API does not let happen: to whom it says no, and which amounts are none. */
export function describePartnerRefusals(client: () => PartnerClient, otherTenant: () => Tenant): void {
  let partner: PartnerClient;
  let other: Tenant;
  beforeAll(() => {
    partner = client();
    other = otherTenant();
  });

  describe('credentials', () => {
    /** Every route of the API that needs one, from its own document. */
    const everyRoute = async (headers: Record<string, string>): Promise<[string, Answer][]> => {
      const document = (await partner.daybook.request('GET', '/openapi.json')).body as {
        paths: Record<string, object>;
      };
      const paths = Object.keys(document.paths).filter((path) => /^\/api\/(?!v1\/|token$)/.test(path));
      const answers: [string, Answer][] = [];
      for (const path of paths)
        for (const method of Object.keys(document.paths[path] ?? {})) {
          const sent = method === 'post' ? { rawBody: '{}' } : {};
          const pathname = path.replaceAll(/\{\w+\}/g, 'TX4G7Q1ZK0WB8N3RDC5VYM');
          answers.push([
            `${method} ${path}`,
            await partner.daybook.request(method.toUpperCase(), pathname, { headers, ...sent }),
          ]);
        }
      expect(answers.length).toBeGreaterThanOrEqual(8);
      return answers;
    };

    test('without a right one, no route says anything else', async () => {
      const { apiKey } = partner.daybook.credentials.partner;
      const wrong: Record<string, string>[] = [
        {},
        { 'X-API-Key': `${apiKey}x` },
        { 'X-API-Key': randomUUID() },
        { Authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
        { Authorization: `${partner.bearer.Authorization}x` },
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
      const both = { ...partner.bearer, 'X-API-Key': partner.daybook.credentials.partner.apiKey };
      for (const [place, { status, body }] of await everyRoute(both))
        expect([place, status, body.code]).toEqual([place, 400, 'INVALID_REQUEST']);
    });

    test('a wrong username and a wrong password are answered alike', async () => {
      const { username, password } = partner.daybook.credentials.partner;
      const attempt = (body: object) => partner.daybook.request('POST', '/api/token', { body });
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
      const id = String((await partner.run(reference.paymentByStripe)).body.transaction_id);
      const theirs = { Authorization: `Bearer ${other.partnerToken}` };
      for (const example of [reference.details, reference.paymentStatus]) {
        const foreign = await partner.run(example, { id, headers: theirs });
        expect(foreign).toMatchObject({ status: 404, body: { success: false, code: 'TRANSACTION_NOT_FOUND' } });
        const unknown = await partner.run(example, { id: 'TX00000000000000000000', headers: theirs });
        const nonsense = await partner.run(example, { id: 'TX123456789', headers: theirs });
        expect([unknown.text, nonsense.text]).toEqual([foreign.text, foreign.text]);
        expect((await partner.run(example, { id })).status).toBe(200);
      }
      expect((await partner.get('/api/transactions', theirs)).body).toMatchObject({ transactions: [], total: 0 });
      const foreignGateway = await partner.run(reference.paymentByStripe, { headers: theirs });
      expect(foreignGateway).toMatchObject({ status: 404, body: { code: 'GATEWAY_NOT_FOUND', field: 'gateway_id' } });
    });
  });

  describe('amounts', () => {
    test.each(moneyRoutes)('what is no amount is refused by $example.path and records nothing', async (route) => {
      const { example, scale } = route;
      const before = (await partner.list('')).total;
      for (const token of [...refusedAmountTokens, ...tokensBeyondScale(scale)]) {
        const { status, body } = await partner.runWithAmount(example, token);
        expect([token, status, body.field]).toEqual([token, 400, 'amount']);
      }
      for (const token of malformedAmountTokens)
        expect([token, (await partner.runWithAmount(example, token)).status]).toEqual([token, 400]);
      const twice = await partner.runWithAmount(example, '1.00, "amount": 1.00');
      expect([twice.status, twice.body.error]).toEqual([400, expect.stringContaining('amount')]);
      expect((await partner.list('')).total).toBe(before);
    });

    test('an amount comes back as it was meant, digit by digit', async () => {
      for (const { token, text } of acceptedAmounts) {
        const opened = await partner.pay(`{"gateway_id": 3, "amount": ${token}, "currency": "USD"}`);
        expect([token, opened.status]).toEqual([token, 200]);
        const id = String(opened.body.transaction_id);
        for (const example of [reference.paymentStatus, reference.details])
          expect((await partner.run(example, { id })).text).toContain(`"amount":${text},`);
      }
    });
  });
}

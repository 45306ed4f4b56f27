import { eventually } from '@daybook/testing';
import type { Answer, Instance } from './instance';
import { reference, withoutComments, type Example } from './partner-reference';

export type Listed = { transaction_id: string; status: string; type: string; created_at: string; id: number };
type Headers = Readonly<Record<string, string>>;

const reachedWithinMs = 30_000;

/** The demo tenant as a partner: signed in, and sending the examples of the reference. */
export class PartnerClient {
  private constructor(
    readonly daybook: Instance,
    readonly bearer: Headers,
  ) {}

  static async signIn(daybook: Instance): Promise<PartnerClient> {
    const { username, password } = daybook.credentials.partner;
    const answer = await daybook.request('POST', '/api/token', { body: { username, password } });
    return new PartnerClient(daybook, { Authorization: `Bearer ${String(answer.body.access_token)}` });
  }

  /** Sends an example as it is printed, but for what names something of the caller's. */
  run(example: Example, options: { readonly id?: string; readonly headers?: Headers } = {}): Promise<Answer> {
    return this.daybook.request(example.method, example.path.replace('<transaction_id>', options.id ?? ''), {
      headers: { ...(options.headers ?? this.bearer) },
      ...(example.body === undefined ? {} : { rawBody: withoutComments(example.body) }),
    });
  }

  /** As an example, but with another token for its amount. */
  runWithAmount(example: Example, token: string): Promise<Answer> {
    const rawBody = withoutComments(example.body ?? '').replace(/"amount": [\d.]+/, `"amount": ${token}`);
    return this.daybook.request(example.method, example.path, { headers: { ...this.bearer }, rawBody });
  }

  get(path: string, headers: Headers = this.bearer): Promise<Answer> {
    return this.daybook.request('GET', path, { headers: { ...headers } });
  }

  pay(rawBody: string, headers: Headers = {}): Promise<Answer> {
    return this.daybook.request('POST', '/api/payments', { rawBody, headers: { ...this.bearer, ...headers } });
  }

  async list(query: string): Promise<{ readonly transactions: Listed[]; readonly total: number }> {
    const { status, body } = await this.get(`/api/transactions?${query}`);
    expect([query, status]).toEqual([query, 200]);
    return body as { transactions: Listed[]; total: number };
  }

  /** What the payer of a sandbox payment does. */
  async decide(id: string, outcome: 'succeeded' | 'failed'): Promise<void> {
    const headers = { ...this.bearer };
    const decided = await this.daybook.request('POST', `/v1/sandbox/payments/${id}`, { headers, body: { outcome } });
    expect(decided.status).toBe(200);
  }

  /** What goes back of a sandbox payment, in all. */
  async giveBack(id: string, body: { readonly refunded?: string; readonly charged_back?: string }): Promise<void> {
    const headers = { ...this.bearer };
    const given = await this.daybook.request('POST', `/v1/sandbox/payments/${id}/returns`, { headers, body });
    expect([given.status, given.text]).toEqual([200, given.text]);
  }

  /** The transaction, once it is in the status. */
  async reaches(id: string, status: string): Promise<Answer> {
    return eventually(
      async () => {
        const answer = await this.run(reference.details, { id });
        expect(answer.body.status).toBe(status);
        return answer;
      },
      { timeoutMs: reachedWithinMs },
    );
  }
}

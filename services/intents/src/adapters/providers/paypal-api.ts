/** Requests to PayPal's REST API, and what is read of its answers whatever was asked. */
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import { assets, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import { askOverHttp, type ProviderAnswer } from './provider-http';

export type PaypalSettings = Extract<ProviderSettings, { provider: 'paypal' }>;

export const money = z.object({ currency_code: z.string(), value: z.string() });

/** Something else is taking the money of the order, under the same request id or for PayPal itself: it may be taken. */
const runningIssues = ['DUPLICATE_REQUEST_ID', 'ORDER_COMPLETION_IN_PROGRESS'];
const refusal = z.object({
  name: z.string().catch(''),
  details: z.array(z.object({ issue: z.string().catch('') })).catch([]),
});

type Asked = {
  readonly requestId?: string;
  readonly body?: string;
  /** As with `askOverHttp`. */
  readonly sure?: readonly number[];
};
export type PaypalApi = ReturnType<typeof paypalApi>;

/** Requests with an access token, which is fetched when it is needed and kept until shortly before its end. */
export function paypalApi({ clientId, clientSecret }: PaypalSettings, apiUrl: string) {
  let token: { readonly text: string; readonly until: number } | undefined;

  async function accessToken(): Promise<string> {
    if (token !== undefined && performance.now() < token.until) return token.text;
    const answer = await askOverHttp(`${apiUrl}/v1/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    const granted = z.object({ access_token: z.string(), expires_in: z.coerce.number() }).safeParse(answer.body);
    if (!granted.success) throw unavailable('it does not accept the credentials of the gateway');
    const { access_token: text, expires_in: seconds } = granted.data;
    token = { text, until: performance.now() + Math.max(0, seconds - 60) * 1_000 };
    return text;
  }

  return async (
    method: 'GET' | 'POST',
    path: string,
    { requestId, body, sure }: Asked = {},
  ): Promise<ProviderAnswer> => {
    const answer = await askOverHttp(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await accessToken()}`,
        'content-type': 'application/json',
        ...(requestId === undefined ? {} : { 'paypal-request-id': requestId }),
      },
      ...(body === undefined ? {} : { body }),
      ...(sure === undefined ? {} : { sure }),
    }).catch((error: unknown) => {
      // It may be the token that was not taken: the next request fetches another.
      token = undefined;
      throw error;
    });
    // Of two requests with one id at once PayPal may refuse the second, whatever becomes of the first.
    if (issuesOf(answer).some((issue) => runningIssues.includes(issue))) throw unavailable(reasonOf(answer));
    return answer;
  };
}

/** Minor units, none among them. Money in another currency, or in parts of its smallest unit, says nothing. */
export function unitsOf({ value, currency_code: said }: z.infer<typeof money>, currency: string): bigint {
  const parsed = parseAmount(value, assets[currency as AssetCode].scale);
  if (said === currency && (parsed.ok || parsed.problem === 'not_positive')) return parsed.ok ? parsed.units : 0n;
  throw unavailable(`${value} ${said} of a payment in ${currency}`);
}

/** Of a capture: as much as nothing is never taken. */
export function takenUnitsOf(amount: z.infer<typeof money>, currency: string): bigint {
  const units = unitsOf(amount, currency);
  if (units === 0n) throw unavailable('a capture of nothing');
  return units;
}

/** Why a request was refused, by PayPal's names; none when it was not, or when the answer is not PayPal's. */
export function issuesOf({ status, body }: ProviderAnswer): readonly string[] {
  const said = refusal.safeParse(body);
  if (status < 400 || !said.success) return [];
  return [said.data.name, ...said.data.details.map(({ issue }) => issue)].filter((issue) => issue !== '');
}

export function reasonOf({ status, body }: ProviderAnswer): string {
  const said = z.object({ message: z.string() }).safeParse(body);
  return said.success ? said.data.message : `PayPal answered ${status}`;
}

export function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `PayPal: ${detail}` });
}

/** An app that lacks a permission will lack it again. */
export function notPermitted(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', false, { detail: `PayPal does not let this app read ${detail}` });
}

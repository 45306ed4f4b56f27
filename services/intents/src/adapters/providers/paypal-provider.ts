/**
 * PayPal Orders v2: an order is made under the transaction id as request id, the payer approves it at `approval_url`, and
 * the money is taken by a capture under a request id of its own. A capture whose answer was lost is made again: PayPal
 * answers the first one. It also answers a refusal again, so after one the next capture has another request id.
 * https://developer.paypal.com/docs/api/orders/v2/
 */
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import { assets, formatAmount, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Observation } from '../../domain/provider-payment';
import { truncated } from '../../domain/truncated-text';
import type { PaymentProvider } from '../../ports';
import { askOverHttp, jsonOrNull, otherPayment, readAnswer, type ProviderAnswer } from './provider-http';

type Settings = Extract<ProviderSettings, { provider: 'paypal' }>;

/**
 * What each status of a capture says, by PayPal's documentation. A refund changes a capture's status and not its amount: what
 * was given back later was taken all the same. A status that is not here makes the answer one that says nothing.
 */
const captureStatuses = {
  COMPLETED: 'taken',
  PARTIALLY_REFUNDED: 'taken',
  REFUNDED: 'taken',
  PENDING: 'processing',
  DECLINED: 'refused',
  FAILED: 'refused',
} as const;

const capture = z.object({
  status: z.enum(Object.keys(captureStatuses) as (keyof typeof captureStatuses)[]),
  amount: z.object({ currency_code: z.string(), value: z.string() }),
});
/** Something else is taking the money of the order, under the same request id or for PayPal itself: it may be taken. */
const runningIssues = ['DUPLICATE_REQUEST_ID', 'ORDER_COMPLETION_IN_PROGRESS'];
/**
 * An order that PayPal leaves approved after a refusal is captured again at each look, without anybody asking the payer. PayPal
 * keeps an approval for hours, in which there are about ten looks.
 */
const attemptsMax = 20;

const refusal = z.object({
  name: z.string().catch(''),
  details: z.array(z.object({ issue: z.string().catch('') })).catch([]),
});
const order = z.object({
  id: z.string(),
  status: z.string(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })).optional(),
  purchase_units: z
    .array(z.object({ payments: z.object({ captures: z.array(capture).optional() }).optional() }))
    .optional(),
});
type Order = z.infer<typeof order>;

const notice = z.object({
  id: z.string(),
  resource: z.object({
    id: z.string().optional(),
    supplementary_data: z.object({ related_ids: z.object({ order_id: z.string().optional() }).optional() }).optional(),
  }),
});

const signatureHeaders = {
  auth_algo: 'paypal-auth-algo',
  cert_url: 'paypal-cert-url',
  transmission_id: 'paypal-transmission-id',
  transmission_sig: 'paypal-transmission-sig',
  transmission_time: 'paypal-transmission-time',
} as const;

export function paypalProvider(settings: Settings, apiUrl: string): PaymentProvider {
  const ask = authorized(settings, apiUrl);

  return {
    async open({ transactionId, currency, amount, description }) {
      const answer = await ask('POST', '/v2/checkout/orders', {
        requestId: transactionId,
        body: JSON.stringify({
          intent: 'CAPTURE',
          purchase_units: [
            {
              custom_id: transactionId,
              amount: { currency_code: currency, value: decimal(amount, currency) },
              ...(description === null ? {} : { description: truncated(description, 127) }),
            },
          ],
        }),
      });
      if (answer.status >= 400) return { opened: false, reason: reasonOf(answer) };
      const made = readAnswer(order, answer.body, 'PayPal');
      const approval = made.links?.find(({ rel }) => rel === 'approve' || rel === 'payer-action')?.href;
      return {
        opened: true,
        reference: made.id,
        session: { paypal_order_id: made.id, ...(approval === undefined ? {} : { approval_url: approval }) },
      };
    },

    async observe(reference, { transactionId, currency, declines }) {
      const path = `/v2/checkout/orders/${encodeURIComponent(reference)}`;
      const look = async () => orderOf(reference, await ask('GET', path));
      const found = await look();
      if (found.status !== 'APPROVED' || declines >= attemptsMax) return observationOf(found, currency);
      const attempt = declines + 1;
      const requestId = captureIdOf(transactionId, attempt);
      const captured = await ask('POST', `${path}/capture`, { requestId, body: '{}' });
      const issues = issuesOf(captured);
      if (issues.includes('ORDER_ALREADY_CAPTURED')) return observationOf(await look(), currency);
      // Whatever the reason is, this attempt took nothing, and its id is answered with the same for as long as PayPal keeps it.
      if (captured.status === 422 && issues.length > 0)
        return { status: 'declined', attempt, reason: issues.join(', ') };
      const answered = orderOf(reference, captured);
      const said = observationOf(answered, currency);
      const declined = capturesOf(answered).at(-1);
      return said.status === 'open' && declined !== undefined
        ? { status: 'declined', attempt, reason: declined.status }
        : said;
    },

    async readNotice(headers, body) {
      const fields = Object.entries(signatureHeaders).map(([field, name]) => [field, headers[name]] as const);
      if (fields.some(([, value]) => value === undefined)) return null;
      const parsed = notice.safeParse(jsonOrNull(body));
      if (!parsed.success) return null;
      // The event goes back as it came, because its signature is over its bytes.
      const claims = JSON.stringify({ ...Object.fromEntries(fields), webhook_id: settings.webhookId });
      const answer = await ask('POST', '/v1/notifications/verify-webhook-signature', {
        body: `${claims.slice(0, -1)},"webhook_event":${body}}`,
      });
      const verdict = z.object({ verification_status: z.string() }).safeParse(answer.body);
      if (!verdict.success) throw unavailable(reasonOf(answer));
      if (verdict.data.verification_status !== 'SUCCESS') return null;
      const { id, resource } = parsed.data;
      return { eventId: id, reference: resource.supplementary_data?.related_ids?.order_id ?? resource.id ?? null };
    },
  };
}

/** One id for each attempt that was not declined: whatever is not known of it, it is asked for again under the same id. */
function captureIdOf(transactionId: string, attempt: number): string {
  return `${transactionId}-capture${attempt === 1 ? '' : `-${attempt}`}`;
}

/** Requests with an access token, which is fetched when it is needed and kept until shortly before its end. */
function authorized({ clientId, clientSecret }: Settings, apiUrl: string) {
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
    { requestId, body }: { readonly requestId?: string; readonly body?: string } = {},
  ): Promise<ProviderAnswer> => {
    const answer = await askOverHttp(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await accessToken()}`,
        'content-type': 'application/json',
        ...(requestId === undefined ? {} : { 'paypal-request-id': requestId }),
      },
      ...(body === undefined ? {} : { body }),
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

function orderOf(reference: string, answer: ProviderAnswer): Order {
  if (answer.status >= 400) throw unavailable(reasonOf(answer));
  const found = readAnswer(order, answer.body, 'PayPal');
  if (found.id !== reference) throw unavailable(otherPayment);
  return found;
}

function observationOf(found: Order, currency: string): Observation {
  if (found.status === 'VOIDED') return { status: 'failed', reason: 'voided' };
  const captures = capturesOf(found);
  const taken = captures.filter(({ status }) => captureStatuses[status] === 'taken');
  if (taken.length > 0) {
    const units = taken.map(({ amount }) => unitsOf(amount.value, amount.currency_code, currency));
    return { status: 'taken', amount: units.reduce((sum, each) => sum + each, 0n) };
  }
  if (captures.some(({ status }) => captureStatuses[status] === 'processing')) return { status: 'processing' };
  const refused = captures.at(-1);
  // An order that is completed is not captured again; of any other the payer may choose another way to pay.
  if (found.status === 'COMPLETED' && refused !== undefined)
    return { status: 'failed', reason: refused.status.toLowerCase() };
  return { status: 'open' };
}

function capturesOf(found: Order) {
  return (found.purchase_units ?? []).flatMap(({ payments }) => payments?.captures ?? []);
}

function decimal(amount: bigint, currency: string): string {
  return formatAmount(amount, assets[currency as AssetCode].scale);
}

function unitsOf(value: string, said: string, currency: string): bigint {
  const parsed = parseAmount(value, assets[currency as AssetCode].scale);
  if (said !== currency || !parsed.ok) throw new Error(`PayPal took ${value} ${said} where ${currency} was asked for`);
  return parsed.units;
}

/** Why a request was refused, by PayPal's names; none when it was not, or when the answer is not PayPal's. */
function issuesOf({ status, body }: ProviderAnswer): readonly string[] {
  const said = refusal.safeParse(body);
  if (status < 400 || !said.success) return [];
  return [said.data.name, ...said.data.details.map(({ issue }) => issue)].filter((issue) => issue !== '');
}

function reasonOf({ status, body }: ProviderAnswer): string {
  const said = z.object({ message: z.string() }).safeParse(body);
  return said.success ? said.data.message : `PayPal answered ${status}`;
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `PayPal: ${detail}` });
}

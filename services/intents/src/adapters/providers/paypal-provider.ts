/**
 * PayPal Orders v2: an order is made under the transaction id as request id, the payer approves it at `approval_url`, and
 * the money is taken by a capture under a request id of its own. A capture whose answer was lost is made again: PayPal
 * answers the first one. It also answers a refusal again, so after one the next capture has another request id.
 * https://developer.paypal.com/docs/api/orders/v2/
 */
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Observation } from '../../domain/provider-payment';
import { truncated } from '../../domain/truncated-text';
import type { PaymentProvider } from '../../ports';
import { issuesOf, paypalApi, reasonOf, takenUnitsOf, unavailable, type PaypalSettings } from './paypal-api';
import { capture, captureStands, returnedOf, type Capture } from './paypal-returned';
import { noticed, referenceOf } from './paypal-notices';
import { jsonOrNull, otherPayment, readAnswer, type ProviderAnswer } from './provider-http';

/**
 * An order that PayPal leaves approved after a refusal is captured again at each look, without anybody asking the payer. PayPal
 * keeps an approval for hours, in which there are about ten looks.
 */
const attemptsMax = 20;

const order = z.object({
  id: z.string(),
  status: z.string(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })).optional(),
  purchase_units: z
    .array(
      z.object({
        payments: z
          .object({ captures: z.array(capture).optional(), refunds: z.array(z.unknown()).optional() })
          .optional(),
      }),
    )
    .optional(),
});
type Order = z.infer<typeof order>;

const notice = z.object({ id: z.string(), resource: noticed });

const signatureHeaders = {
  auth_algo: 'paypal-auth-algo',
  cert_url: 'paypal-cert-url',
  transmission_id: 'paypal-transmission-id',
  transmission_sig: 'paypal-transmission-sig',
  transmission_time: 'paypal-transmission-time',
} as const;

export function paypalProvider(settings: PaypalSettings, apiUrl: string): PaymentProvider {
  const ask = paypalApi(settings, apiUrl);
  const look = async (reference: string) => orderOf(reference, await ask('GET', pathOf(reference)));

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
      const found = await look(reference);
      if (found.status !== 'APPROVED' || declines >= attemptsMax) return observationOf(found, currency);
      const attempt = declines + 1;
      const requestId = captureIdOf(transactionId, attempt);
      const captured = await ask('POST', `${pathOf(reference)}/capture`, { requestId, body: '{}' });
      const issues = issuesOf(captured);
      if (issues.includes('ORDER_ALREADY_CAPTURED')) return observationOf(await look(reference), currency);
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

    async returned(reference, { currency }) {
      const found = await look(reference);
      return returnedOf(ask, { captures: takenOf(found), refunds: refundsOf(found) }, currency);
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
      return { eventId: id, reference: await referenceOf(ask, resource) };
    },
  };
}

/** One id for each attempt that was not declined: whatever is not known of it, it is asked for again under the same id. */
function captureIdOf(transactionId: string, attempt: number): string {
  return `${transactionId}-capture${attempt === 1 ? '' : `-${attempt}`}`;
}

const pathOf = (reference: string) => `/v2/checkout/orders/${encodeURIComponent(reference)}`;

function orderOf(reference: string, answer: ProviderAnswer): Order {
  if (answer.status >= 400) throw unavailable(reasonOf(answer));
  const found = readAnswer(order, answer.body, 'PayPal');
  if (found.id !== reference) throw unavailable(otherPayment);
  return found;
}

function observationOf(found: Order, currency: string): Observation {
  if (found.status === 'VOIDED') return { status: 'failed', reason: 'voided' };
  const captures = capturesOf(found);
  const taken = takenOf(found);
  if (taken.length > 0) {
    const units = taken.map(({ amount }) => takenUnitsOf(amount, currency));
    return { status: 'taken', amount: units.reduce((sum, each) => sum + each, 0n) };
  }
  if (captures.some((each) => captureStands(each) === 'processing')) return { status: 'processing' };
  const refused = captures.at(-1);
  // An order that is completed is not captured again; of any other the payer may choose another way to pay.
  if (found.status === 'COMPLETED' && refused !== undefined)
    return { status: 'failed', reason: refused.status.toLowerCase() };
  return { status: 'open' };
}

function capturesOf(found: Order): readonly Capture[] {
  return (found.purchase_units ?? []).flatMap(({ payments }) => payments?.captures ?? []);
}

function takenOf(found: Order): readonly Capture[] {
  return capturesOf(found).filter((each) => captureStands(each) === 'taken');
}

function refundsOf(found: Order) {
  return (found.purchase_units ?? []).flatMap(({ payments }) => payments?.refunds ?? []);
}

function decimal(amount: bigint, currency: string): string {
  return formatAmount(amount, assets[currency as AssetCode].scale);
}

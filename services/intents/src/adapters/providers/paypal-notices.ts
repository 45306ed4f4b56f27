/** Which payment a notice of PayPal is about. What else it says is not believed. */
import { z } from 'zod';
import { unavailable, type PaypalApi } from './paypal-api';
import { otherPayment, readAnswer } from './provider-http';

const related = z.object({ related_ids: z.object({ order_id: z.string().optional() }).optional() }).optional();

/** An order, a capture, a refund (also of a capture that PayPal reversed) or a dispute. */
export const noticed = z.object({
  id: z.string().optional(),
  supplementary_data: related,
  links: z
    .array(z.object({ href: z.string(), rel: z.string() }))
    .optional()
    .catch(undefined),
  disputed_transactions: z
    .array(z.object({ seller_transaction_id: z.string().optional() }))
    .optional()
    .catch(undefined),
});
type Noticed = z.infer<typeof noticed>;

const capture = z.object({ id: z.string(), supplementary_data: related });

/**
 * The order, which is our reference. A refund and a dispute may name only the capture; then PayPal is asked whose it is. Null
 * where it does not say: the payment is looked at again without a notice. So are the others of a dispute about several.
 */
export async function referenceOf(ask: PaypalApi, about: Noticed): Promise<string | null> {
  const told = about.supplementary_data?.related_ids?.order_id;
  if (told !== undefined) return told;
  const captureId = captureIdOf(about);
  if (captureId === undefined) return about.id ?? null;
  const answer = await ask('GET', `/v2/payments/captures/${encodeURIComponent(captureId)}`);
  if (answer.status >= 400) return null;
  const found = readAnswer(capture, answer.body, 'PayPal');
  if (found.id !== captureId) throw unavailable(otherPayment);
  return found.supplementary_data?.related_ids?.order_id ?? null;
}

function captureIdOf({ links, disputed_transactions: disputed }: Noticed): string | undefined {
  const ids = disputed?.map(({ seller_transaction_id: id }) => id) ?? [];
  const parents =
    links?.filter(({ rel }) => rel === 'up').map(({ href }) => /\/captures\/([^/?#]+)$/.exec(href)?.[1]) ?? [];
  return [...ids, ...parents].find((id) => id !== undefined);
}

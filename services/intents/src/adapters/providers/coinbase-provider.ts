/**
 * Coinbase Commerce: a payment is a charge with a hosted page. Charges have no idempotency key, so one whose making was not
 * answered is looked for by our transaction id in its metadata before another is made.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import { assets, formatAmount, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Observation } from '../../domain/provider-payment';
import { truncated } from '../../domain/truncated-text';
import type { Opening, PaymentProvider } from '../../ports';
import { askOverHttp, jsonOrNull, readAnswer, type ProviderAnswer } from './provider-http';

type Settings = Extract<ProviderSettings, { provider: 'coinbase' }>;

const apiVersion = '2018-03-22';
/** Charges are listed newest first; one of ours that went astray is among the newest. */
const searched = 100;

const money = z.object({ amount: z.string(), currency: z.string() });
const charge = z.object({
  id: z.string(),
  code: z.string(),
  hosted_url: z.string(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  timeline: z.array(z.object({ status: z.string() })).default([]),
  payments: z.array(z.object({ status: z.string(), value: z.object({ local: money }) })).default([]),
});
type Charge = z.infer<typeof charge>;

const notice = z.object({ event: z.object({ id: z.string(), data: z.object({ id: z.string().optional() }) }) });

export function coinbaseProvider(settings: Settings, apiUrl: string): PaymentProvider {
  const ask = (method: 'GET' | 'POST', path: string, body?: string) =>
    askOverHttp(`${apiUrl}${path}`, {
      method,
      headers: { 'x-cc-api-key': settings.apiKey, 'x-cc-version': apiVersion, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });

  async function findCharge(transactionId: string): Promise<Charge | undefined> {
    const answer = await ask('GET', `/charges?limit=${searched}&order=desc`);
    if (answer.status >= 400) throw unavailable(reasonOf(answer));
    const { data } = readAnswer(z.object({ data: z.array(charge) }), answer.body, 'Coinbase');
    return data.find(({ metadata }) => metadata?.['transaction_id'] === transactionId);
  }

  return {
    async open({ transactionId, currency, amount, description }, again) {
      const there = again ? await findCharge(transactionId) : undefined;
      if (there !== undefined) return openingOf(there);
      const answer = await ask(
        'POST',
        '/charges',
        JSON.stringify({
          name: 'Payment',
          description: truncated(description ?? transactionId, 200),
          pricing_type: 'fixed_price',
          local_price: { amount: formatAmount(amount, assets[currency as AssetCode].scale), currency },
          metadata: { transaction_id: transactionId },
        }),
      );
      if (answer.status >= 400) return { opened: false, reason: reasonOf(answer) };
      return openingOf(chargeOf(answer));
    },

    async observe(reference, { currency }) {
      const answer = await ask('GET', `/charges/${encodeURIComponent(reference)}`);
      if (answer.status >= 400) throw unavailable(reasonOf(answer));
      return observationOf(chargeOf(answer), currency);
    },

    async readNotice(headers, body) {
      const expected = createHmac('sha256', settings.webhookSecret).update(body).digest();
      const said = Buffer.from(headers['x-cc-webhook-signature'] ?? '', 'hex');
      if (said.length !== expected.length || !timingSafeEqual(said, expected)) return null;
      const { event } = readAnswer(notice, jsonOrNull(body), 'Coinbase');
      return { eventId: event.id, reference: event.data.id ?? null };
    },
  };
}

function chargeOf({ body }: ProviderAnswer): Charge {
  return readAnswer(z.object({ data: charge }), body, 'Coinbase').data;
}

function openingOf({ id, hosted_url: hostedUrl }: Charge): Opening {
  return { opened: true, reference: id, session: { hosted_url: hostedUrl, charge_id: id } };
}

/**
 * The last state of the timeline counts: a charge goes on after some of them. What is given back after it was confirmed was
 * taken all the same. A state that is not here says nothing.
 */
function observationOf({ timeline, payments }: Charge, currency: string): Observation {
  const last = timeline.at(-1)?.status ?? 'NEW';
  switch (last) {
    case 'COMPLETED':
    case 'RESOLVED':
    case 'PENDING REFUND':
    case 'REFUND PENDING':
    case 'REFUNDED': {
      const confirmed = payments.filter(({ status }) => status === 'CONFIRMED');
      const units = confirmed.map(({ value }) => unitsOf(value.local, currency));
      const amount = units.reduce((sum, each) => sum + each, 0n);
      return amount > 0n ? { status: 'taken', amount } : { status: 'processing' };
    }
    case 'PENDING':
    case 'UNRESOLVED':
      return { status: 'processing' };
    case 'EXPIRED':
    case 'CANCELED':
      return { status: 'failed', reason: last.toLowerCase() };
    case 'NEW':
    case 'SIGNED':
      return { status: 'open' };
    default:
      throw unavailable(`a charge in the state ${last}`);
  }
}

function unitsOf({ amount, currency: said }: z.infer<typeof money>, currency: string): bigint {
  const parsed = parseAmount(amount, assets[currency as AssetCode].scale);
  if (said !== currency || !parsed.ok)
    throw new Error(`Coinbase took ${amount} ${said} where ${currency} was asked for`);
  return parsed.units;
}

function reasonOf({ status, body }: ProviderAnswer): string {
  const said = z.object({ error: z.object({ message: z.string() }) }).safeParse(body);
  return said.success ? said.data.error.message : `Coinbase answered ${status}`;
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `Coinbase: ${detail}` });
}

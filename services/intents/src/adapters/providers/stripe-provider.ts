/**
 * Stripe: a payment is a PaymentIntent, made with Stripe's official library under the transaction id as idempotency key.
 * The payer's side confirms it with the client secret. `succeeded` is the only state in which money was taken.
 */
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import Stripe from 'stripe';
import type { Observation } from '../../domain/provider-payment';
import type { PaymentProvider } from '../../ports';
import { providerTimeoutMs } from './provider-http';

/** Of one payment, in minor units: eight digits. */
const unitsMax = 99_999_999n;

type Settings = Extract<ProviderSettings, { provider: 'stripe' }>;

export function stripeProvider(settings: Settings, apiUrl: string): PaymentProvider {
  const url = new URL(apiUrl);
  const stripe = new Stripe(settings.secretKey, {
    host: url.hostname,
    protocol: url.protocol === 'http:' ? 'http' : 'https',
    ...(url.port === '' ? {} : { port: url.port }),
    // Whoever asks again does so under the same key, later.
    maxNetworkRetries: 0,
    timeout: providerTimeoutMs,
    telemetry: false,
  });
  return {
    async open({ transactionId, currency, amount, description }) {
      if (amount > unitsMax) return { opened: false, reason: `Stripe takes at most ${unitsMax} minor units` };
      const made = await answered(
        stripe.paymentIntents.create(
          {
            amount: parseInt(amount.toString(), 10),
            currency: currency.toLowerCase(),
            automatic_payment_methods: { enabled: true },
            metadata: { transaction_id: transactionId },
            ...(description === null ? {} : { description }),
          },
          { idempotencyKey: transactionId },
        ),
      );
      if (!made.ok) return { opened: false, reason: made.reason };
      const { id, client_secret: clientSecret } = made.value;
      return {
        opened: true,
        reference: id,
        session: { payment_intent_id: id, ...(clientSecret === null ? {} : { client_secret: clientSecret }) },
      };
    },

    async observe(reference, { currency }) {
      const found = await answered(stripe.paymentIntents.retrieve(reference));
      if (!found.ok) throw unavailable(found.reason);
      const intent = found.value;
      if (intent.currency.toUpperCase() !== currency)
        throw new Error(`Stripe has ${reference} in ${intent.currency}, not in ${currency}`);
      return observationOf(intent);
    },

    async readNotice(headers, body) {
      try {
        const event = await stripe.webhooks.constructEventAsync(
          body,
          headers['stripe-signature'] ?? '',
          settings.webhookSecret,
        );
        const about = event.data.object as { object?: string; id?: string; payment_intent?: unknown };
        const isIntent = about.object === 'payment_intent';
        const reference = isIntent ? about.id : about.payment_intent;
        return { eventId: event.id, reference: typeof reference === 'string' ? reference : null };
      } catch (error) {
        if (error instanceof Stripe.errors.StripeSignatureVerificationError) return null;
        throw error;
      }
    },
  };
}

function observationOf(intent: Stripe.PaymentIntent): Observation {
  switch (intent.status) {
    case 'succeeded':
      return { status: 'taken', amount: BigInt(intent.amount_received) };
    case 'canceled':
      return { status: 'failed', reason: `canceled: ${intent.cancellation_reason ?? 'no reason given'}` };
    case 'processing':
    case 'requires_capture':
      return { status: 'processing' };
    default:
      return { status: 'open' };
  }
}

type Answered<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** What Stripe refuses for sure is an answer; all else says nothing about what happened. */
async function answered(asked: Promise<Stripe.PaymentIntent>): Promise<Answered<Stripe.PaymentIntent>> {
  try {
    const value = await asked;
    // The library takes whatever is JSON for what was asked for, also with a status of 500.
    if ((value as Partial<typeof value>).object !== 'payment_intent') throw unavailable('no payment intent');
    return { ok: true, value };
  } catch (error) {
    const { StripeInvalidRequestError, StripeCardError } = Stripe.errors;
    if (error instanceof StripeInvalidRequestError || error instanceof StripeCardError)
      return { ok: false, reason: error.message };
    if (error instanceof Stripe.errors.StripeError)
      throw new OperationalError('upstream_unavailable', true, { cause: error, detail: 'Stripe' });
    throw error;
  }
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `Stripe: ${detail}` });
}

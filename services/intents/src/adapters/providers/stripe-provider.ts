/**
 * Stripe: a payment is a PaymentIntent, made with Stripe's official library under the transaction id as idempotency key.
 * The payer's side confirms it with the client secret. `succeeded` is the only state in which money was taken.
 */
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import Stripe from 'stripe';
import { z } from 'zod';
import type { Observation } from '../../domain/provider-payment';
import type { PaymentProvider } from '../../ports';
import { isMadeFor, otherPayment, providerTimeoutMs, readAnswer } from './provider-http';

/** Of one payment, in minor units: eight digits. */
const unitsMax = 99_999_999n;

/** The library takes whatever is JSON for what was asked for, also with a status of 500. */
const intent = z.object({
  object: z.literal('payment_intent'),
  id: z.string(),
  status: z.string(),
  currency: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  amount_received: z.int().nonnegative(),
  client_secret: z.string().nullish(),
  cancellation_reason: z.string().nullish(),
});
type Intent = z.infer<typeof intent>;

const notice = z.object({
  id: z.string(),
  data: z.object({
    object: z.object({
      object: z.string().nullish(),
      id: z.string().nullish(),
      payment_intent: z.unknown().optional(),
    }),
  }),
});

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
      const { id, client_secret: clientSecret, metadata } = made.intent;
      if (!isMadeFor(transactionId, metadata)) throw unavailable(otherPayment);
      return {
        opened: true,
        reference: id,
        session: { payment_intent_id: id, ...(clientSecret == null ? {} : { client_secret: clientSecret }) },
      };
    },

    async observe(reference, { currency }) {
      const found = await answered(stripe.paymentIntents.retrieve(reference));
      if (!found.ok) throw unavailable(found.reason);
      if (found.intent.id !== reference) throw unavailable(otherPayment);
      if (found.intent.currency.toUpperCase() !== currency)
        throw new Error(`Stripe has ${reference} in ${found.intent.currency}, not in ${currency}`);
      return observationOf(found.intent);
    },

    async readNotice(headers, body) {
      try {
        const event = await stripe.webhooks.constructEventAsync(
          body,
          headers['stripe-signature'] ?? '',
          settings.webhookSecret,
        );
        const { id: eventId, data } = readAnswer(notice, event, 'Stripe');
        const isIntent = data.object.object === 'payment_intent';
        const reference = isIntent ? data.object.id : data.object.payment_intent;
        return { eventId, reference: typeof reference === 'string' ? reference : null };
      } catch (error) {
        if (error instanceof Stripe.errors.StripeSignatureVerificationError) return null;
        throw error;
      }
    },
  };
}

function observationOf({ status, amount_received: units, cancellation_reason: reason }: Intent): Observation {
  switch (status) {
    case 'succeeded':
      if (units === 0) throw unavailable('a payment that succeeded with nothing');
      return { status: 'taken', amount: BigInt(units) };
    case 'canceled':
      return { status: 'failed', reason: `canceled: ${reason ?? 'no reason given'}` };
    case 'processing':
    case 'requires_capture':
      return { status: 'processing' };
    case 'requires_payment_method':
    case 'requires_confirmation':
    case 'requires_action':
      return { status: 'open' };
    default:
      throw unavailable(`a payment in the state ${status}`);
  }
}

type Answered = { readonly ok: true; readonly intent: Intent } | { readonly ok: false; readonly reason: string };

/** What Stripe refuses for sure is an answer; all else that the library throws says nothing about what happened. */
async function answered(asked: Promise<unknown>): Promise<Answered> {
  try {
    return { ok: true, intent: readAnswer(intent, await asked, 'Stripe') };
  } catch (error) {
    const { StripeInvalidRequestError, StripeCardError } = Stripe.errors;
    if (error instanceof StripeInvalidRequestError || error instanceof StripeCardError)
      return { ok: false, reason: error.message };
    throw new OperationalError('upstream_unavailable', true, { cause: error, detail: 'Stripe' });
  }
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `Stripe: ${detail}` });
}

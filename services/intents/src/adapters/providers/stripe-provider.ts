/**
 * Stripe: a payment is a PaymentIntent, made with Stripe's official library under the transaction id as idempotency key.
 * The payer's side confirms it with the client secret. `succeeded` is the only state in which money was taken.
 */
import { OperationalError } from '@daybook/core';
import type { ProviderSettings } from '@daybook/contracts';
import Stripe from 'stripe';
import { z } from 'zod';
import type { Observation, Returned } from '../../domain/provider-payment';
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
  /** Read only where money was taken: an attempt that failed has one too. */
  latest_charge: z.unknown(),
});
type Intent = z.infer<typeof intent>;

/** Stripe tells another object by its id, or as a whole where that was asked for. */
const idOrWhole = z.union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)]);

const charge = z.object({
  object: z.literal('charge'),
  payment_intent: idOrWhole,
  currency: z.string(),
  /** With refunds that are on their way; one that fails is taken off again. */
  amount_refunded: z.int().nonnegative(),
  disputed: z.boolean(),
});

/**
 * By how each dispute stands, whether what is disputed is with the payer, and whether it may be answered or is being decided.
 * `warning` is an inquiry. What was prevented was settled before it became a chargeback, with the seller's money where any was
 * moved.
 */
const disputeStatuses = new Map(
  Object.entries({
    needs_response: { money: 'withdrawn', isOpen: true },
    under_review: { money: 'withdrawn', isOpen: true },
    appeal_needs_response: { money: 'withdrawn', isOpen: true },
    appeal_under_review: { money: 'withdrawn', isOpen: true },
    lost: { money: 'withdrawn', isOpen: false },
    prevented: { money: 'withdrawn', isOpen: false },
    won: { money: 'kept', isOpen: false },
    warning_needs_response: { money: 'kept', isOpen: true },
    warning_under_review: { money: 'kept', isOpen: true },
    warning_closed: { money: 'kept', isOpen: false },
  }),
);

const dispute = z.object({
  object: z.literal('dispute'),
  payment_intent: idOrWhole,
  /** Judged where it is needed: one that is not known is no reason not to tell what moved. */
  status: z.string(),
  amount: z.int().nonnegative(),
  currency: z.string(),
  /** In the currency that the account is settled in. Negative is withdrawn, positive is given back; fees are apart. */
  balance_transactions: z.array(z.object({ amount: z.int(), currency: z.string() })),
});
type Dispute = z.infer<typeof dispute>;

/** Of one payment in a day. Each is used when the provider has failed under the one before. */
const keysMax = 10;

/** Far more than one payment ever has. An account that has them asks for a person. */
const disputesMax = 100;

const notice = z.object({
  id: z.string(),
  data: z.object({
    object: z.object({
      object: z.string().nullish(),
      id: z.string().nullish(),
      /** Of a charge, a refund and a dispute; null where none of them belongs to a payment intent. */
      payment_intent: idOrWhole.nullish().catch(null),
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

  async function look(reference: string, currency: string, more: Stripe.PaymentIntentRetrieveParams = {}) {
    const found = await answered(stripe.paymentIntents.retrieve(reference, more));
    if (!found.ok) throw unavailable(found.reason);
    if (found.intent.id !== reference) throw unavailable(otherPayment);
    if (found.intent.currency.toUpperCase() !== currency)
      throw new Error(`Stripe has ${reference} in ${found.intent.currency}, not in ${currency}`);
    return found.intent;
  }

  return {
    async open({ transactionId, currency, amount, description }) {
      if (amount > unitsMax) return { opened: false, reason: `Stripe takes at most ${unitsMax} minor units` };
      const made = await createdUnder(transactionId, (idempotencyKey) =>
        stripe.paymentIntents.create(
          {
            amount: parseInt(amount.toString(), 10),
            currency: currency.toLowerCase(),
            automatic_payment_methods: { enabled: true },
            metadata: { transaction_id: transactionId },
            ...(description === null ? {} : { description }),
          },
          { idempotencyKey },
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
      return observationOf(await look(reference, currency));
    },

    async returned(reference, { currency }) {
      const found = await look(reference, currency, { expand: ['latest_charge'] });
      if (found.status !== 'succeeded') throw unavailable(`a payment that had succeeded and is ${found.status}`);
      return returnedOf(stripe, found, currency);
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
        return { eventId, reference: reference ?? null };
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

/** The charge says what was refunded, and whether there are disputes: those are asked for only then. */
async function returnedOf(stripe: Stripe, { id, latest_charge: told }: Intent, currency: string): Promise<Returned> {
  const taken = readAnswer(charge, told, 'Stripe');
  if (taken.payment_intent !== id) throw unavailable('the charge of another payment');
  if (taken.currency.toUpperCase() !== currency) throw unavailable(`a charge in ${taken.currency}`);
  const disputes = taken.disputed ? await disputesOf(stripe, id) : [];
  const chargedBack = disputes.map((each) => withdrawnBy(each, currency));
  return {
    refunded: BigInt(taken.amount_refunded),
    chargedBack: chargedBack.reduce((sum, each) => sum + each, 0n),
    // Of a state that is not known somebody has to find out what it asks for.
    disputed: disputes.some(({ status }) => disputeStatuses.get(status)?.isOpen ?? true),
  };
}

async function disputesOf(stripe: Stripe, reference: string): Promise<readonly Dispute[]> {
  const listing = stripe.disputes.list({ payment_intent: reference, limit: disputesMax });
  const listed = await listing.autoPagingToArray({ limit: disputesMax }).catch((error: unknown) => {
    throw unanswered(error);
  });
  if (listed.length === 0) throw unavailable('a disputed charge without a dispute');
  if (listed.length === disputesMax) throw unavailable(`${disputesMax} disputes or more of one payment`);
  const disputes = readAnswer(z.array(dispute), listed, 'Stripe');
  if (disputes.some((each) => each.payment_intent !== reference)) throw unavailable('a dispute of another payment');
  return disputes;
}

/**
 * The movements say what left and what came back, which the status does not: a dispute that was lost in part is `lost`, one
 * that was won is `won` before the money is back, and nothing was withdrawn yet of one that has just begun. They are in the
 * currency of the account, though. Where that is another one, the disputed amount counts by the status, as a whole.
 */
function withdrawnBy({ status, amount, currency: disputed, balance_transactions: moved }: Dispute, currency: string) {
  if (disputed.toUpperCase() !== currency) throw unavailable(`a dispute in ${disputed}`);
  if (moved.some((each) => each.currency.toUpperCase() !== currency)) {
    const known = disputeStatuses.get(status);
    if (known === undefined) throw unavailable(`a dispute in the state ${status}`);
    return known.money === 'withdrawn' ? BigInt(amount) : 0n;
  }
  const withdrawn = moved.reduce((sum, each) => sum - BigInt(each.amount), 0n);
  if (withdrawn < 0n) throw unavailable('a dispute that gave back more than it took');
  return withdrawn;
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
    throw unanswered(error);
  }
}

/**
 * Stripe keeps what it answered under a key for a day, its own errors too, so a payment that met one is asked for under the
 * next key. What was made under the former, if anything, nobody is shown: it is never paid.
 */
async function createdUnder(
  transactionId: string,
  create: (idempotencyKey: string) => Promise<unknown>,
): Promise<Answered> {
  for (let n = 1; ; n++) {
    try {
      return await answered(create(n === 1 ? transactionId : `${transactionId}-${n}`));
    } catch (error) {
      if (n === keysMax || !isKeptError(error)) throw error;
    }
  }
}

function isKeptError(error: unknown): boolean {
  const { cause } = error as Error;
  if (!(cause instanceof Stripe.errors.StripeAPIError)) return false;
  return (cause.statusCode ?? 0) >= 500 && cause.headers?.['idempotent-replayed'] === 'true';
}

/** A restricted key that lacks a permission will lack it again. */
function unanswered(cause: unknown): OperationalError {
  const isForbidden = cause instanceof Stripe.errors.StripePermissionError;
  return new OperationalError('upstream_unavailable', !isForbidden, { cause, detail: 'Stripe' });
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: `Stripe: ${detail}` });
}

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
import { askOverHttp, isMadeFor, jsonOrNull, otherPayment, readAnswer, type ProviderAnswer } from './provider-http';

type Settings = Extract<ProviderSettings, { provider: 'coinbase' }>;

const apiVersion = '2018-03-22';
/** Charges are listed newest first; one of ours that went astray is among the newest. */
const searched = 100;

const money = z.object({ amount: z.string(), currency: z.string() });
/** As it is found among others: what happened to those is no matter here, and must not hide the one that is looked for. */
const opened = z.object({
  id: z.string(),
  hosted_url: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
type Opened = z.infer<typeof opened>;
const charge = opened.extend({
  timeline: z.array(z.object({ status: z.string() })).default([]),
  payments: z.array(z.object({ status: z.string(), value: z.object({ local: money }) })).default([]),
});
type Charge = z.infer<typeof charge>;

/** Of a payment of a charge, in upper case: charges of before `charge_kind` WEB3 have it so, those of today in lower case. */
const paymentStatuses: readonly string[] = ['NEW', 'PENDING', 'CONFIRMED', 'FAILED'];

const notice = z.object({ event: z.object({ id: z.string(), data: z.object({ id: z.string().optional() }) }) });

export function coinbaseProvider(settings: Settings, apiUrl: string): PaymentProvider {
  const ask = (method: 'GET' | 'POST', path: string, body?: string) =>
    askOverHttp(`${apiUrl}${path}`, {
      method,
      headers: { 'x-cc-api-key': settings.apiKey, 'x-cc-version': apiVersion, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });

  async function findCharge(transactionId: string): Promise<Opened | undefined> {
    const answer = await ask('GET', `/charges?limit=${searched}&order=desc`);
    if (answer.status >= 400) throw unavailable(reasonOf(answer));
    const { data } = readAnswer(z.object({ data: z.array(opened) }), answer.body, 'Coinbase');
    return data.find(({ metadata }) => metadata?.['transaction_id'] === transactionId);
  }

  async function look(reference: string): Promise<Charge> {
    const answer = await ask('GET', `/charges/${encodeURIComponent(reference)}`);
    if (answer.status >= 400) throw unavailable(reasonOf(answer));
    const { data: found } = readAnswer(z.object({ data: charge }), answer.body, 'Coinbase');
    if (found.id !== reference) throw unavailable(otherPayment);
    return found;
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
      const { data: made } = readAnswer(z.object({ data: opened }), answer.body, 'Coinbase');
      if (!isMadeFor(transactionId, made.metadata)) throw unavailable(otherPayment);
      return openingOf(made);
    },

    async observe(reference, { currency }) {
      return observationOf(await look(reference), currency);
    },

    async returned(reference, { currency, amountReceived }) {
      // What is on a chain is not charged back.
      return {
        refunded: refundedOf(await look(reference), currency, amountReceived),
        chargedBack: 0n,
        disputed: false,
      };
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

function openingOf({ id, hosted_url: hostedUrl }: Opened): Opening {
  return { opened: true, reference: id, session: { hosted_url: hostedUrl, charge_id: id } };
}

const refundStates: readonly string[] = ['PENDING REFUND', 'REFUND PENDING', 'REFUNDED'];
const paidStates: readonly string[] = ['COMPLETED', 'RESOLVED'];

/** The last state of the timeline counts: a charge goes on after some of them. */
const stateOf = ({ timeline }: Charge) => timeline.at(-1)?.status ?? 'NEW';

/** What is given back after it was confirmed was taken all the same. A state that is not here says nothing. */
function observationOf(found: Charge, currency: string): Observation {
  const last = stateOf(found);
  switch (last) {
    case 'COMPLETED':
    case 'RESOLVED':
    case 'PENDING REFUND':
    case 'REFUND PENDING':
    case 'REFUNDED': {
      const amount = confirmedOf(found.payments, currency);
      if (amount === 0n) throw unavailable(`a charge that is ${last} with no confirmed payment`);
      return { status: 'taken', amount };
    }
    case 'PENDING':
    case 'UNRESOLVED':
      return { status: 'processing' };
    case 'EXPIRED':
    case 'CANCELED':
    case 'FAILED':
      return { status: 'failed', reason: last.toLowerCase() };
    case 'NEW':
    case 'SIGNED':
      return { status: 'open' };
    default:
      throw unavailable(`a charge in the state ${last}`);
  }
}

/**
 * A refund is known by the state of its charge only, which has no amount and does not say of which payment it is: it is of all
 * that was confirmed, where that is what was credited. A charge that was paid is unresolved when it is paid again or late.
 */
function refundedOf(found: Charge, currency: string, credited: bigint | null): bigint {
  const states = found.timeline.map(({ status }) => status);
  const refund = states.findLastIndex((state) => refundStates.includes(state));
  if (refund >= 0 && states.slice(refund).includes('UNRESOLVED'))
    throw untold('a charge that was refunded and has another payment');
  if (stateOf(found) === 'UNRESOLVED' && states.some((state) => paidStates.includes(state))) return 0n;
  const said = observationOf(found, currency);
  if (said.status !== 'taken') throw unavailable(`a charge that was confirmed before and is ${said.status}`);
  if (!refundStates.includes(stateOf(found))) return 0n;
  if (said.amount !== credited)
    throw untold(`a refund of a charge of which ${said.amount} is confirmed and ${credited} was credited`);
  return said.amount;
}

/** Minor units. Throws OperationalError when a payment has a status that is not known: it may be money, or none. */
function confirmedOf(payments: Charge['payments'], currency: string): bigint {
  let sum = 0n;
  for (const { status, value } of payments) {
    const known = status.toUpperCase();
    if (!paymentStatuses.includes(known)) throw unavailable(`a payment in the state ${status}`);
    if (known === 'CONFIRMED') sum += unitsOf(value.local, currency);
  }
  return sum;
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

/** It is told no better the next time: what became of the money is found in the account, by a person. */
function untold(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', false, { detail: `Coinbase: ${detail}` });
}

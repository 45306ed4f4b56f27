/**
 * Creates a payment and opens it at its provider, once per idempotency key. The payment is recorded before the provider is
 * asked: if the provider's answer is lost, the payment is known, a repeat or the worker asks again under the same id, and
 * the answer then says that it is pending and has no session yet.
 */
import type { CallOutcome, CallRequest, createPayment as createPaymentCall } from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import {
  advancedInTime,
  codeFrom,
  currentCorrelation,
  keyedDigests,
  sha256Hex,
  uuidv7,
  type Clock,
  type Keyring,
  type Logger,
  type Sealer,
  type Wait,
} from '@daybook/runtime';
import { gatewayNumbered } from '../domain/payment-gateways';
import { summaryOf, type PaymentState } from '../domain/provider-payment';
import type { GatewayStore, PaymentStore } from '../ports';
import { paymentStream, type AskProvider } from './ask-provider';
import { registryOf } from './gateways';
import { openSession, sealDetails, viewOfPayment } from './payment-view';

type Request = CallRequest<typeof createPaymentCall>;
type Answer = CallOutcome<typeof createPaymentCall>;

export function createPayment(deps: {
  readonly payments: PaymentStore;
  readonly gateways: GatewayStore;
  readonly personalData: PersonalData;
  readonly sealer: Sealer;
  readonly secretsKeys: Keyring;
  readonly nextNumber: () => Promise<number>;
  readonly ask: AskProvider;
  readonly now: Clock;
  readonly logger: Logger;
  readonly wait?: Wait;
}): (request: Request) => Promise<Answer> {
  const { payments, personalData, now } = deps;

  async function answerOf(transactionId: string, replayed: boolean): Promise<Answer> {
    let { state } = await payments.load(paymentStream(transactionId));
    if (state.stage === 'created') state = await asked(transactionId, replayed);
    assert(state.stage !== 'none', 'the payment that was created is there');
    const payment = await viewOfPayment(personalData, summaryOf(state));
    const session = state.session === null ? null : openSession(deps.sealer, transactionId, state.session);
    return { ok: true, value: { payment, session, replayed } };
  }

  /** A provider that does not answer in time leaves the payment as it is: created, unless another caller was answered. */
  function asked(transactionId: string, again: boolean): Promise<PaymentState> {
    const advance = () => deps.ask(transactionId, again);
    const stateOf = async () => (await payments.load(paymentStream(transactionId))).state;
    return advancedInTime({ ...deps, advance, stateOf }, transactionId);
  }

  return async (request) => {
    const { tenantId, mode, gatewayNumber, currency, amount, description, metadata, idempotencyKey } = request;
    const at = now();
    const transactionId = codeFrom('TX', [tenantId, mode, 'payment', idempotencyKey ?? uuidv7(at)]);
    const { contentHash, oldDigests } = hashesOf(deps.secretsKeys, request);

    const before = (await payments.load(paymentStream(transactionId))).state;
    if (before.stage !== 'none') {
      const isRepeat = [contentHash, ...oldDigests].includes(before.contentHash);
      if (!isRepeat) return { ok: false, rejection: 'idempotency_key_reused' };
      return answerOf(transactionId, true);
    }
    const gateway = gatewayNumbered((await deps.gateways.load(registryOf(request))).state, gatewayNumber);
    if (gateway === undefined) return { ok: false, rejection: 'gateway_not_found' };
    if (!gateway.enabled) return { ok: false, rejection: 'gateway_disabled' };
    if (!gateway.currencies.includes(currency)) return { ok: false, rejection: 'currency_not_supported' };

    const outcome = await payments.handle(
      paymentStream(transactionId),
      {
        type: 'CreatePayment',
        transactionId,
        number: await deps.nextNumber(),
        tenantId,
        mode,
        gatewayId: gateway.gatewayId,
        gatewayNumber,
        provider: gateway.provider,
        userNumber: request.userNumber,
        asset: currency,
        amount,
        contentHash,
        oldDigests,
        encryptedDetails: await sealDetails(personalData, transactionId, { description, metadata }),
        createdAt: at.toISOString(),
      },
      // Concurrent repeats are commands of their own: the store lets one create the stream, the others find it.
      { commandId: uuidv7(at), ...currentCorrelation(transactionId) },
    );
    if (!outcome.ok) return { ok: false, rejection: 'idempotency_key_reused' };
    return answerOf(transactionId, outcome.events.length === 0);
  };
}

/** People's words are in it, so it is keyed. Payments of before digests had keys are known by a plain one. */
function hashesOf(keys: Keyring, { gatewayNumber, currency, amount, description, metadata }: Request) {
  const content = [gatewayNumber, currency, amount.toString(), description, Object.entries(metadata).sort()];
  const { current, old } = keyedDigests(keys, 'payment', content);
  return { contentHash: current, oldDigests: [...old, sha256Hex(JSON.stringify(content))] };
}

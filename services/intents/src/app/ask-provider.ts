/**
 * Brings a payment up to what its provider says. The request that made the payment, the provider's webhooks and the
 * worker all come here: the state is always read from the provider, so their order and number do not matter.
 */
import { assert, isOperationalError, OperationalError } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import { uuidv7, type Clock, type Logger, type Sealer } from '@daybook/runtime';
import { gatewayNumbered, type Gateway } from '../domain/payment-gateways';
import { isReference, isSame, type Payment, type PaymentCommand, type PaymentState } from '../domain/provider-payment';
import { truncated } from '../domain/truncated-text';
import type { GatewayStore, PaymentOrder, PaymentProvider, PaymentStore } from '../ports';
import type { ProviderSettings } from '@daybook/contracts';
import { registryOf, settingsOf } from './gateways';
import { openDetails, sealSession } from './payment-view';

export type AskDeps = {
  readonly payments: PaymentStore;
  readonly gateways: GatewayStore;
  readonly personalData: PersonalData;
  readonly sealer: Sealer;
  readonly providerOf: (settings: ProviderSettings) => PaymentProvider;
  readonly now: Clock;
  readonly logger: Logger;
};

export const paymentStream = (transactionId: string) => `payment-${transactionId}`;

/** `again` is false only for whoever has just created the payment. Throws OperationalError when nothing was learned. */
export type AskProvider = (transactionId: string, again: boolean) => Promise<PaymentState>;

export function askProvider(deps: AskDeps): AskProvider {
  const { payments, personalData, now } = deps;

  async function record(transactionId: string, command: PaymentCommand): Promise<PaymentState> {
    const commandId = uuidv7(now());
    const context = { commandId, correlationId: transactionId, causationId: commandId };
    const outcome = await payments.handle(paymentStream(transactionId), command, context);
    if (!outcome.ok && outcome.rejection === 'reference_differs' && command.type === 'RecordOpened') {
      // A provider without idempotency keys, asked twice at once: the first that was recorded is what the payer sees.
      const { state } = await payments.load(paymentStream(transactionId));
      const orphan = command.reference;
      deps.logger.warn(
        { transactionId, orphan },
        'the provider has a second payment for this one; nobody was shown it',
      );
      return state;
    }
    if (!outcome.ok) throw new Error(`${command.type} for payment ${transactionId}: ${outcome.rejection}`);
    return outcome.state;
  }

  /** What went back of money that was taken. */
  async function askReturned(state: Payment, provider: PaymentProvider, order: PaymentOrder): Promise<PaymentState> {
    const { transactionId, reference, returns: asked } = state;
    assert(reference !== null, 'the provider that took money has told its reference');
    const returned = await provider.returned(reference, order).catch((error: unknown) => {
      if (!isOperationalError(error) || error.retryable) throw error;
      deps.logger.warn({ error, transactionId }, 'the provider does not say what went back of a payment');
      return undefined;
    });
    if (returned === undefined) return state;
    const at = now().toISOString();
    const recorded = await record(transactionId, { type: 'RecordReturned', returned, asked, at });
    // Others have recorded something since the provider was asked, and which answer is the newer nobody knows.
    const isOvertaken = recorded.stage !== 'none' && !isSame(returned, recorded.returned);
    return isOvertaken ? ask(transactionId, true) : recorded;
  }

  async function ask(transactionId: string, again: boolean): Promise<PaymentState> {
    const { state } = await payments.load(paymentStream(transactionId));
    if (state.stage === 'none') return state;
    const provider = deps.providerOf(settingsOf(await gatewayOf(deps, state), deps.sealer));
    const { description } = await openDetails(personalData, state);
    const { asset: currency, amount, amountReceived, declines } = state;
    const order: PaymentOrder = { transactionId, currency, amount, amountReceived, description, declines };
    if (state.amountReceived !== null) return askReturned(state, provider, order);
    if (state.reference !== null) {
      const said = await provider.observe(state.reference, order);
      const observation = 'reason' in said ? { ...said, reason: plainText(said.reason) } : said;
      if (observation.status === 'declined') {
        const { attempt, reason } = observation;
        deps.logger.warn({ transactionId, attempt, reason }, 'the provider did not take the money of a payment');
      }
      const at = now().toISOString();
      return record(transactionId, { type: 'RecordObserved', observation, asked: state.stage, at });
    }
    if (state.stage === 'failed') return state;
    const answer = await provider.open(order, again);
    const at = now().toISOString();
    if (answer.opened) {
      const { reference } = answer;
      // It is a key of ours from then on.
      if (!isReference(reference))
        throw new OperationalError('upstream_unavailable', false, { detail: 'the provider told no usable reference' });
      const session = sealSession(deps.sealer, transactionId, answer.session);
      return record(transactionId, { type: 'RecordOpened', reference, session, at });
    }
    // Another caller may have opened it in the meantime: then it is open, whatever was answered here.
    return record(transactionId, { type: 'RecordRefused', reason: plainText(answer.reason), at });
  }
  return ask;
}

/** Words of a provider are shown and stored in tables, which do not hold everything that JSON does. */
function plainText(said: string): string {
  return truncated(said.replaceAll(/[\p{Cc}\p{Surrogate}]+/gu, ' '), 500);
}

async function gatewayOf({ gateways }: AskDeps, payment: Payment): Promise<Gateway> {
  const gateway = gatewayNumbered((await gateways.load(registryOf(payment))).state, payment.gatewayNumber);
  assert(gateway?.gatewayId === payment.gatewayId, 'the gateway of a payment is there');
  return gateway;
}

/**
 * What providers tell. A notice is believed only about whom it concerns: the payment's state is then read from the
 * provider, so notices may come late, in any order and many times. A forged one is refused and logged; one about
 * nothing that is known here is set aside with its id.
 */
import type { CallOutcome, CallRequest, receiveProviderWebhook } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { inTime, type Clock, type Logger, type Wait } from '@daybook/runtime';
import type { PaymentProvider, ProviderNotice } from '../ports';
import { isReference } from '../domain/provider-payment';
import type { AskProvider } from './ask-provider';

/** After a notice, what went back is asked for once more. */
const lookAgainMs = 3_600_000;

export type WebhookInbox = {
  /** Answers what had become of it when it came before. */
  receive(gatewayId: string, notice: ProviderNotice): Promise<'received' | 'applied' | 'quarantined'>;
  close(gatewayId: string, eventId: string, outcome: 'applied' | 'quarantined'): Promise<void>;
};

export function receiveWebhook(deps: {
  /** One for each secret that may have signed, the present one first; none when there is no such gateway. */
  readonly noticeReadersOf: (gatewayId: string) => Promise<ReadonlySet<Pick<PaymentProvider, 'readNotice'>>>;
  readonly inbox: WebhookInbox;
  readonly paymentsOf: (gatewayId: string, reference: string) => Promise<readonly string[]>;
  readonly ask: AskProvider;
  readonly lookAtReturnsBy: (transactionId: string, by: Date) => Promise<void>;
  readonly now: Clock;
  readonly logger: Logger;
  readonly wait?: Wait;
}) {
  return async ({
    gatewayId,
    headers,
    body,
  }: CallRequest<typeof receiveProviderWebhook>): Promise<CallOutcome<typeof receiveProviderWebhook>> => {
    const readers = await deps.noticeReadersOf(gatewayId);
    if (readers.size === 0) return { ok: false, rejection: 'gateway_not_found' };
    let notice: ProviderNotice | null = null;
    for (const reader of readers) notice ??= await reader.readNotice(headers, body);
    if (notice === null) {
      deps.logger.warn({ gatewayId }, 'a webhook with a wrong signature was refused');
      return { ok: false, rejection: 'signature_invalid' };
    }
    const { eventId, reference } = notice;
    if (!isReference(eventId) || (reference !== null && !isReference(reference))) {
      deps.logger.warn({ gatewayId }, 'a webhook whose ids are none was set aside');
      return { ok: true, value: {} };
    }
    if ((await deps.inbox.receive(gatewayId, notice)) === 'applied') return { ok: true, value: {} };
    const transactionIds = reference === null ? [] : await deps.paymentsOf(gatewayId, reference);
    if (transactionIds.length === 0) {
      deps.logger.warn({ gatewayId, eventId, reference }, 'a webhook about no payment of ours was set aside');
      await deps.inbox.close(gatewayId, eventId, 'quarantined');
      return { ok: true, value: {} };
    }
    const applied = async () => {
      for (const transactionId of transactionIds) {
        await deps.ask(transactionId, true);
        // Providers tell of things that they do not answer yet when they are asked.
        await deps.lookAtReturnsBy(transactionId, new Date(deps.now().getTime() + lookAgainMs));
      }
      await deps.inbox.close(gatewayId, eventId, 'applied');
      return true;
    };
    // Whoever tells us does not wait for long, and tells it again; what was learned by then is found.
    if ((await inTime(applied(), deps.wait)) === undefined)
      throw new OperationalError('upstream_timeout', true, { detail: 'the provider takes too long' });
    return { ok: true, value: {} };
  };
}

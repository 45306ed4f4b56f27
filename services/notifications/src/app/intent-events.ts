/**
 * Which webhooks a change of an intent is worth. `intent.<status>` is told when the intent comes to the status: a receiver
 * may act on it, so what is deposited for a settled intent is no second `intent.settled`. Any other change of what the body
 * shows is `intent.updated`.
 */
import type { WebhookEvent } from '../domain/endpoint';
import type { IntentFact } from './payloads';

/** What was last told of an intent, as texts that only this file reads. */
export type Told = { readonly exceptions: readonly string[]; readonly shown: string };

/** The part of the payload that a receiver could act on. The status comes first and has no space in it. */
export function toldOf(intent: IntentFact): Told {
  const { status, amountReceived, amountRefundable, exceptions, transactionHash, verifiedAt } = intent;
  const shown = [status, amountReceived, amountRefundable, exceptions.join(), transactionHash, verifiedAt].join(' ');
  return { exceptions, shown };
}

export function eventsOf(intent: IntentFact, before: Told | undefined): readonly WebhookEvent[] {
  // An intent also changes in ways that its payload does not show, such as a deposit that was confirming and is final but
  // not in the journal yet.
  if (before?.shown === toldOf(intent).shown) return [];
  const { status, exceptions } = intent;
  const events: WebhookEvent[] = [];
  if (before === undefined) {
    // Who created it has been answered; there is nothing to take back.
    if (status !== 'pending') events.push(`intent.${status}`);
  } else {
    events.push(statusOf(before) === status ? 'intent.updated' : `intent.${status}`);
  }
  if (exceptions.some((each) => !before?.exceptions.includes(each))) events.push('intent.exception');
  return events;
}

const statusOf = ({ shown }: Told) => shown.split(' ', 1)[0];

/**
 * Delivery: one fact on its way to one endpoint.
 *
 *   none ──schedule──▶ pending ──attempt succeeded──▶ delivered
 *                       │ ▲ └──last attempt failed,──▶ exhausted
 *        attempt failed └─┘     410, or abandoned
 *                         ▲                              │
 *                         └──────redeliver───────────────┘  (also from delivered)
 *
 * Invariants (each has a property test of the same name):
 *   D1  Payload, webhook id and endpoint are fixed when scheduled.
 *   D2  Attempts are numbered from 1 without gaps; a round has at most ten, and each round ends in one outcome.
 *   D3  A delivery is pending with a time of its next attempt, delivered, or exhausted.
 *   D4  Repeating a command at once is accepted again and records nothing.
 */
import type { Mode } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { WebhookEvent } from './endpoint';
import { nextAttemptAt } from './retry-schedule';

export type DeliveryFields = {
  readonly deliveryId: string;
  /** Identifies what is told, a fact as one side sees it: the same over attempts and endpoints. */
  readonly webhookId: string;
  readonly endpointId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly event: WebhookEvent;
  /** The resource that the fact is about: an intent's, a transfer's or a transaction's id. */
  readonly subject: string;
  /** The exact text that is signed and sent. */
  readonly payload: string;
  /** Of the request that caused the fact. */
  readonly correlationId: string;
};

export type AttemptOutcome =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly status: number | null; readonly error: string };

export type DeliveryCommand =
  | (DeliveryFields & { readonly type: 'ScheduleDelivery'; readonly at: string })
  | {
      readonly type: 'RecordAttempt';
      readonly attempt: number;
      readonly outcome: AttemptOutcome;
      readonly at: string;
      /** In [0, 1): places the next attempt within its jitter. */
      readonly random: number;
    }
  | {
      readonly type: 'AbandonDelivery';
      readonly reason: 'endpoint_disabled' | 'endpoint_removed';
      readonly at: string;
    }
  | { readonly type: 'Redeliver'; readonly at: string };

export type ExhaustedReason = 'attempts_used' | 'endpoint_gone' | 'endpoint_disabled' | 'endpoint_removed';

export type DeliveryEvent =
  | (DeliveryFields & { readonly type: 'DeliveryScheduled'; readonly at: string })
  | {
      readonly type: 'DeliveryAttemptFailed';
      readonly deliveryId: string;
      readonly attempt: number;
      readonly status: number | null;
      readonly error: string;
      readonly at: string;
      /** Null when there is none: `DeliveryExhausted` follows. */
      readonly nextAttemptAt: string | null;
    }
  | {
      readonly type: 'DeliverySucceeded';
      readonly deliveryId: string;
      readonly attempt: number;
      readonly status: number;
      readonly at: string;
    }
  | {
      readonly type: 'DeliveryExhausted';
      readonly deliveryId: string;
      readonly reason: ExhaustedReason;
      readonly at: string;
    }
  | { readonly type: 'DeliveryRequeued'; readonly deliveryId: string; readonly at: string };

export type DeliveryRejection = 'delivery_not_found';

export type DeliveryState =
  | { readonly status: 'none' }
  | (DeliveryFields & {
      readonly status: 'pending' | 'delivered' | 'exhausted';
      /** Over all rounds. */
      readonly attempts: number;
      /** Of the current round. */
      readonly roundAttempts: number;
      readonly nextAttemptAt: string | null;
    });

type Existing = Exclude<DeliveryState, { status: 'none' }>;

const goneStatus = 410;

export const delivery: Decider<DeliveryState, DeliveryCommand, DeliveryEvent, DeliveryRejection> = {
  initial: { status: 'none' },
  decide,
  evolve,
};

function decide(command: DeliveryCommand, state: DeliveryState): Decision<DeliveryEvent, DeliveryRejection> {
  if (command.type === 'ScheduleDelivery') {
    // The id derives from the fact and the endpoint, so one that is there is this one.
    return state.status === 'none' ? accept({ ...command, type: 'DeliveryScheduled' }) : accept();
  }
  if (state.status === 'none') return reject('delivery_not_found');
  const { deliveryId } = state;
  const { at } = command;
  switch (command.type) {
    case 'RecordAttempt':
      // An attempt that another worker has recorded, or that ended after the round did, is not news.
      if (state.status !== 'pending' || command.attempt !== state.attempts + 1) return accept();
      return accept(...recordAttempt(command, state));
    case 'AbandonDelivery':
      if (state.status !== 'pending') return accept();
      return accept({ type: 'DeliveryExhausted', deliveryId, reason: command.reason, at });
    case 'Redeliver':
      // Nothing to do for a whole round that is due. Of one that has begun an attempt may be under way, and if that fails
      // the next one would wait as that round does, or never come.
      if (state.roundAttempts === 0 && state.nextAttemptAt !== null && state.nextAttemptAt <= at) return accept();
      return accept({ type: 'DeliveryRequeued', deliveryId, at });
    default:
      return assertNever(command);
  }
}

function recordAttempt(
  { attempt, outcome, at, random }: Extract<DeliveryCommand, { type: 'RecordAttempt' }>,
  { deliveryId, roundAttempts }: Existing,
): DeliveryEvent[] {
  if (outcome.ok) return [{ type: 'DeliverySucceeded', deliveryId, attempt, status: outcome.status, at }];
  const { status, error } = outcome;
  const next = status === goneStatus ? undefined : nextAttemptAt(roundAttempts + 1, at, random);
  const failed: DeliveryEvent = {
    type: 'DeliveryAttemptFailed',
    deliveryId,
    attempt,
    status,
    error,
    at,
    nextAttemptAt: next ?? null,
  };
  if (next !== undefined) return [failed];
  const reason = status === goneStatus ? 'endpoint_gone' : 'attempts_used';
  return [failed, { type: 'DeliveryExhausted', deliveryId, reason, at }];
}

function evolve(state: DeliveryState, event: DeliveryEvent): DeliveryState {
  if (event.type === 'DeliveryScheduled') {
    assert(state.status === 'none', 'a delivery is scheduled twice');
    const { type: _, at, ...fields } = event;
    return { ...fields, status: 'pending', attempts: 0, roundAttempts: 0, nextAttemptAt: at };
  }
  assert(state.status !== 'none', `${event.type} before the delivery was scheduled`);
  if (event.type === 'DeliveryRequeued') {
    return { ...state, status: 'pending', roundAttempts: 0, nextAttemptAt: event.at };
  }
  assert(state.status === 'pending', `${event.type} on a delivery that is ${state.status}`);
  switch (event.type) {
    case 'DeliveryAttemptFailed':
      return { ...attempted(state, event.attempt), nextAttemptAt: event.nextAttemptAt };
    case 'DeliverySucceeded':
      return { ...attempted(state, event.attempt), status: 'delivered', nextAttemptAt: null };
    case 'DeliveryExhausted':
      return { ...state, status: 'exhausted', nextAttemptAt: null };
    default:
      return assertNever(event);
  }
}

function attempted(state: Existing, attempt: number): Existing {
  assert(attempt === state.attempts + 1, `attempt ${attempt} follows attempt ${state.attempts}`);
  return { ...state, attempts: attempt, roundAttempts: state.roundAttempts + 1 };
}

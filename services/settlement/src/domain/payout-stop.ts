/**
 * Payout stop: whether payouts of a mode leave. There may be several reasons why they do not, by different people or by this
 * service itself. They are numbered for ever, and who lifts them names the newest that was seen, so that none is lifted unseen.
 *
 * Invariants (each has a property test of the same name):
 *   H1  Payouts are stopped from the first stop until all that there are were seen and lifted.
 *   H2  Repeating an accepted command at once is accepted again and records nothing.
 *   H3  A reason stands once, with who gave it first.
 *   H4  A finding stops payouts once for ever: when it was lifted, the same one is known to be seen.
 */
import { accept, assert, assertNever, reject, type Decider } from '@daybook/core';

export type PayoutStop = {
  readonly number: number;
  readonly reason: string;
  readonly actor: string;
  /** What this service found by itself, and finds again until somebody has put it right. */
  readonly isFinding: boolean;
  readonly at: string;
};

export type PayoutStopCommand =
  | ({ readonly type: 'StopPayouts' } & Omit<PayoutStop, 'number'>)
  | { readonly type: 'ResumePayouts'; readonly seen: number; readonly actor: string; readonly at: string };

export type PayoutStopEvent =
  | ({ readonly type: 'PayoutsStopped' } & PayoutStop)
  | { readonly type: 'PayoutsResumed'; readonly actor: string; readonly at: string };

/** Payouts leave when there is no stop. */
export type PayoutStops = {
  /** The number of the newest that there ever was. */
  readonly last: number;
  readonly stops: readonly PayoutStop[];
  /** Findings that were lifted. */
  readonly lifted: readonly string[];
  readonly resumedAt: string | null;
};

export const payoutStop: Decider<PayoutStops, PayoutStopCommand, PayoutStopEvent, 'stopped_again'> = {
  initial: { last: 0, stops: [], lifted: [], resumedAt: null },
  decide(command, { last, stops, lifted }) {
    switch (command.type) {
      case 'StopPayouts': {
        const { reason, actor, isFinding, at } = command;
        const isKnown = stops.some((stop) => stop.reason === reason) || (isFinding && lifted.includes(reason));
        return isKnown ? accept() : accept({ type: 'PayoutsStopped', number: last + 1, reason, actor, isFinding, at });
      }
      case 'ResumePayouts': {
        if (stops.length === 0) return accept();
        if (command.seen !== last) return reject('stopped_again');
        return accept({ type: 'PayoutsResumed', actor: command.actor, at: command.at });
      }
      default:
        return assertNever(command);
    }
  },
  evolve(state, event) {
    const { last, stops, lifted } = state;
    switch (event.type) {
      case 'PayoutsStopped': {
        const { type: _, ...stop } = event;
        assert(stop.number === last + 1, 'a stop is recorded out of order');
        return { ...state, last: stop.number, stops: [...stops, stop] };
      }
      case 'PayoutsResumed': {
        const findings = stops.filter(({ isFinding }) => isFinding).map(({ reason }) => reason);
        return { last, stops: [], lifted: [...new Set([...lifted, ...findings])], resumedAt: event.at };
      }
      default:
        return assertNever(event);
    }
  },
};

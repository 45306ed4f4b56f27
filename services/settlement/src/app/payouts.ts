/**
 * Stopping payouts. What was not signed, and what no institution was told of, waits; its money stays held. What has left is
 * followed to its end.
 */
import {
  mode as modes,
  type CallOutcome,
  type CallRequest,
  type getPayouts,
  type Mode,
  type resumePayouts,
  type stopPayouts,
} from '@daybook/contracts';
import { currentCorrelation, uuidv7, type Clock, type Logger } from '@daybook/runtime';
import type { PayoutStopCommand, PayoutStops } from '../domain/payout-stop';
import type { PayoutStopStore } from '../ports';

export type PayoutsWaiting = { readonly sends: number; readonly transfers: number };

/** Asked before anything leaves. */
export type ArePayoutsStopped = (mode: Mode) => Promise<boolean>;

export type PayoutDeps = {
  readonly stops: PayoutStopStore;
  readonly waiting: (mode: Mode) => Promise<PayoutsWaiting>;
  /** What has waited is looked at now, and not when its pause is over. */
  readonly wake: () => Promise<void>;
  readonly now: Clock;
  readonly logger: Logger;
};

const payoutsStream = (mode: Mode) => `payouts-${mode}`;

export const arePayoutsStopped =
  (stops: PayoutStopStore): ArePayoutsStopped =>
  async (mode) =>
    (await stops.load(payoutsStream(mode))).state.stops.length > 0;

/**
 * What this service finds by itself stops payouts of both modes. Answers whether they are stopped by it: not any more, when
 * somebody has seen it and let them go on.
 */
export type StopByFinding = (reason: string) => Promise<boolean>;

export function stopByFinding({ stops, now, logger }: Pick<PayoutDeps, 'stops' | 'now' | 'logger'>): StopByFinding {
  return async (reason) => {
    const at = now().toISOString();
    const command = { type: 'StopPayouts', reason, actor: 'settlement', isFinding: true, at } as const;
    const stopped = await Promise.all(
      modes.options.map(async (each) => {
        const stream = payoutsStream(each);
        const context = { commandId: uuidv7(now()), correlationId: stream, causationId: stream };
        const outcome = await stops.handle(stream, command, context);
        if (outcome.ok && outcome.events.length > 0) logger.error({ mode: each, reason }, 'payouts are stopped');
        return outcome.state.stops.some((stop) => stop.reason === reason);
      }),
    );
    return stopped.includes(true);
  };
}

export const payoutsResumedAt = (stops: PayoutStopStore) => async (mode: Mode) =>
  (await stops.load(payoutsStream(mode))).state.resumedAt;

export function payoutCalls({ stops, waiting, wake, now, logger }: PayoutDeps) {
  const ask = (mode: Mode, command: PayoutStopCommand) =>
    stops.handle(payoutsStream(mode), command, {
      commandId: uuidv7(now()),
      ...currentCorrelation(payoutsStream(mode)),
    });

  const shown = async (mode: Mode, state: PayoutStops) => {
    const shownStops = state.stops.map(({ number, reason, actor, at }) => ({ number, reason, actor, at }));
    const value = { stops: shownStops, waiting: await waiting(mode) };
    return { ok: true, value } as const;
  };

  return {
    async getPayouts({ mode }: CallRequest<typeof getPayouts>): Promise<CallOutcome<typeof getPayouts>> {
      return shown(mode, (await stops.load(payoutsStream(mode))).state);
    },

    async stopPayouts({
      mode,
      reason,
      actor,
    }: CallRequest<typeof stopPayouts>): Promise<CallOutcome<typeof stopPayouts>> {
      const outcome = await ask(mode, {
        type: 'StopPayouts',
        reason,
        actor,
        isFinding: false,
        at: now().toISOString(),
      });
      if (outcome.ok && outcome.events.length > 0) logger.warn({ mode, reason, actor }, 'payouts are stopped');
      return shown(mode, outcome.state);
    },

    async resumePayouts({
      mode,
      seen,
      actor,
    }: CallRequest<typeof resumePayouts>): Promise<CallOutcome<typeof resumePayouts>> {
      const outcome = await ask(mode, { type: 'ResumePayouts', seen, actor, at: now().toISOString() });
      if (!outcome.ok) return { ok: false, rejection: outcome.rejection };
      if (outcome.events.length > 0) logger.warn({ mode, actor }, 'payouts go on');
      // Also on a repeat: whoever recorded it may have ended before it came to this.
      await wake();
      return shown(mode, outcome.state);
    },
  };
}

/** The stored form of stops of payouts: private to this service. */
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { PayoutStopEvent } from '../domain/payout-stop';

const common = z.object({ actor: z.string(), at: z.string() });

export const payoutStopDefinitions = {
  PayoutsStopped: {
    version: 1,
    data: common.extend({ number: z.number().int().positive(), reason: z.string(), isFinding: z.boolean() }),
  },
  PayoutsResumed: { version: 1, data: common },
} as const;

export const payoutStopEvents: EventCodec<PayoutStopEvent> = defineStoredEvents(payoutStopDefinitions);

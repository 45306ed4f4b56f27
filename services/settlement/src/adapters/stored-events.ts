/** The stored form of a settlement's events: private to this service. What others see is mapped from them by the relay. */
import { asset, minorUnits, mode } from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { SettlementEvent } from '../domain/settlement';

const terms = z.object({
  settlementId: z.string(),
  intentId: z.string(),
  tenantId: z.string(),
  mode,
  asset,
  amount: minorUnits,
});
const at = z.string();
const ledgerReference = z.string();

export const settlementEvents: EventCodec<SettlementEvent> = defineStoredEvents({
  SettlementStarted: { version: 1, data: z.object({ terms, at }) },
  SettlementInstructed: { version: 1, data: z.object({ terms, at }) },
  SettlementPosted: { version: 1, data: z.object({ settlementId: z.string(), ledgerReference, at }) },
  SettlementCompleted: { version: 1, data: z.object({ terms, ledgerReference, at }) },
});

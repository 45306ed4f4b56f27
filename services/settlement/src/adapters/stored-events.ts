/** The stored form of a settlement's events: private to this service. What others see is mapped from them by the relay. */
import { asset, minorUnits, mode } from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { StatementEvent } from '../domain/bank-statement';
import type { TransferEvent } from '../domain/bank-transfer';
import type { InstitutionEvent } from '../domain/institutions';
import type { PayoutStopEvent } from '../domain/payout-stop';
import type { SettlementEvent } from '../domain/settlement';
import type { SendEvent } from '../domain/chain-send';
import type { FundingEvent } from '../domain/wallet-funding';
import type { RegistryEvent } from '../domain/wallet-registry';
import type { WalletEvent } from '../domain/wallet';
import { payoutStopDefinitions } from './stored-payout-stops';
import { sendingDefinitions } from './stored-sends';
import { bankDefinitions } from './stored-transfers';

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

const settlementDefinitions = {
  SettlementStarted: { version: 1, data: z.object({ terms, at }) },
  SettlementInstructed: { version: 1, data: z.object({ terms, at }) },
  SettlementPosted: { version: 1, data: z.object({ settlementId: z.string(), ledgerReference, at }) },
  SettlementCompleted: { version: 1, data: z.object({ terms, ledgerReference, at }) },
} as const;

export const settlementEvents: EventCodec<SettlementEvent> = defineStoredEvents(settlementDefinitions);

export type ServiceEvent =
  | SettlementEvent
  | InstitutionEvent
  | TransferEvent
  | StatementEvent
  | SendEvent
  | WalletEvent
  | RegistryEvent
  | FundingEvent
  | PayoutStopEvent;

/** All of them, for readers of the whole log. */
export const storedEvents: EventCodec<ServiceEvent> = defineStoredEvents({
  ...settlementDefinitions,
  ...bankDefinitions,
  ...sendingDefinitions,
  ...payoutStopDefinitions,
});

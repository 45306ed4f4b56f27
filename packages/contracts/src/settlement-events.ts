import { z } from 'zod';
import { defineEvent } from './event-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from './fields';
import { ledgerReference } from './ledger-events';

const topic = 'settlement.settlements';
const key = (data: { settlementId: string }) => data.settlementId;
const common = z.object({
  settlementId: z.uuid(),
  intentId: z.uuid(),
  tenantId,
  mode,
  asset,
  amount: minorUnits,
  at: timestamp,
});

export const settlementInstructed = defineEvent({
  type: 'SettlementInstructed',
  version: 1,
  topic,
  summary: "The ledger is to move a paid intent's amount from clearing to the merchant's balance.",
  key,
  data: common,
});

export const settlementCompleted = defineEvent({
  type: 'SettlementCompleted',
  version: 1,
  topic,
  summary: "The amount is in the merchant's balance; `ledgerReference` is the journal event that moved it.",
  key,
  data: common.extend({ ledgerReference }),
});

import { z } from 'zod';
import { defineEvent } from './event-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'chain-watcher.deposits';

/** Identity of a deposit is (chain, transaction id, index inside it); `depositId` is derived from these three. */
const deposit = z.object({
  depositId: z.uuid(),
  chain: z.string(),
  transactionId: z.string(),
  index: z.number().int().nonnegative(),
  asset,
  amount: minorUnits,
  address: z.string(),
  /** What the address was allocated for: an intent's id. */
  reference: z.string(),
  tenantId,
  mode,
  blockNumber: z.number().int().nonnegative(),
  blockHash: z.string(),
  /** When the watcher recorded this event. */
  at: timestamp,
});
const key = (data: z.output<typeof deposit>) => data.reference;

export const depositSeen = defineEvent({
  type: 'DepositSeen',
  version: 1,
  topic,
  summary: 'A transfer to a watched address is in a block that is not final. Shown, never spendable.',
  key,
  data: deposit,
});

export const depositConfirmed = defineEvent({
  type: 'DepositConfirmed',
  version: 1,
  topic,
  summary: "The deposit's block is final by the asset's confirmation rule.",
  key,
  data: deposit,
});

export const depositReverted = defineEvent({
  type: 'DepositReverted',
  version: 1,
  topic,
  summary:
    'The block of an unconfirmed deposit left the chain, or is told otherwise. The deposit may be seen again, in any block.',
  key,
  data: deposit,
});

export const sweepConfirmed = defineEvent({
  type: 'SweepConfirmed',
  version: 1,
  topic,
  summary:
    "A transfer from a deposit address to a watched address is final. It is no deposit: whoever made it holds the operator's key.",
  key: ({ reference }) => reference,
  data: deposit.extend({
    /** The deposit address that spent it; where several did, one of them. */
    sweptFrom: z.string(),
  }),
});

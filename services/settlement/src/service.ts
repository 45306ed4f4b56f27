import { join } from 'node:path';
import { commandHandler } from '@daybook/event-store';
import type { Service } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides } from '@daybook/service';
import { publishedEvents } from './adapters/published-events';
import { settlementGauges } from './adapters/settlement-gauges';
import { settlementEvents } from './adapters/stored-events';
import { advanceSettlement } from './app/advance-settlement';
import type { Config } from './config';
import { intentsSubscription } from './consumers/intents';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlement } from './domain/settlement';
import { openSettlements, settlementsProjection } from './projections/settlements';

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<PlatformOverrides> = {}): Service {
  const platform = openPlatform(config, { name: 'settlement', migrations }, overrides);
  const { pool, store, now, metrics, logger } = platform;
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, store), logger);
  settlementGauges({
    metrics,
    now,
    deadlineMs: config.SETTLEMENT_DEADLINE_MS,
    openSettlements: (deadline) => openSettlements(pool, deadline),
  });

  return platform.service({
    components: [
      platform.projections({ codec: settlementEvents, name: 'settlements_v1', projections: [settlementsProjection] }),
      platform.consumer(intentsSubscription(advance)),
      platform.consumer(ledgerTransactionsSubscription(advance)),
      platform.relay({ name: 'settlement', map: publishedEvents }),
    ],
  });
}

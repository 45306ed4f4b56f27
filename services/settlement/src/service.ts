import { join } from 'node:path';
import { operateBook } from '@daybook/contracts';
import { commandHandler, createPersonalData, type Projections } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { createSealer, dueWorker, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { banksOf } from './adapters/banks';
import { decideSandboxTransfer } from './adapters/banks/sandbox-bank';
import { readStatements } from './adapters/banks/statements';
import { openTransfersGauges } from './adapters/open-transfers-gauges';
import { publishedEvents } from './adapters/published-events';
import { settlementGauges } from './adapters/settlement-gauges';
import { settlementEvents, storedEvents, type ServiceEvent } from './adapters/stored-events';
import { institutionEvents, statementEvents, transferEvents } from './adapters/stored-transfers';
import { skipUsedNumbers, transactionNumbers } from './adapters/transaction-numbers';
import { advanceSettlement } from './app/advance-settlement';
import { bankTransfersApp } from './app/bank-transfers';
import { bookTransfer } from './app/book-transfer';
import type { TransferStore } from './bank-ports';
import type { Config } from './config';
import { intentsSubscription } from './consumers/intents';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { bankStatement } from './domain/bank-statement';
import { bankTransfer } from './domain/bank-transfer';
import { institutionRegistry } from './domain/institutions';
import { settlement } from './domain/settlement';
import { transferCalls } from './http/transfer-calls';
import { bankTransfersProjection, openTransfers, transferChecks } from './projections/bank-transfers';
import { openSettlements, settlementsProjection } from './projections/settlements';
import { findStatementLines, statementLinesProjection } from './projections/statement-lines';

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<PlatformOverrides> = {}): Service {
  const platform = openPlatform(config, { name: 'settlement', migrations }, overrides);
  const { pool, store, now, metrics, logger, onFatal } = platform;
  const ledger = callClient({ baseUrl: config.LEDGER_URL, token: config.INTERNAL_TOKEN });
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, store), logger);
  const transfers = commandHandler(bankTransfer, transferEvents, store);
  const projections = platform.projections<ServiceEvent>({
    codec: storedEvents,
    name: 'settlements_v1',
    projections: [settlementsProjection, bankTransfersProjection, statementLinesProjection],
  });
  const bankTransfers = bankTransfersOf(config, platform, { transfers, projections, ledger });
  settlementGauges({
    metrics,
    now,
    deadlineMs: config.SETTLEMENT_DEADLINE_MS,
    openSettlements: (deadline) => openSettlements(pool, deadline),
  });
  openTransfersGauges({ metrics, now, openTransfers: () => openTransfers(pool) });
  const calls = transferCalls(config.INTERNAL_TOKEN, bankTransfers);

  return platform.service({
    components: [
      projections,
      skipUsedNumbers(pool, () => projections.caughtUp()),
      ledger,
      platform.consumer(intentsSubscription(advance)),
      platform.consumer(ledgerTransactionsSubscription(advance, bookTransfer(transfers))),
      dueWorker({ name: 'transfers through institutions', pass: bankTransfers.checkTransfers, now, logger, onFatal }),
      platform.relay({ name: 'settlement', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls),
  });
}

function bankTransfersOf(
  config: Config,
  { pool, store, now, logger }: Platform,
  {
    transfers,
    projections,
    ledger,
  }: { readonly transfers: TransferStore; readonly projections: Projections; readonly ledger: CallClient },
) {
  return bankTransfersApp({
    transfers,
    institutions: commandHandler(institutionRegistry, institutionEvents, store),
    statements: commandHandler(bankStatement, statementEvents, store),
    personalData: createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    sealer: createSealer(config.SECRETS_KEY),
    secretsKey: config.SECRETS_KEY,
    hasOutbox: config.BANK_OUTBOX_DIR !== undefined,
    operateBook: (request) => ledger(operateBook, request),
    bankOf: banksOf(pool, now, config.BANK_OUTBOX_DIR),
    decideSandboxTransfer: (transferId, outcome) => decideSandboxTransfer(pool, now, transferId, outcome),
    readStatements,
    findLines: async (institutionId, page) => {
      await projections.caughtUp();
      return findStatementLines(pool, institutionId, page);
    },
    nextNumber: transactionNumbers(pool),
    checks: transferChecks(pool),
    now,
    logger,
  });
}

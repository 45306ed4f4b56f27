import { join } from 'node:path';
import { operateBook, watchAddress } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { commandHandler, createPersonalData, type Projections } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { callTokens, createSealer, dueWorkers, secretsKeysOf, type Component, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { signerClient, type Signer } from '@daybook/signer';
import { banksOf } from './adapters/banks';
import { decideSandboxTransfer } from './adapters/banks/sandbox-bank';
import { readStatements } from './adapters/banks/statements';
import { openTransfersGauges } from './adapters/open-transfers-gauges';
import { payoutGauge } from './adapters/payout-gauge';
import { publishedEvents } from './adapters/published-events';
import { comparedPlace } from './adapters/compared-place';
import { configuredSenders } from './adapters/senders';
import { sendGauges } from './adapters/send-gauges';
import { sendLedger } from './adapters/send-ledger';
import { settlementGauges } from './adapters/settlement-gauges';
import { settlementEvents, storedEvents, type ServiceEvent } from './adapters/stored-events';
import { fundingEvents, registryEvents, sendEvents, walletEvents } from './adapters/stored-sends';
import { payoutStopEvents } from './adapters/stored-payout-stops';
import { institutionEvents, statementEvents, transferEvents } from './adapters/stored-transfers';
import { skipUsedNumbers, transactionNumbers } from './adapters/transaction-numbers';
import { advanceSettlement } from './app/advance-settlement';
import { bankTransfersApp } from './app/bank-transfers';
import { bookSend } from './app/book-send';
import { bookTransfer } from './app/book-transfer';
import { arePayoutsStopped, payoutCalls, payoutsResumedAt, stopByFinding } from './app/payouts';
import { watchReferenceOf } from './app/send-streams';
import { sendsApp } from './app/sends';
import type { TransferStore } from './ports';
import type { Config } from './config';
import { depositsSubscription } from './consumers/deposits';
import { intentsSubscription } from './consumers/intents';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { bankStatement } from './domain/bank-statement';
import { bankTransfer } from './domain/bank-transfer';
import { chainSend } from './domain/chain-send';
import { institutionRegistry } from './domain/institutions';
import { payoutStop } from './domain/payout-stop';
import { settlement } from './domain/settlement';
import { hotWallet } from './domain/wallet';
import { walletFunding } from './domain/wallet-funding';
import { walletRegistry } from './domain/wallet-registry';
import { payoutCallRoutes } from './http/payout-calls';
import { sendCalls } from './http/send-calls';
import { transferCalls } from './http/transfer-calls';
import {
  bankTransfersProjection,
  openTransfers,
  transferChecks,
  unbookedTransfers,
} from './projections/bank-transfers';
import { depositsProjection } from './projections/deposits';
import { countMovements, findMovements, movementRows } from './projections/movements';
import { openSends, openSendsByWallet, sendChecksElsewhere, sendChecksOn, sendsProjection } from './projections/sends';
import { openSettlements, settlementsProjection } from './projections/settlements';
import { findStatementLines, statementLinesProjection } from './projections/statement-lines';
import { waitingPayouts, wakePayouts } from './projections/transaction-rows';
import { allWallets, walletsProjection } from './projections/wallets';
import type { PayoutStopStore, SendChain, SendStore } from './ports';

const migrations = join(__dirname, '../migrations');

export type Overrides = PlatformOverrides & {
  /** Stands between sends and their chains, and between sends and the signer. */
  readonly wrapSender: (chain: SendChain) => SendChain;
  readonly signer: Signer;
};

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'settlement', migrations }, overrides);
  const { pool, store, now, metrics, logger } = platform;
  const ledger = callClient({ baseUrl: config.LEDGER_URL, token: config.INTERNAL_TOKEN });
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, store), logger);
  const transfers = commandHandler(bankTransfer, transferEvents, store);
  const projections = platform.projections<ServiceEvent>({
    codec: storedEvents,
    name: 'settlements_v1',
    projections: [
      settlementsProjection,
      bankTransfersProjection,
      statementLinesProjection,
      sendsProjection,
      walletsProjection,
      depositsProjection,
    ],
  });
  const stops = commandHandler(payoutStop, payoutStopEvents, store);
  const payouts = payoutCalls({
    stops,
    // As far as the read models are: what is stopped is told at once, however far behind they are.
    waiting: (mode) => waitingPayouts(pool, mode),
    wake: () => wakePayouts(pool, now()),
    now,
    logger,
  });
  const bankTransfers = bankTransfersOf(config, platform, { transfers, projections, ledger, stops });
  const sending = commandHandler(chainSend, sendEvents, store);
  const sends = sendsOf(config, platform, { sends: sending, projections, ledger, overrides, stops });
  settlementGauges({
    metrics,
    now,
    deadlineMs: config.SETTLEMENT_DEADLINE_MS,
    openSettlements: (deadline) => openSettlements(pool, deadline),
  });
  openTransfersGauges({
    metrics,
    now,
    openTransfers: () => openTransfers(pool),
    unbookedTransfers: () => unbookedTransfers(pool),
  });
  payoutGauge({ metrics, isStopped: arePayoutsStopped(stops) });
  const calls = transferCalls(callTokens(config), bankTransfers);
  const payoutRoutes = payoutCallRoutes(callTokens(config), payouts);

  return platform.service({
    components: [
      projections,
      skipUsedNumbers(pool, () => projections.caughtUp()),
      ledger,
      platform.consumer(intentsSubscription(advance)),
      platform.consumer(ledgerTransactionsSubscription(advance, bookTransfer(transfers), bookSend(sending))),
      platform.consumer(
        depositsSubscription(commandHandler(walletFunding, fundingEvents, store), transactionNumbers(pool)),
      ),
      ...sends.components,
      dueWorkers(
        [...sends.passes, { name: 'transfers through institutions', pass: bankTransfers.checkTransfers }],
        platform,
      ),
      platform.relay({ name: 'settlement', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls).use(sends.calls).use(payoutRoutes),
  });
}

type Parts = {
  readonly projections: Projections;
  readonly ledger: CallClient;
  readonly stops: PayoutStopStore;
};

function bankTransfersOf(
  config: Config,
  { pool, store, now, logger }: Platform,
  { transfers, projections, ledger, stops }: Parts & { readonly transfers: TransferStore },
) {
  const secretsKeys = secretsKeysOf(config);
  return bankTransfersApp({
    transfers,
    institutions: commandHandler(institutionRegistry, institutionEvents, store),
    statements: commandHandler(bankStatement, statementEvents, store),
    personalData: createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    sealer: createSealer(secretsKeys),
    secretsKeys,
    hasOutbox: config.BANK_OUTBOX_DIR !== undefined,
    operateBook: (request) => ledger(operateBook, request),
    arePayoutsStopped: arePayoutsStopped(stops),
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

type Sending = Parts & { readonly sends: SendStore; readonly overrides: Partial<Overrides> };

/** Without a signer there are no chains: what is asked for is not supported, and what was begun waits. */
function sendsOf(config: Config, platform: Platform, { sends, projections, ledger, overrides, stops }: Sending) {
  const { pool, store, now, metrics, logger } = platform;
  const caughtUp = async <Answer>(read: () => Promise<Answer>): Promise<Answer> => {
    await projections.caughtUp();
    return read();
  };
  const { SIGNER_URL, SIGNER_TOKEN, CHAIN_WATCHER_URL } = config;
  const chains = SIGNER_URL === undefined && overrides.signer === undefined ? [] : configuredSenders(config);
  const chainWatcher = CHAIN_WATCHER_URL && callClient({ baseUrl: CHAIN_WATCHER_URL, token: config.INTERNAL_TOKEN });
  const signer =
    overrides.signer ?? (SIGNER_URL && SIGNER_TOKEN && signerClient({ url: SIGNER_URL, token: SIGNER_TOKEN }));
  if (chains.length > 0 && (!signer || !chainWatcher))
    throw new Error('SIGNER_URL needs SIGNER_TOKEN and CHAIN_WATCHER_URL');
  const app = sendsApp({
    sends,
    wallets: commandHandler(hotWallet, walletEvents, store),
    registry: commandHandler(walletRegistry, registryEvents, store),
    fundings: commandHandler(walletFunding, fundingEvents, store),
    ledger: sendLedger(ledger),
    arePayoutsStopped: arePayoutsStopped(stops),
    payoutsResumedAt: payoutsResumedAt(stops),
    signer: signer || noSigner,
    comparedPlace: comparedPlace(pool),
    stopPayouts: stopByFinding({ stops, now, logger }),
    async watch({ walletId, chain, address, tenantId, mode }) {
      const reference = watchReferenceOf(walletId);
      const watched = chainWatcher && (await chainWatcher(watchAddress, { chain, address, tenantId, mode, reference }));
      if (watched && watched.ok) return;
      const why = watched ? watched.rejection : 'no chain-watcher is configured';
      // An address that is somebody's already stays theirs, whenever one asks again.
      const mayChange = why !== 'address_exists_with_different_fields';
      throw new OperationalError('upstream_unavailable', mayChange, { detail: `${chain}: ${address}: ${why}` });
    },
    chains: chains.map(overrides.wrapSender ?? ((chain) => chain)),
    checksOn: (chain) => sendChecksOn(pool, chain),
    checksElsewhere: (names) => sendChecksElsewhere(pool, names),
    personalData: createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    secretsKeys: secretsKeysOf(config),
    nextNumber: transactionNumbers(pool),
    find: (query) => caughtUp(() => findMovements(pool, query)),
    rowsOf: (request) => caughtUp(() => movementRows(pool, request)),
    count: (query) => caughtUp(() => countMovements(pool, query)),
    allWallets: () => caughtUp(() => allWallets(pool)),
    openSends: () => openSendsByWallet(pool),
    bumpAfterMs: config.SEND_BUMP_AFTER_MS,
    giveUpAfterMs: config.SEND_GIVE_UP_AFTER_MS,
    pollMs: config.SEND_POLL_MS,
    everyMs: config.WALLET_RECONCILE_MS,
    now,
    logger,
  });
  sendGauges({ metrics, now, openSends: () => openSends(pool), wallets: app.wallets });
  const components: Component[] = [
    ...(chainWatcher ? [chainWatcher] : []),
    ...chains.map(({ chain, start, stop }) => ({ name: `sends on ${chain}`, start: async () => start?.(), stop })),
  ];
  const passes = [
    { name: 'comparison of signatures', pass: app.compareSignatures },
    ...app.checkSends,
    { name: 'reconciliation of wallets', pass: app.reconcile },
  ];
  return { components, passes: chains.length === 0 ? [] : passes, calls: sendCalls(callTokens(config), app) };
}

const noSigner: Signer = {
  walletOf: () => Promise.reject(new Error('there is no signer')),
  sign: () => Promise.reject(new Error('there is no signer')),
  signedAfter: () => Promise.reject(new Error('there is no signer')),
};

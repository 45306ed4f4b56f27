import { randomBytes, randomUUID } from 'node:crypto';
import {
  acceptTransfer,
  getBalance,
  getJob,
  getTransfer,
  issueFunds,
  listAccounts,
  listTransactions,
  listTransfers,
  openAccount,
  replayParameters,
  reverseTransfer,
  setAccountFrozen,
  startJob,
  transactionPosted,
  transferStatusChanged,
  type CallContract,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { postgresEventStore, type EventStore, type StoredEvent } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { openTransport, readMessage } from '@daybook/messaging';
import { Secret, uuidFrom, type Service } from '@daybook/runtime';
import { eventually, expectBooksBalance, testDatabase, testLogger } from '@daybook/testing';
import type { z } from 'zod';
import { loadConfig } from '../src';
import { bookJournal } from '../src/adapters/book-journal';
import { createBooks, type Books } from '../src/app/books';
import { createService } from '../src/service';

export const alice = uuidFrom(['tenant', 'alice']);
export const bob = uuidFrom(['tenant', 'bob']);
export const token = 'internal-token-of-the-ledger-tests-only';

export type Published =
  | { type: 'TransactionPosted'; data: z.output<typeof transactionPosted.data> }
  | { type: 'TransferStatusChanged'; data: z.output<typeof transferStatusChanged.data> };

type Options = {
  readonly wrapStore?: (store: EventStore) => EventStore;
  readonly settings?: Record<string, string>;
};

/** The ledger on Postgres with the Postgres-log transport; what it publishes is collected. */
export async function ledgerRig(options: Options = {}) {
  const database = await testDatabase();
  const { logger, lines } = testLogger();
  const settings = { databaseUrl: database.url, brokers: [], clientId: 'test', logger };
  const transport = openTransport({ kind: 'postgres', ...settings });
  await transport.start();
  const fatal: unknown[] = [];
  const configured = {
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
    ...options.settings,
  };

  /** Another process of the same service, as far as the database can tell. */
  const open = async (changed: Record<string, string> = {}) => {
    const service = createService(loadConfig({ ...configured, ...changed }), {
      transport,
      logger,
      onFatal: (error) => fatal.push(error),
      ...(options.wrapStore === undefined ? {} : { wrapStore: options.wrapStore }),
    });
    const { url } = await service.start();
    return { service, ...callsTo(url) };
  };
  let running = await open();

  const published: Published[] = [];
  const followers = await Promise.all(
    [transactionPosted, transferStatusChanged].map((contract) =>
      transport.consume({
        group: 'test.observer',
        topic: contract.topic,
        startAt: async () => 0n,
        handle: async (messages) => {
          for (const { value } of messages) {
            const { message } = readMessage([transactionPosted, transferStatusChanged], value);
            published.push({ type: message.type, data: message.data } as Published);
          }
        },
      }),
    ),
  );
  const store = postgresEventStore(database.pool('ledger'));

  return {
    published,
    lines,
    store,
    transport,
    open,
    pool: database.pool('ledger'),
    get calls() {
      return running;
    },
    events: (mode = 'sandbox'): Promise<readonly StoredEvent[]> => store.readStream(`book-${mode}`),
    /** Starts again with other settings. */
    reconfigure: async (changed: Record<string, string>) => {
      await stop(running);
      running = await open(changed);
    },
    /** `meanwhile` has the books to itself: nobody confirms what it accepts. */
    restart: async (meanwhile: (books: Books) => Promise<unknown> = async () => undefined) => {
      await stop(running);
      const openJournal = (stream: string) => bookJournal(store, stream);
      const books = createBooks({ openJournal, now: () => new Date(), logger, onFatal: (error) => fatal.push(error) });
      await books.start();
      await meanwhile(books);
      await books.stop();
      running = await open();
    },
    async close() {
      await expectBooksBalance({ ledger: database.pool('ledger') });
      await stop(running);
      await Promise.all(followers.map((follower) => follower.stop()));
      await store.close();
      await transport.stop();
      await database.drop();
      expect(fatal).toEqual([]);
      expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
  };
}
export type LedgerRig = Awaited<ReturnType<typeof ledgerRig>>;

export async function stop(opened: { service: Service; close(): Promise<void> }): Promise<void> {
  await opened.close();
  await opened.service.stop();
}

/** The calls with the fields that most tests do not care about filled in. */
function callsTo(url: string) {
  const call = callClient({ baseUrl: url, token: new Secret(token) });
  const mode = 'sandbox';
  return {
    url,
    close: () => call.stop(),
    openAccount: (request: Partial<CallRequest<typeof openAccount>> & { accountId: string }) =>
      call(openAccount, { mode, tenantId: alice, asset: 'TXC', type: 'liability', floor: 0n, ...request }),
    issueFunds: (request: Partial<CallRequest<typeof issueFunds>> & { accountId: string; amount: bigint }) =>
      call(issueFunds, { mode, transactionId: randomUUID(), asset: 'TXC', ...request }),
    accept: (request: Partial<CallRequest<typeof acceptTransfer>> = {}) =>
      call(acceptTransfer, {
        mode,
        tenantId: alice,
        transferId: randomUUID(),
        debitAccountId: 'wallet-alice',
        creditAccountId: 'wallet-bob',
        asset: 'TXC',
        amount: 100n,
        referenceId: 'order-1',
        note: null,
        ...request,
      }),
    getTransfer: (transferId: string, tenantId = alice) => call(getTransfer, { mode, tenantId, transferId }),
    listTransfers: (request: Partial<CallRequest<typeof listTransfers>> = {}) =>
      call(listTransfers, {
        mode,
        tenantId: alice,
        accountId: 'wallet-alice',
        limit: 100,
        cursor: null,
        ...request,
      }),
    reverse: (transferId: string, reversalId: string = randomUUID(), dryRun = false) =>
      call(reverseTransfer, { mode, reversalId, transferId, actor: 'operator', dryRun }),
    getBalance: (accountId: string, tenantId: string | null = null) => call(getBalance, { mode, tenantId, accountId }),
    listAccounts: (request: Partial<CallRequest<typeof listAccounts>> = {}) =>
      call(listAccounts, { mode, tenantId: alice, limit: 100, cursor: null, ...request }),
    freeze: (accountId: string, frozen = true, dryRun = false, changeId?: string) =>
      call(setAccountFrozen, {
        mode,
        ...(changeId !== undefined && { changeId }),
        accountId,
        frozen,
        actor: 'operator',
        dryRun,
      }),
    startReplay: (jobId: string, parameters: Partial<z.output<typeof replayParameters>>) =>
      call(startJob, {
        jobId,
        mode,
        job: { kind: 'replay', parameters: replayParameters.parse(parameters) },
        actor: 'operator',
      }),
    getJob: (jobId: string) => call(getJob, { mode, kind: 'replay', jobId }),
    listTransactions: (request: Partial<CallRequest<typeof listTransactions>> = {}) =>
      call(listTransactions, { mode, tenantId: null, subject: null, limit: 100, cursor: null, ...request }),
  };
}

/** The value of an answer that no rule should refuse here. */
export async function must<Call extends CallContract>(answer: Promise<CallOutcome<Call>>) {
  const outcome = (await answer) as { ok: boolean; value?: unknown; rejection?: string };
  if (!outcome.ok) throw new Error(`refused: ${outcome.rejection}`);
  return outcome.value as Extract<CallOutcome<Call>, { ok: true }>['value'];
}

/** A wallet of alice with so much, and an empty one of bob. */
export async function wallets(rig: LedgerRig, amount: bigint): Promise<void> {
  await must<typeof openAccount>(rig.calls.openAccount({ accountId: 'wallet-alice' }));
  await must<typeof openAccount>(rig.calls.openAccount({ accountId: 'wallet-bob', tenantId: bob }));
  await must<typeof issueFunds>(rig.calls.issueFunds({ accountId: 'wallet-alice', amount }));
}

export async function balance(rig: LedgerRig, accountId: string) {
  return must<typeof getBalance>(rig.calls.getBalance(accountId));
}

/** Waits until the ledger has resolved everything it accepted. */
export async function settled(rig: LedgerRig): Promise<void> {
  await eventually(
    async () => {
      const counts = new Map<string, number>();
      for (const { type } of await rig.events()) counts.set(type, (counts.get(type) ?? 0) + 1);
      const of = (type: string) => counts.get(type) ?? 0;
      expect(of('TransferConfirmed') + of('TransferFailed')).toBe(of('TransferAccepted'));
    },
    { timeoutMs: 15_000 },
  );
}

export function rejectionOf(outcome: { ok: boolean; rejection?: string }): string | null {
  return outcome.ok ? null : (outcome.rejection ?? '');
}

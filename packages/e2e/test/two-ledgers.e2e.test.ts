import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { acceptTransfer, getBalance, issueFunds, openAccount } from '@daybook/contracts';
import { freePort } from '@daybook/embedded';
import { postgresEventStore } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { eventually, expectBooksBalance, testDatabase } from '@daybook/testing';

const main = join(__dirname, '../../../services/ledger/dist/main.js');
const token = 'internal-token-of-the-two-ledgers-only';
const personalDataKey = randomBytes(32).toString('base64');
const mode = 'sandbox';
const tenantId = '11111111-1111-4111-8111-111111111111';
const stoppedMs = 3_000;
const clients = 4;

/** A ledger as a process of its own. */
async function startLedger(databaseUrl: string): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      HTTP_PORT: String(port),
      INTERNAL_TOKEN: token,
      PERSONAL_DATA_KEY: personalDataKey,
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeoutMs: 60_000 });
  return { child, url };
}

/**
 * Two processes on one book, both taking transfers. One is stopped as a hypervisor or a debugger stops it, with requests
 * in its hands, and comes back after the other has gone on.
 */
test('a ledger that was stopped under load comes back, steps down, and nothing is lost or doubled', async () => {
  const database = await testDatabase();
  const [one, two] = await Promise.all([startLedger(database.url), startLedger(database.url)]);
  const [toOne, toTwo] = [one, two].map(({ url }) => callClient({ baseUrl: url, token: new Secret(token) })) as [
    ReturnType<typeof callClient>,
    ReturnType<typeof callClient>,
  ];
  const wallet = { mode, asset: 'TXC', type: 'liability', floor: 0n } as const;
  await toOne(openAccount, { ...wallet, tenantId, accountId: 'wallet-a' });
  await toOne(openAccount, { ...wallet, tenantId, accountId: 'wallet-b' });
  await toOne(issueFunds, {
    mode,
    transactionId: randomUUID(),
    accountId: 'wallet-a',
    asset: 'TXC',
    amount: 1_000_000n,
  });

  const accepted = new Set<string>();
  let over = false;
  /** A client that asks again, the other ledger too, until it has an answer. */
  const client = async (ledgers: readonly ReturnType<typeof callClient>[]) => {
    while (!over) {
      const transferId = randomUUID();
      for (let attempt = 0; !accepted.has(transferId); attempt++) {
        const call = ledgers[attempt % ledgers.length]!;
        const fields = {
          mode,
          tenantId,
          debitAccountId: 'wallet-a',
          creditAccountId: 'wallet-b',
          asset: 'TXC',
        } as const;
        const answer = await call(acceptTransfer, {
          ...fields,
          transferId,
          amount: 1n,
          referenceId: '',
          note: null,
        }).catch(() => undefined);
        if (answer?.ok) accepted.add(transferId);
      }
    }
  };
  const load = Array.from({ length: clients }, (_, n) => client(n % 2 === 0 ? [toOne, toTwo] : [toTwo, toOne]));
  await eventually(() => expect(accepted.size).toBeGreaterThan(20), { timeoutMs: 30_000 });
  one.child.kill('SIGSTOP');
  const before = accepted.size;
  await new Promise((resolve) => setTimeout(resolve, stoppedMs));
  // The other one went on.
  expect(accepted.size).toBeGreaterThan(before);
  one.child.kill('SIGCONT');
  const atReturn = accepted.size;
  await eventually(() => expect(accepted.size).toBeGreaterThan(atReturn + 20), { timeoutMs: 30_000 });
  over = true;
  await Promise.all(load);

  const shown = await Promise.all(
    [toOne, toTwo].map((call) => call(getBalance, { mode, tenantId, accountId: 'wallet-a' })),
  );
  for (const answer of shown) {
    expect(answer).toMatchObject({ ok: true });
    if (answer.ok) expect(answer.value.available).toBe(1_000_000n - BigInt(accepted.size));
  }
  const store = postgresEventStore(database.pool('ledger'));
  const ids = (await store.readStream('book-sandbox')).flatMap(({ type, payload }) =>
    type === 'TransferAccepted'
      ? [(JSON.parse(payload.toString()) as { transfer: { transferId: string } }).transfer.transferId]
      : [],
  );
  expect(ids.toSorted()).toEqual([...accepted].toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  await eventually(() => expectBooksBalance({ ledger: database.pool('ledger') }), { timeoutMs: 30_000 });
  await Promise.all([toOne, toTwo].map((call) => call.stop()));
  for (const { child } of [one, two]) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await store.close();
  await database.drop();
}, 120_000);

import { OperationalError } from '@daybook/core';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { randomUUID } from 'node:crypto';
import { sandboxChain, sandboxChains, transactionIdOf } from '../src/adapters/sandbox-chain';
import type { DepositEvent } from '../src/domain/deposit';
import { describeChain } from './chain.contract';
import { sandboxTestChain } from './sandbox-chain';
import { byDepth } from './test-chain';
import { depositLog, prepare, schema, summary, watchProcess } from './watch-process';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool(schema);
  await prepare(pool);
});
afterAll(() => database?.drop());

const oneTransfer = 'every simulated transaction moves one amount of one asset, and is never refused';
describeChain('a simulated chain', (own) => sandboxTestChain(own), {
  schedules: 30,
  cannot: {
    several: oneTransfer,
    token: oneTransfer,
    failed: oneTransfer,
    lookAlike: oneTransfer,
    nothing: oneTransfer,
    replaced: oneTransfer,
    withFee: oneTransfer,
    spender: 'nobody has a key of a simulated address',
    wire: 'it is in the database of the service',
  },
});

describe('a simulated chain', () => {
  const deposit = { depositKey: 'one', address: 'TA', asset: 'USDT_TRC20', amount: 5n } as const;

  test('a repeated deposit is the same transaction in the same block; another one with its key is refused', async () => {
    const chain = sandboxChain(pool, 'sandbox-tron');
    await chain.start();
    const answers = await Promise.all(Array.from({ length: 10 }, () => chain.deposit(deposit)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await expect(chain.deposit({ ...deposit, amount: 6n })).resolves.toEqual({
      ok: false,
      rejection: 'deposit_exists_with_different_fields',
    });
  });

  test('a deposit that was dropped comes back when it is repeated, under its id', async () => {
    const chain = sandboxChain(pool, 'sandbox-tron');
    const first = await chain.deposit({ ...deposit, depositKey: 'two' });
    await chain.reorganise(1, 'drop');
    const second = await chain.deposit({ ...deposit, depositKey: 'two' });
    expect(second).toMatchObject({ ok: true, transactionId: (first as { transactionId: string }).transactionId });
    expect(second).not.toEqual(first);
  });

  test('empty blocks are mined until the newest deposit is confirmed, and no more', async () => {
    const chain = sandboxChain(pool, 'sandbox-solana');
    await chain.start();
    const outcome = await chain.deposit({ ...deposit, asset: 'SOL' });
    for (let tick = 0; tick < 5; tick++) await chain.mineUnconfirmed(3);
    expect((await chain.head()).number).toBe((outcome as { blockNumber: number }).blockNumber + 2);
  });

  test('a deposit that was reverted in a block of the cursor is confirmed after however many passes that got on and failed late', async () => {
    const own = await testDatabase();
    const ownPool = own.pool(schema);
    await prepare(ownPool);
    const chain = await sandboxTestChain(ownPool);
    const source = chain.connect();
    let served = 0;
    const rationed = {
      ...source,
      async blocksAfter(...[number, limit, watched]: Parameters<typeof source.blocksAfter>) {
        if (number + limit > served)
          throw new OperationalError('upstream_unavailable', true, { detail: 'too many requests' });
        return source.blocksAfter(number, limit, watched);
      },
    };
    const process = await watchProcess(ownPool, rationed, { rule: byDepth(3) });
    await process.settle();
    await process.allocate('TA', chain.name);
    await chain.pay('TA', 7n);
    await chain.mine(1_100);
    const { number: head } = await source.head();
    served = 100;
    await expect(process.pass()).rejects.toThrow('too many requests');
    // As by a watcher that died before it took the cursor back to before this block.
    const [{ depositId, blockHash }] = (await depositLog(ownPool, ['TA'])) as [DepositEvent];
    const command = { type: 'RevertDeposit', blockHash, at: new Date().toISOString() } as const;
    const context = { commandId: randomUUID(), correlationId: depositId, causationId: depositId };
    await process.deps.handle(`deposit-${depositId}`, command, context);
    const before = ['Seen 7 USDT_TRC20', 'Reverted 7 USDT_TRC20'];
    for (; served < head; served += 100)
      for (let pass = 0; pass < 8; pass++) await expect(process.pass()).rejects.toThrow('too many requests');
    expect(summary(await depositLog(ownPool, ['TA']))).toEqual(before);
    served = head;
    await process.settle();
    expect(summary(await depositLog(ownPool, ['TA']))).toEqual([
      ...before,
      'Seen 7 USDT_TRC20',
      'Confirmed 7 USDT_TRC20',
    ]);
    await process.deps.caughtUp();
    const { rows } = await ownPool.query('select 1 from reverted_places_v1');
    expect(rows).toEqual([]);
    await process.stop();
    await own.drop();
  });

  test('transaction ids are spelled as on the chain that is simulated', () => {
    const [tron, solana, upi] = sandboxChains.map((chain) => transactionIdOf(chain, 'key'));
    expect(tron).toMatch(/^[0-9a-f]{64}$/);
    expect(solana).toMatch(/^[1-9A-HJ-NP-Za-km-z]{86,88}$/);
    expect(upi).toMatch(/^[1-9]\d{11}$/);
  });
});

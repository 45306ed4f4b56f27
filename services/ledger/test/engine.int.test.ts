import { randomUUID } from 'node:crypto';
import { OperationalError } from '@daybook/core';
import type { EventStore } from '@daybook/event-store';
import { balance, ledgerRig, rejectionOf, settled, stop, wallets } from './ledger-rig';

test('two processes on one book: nothing is lost and nothing is doubled', async () => {
  const rig = await ledgerRig({ settings: { BATCH_MAX: '7' } });
  await wallets(rig, 6_000n);
  const second = await rig.open();
  const ids = Array.from({ length: 100 }, () => randomUUID());
  // Half of the ids go to both.
  const outcomes = await Promise.all([
    ...ids.slice(0, 75).map((transferId) => rig.calls.accept({ transferId })),
    ...ids.slice(25).map((transferId) => second.accept({ transferId })),
  ]);
  const accepted = (await rig.events()).filter(({ type }) => type === 'TransferAccepted');
  expect(accepted).toHaveLength(60);
  expect(outcomes.every((outcome) => outcome.ok || rejectionOf(outcome) === 'insufficient_balance')).toBe(true);
  const rejected = (await rig.events()).filter(({ type }) => type === 'CommandRejected');
  expect(rejected).toHaveLength(40);
  await stop(second);
  await settled(rig);
  await rig.restart();
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 6_000n, incoming: 0n });
  await rig.close();
});

test('a process that only follows what another accepts confirms it, and shows what the other shows', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 6_000n);
  const second = await rig.open();
  for (let accepted = 1n; accepted <= 30n; accepted++) {
    expect((await rig.calls.accept()).ok).toBe(true);
    expect(await second.getBalance('wallet-alice')).toMatchObject({
      ok: true,
      value: { available: 6_000n - accepted * 100n },
    });
  }
  await settled(rig);
  expect(await second.getBalance('wallet-bob')).toMatchObject({ ok: true, value: { posted: 3_000n } });
  await stop(second);
  await rig.close();
});

test('appends whose outcome is not known happen once', async () => {
  let appends = 0;
  const fates = ['through', 'lost after', 'lost before'] as const;
  const rig = await ledgerRig({
    wrapStore: (inner): EventStore => ({
      ...inner,
      async append(stream, events, expected) {
        const fate = fates[appends++ % fates.length];
        if (fate === 'lost before') throw new OperationalError('outcome_unknown', true);
        const appended = await inner.append(stream, events, expected);
        if (fate === 'lost after') throw new OperationalError('outcome_unknown', true);
        return appended;
      },
    }),
  });
  await wallets(rig, 6_000n);
  const ids = Array.from({ length: 20 }, () => randomUUID());
  // One after another, so that there are many appends.
  for (const transferId of ids) expect((await rig.calls.accept({ transferId })).ok).toBe(true);
  await settled(rig);
  expect((await rig.events()).filter(({ type }) => type === 'TransferAccepted')).toHaveLength(20);
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 2_000n });
  await rig.close();
});

test('a restart gives the same balances and answers, and resumes what was pending', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 6_000n);
  const ids = Array.from({ length: 30 }, () => randomUUID());
  const first = await Promise.all(ids.map((transferId) => rig.calls.accept({ transferId })));
  await rig.restart();
  const again = await Promise.all(ids.map((transferId) => rig.calls.accept({ transferId })));
  const answer = ({ ok, ...rest }: { ok: boolean }) => JSON.stringify([ok, rest]).replaceAll(/"replayed":\w+/g, '');
  expect(again.map(answer)).toEqual(first.map(answer));
  await settled(rig);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 3_000n, held: 0n });
  await rig.close();
});

test('the books survive the death of every database connection', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 6_000n);
  const transfers = Array.from({ length: 40 }, async (_, i) => {
    if (i % 10 === 5) {
      await rig.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name like 'daybook ledger%'`,
      );
    }
    return rig.calls.accept();
  });
  const outcomes = await Promise.all(transfers);
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  await settled(rig);
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 4_000n });
  await rig.close();
});

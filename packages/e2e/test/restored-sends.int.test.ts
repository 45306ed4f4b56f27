/**
 * A database is restored to an earlier moment, and the chain and the signer go on as they are: what was signed since is in
 * the signer's journal, and nothing is signed before it is compared with that.
 */
import { getPayouts, resumePayouts } from '@daybook/contracts';
import { eventually, testDatabase, type TestDatabase } from '@daybook/testing';
import { merchant, newAddress, sendServices, sendWorld } from './send-rig';
import { valueOf } from './value-of';

type Services = Awaited<ReturnType<typeof sendServices>>;

const ether = 10n ** 18n;
const amount = ether / 10n;
const databases: TestDatabase[] = [];
let world: Awaited<ReturnType<typeof sendWorld>>;
let running: Services | undefined;
beforeAll(async () => {
  world = await sendWorld();
}, 60_000);
afterAll(async () => {
  await stop();
  for (const database of databases) await database.drop();
  await world.close();
});

async function start(database: TestDatabase): Promise<Services> {
  databases.push(database);
  running = await sendServices(world, database, { SEND_POLL_MS: '50' });
  return running;
}

async function stop(): Promise<void> {
  await running?.stop();
  running = undefined;
}

const completed = (rig: Services, transactionId: string) =>
  eventually(
    async () => {
      await rig.mine(1);
      expect(await rig.sendOf(transactionId)).toMatchObject({ status: 'completed' });
    },
    { timeoutMs: 20_000 },
  );
const signedBy = async (rig: Services) => (await rig.signer.signedAfter({ after: 0, limit: 1_000 }))?.signatures;
const errorsOf = ({ lines }: Services) => lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
const looksAt = async (rig: Services, transactionId: string) => {
  const asked = 'select attempts from send_checks where transaction_id = $1';
  const { rows } = await rig.database.pool('settlement').query<{ attempts: number }>(asked, [transactionId]);
  return rows[0]?.attempts ?? 0;
};

test('after a restore nothing is signed beside what is lost, until a person has seen to it', async () => {
  let rig = await start(await testDatabase());
  const wallet = await rig.fund(2n * ether);
  await stop();
  const backup = await rig.database.copy();

  rig = await start(rig.database);
  const lost = valueOf(await rig.create({ amount })).send;
  await completed(rig, lost.transactionId);
  const { fee } = await rig.sendOf(lost.transactionId);
  expect(errorsOf(rig)).toEqual([]);
  await stop();

  rig = await start(backup);
  const before = await rig.account(merchant);
  const toAddress = newAddress();
  const next = valueOf(await rig.create({ amount, toAddress })).send;
  // Looked at by the worker too, more than once, after the comparison.
  await eventually(
    async () => {
      expect(errorsOf(rig)).toHaveLength(3);
      expect(await looksAt(rig, next.transactionId)).toBeGreaterThan(2);
    },
    { timeoutMs: 20_000 },
  );
  expect(errorsOf(rig)).toEqual([
    'payouts are stopped',
    'payouts are stopped',
    expect.stringContaining(`the signer has signed send ${lost.transactionId} at `),
  ]);
  expect(await signedBy(rig)).toMatchObject([{ sendId: lost.transactionId }]);
  expect(await rig.sendOf(next.transactionId)).toMatchObject({ status: 'pending', hash: null });
  expect([await rig.nonceOf(wallet), await rig.balanceOf(toAddress)]).toEqual([1, 0n]);
  await rig.booksBalance();

  // What the wallet lacks is what was lost. Its person books that, and lets the comparison go on behind it.
  expect(await rig.wallets()).toMatchObject([{ address: wallet, difference: -(amount + fee!) }]);
  for (const mode of ['sandbox', 'live'] as const) {
    expect(valueOf(await rig.call(getPayouts, { mode })).stops).toMatchObject([{ number: 1, actor: 'settlement' }]);
    valueOf(await rig.call(resumePayouts, { mode, seen: 1, actor: 'key_ops' }));
  }
  await stop();
  rig = await start(backup);
  await completed(rig, next.transactionId);
  expect(errorsOf(rig)).toEqual([]);
  expect(await signedBy(rig)).toMatchObject([{ sendId: lost.transactionId }, { sendId: next.transactionId }]);
  expect([await rig.nonceOf(wallet), await rig.balanceOf(toAddress)]).toEqual([2, amount]);
  const spent = await rig.sendOf(next.transactionId);
  expect(await rig.account(merchant)).toMatchObject({ posted: before.posted - amount - spent.fee!, held: 0n });
  await rig.booksBalance();
}, 120_000);

import { randomUUID } from 'node:crypto';
import { eventually } from '@daybook/testing';
import { balance, ledgerRig, wallets, type LedgerRig } from './ledger-rig';

let rig: LedgerRig;
beforeAll(async () => {
  rig = await ledgerRig();
});
afterAll(() => rig.close());

const holds = 1_000;
/** Long enough to place all of them. */
const openForMs = 3_000;

test(`${holds} holds whose time passes while nobody runs expire after the start, each once`, async () => {
  await wallets(rig, BigInt(holds));
  await rig.restart(async (books) => {
    const expiresAt = new Date(Date.now() + openForMs).toISOString();
    const engine = books.of('sandbox');
    const place = (holdId: string) =>
      engine.submit({
        type: 'PlaceHold',
        holdId,
        contentHash: '0'.repeat(64),
        tenantId: null,
        accountId: 'wallet-alice',
        asset: 'TXC',
        amount: 1n,
        expiresAt,
        metadata: null,
        actor: 'operator',
      });
    await Promise.all(Array.from({ length: holds }, () => place(randomUUID())));
    expect(await engine.read((state) => state.accounts.get('wallet-alice')?.held)).toBe(BigInt(holds));
    await eventually(() => expect(new Date().toISOString() > expiresAt).toBe(true), { timeoutMs: 2 * openForMs });
  });
  await eventually(async () => expect(await balance(rig, 'wallet-alice')).toMatchObject({ held: 0n }), {
    timeoutMs: 60_000,
  });
  const expired = (await rig.events())
    .filter(({ type }) => type === 'HoldExpired')
    .map(({ payload }) => (JSON.parse(payload.toString()) as { holdId: string }).holdId);
  expect([expired.length, new Set(expired).size]).toEqual([holds, holds]);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: BigInt(holds), held: 0n });
});

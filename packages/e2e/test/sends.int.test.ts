import { randomUUID } from 'node:crypto';
import { getMovements, getPayouts, listMovements, resumePayouts, stopPayouts } from '@daybook/contracts';
import { callNode } from '@daybook/embedded';
import { eventually } from '@daybook/testing';
import { merchant, newAddress, owner, sendRig, type SendRig } from './send-rig';
import { valueOf } from './value-of';

const ether = 10n ** 18n;
let rig: SendRig;
let wallet: string;
beforeAll(async () => {
  rig = await sendRig({ SEND_BUMP_AFTER_MS: '1000' });
  wallet = await rig.fund(2n * ether);
}, 60_000);
afterAll(() => rig.close());
afterEach(async () => {
  await rig.booksBalance();
  // What the ledger says of the wallet is what the chain says.
  await eventually(
    async () => {
      const [row] = await rig.wallets();
      expect(row).toMatchObject({ address: wallet, difference: 0n, underway: 0 });
    },
    { timeoutMs: 15_000 },
  );
});

const becomes = (transactionId: string, expected: object) =>
  eventually(
    async () => {
      await rig.mine(1);
      expect(await rig.sendOf(transactionId)).toMatchObject(expected);
    },
    { timeoutMs: 20_000 },
  );

test('a send is held, signed, included and booked; the fee that the chain took is the tenant’s', async () => {
  const before = await rig.account(merchant);
  const [toAddress, amount, idempotencyKey] = [newAddress(), ether / 10n, randomUUID()];
  const { send, replayed } = valueOf(await rig.create({ toAddress, amount, idempotencyKey }));
  expect([send.status, replayed, send.number % 2, send.fromAddress]).toEqual(['pending', false, 0, wallet]);
  expect(send.hash).toMatch(/^0x[0-9a-f]{64}$/);
  expect((await rig.account(merchant)).held).toBeGreaterThan(amount);
  await becomes(send.transactionId, { status: 'completed', hash: send.hash, description: 'Canary words' });
  const { fee, gasUsed, gasPrice } = await rig.sendOf(send.transactionId);
  expect([gasUsed, fee]).toEqual([21_000n, 21_000n * gasPrice!]);
  expect(await rig.balanceOf(toAddress)).toBe(amount);
  expect(await rig.account(merchant)).toMatchObject({ posted: before.posted - amount - fee!, held: 0n });

  const again = valueOf(await rig.create({ toAddress, amount, idempotencyKey }));
  expect([again.replayed, again.send.transactionId]).toEqual([true, send.transactionId]);
  const otherwise = await rig.create({ toAddress: toAddress.toLowerCase(), amount, idempotencyKey });
  expect(valueOf(otherwise)).toMatchObject({ replayed: true, send: { transactionId: send.transactionId, toAddress } });
  expect(await rig.create({ toAddress, amount: amount + 1n, idempotencyKey })).toMatchObject({
    rejection: 'idempotency_key_reused',
  });
  const listed = valueOf(
    await rig.call(listMovements, { ...owner, type: 'withdrawal', status: null, from: null, to: null, limit: 10 }),
  );
  expect(listed).toMatchObject({
    total: 1,
    transactions: [{ transactionId: send.transactionId, number: send.number }],
  });
  const rows = valueOf(await rig.call(getMovements, { ...owner, transactionIds: [send.transactionId] })).transactions;
  expect(rows).toMatchObject([{ type: 'withdrawal', status: 'completed', description: 'Canary words' }]);
});

test('what came to the wallet is listed, once it is final, as a deposit', async () => {
  const list = { ...owner, type: 'deposit' as const, status: null, from: null, to: null, limit: 10 };
  const [before] = [valueOf(await rig.call(listMovements, list)).total];
  await rig.fund(ether / 8n);
  const listed = valueOf(await rig.call(listMovements, list));
  expect(listed.total).toBe(before + 1);
  const [newest] = listed.transactions;
  const rows = valueOf(
    await rig.call(getMovements, { ...owner, transactionIds: [newest!.transactionId] }),
  ).transactions;
  expect(rows).toMatchObject([
    { type: 'deposit', status: 'completed', asset: 'ETH', amount: ether / 8n, toAddress: wallet, description: null },
  ]);
  expect([newest!.number % 2, rows[0]?.hash, rows[0]?.blockNumber]).toEqual([
    0,
    expect.stringMatching(/^0x[0-9a-f]{64}$/),
    expect.any(Number),
  ]);
});

test('what cannot be sent is refused before anything is signed', async () => {
  const nonce = await rig.nonceOf(wallet);
  const refusalOf = async (fields: Parameters<SendRig['create']>[0]) => {
    const outcome = await rig.create(fields);
    return outcome.ok ? 'accepted' : outcome.rejection;
  };
  expect(await refusalOf({ asset: 'BTC' })).toBe('asset_not_supported');
  expect(await refusalOf({ mode: 'live' })).toBe('asset_not_supported');
  expect(await refusalOf({ toAddress: 'nowhere' })).toBe('address_invalid');
  expect(await refusalOf({ toAddress: wallet })).toBe('address_invalid');
  expect(await refusalOf({ useContract: true })).toBe('contract_not_available');
  expect(await refusalOf({ amount: 1_000n * ether })).toBe('wallet_funds_insufficient');
  expect(await rig.nonceOf(wallet)).toBe(nonce);
  expect(await rig.account(merchant)).toMatchObject({ held: 0n });
});

test('what the signer does not sign fails, is told so again, and is free again', async () => {
  await rig.fund(6n * ether);
  const before = await rig.account(merchant);
  const request = { amount: 6n * ether, idempotencyKey: randomUUID(), toAddress: newAddress() };
  expect(await rig.create(request)).toMatchObject({ rejection: 'limit_exceeded' });
  expect(await rig.create(request)).toMatchObject({ rejection: 'limit_exceeded' });
  await eventually(async () => expect(await rig.account(merchant)).toMatchObject({ posted: before.posted, held: 0n }), {
    timeoutMs: 10_000,
  });
  // Its nonce is the next one's.
  const next = valueOf(await rig.create({ amount: 5n }));
  await becomes(next.send.transactionId, { status: 'completed' });
});

test('a transaction that nobody includes is replaced on its nonce with a higher fee, and only one of them pays', async () => {
  await callNode(rig.node.url, 'evm_setAutomine', [false]);
  const nonce = await rig.nonceOf(wallet);
  const toAddress = newAddress();
  const { send } = valueOf(await rig.create({ toAddress }));
  await eventually(async () => expect((await rig.sendOf(send.transactionId)).hash).not.toBe(send.hash), {
    timeoutMs: 15_000,
  });
  await callNode(rig.node.url, 'evm_setAutomine', [true]);
  await becomes(send.transactionId, { status: 'completed' });
  expect(await rig.balanceOf(toAddress)).toBe(10n ** 15n);
  expect(await rig.nonceOf(wallet)).toBe(nonce + 1);
});

test('six sends at once have contiguous nonces and are each paid once', async () => {
  const nonce = await rig.nonceOf(wallet);
  const addresses = Array.from({ length: 6 }, newAddress);
  const made = await Promise.all(addresses.map((toAddress) => rig.create({ toAddress })));
  for (const outcome of made) await becomes(valueOf(outcome).send.transactionId, { status: 'completed' });
  expect(await rig.nonceOf(wallet)).toBe(nonce + addresses.length);
  for (const address of addresses) expect(await rig.balanceOf(address)).toBe(10n ** 15n);
});

test('while payouts are stopped a send is taken and held, and nothing is signed; then it goes on, and so does what has left', async () => {
  const operator = { mode: 'sandbox', actor: 'key_ops' } as const;
  const left = valueOf(await rig.create()).send;
  expect(left.hash).not.toBeNull();
  valueOf(await rig.call(stopPayouts, { ...operator, reason: 'a key leaked' }));
  const toAddress = newAddress();
  const { send } = valueOf(await rig.create({ toAddress, amount: ether / 100n }));
  expect(send).toMatchObject({ status: 'pending', hash: null });
  await becomes(left.transactionId, { status: 'completed', hash: left.hash });
  expect(valueOf(await rig.call(getPayouts, { mode: 'sandbox' }))).toMatchObject({
    stops: [{ number: 1, reason: 'a key leaked', actor: 'key_ops' }],
    waiting: { sends: 1, transfers: 0 },
  });
  expect((await rig.account(merchant)).held).toBeGreaterThan(ether / 100n);
  expect([(await rig.sendOf(send.transactionId)).hash, await rig.balanceOf(toAddress)]).toEqual([null, 0n]);
  valueOf(await rig.call(resumePayouts, { ...operator, seen: 1 }));
  await becomes(send.transactionId, { status: 'completed' });
  expect(await rig.balanceOf(toAddress)).toBe(ether / 100n);
});

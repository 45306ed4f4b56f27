import { createHash, randomUUID } from 'node:crypto';
import type { acceptTransfer, getTransfer, listAccounts, listTransfers, reverseTransfer } from '@daybook/contracts';
import { withCorrelation } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { alice, balance, bob, ledgerRig, must, rejectionOf, settled, wallets, type LedgerRig } from './ledger-rig';

let rig: LedgerRig;
beforeEach(async () => {
  rig = await ledgerRig();
});
afterEach(() => rig.close());

const read = async (transferId: string, tenantId = alice) =>
  (await must<typeof getTransfer>(rig.calls.getTransfer(transferId, tenantId))).transfer;

async function confirmed(transferId: string) {
  await eventually(async () => expect((await read(transferId)).status).toBe('confirmed'), { timeoutMs: 10_000 });
}

test('a transfer is held at once, then confirmed, published, and known by the hash of its journal event', async () => {
  await wallets(rig, 1_000n);
  const transferId = randomUUID();
  const accepted = await must<typeof acceptTransfer>(rig.calls.accept({ transferId, amount: 150n, note: 'lunch' }));
  expect(accepted).toMatchObject({ transferId, replayed: false });
  await confirmed(transferId);

  const transfer = await read(transferId);
  const events = await rig.events();
  const posted = events.find(({ type }) => type === 'TransferConfirmed');
  expect(transfer).toMatchObject({ note: 'lunch', amount: 150n, failure: null, acceptedAt: accepted.acceptedAt });
  expect(transfer.ledgerReference).toBe(`0x${createHash('sha256').update(posted!.payload).digest('hex')}`);
  expect(await read(transferId, bob)).toEqual(transfer);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 850n, held: 0n, available: 850n });
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 150n, incoming: 0n, available: 150n });

  await eventually(
    () => {
      const told = rig.published.flatMap((one) => (one.type === 'TransferStatusChanged' ? [one.data] : []));
      expect(told.map(({ status }) => status)).toEqual(['processing', 'confirmed']);
      expect(told[1]).toMatchObject({ transferId, mode: 'sandbox', ledgerReference: transfer.ledgerReference });
      const transactions = rig.published.flatMap((one) => (one.type === 'TransactionPosted' ? [one.data] : []));
      // Each has a key of its own, and there is no order between keys.
      expect(transactions.map(({ cause }) => cause.type).toSorted()).toEqual(['issuance', 'transfer']);
      expect(transactions).toContainEqual(
        expect.objectContaining({ transactionId: transferId, rule: 'transfer@1' }) as unknown,
      );
    },
    { timeoutMs: 10_000 },
  );
});

test('100 concurrent transfers of 1.00 from a wallet with 60.00: 60 are accepted and 40 are refused', async () => {
  await wallets(rig, 6_000n);
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => rig.calls.accept({ amount: 100n })));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(60);
  expect(outcomes.filter((outcome) => rejectionOf(outcome) === 'insufficient_balance')).toHaveLength(40);
  await settled(rig);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 0n, held: 0n });
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 6_000n, incoming: 0n });
});

test('50 concurrent repeats of one transfer: one movement and 50 equal answers', async () => {
  await wallets(rig, 6_000n);
  const transferId = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => must<typeof acceptTransfer>(rig.calls.accept({ transferId, note: 'rent' }))),
  );
  expect(new Set(answers.map(({ acceptedAt }) => acceptedAt)).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  await settled(rig);
  expect((await rig.events()).filter(({ type }) => type === 'TransferAccepted')).toHaveLength(1);
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 100n });
});

test('the same id with another amount, recipient or note is refused and moves nothing', async () => {
  await wallets(rig, 6_000n);
  const transferId = randomUUID();
  await must<typeof acceptTransfer>(rig.calls.accept({ transferId, note: 'rent' }));
  await settled(rig);
  const before = await rig.events();
  for (const other of [{ amount: 101n }, { note: 'loan' }, { note: null }, { referenceId: 'x' }, { tenantId: bob }]) {
    expect(rejectionOf(await rig.calls.accept({ transferId, note: 'rent', ...other }))).toBe('id_reused');
  }
  expect(await rig.events()).toEqual(before);
});

test('a refusal is the answer to its id for ever', async () => {
  await wallets(rig, 50n);
  const transferId = randomUUID();
  expect(rejectionOf(await rig.calls.accept({ transferId }))).toBe('insufficient_balance');
  await rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 1_000n });
  expect(rejectionOf(await rig.calls.accept({ transferId }))).toBe('insufficient_balance');
  await rig.restart();
  expect(rejectionOf(await rig.calls.accept({ transferId }))).toBe('insufficient_balance');
  expect(rejectionOf(await rig.calls.accept({ transferId, amount: 1n }))).toBe('id_reused');
  const rejected = (await rig.events()).filter(({ type }) => type === 'CommandRejected');
  expect(rejected).toHaveLength(1);
  expect(JSON.parse(rejected[0]!.payload.toString())).toMatchObject({
    tenantId: alice,
    rejection: 'insufficient_balance',
  });
});

test('who asks only for the answer of an id gets the original one, or none, and nothing is recorded', async () => {
  await wallets(rig, 6_000n);
  const asked = { transferId: randomUUID(), note: 'rent' };
  const replay = (more: object = {}) => rig.calls.accept({ ...asked, ...more, replayOnly: true });
  const untouched = await rig.events();
  expect(await replay()).toEqual({ ok: false, rejection: 'transfer_not_found' });
  expect(await rig.events()).toEqual(untouched);

  const { acceptedAt } = await must<typeof acceptTransfer>(rig.calls.accept(asked));
  await settled(rig);
  const before = await rig.events();
  const original = { ok: true, value: { transferId: asked.transferId, acceptedAt, replayed: true } };
  expect(await replay()).toEqual(original);
  for (const other of [{ amount: 101n }, { note: 'loan' }, { note: null }, { referenceId: 'x' }, { tenantId: bob }])
    expect(await replay(other)).toEqual({ ok: false, rejection: 'id_reused' });
  await rig.restart();
  expect(await replay()).toEqual(original);
  expect(await rig.events()).toEqual(before);
});

test('who asks only for the answer of an id that was refused gets the refusal', async () => {
  await wallets(rig, 50n);
  const asked = { transferId: randomUUID() };
  expect(rejectionOf(await rig.calls.accept(asked))).toBe('insufficient_balance');
  await rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 1_000n });
  const before = await rig.events();
  const refusal = { ok: false, rejection: 'insufficient_balance', replayed: true };
  expect(await rig.calls.accept({ ...asked, replayOnly: true })).toEqual(refusal);
  expect(await rig.events()).toEqual(before);
});

test('who asks only for the answer of an id gets it also when memory has forgotten it', async () => {
  await rig.reconfigure({ RECORDS_MAX: '10' });
  await wallets(rig, 6_000n);
  const asked = { transferId: randomUUID() };
  const { acceptedAt } = await must<typeof acceptTransfer>(rig.calls.accept(asked));
  await settled(rig);
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 15 }, () => rig.calls.accept({ amount: 1n })));
    await settled(rig);
  }
  expect(await rig.calls.accept({ ...asked, replayOnly: true })).toEqual({
    ok: true,
    value: { ...asked, acceptedAt, replayed: true },
  });
});

test('a transfer whose answer is asked for 50 times while it is accepted moves once', async () => {
  await wallets(rig, 6_000n);
  const asked = { transferId: randomUUID() };
  const replays = () => Array.from({ length: 25 }, () => rig.calls.accept({ ...asked, replayOnly: true }));
  const outcomes = await Promise.all([...replays(), rig.calls.accept(asked), ...replays()]);
  expect(outcomes.filter((outcome) => outcome.ok && !outcome.value.replayed)).toHaveLength(1);
  for (const outcome of outcomes) expect([null, 'transfer_not_found']).toContain(rejectionOf(outcome));
  await settled(rig);
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 100n });
});

test.each([
  ['wallet-bob', 'recipient_frozen'],
  ['wallet-alice', 'sender_frozen'],
])(
  'when %s is frozen before the confirmation, the transfer fails as %s and its hold is released',
  async (frozen, failure) => {
    await wallets(rig, 1_000n);
    const transferId = randomUUID();
    await rig.restart(async (books) => {
      const engine = books.of('sandbox');
      const command = { type: 'AcceptTransfer', transferId, contentHash: '0'.repeat(64), tenantId: alice } as const;
      const accounts = { debitAccountId: 'wallet-alice', creditAccountId: 'wallet-bob' };
      await engine.submit({ ...command, ...accounts, asset: 'TXC', amount: 100n, referenceId: '', note: null });
      expect(await engine.read((state) => state.accounts.get('wallet-alice')?.held)).toBe(100n);
      await engine.submit({
        type: 'SetAccountFrozen',
        changeId: null,
        contentHash: null,
        accountId: frozen,
        frozen: true,
        actor: 'operator',
      });
    });
    await settled(rig);
    expect(await read(transferId)).toMatchObject({
      status: 'failed',
      failure,
      ledgerReference: null,
      confirmedAt: null,
    });
    expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 1_000n, held: 0n });
    expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: 0n, incoming: 0n });
    expect((await balance(rig, frozen)).frozen).toBe(true);
    const refusal = frozen === 'wallet-bob' ? 'credit_account_frozen' : 'debit_account_frozen';
    expect(rejectionOf(await rig.calls.accept())).toBe(refusal);
    await rig.calls.freeze(frozen, false);
    expect((await rig.calls.accept()).ok).toBe(true);
    await settled(rig);
  },
);

test('a transfer that was pending at start keeps the correlation of the request that asked for it', async () => {
  await wallets(rig, 1_000n);
  const correlation = { correlationId: randomUUID(), causationId: randomUUID() };
  const transferId = randomUUID();
  await rig.restart(async (books) => {
    const command = { type: 'AcceptTransfer', transferId, contentHash: '0'.repeat(64), tenantId: alice } as const;
    const accounts = { debitAccountId: 'wallet-alice', creditAccountId: 'wallet-bob' };
    const fields = { ...accounts, asset: 'TXC', amount: 100n, referenceId: '', note: null } as const;
    await withCorrelation(correlation, () => books.of('sandbox').submit({ ...command, ...fields }));
  });
  await settled(rig);
  const told = (await rig.events()).filter(({ payload }) => payload.includes(transferId));
  expect(told.map(({ type, metadata }) => [type, metadata])).toMatchObject([
    ['TransferAccepted', correlation],
    ['TransferConfirmed', { correlationId: correlation.correlationId, causationId: told[0]!.id }],
  ]);
});

test('a transfer is reversed once, also when it is asked for under twenty ids at once', async () => {
  await wallets(rig, 1_000n);
  const transferId = randomUUID();
  await rig.calls.accept({ transferId });
  await confirmed(transferId);
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => rig.calls.reverse(transferId)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
  expect(outcomes.filter((outcome) => rejectionOf(outcome) === 'transfer_already_reversed')).toHaveLength(19);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 1_000n });
  expect((await read(transferId)).status).toBe('reversed');
  expect(rejectionOf(await rig.calls.reverse('nothing'))).toBe('transfer_not_found');
});

/** A confirmed transfer of 1.00 from alice to bob. */
async function transferred(): Promise<string> {
  const transferId = randomUUID();
  await rig.calls.accept({ transferId });
  await confirmed(transferId);
  return transferId;
}

test('a dry run of a reversal and of a freeze tells the verdict and records nothing', async () => {
  await wallets(rig, 1_000n);
  const transferId = await transferred();
  const before = await rig.events();
  const [id, dryRun] = [randomUUID(), true];
  const transactionId = `reversal:${transferId}`;
  const foreseen = { transferId, transactionId, at: expect.any(String), ledgerReference: null, replayed: false };
  expect(await rig.calls.reverse(transferId, id, dryRun)).toEqual({ ok: true, value: foreseen });
  expect(rejectionOf(await rig.calls.reverse('nothing', id, dryRun))).toBe('transfer_not_found');
  expect(await rig.calls.freeze('wallet-bob', true, dryRun)).toEqual({ ok: true, value: { replayed: false } });
  expect(rejectionOf(await rig.calls.freeze('nothing', true, dryRun))).toBe('account_not_found');
  expect(await rig.events()).toEqual(before);
  const made = await must<typeof reverseTransfer>(rig.calls.reverse(transferId, id));
  expect(made.ledgerReference).not.toBeNull();
  const reversal = JSON.parse((await rig.events()).find(({ type }) => type === 'TransferReversed')!.payload.toString());
  expect(reversal).toMatchObject({ transactionId, at: made.at });
  expect(await rig.calls.reverse(transferId, id, dryRun)).toEqual({ ok: true, value: { ...made, replayed: true } });
});

test('20 concurrent repeats of one freeze: one event, and one that comes late leaves the account as it is', async () => {
  await wallets(rig, 10n);
  const freeze = () => rig.calls.freeze('wallet-bob', true, false, 'freeze-1');
  const answers = await Promise.all(Array.from({ length: 20 }, freeze));
  const original = answers.filter((answer) => answer.ok && !answer.value.replayed);
  expect([answers.length, original.length]).toEqual([20, 1]);
  await rig.calls.freeze('wallet-bob', false, false, 'unfreeze-1');
  expect(await freeze()).toEqual({ ok: true, value: { replayed: true } });
  expect((await balance(rig, 'wallet-bob')).frozen).toBe(false);
  expect(rejectionOf(await rig.calls.freeze('wallet-alice', true, false, 'freeze-1'))).toBe('id_reused');
  const recorded = (await rig.events()).filter(({ type }) => type.endsWith('rozen'));
  expect(recorded.map(({ type }) => type)).toEqual(['AccountFrozen', 'AccountUnfrozen']);
});

test('50 concurrent repeats of one reversal: one movement back and 50 equal answers', async () => {
  await wallets(rig, 1_000n);
  const transferId = await transferred();
  const reversalId = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => must<typeof reverseTransfer>(rig.calls.reverse(transferId, reversalId))),
  );
  const reversals = (await rig.events()).filter(({ type }) => type === 'TransferReversed');
  expect(reversals).toHaveLength(1);
  const ledgerReference = `0x${createHash('sha256').update(reversals[0]!.payload).digest('hex')}`;
  for (const answer of answers) expect(answer).toMatchObject({ transferId, ledgerReference });
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 1_000n });
});

test('of two reversals of one transfer at once, one wins, and each keeps its answer', async () => {
  await wallets(rig, 1_000n);
  const transferId = await transferred();
  const ids = [randomUUID(), randomUUID()];
  const ask = () => Promise.all(ids.map((id) => rig.calls.reverse(transferId, id)));
  const first = await ask();
  expect(first.map(rejectionOf).toSorted()).toEqual(['transfer_already_reversed', null].toSorted());
  const before = await rig.events();
  expect(before.filter(({ type }) => type === 'TransferReversed')).toHaveLength(1);
  await rig.restart();
  const again = await ask();
  expect(again.map(rejectionOf)).toEqual(first.map(rejectionOf));
  expect(again).toContainEqual({ ok: true, value: expect.objectContaining({ transferId, replayed: true }) });
  expect(await rig.events()).toEqual(before);
});

test('the id of a reversal belongs to one transfer', async () => {
  await wallets(rig, 1_000n);
  const [one, other] = [await transferred(), await transferred()];
  const reversalId = randomUUID();
  expect((await rig.calls.reverse(one, reversalId)).ok).toBe(true);
  const before = await rig.events();
  expect(rejectionOf(await rig.calls.reverse(other, reversalId))).toBe('id_reused');
  expect(rejectionOf(await rig.calls.reverse(other, one))).toBe('id_reused');
  expect(rejectionOf(await rig.calls.reverse(other, `reversal:${other}`))).toBe('id_reused');
  expect(await rig.events()).toEqual(before);
  expect((await read(other)).status).toBe('confirmed');
});

test('a refusal is the answer to the id of a reversal for ever, and another id is decided anew', async () => {
  await wallets(rig, 100n);
  const transferId = await transferred();
  const back = { tenantId: bob, debitAccountId: 'wallet-bob', creditAccountId: 'wallet-alice' };
  await rig.calls.accept({ ...back, amount: 1n });
  await settled(rig);
  const reversalId = randomUUID();
  expect(rejectionOf(await rig.calls.reverse(transferId, reversalId))).toBe('insufficient_balance');
  await rig.calls.issueFunds({ accountId: 'wallet-bob', amount: 1n });
  const again = { ok: false, rejection: 'insufficient_balance', replayed: true };
  expect(await rig.calls.reverse(transferId, reversalId)).toEqual(again);
  expect((await rig.calls.reverse(transferId)).ok).toBe(true);
  expect(rejectionOf(await rig.calls.reverse(transferId, reversalId))).toBe('insufficient_balance');
});

test('amounts of powers of two, all at once: what was accepted is what is gone, to the unit', async () => {
  const amounts = Array.from({ length: 12 }, (_, i) => 2n ** BigInt(i));
  await wallets(rig, 1_234n);
  const outcomes = await Promise.all(amounts.map((amount) => rig.calls.accept({ amount })));
  const taken = amounts.filter((_, i) => outcomes[i]!.ok).reduce((sum, amount) => sum + amount, 0n);
  expect(taken).toBeLessThanOrEqual(1_234n);
  await settled(rig);
  expect(await balance(rig, 'wallet-alice')).toMatchObject({ posted: 1_234n - taken, held: 0n });
  expect(await balance(rig, 'wallet-bob')).toMatchObject({ posted: taken });
});

test('pages show every transfer once, newest first, while others are being added', async () => {
  await wallets(rig, 100_000n);
  const ids = Array.from({ length: 23 }, () => randomUUID());
  for (const transferId of ids) await rig.calls.accept({ transferId });
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof must<typeof listTransfers>>> = await must<typeof listTransfers>(
      rig.calls.listTransfers({ limit: 5, cursor }),
    );
    seen.push(...page.transfers.map(({ transferId }) => transferId));
    cursor = page.nextCursor;
    await rig.calls.accept();
  } while (cursor !== null);
  expect(seen).toEqual(ids.toReversed());
  const received = await must<typeof listTransfers>(
    rig.calls.listTransfers({ tenantId: bob, accountId: 'wallet-bob', limit: 100 }),
  );
  expect(received.transfers).toHaveLength(28);
  await settled(rig);
});

test.each(['garbage', 'MDE', 'LTE', 'MTIz=', ''])('the cursor %j is refused', async (cursor) => {
  await wallets(rig, 100n);
  expect(rejectionOf(await rig.calls.listTransfers({ cursor }))).toBe('cursor_invalid');
  expect(rejectionOf(await rig.calls.listTransactions({ cursor }))).toBe('cursor_invalid');
});

test('a tenant sees nothing of what is not its own', async () => {
  await wallets(rig, 1_000n);
  const transferId = randomUUID();
  await rig.calls.accept({ transferId });
  await settled(rig);
  const stranger = '99999999-9999-4999-8999-999999999999';
  const before = await rig.events();
  expect(rejectionOf(await rig.calls.getTransfer(transferId, stranger))).toBe('transfer_not_found');
  expect(rejectionOf(await rig.calls.getBalance('wallet-alice', bob))).toBe('account_not_found');
  expect(rejectionOf(await rig.calls.getBalance('nobody', bob))).toBe('account_not_found');
  expect(rejectionOf(await rig.calls.listTransfers({ tenantId: bob }))).toBe('account_not_found');
  expect(await rig.events()).toEqual(before);
  expect(rejectionOf(await rig.calls.accept({ tenantId: bob }))).toBe('debit_account_not_found');
  const accounts = await must<typeof listAccounts>(rig.calls.listAccounts({ tenantId: bob }));
  expect(accounts.accounts.map(({ accountId }) => accountId)).toEqual(['wallet-bob']);
  const transactions = await rig.calls.listTransactions({ tenantId: stranger });
  expect(transactions).toMatchObject({ ok: true, value: { transactions: [] } });
});

test('a note is in no event, table or log line in the clear', async () => {
  await wallets(rig, 1_000n);
  const canary = 'canary-5d0c7f';
  const transferId = randomUUID();
  await rig.calls.accept({ transferId, note: canary });
  expect((await read(transferId)).note).toBe(canary);
  await settled(rig);
  for (const { payload } of await rig.events()) expect(payload.toString()).not.toContain(canary);
  const { rows } = await rig.pool.query('select * from transfers_v1');
  expect(JSON.stringify(rows)).not.toContain(canary);
  expect(JSON.stringify(rig.lines)).not.toContain(canary);
});

test('an amount of nothing is not a transfer', async () => {
  await wallets(rig, 1_000n);
  await expect(rig.calls.accept({ amount: 0n })).rejects.toThrow('accept-transfer: the request breaks the contract');
});

test('text that a table could not hold is refused before it is in the journal', async () => {
  await wallets(rig, 1_000n);
  const before = await rig.events();
  const said = 'must be valid Unicode without null characters';
  await expect(rig.calls.accept({ referenceId: 'a\0b' })).rejects.toThrow(`referenceId: ${said}`);
  await expect(rig.calls.accept({ referenceId: 'a\ud800' })).rejects.toThrow(`referenceId: ${said}`);
  await expect(rig.calls.accept({ transferId: '\0' })).rejects.toThrow(`transferId: ${said}`);
  await expect(rig.calls.openAccount({ accountId: '\0' })).rejects.toThrow(`accountId: ${said}`);
  expect(rejectionOf(await rig.calls.listAccounts({ cursor: 'AA' }))).toBe('cursor_invalid');
  expect(await rig.events()).toEqual(before);
});

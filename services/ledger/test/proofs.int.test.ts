/** Checkpoints, proofs and exports over Postgres, as other services ask for them. */
import {
  getTransactionProof,
  type issueFunds,
  listSigningKeys,
  operateBook,
  planExport,
  readExport,
  searchTransactions,
  type BookOperation,
  type CallRequest,
} from '@daybook/contracts';
import { callClient } from '@daybook/http';
import {
  createExportVerifier,
  createTrust,
  generateSigningKey,
  includes,
  isConsistent,
  parseCheckpoint,
  parsePublicKey,
  parseSigningKey,
  type ExportVerdict,
  type PublicKey,
} from '@daybook/proof';
import { Secret } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { alice, bob, ledgerRig, must, settled, wallets, type LedgerRig } from './ledger-rig';

const token = new Secret('internal-token-of-the-ledger-tests-only');
const key = generateSigningKey();
const { publicKey } = parseSigningKey(key);
const mode = 'sandbox';

type Range = Pick<CallRequest<typeof planExport>, 'from' | 'to'>;

function proofsAt(url: string) {
  const client = callClient({ baseUrl: url, token });
  const prove = (transactionId: string, more: Partial<CallRequest<typeof getTransactionProof>> = {}) =>
    client(getTransactionProof, { mode, tenantId: null, transactionId, since: null, ...more });
  const keys = () => must<typeof listSigningKeys>(client(listSigningKeys, { mode }));
  const range = { recordedFrom: null, recordedTo: null, effectiveFrom: null, effectiveTo: null };
  const any = { subject: null, accountId: null, metadata: {}, ...range, cursor: null, limit: 1 };
  return {
    prove,
    keys,
    operate: (operation: BookOperation) =>
      must<typeof operateBook>(
        client(operateBook, { mode, tenantId: null, actor: 'operator', dryRun: false, operation }),
      ),
    async seen(transactionId: string, tenantId: string | null) {
      const found = client(searchTransactions, { mode, tenantId, transactionId, ...any });
      return (await must<typeof searchTransactions>(found)).transactions[0];
    },
    close: () => client.stop(),
    /** Waits until everything that was recorded so far is signed. */
    async signed(rig: LedgerRig): Promise<void> {
      const length = (await rig.events()).findLastIndex(({ type }) => type !== 'CheckpointSigned') + 1;
      await eventually(async () => expect((await keys()).latest?.size ?? 0).toBeGreaterThanOrEqual(length), {
        timeoutMs: 10_000,
      });
    },
    async exported(range: Partial<Range> = {}): Promise<Buffer> {
      const planned = await client(planExport, { mode, from: null, to: null, ...range });
      const { first, last, header, manifest } = await must<typeof planExport>(Promise.resolve(planned));
      let text = header;
      for (let next = first; next <= last;) {
        const page = await must<typeof readExport>(client(readExport, { mode, first, last, next }));
        text += page.lines;
        next = page.next;
      }
      return Buffer.from(text + manifest);
    },
    plan: (range: Partial<Range>) => client(planExport, { mode, from: null, to: null, ...range }),
  };
}

function verify(file: Buffer, trusted: PublicKey = publicKey): ExportVerdict {
  const verifier = createExportVerifier(trusted);
  for (const line of file.toString().split('\n').slice(0, -1)) verifier.line(Buffer.from(line));
  return verifier.end();
}

const settings = { CHECKPOINT_SIGNING_KEY: key, CHECKPOINT_DELAY_MS: '1', CHECKPOINT_ORIGIN: 'test' };

describe('proofs of a book', () => {
  let rig: LedgerRig;
  let proofs: ReturnType<typeof proofsAt>;
  const transferId = randomUUID();

  beforeAll(async () => {
    rig = await ledgerRig({ settings });
    proofs = proofsAt(rig.calls.url);
    await wallets(rig, 1_000n);
    await rig.calls.accept({ transferId, amount: 30n });
    await settled(rig);
    await proofs.signed(rig);
  });
  afterAll(async () => {
    await proofs.close();
    await rig.close();
  });

  const provenOf = async (tenantId: string | null, since: number | null = null) =>
    must<typeof getTransactionProof>(proofs.prove(transferId, { tenantId, since }));

  test('a transaction is proven at its own sequence only', async () => {
    const { sequence } = await provenOf(alice);
    expect(await proofs.prove(transferId, { tenantId: alice, sequence })).toMatchObject({
      ok: true,
      value: { sequence },
    });
    const elsewhere = { ok: false, rejection: 'transaction_not_found' };
    expect(await proofs.prove(transferId, { tenantId: alice, sequence: sequence - 1 })).toEqual(elsewhere);
  });

  test('a transaction is proven by its bytes, a path and a signed checkpoint', async () => {
    const proof = await provenOf(alice);
    const checkpoint = createTrust('test/book-sandbox', publicKey).accept(proof.checkpoint);
    const bytes = Buffer.from(proof.payload, 'base64');
    expect(bytes).toEqual((await rig.events())[proof.sequence]!.payload);
    const path = proof.inclusion.map((hash) => Buffer.from(hash, 'base64'));
    expect(includes(bytes, { index: proof.sequence, size: checkpoint.size, path, root: checkpoint.root })).toBe(true);
    expect(proof.consistency).toBeNull();
  });

  test('a later checkpoint is proven to continue an earlier one', async () => {
    const before = parseCheckpoint((await provenOf(bob)).checkpoint.text);
    await must<typeof issueFunds>(rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 5n }));
    await proofs.signed(rig);
    const proof = await provenOf(bob, before.size);
    const after = parseCheckpoint(proof.checkpoint.text);
    expect(after.size).toBeGreaterThan(before.size);
    const path = proof.consistency!.map((hash) => Buffer.from(hash, 'base64'));
    expect(isConsistent(before, after, path)).toBe(true);
    expect(await proofs.prove(transferId, { since: 1_000_000 })).toMatchObject({
      rejection: 'since_beyond_checkpoint',
    });
  });

  test('a transaction is proven to the tenants of its entries, and to nobody else', async () => {
    for (const tenantId of [alice, bob, null])
      expect(await proofs.prove(transferId, { tenantId })).toMatchObject({ ok: true });
    for (const request of [{ tenantId: randomUUID() }, { mode: 'live' as const }])
      expect(await proofs.prove(transferId, request)).toMatchObject({ rejection: 'transaction_not_found' });
  });

  test('the bytes are withheld from whom they would tell what another side noted, or what became of its limits', async () => {
    const entries = (amount: bigint) => [
      { accountId: 'wallet-alice', asset: 'TXC' as const, direction: 'debit' as const, amount },
      { accountId: 'wallet-bob', asset: 'TXC' as const, direction: 'credit' as const, amount },
    ];
    const plain = {
      type: 'post',
      effectiveAt: null,
      closedPeriod: 'refuse',
      description: null,
      metadata: null,
    } as const;
    const noted = { ...plain, transactionId: randomUUID(), mode: 'authorizing', description: 'fraud case' } as const;
    await proofs.operate({ ...noted, entries: entries(1n) });
    const breaking = { ...plain, transactionId: randomUUID(), mode: 'recording' } as const;
    await proofs.operate({ ...breaking, entries: entries(5_000n) });
    await proofs.signed(rig);
    const withheld = { ok: false, rejection: 'withheld' };
    for (const tenantId of [alice, bob])
      expect(await proofs.prove(`ops/${noted.transactionId}`, { tenantId })).toEqual(withheld);
    expect(await proofs.prove(`ops/${breaking.transactionId}`, { tenantId: bob })).toEqual(withheld);
    const shown = [
      [noted.transactionId, null],
      [breaking.transactionId, null],
      [breaking.transactionId, alice],
    ] as const;
    for (const [id, tenantId] of shown)
      expect(await proofs.prove(`ops/${id}`, { tenantId })).toMatchObject({ ok: true });

    expect(await proofs.seen(`ops/${noted.transactionId}`, alice)).toMatchObject({ description: null });
    expect(await proofs.seen(`ops/${breaking.transactionId}`, bob)).toMatchObject({ limitBreaches: [] });
    const limitBreaches = [{ accountId: 'wallet-alice', crossed: 'floor' }];
    for (const tenantId of [alice, null])
      expect(await proofs.seen(`ops/${breaking.transactionId}`, tenantId)).toMatchObject({ limitBreaches });
  });

  test('an export of all, of a part and of a time verifies with the public key alone', async () => {
    const all = verify(await proofs.exported({ to: { sequence: (await provenOf(null)).checkpoint.size - 1 } }));
    expect(all).toMatchObject({ status: 'valid', first: 0, origin: 'test/book-sandbox', book: mode });
    expect(verify(await proofs.exported())).toMatchObject({ problem: null });
    const part = verify(await proofs.exported({ from: { sequence: 3 }, to: { sequence: 5 } }));
    expect(part).toMatchObject({ status: 'valid', first: 3, last: 5, eventsSigned: 3 });
    const at = (JSON.parse((await rig.events())[4]!.payload.toString()) as { at: string }).at;
    const later = verify(await proofs.exported({ from: { instant: at } }));
    expect(later.problem).toBeNull();
    expect(later.first).toBeLessThanOrEqual(4);
    const before = verify(await proofs.exported({ to: { instant: at } }));
    expect(before).toMatchObject({ status: 'valid', last: later.first! - 1 });
    expect(await proofs.plan({ from: { sequence: 5 }, to: { sequence: 3 } })).toMatchObject({
      rejection: 'range_invalid',
    });
    expect(await proofs.plan({ to: { sequence: 1_000_000 } })).toMatchObject({ rejection: 'range_invalid' });
  });

  test('an export without an end leaves out the last checkpoint, and the next one begins with it', async () => {
    await proofs.signed(rig);
    const { sequence } = (await proofs.keys()).latest!;
    const from = { sequence };
    const planned = (range: Partial<Range>) => must<typeof planExport>(proofs.plan(range));
    expect(await planned({})).toMatchObject({ first: 0, last: sequence - 1, leftOut: sequence });
    expect(verify(await proofs.exported())).toMatchObject({ status: 'valid', eventsSigned: sequence });
    // Nothing is left out of what was asked for, nor where there is nothing.
    expect(await planned({ to: from })).toMatchObject({ last: sequence, leftOut: null });
    expect(verify(await proofs.exported({ to: from }))).toMatchObject({ status: 'incomplete', eventsSigned: sequence });
    expect(await planned({ from: { sequence: sequence + 1 } })).toMatchObject({ last: sequence, leftOut: null });
    expect(await planned({ from })).toMatchObject({ first: sequence, last: sequence - 1, leftOut: sequence });

    await must<typeof issueFunds>(rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 5n }));
    await proofs.signed(rig);
    const next = verify(await proofs.exported({ from }));
    expect(next).toMatchObject({ status: 'valid', first: sequence, events: next.eventsSigned });
    expect(next.events).toBeGreaterThan(1);
  });

  test('the keys are those that signed', async () => {
    const { origin, keys } = await proofs.keys();
    expect(origin).toBe('test/book-sandbox');
    expect(keys).toEqual([
      { keyId: publicKey.keyId, publicKey: publicKey.base64, after: 0, upTo: null, introducedBy: null },
    ]);
  });

  test('an idle book gets no more checkpoints', async () => {
    await proofs.signed(rig);
    const { latest } = await proofs.keys();
    const { length } = await rig.events();
    expect(length).toBe(latest!.sequence + 1);
    expect(latest!.size).toBe(latest!.sequence);
  });

  test('a change of keys is followed from the first, and the old key alone cannot go on', async () => {
    const nextKey = generateSigningKey();
    const next = parseSigningKey(nextKey).publicKey;
    const changed = await ledgerRig({
      settings: { ...settings, CHECKPOINT_SIGNING_KEY: key },
    });
    await wallets(changed, 10n);
    const first = proofsAt(changed.calls.url);
    await first.signed(changed);
    await first.close();
    await changed.reconfigure({ CHECKPOINT_SIGNING_KEY: nextKey, CHECKPOINT_FORMER_KEY: key });
    const second = proofsAt(changed.calls.url);
    await eventually(async () => expect((await second.keys()).keys).toHaveLength(2), { timeoutMs: 10_000 });
    await must<typeof issueFunds>(changed.calls.issueFunds({ accountId: 'wallet-alice', amount: 5n }));
    await second.signed(changed);
    const file = await second.exported({ to: { sequence: (await second.keys()).latest!.size - 1 } });
    expect(verify(file)).toMatchObject({ status: 'valid', keyIds: [publicKey.keyId, next.keyId] });
    const { keys } = await second.keys();
    expect(keys.map(({ publicKey: raw }) => parsePublicKey(raw).keyId)).toEqual([publicKey.keyId, next.keyId]);
    await second.close();
    await changed.close();
  });
});

test('without a key nothing is signed, and an export says so', async () => {
  const rig = await ledgerRig();
  await wallets(rig, 10n);
  const proofs = proofsAt(rig.calls.url);
  expect(await proofs.keys()).toMatchObject({ keys: [], latest: null });
  expect(verify(await proofs.exported())).toMatchObject({ status: 'incomplete', eventsSigned: 0 });
  await proofs.close();
  await rig.close();
});

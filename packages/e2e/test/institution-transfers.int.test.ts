import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  getInstitutionTransfer,
  getMovements,
  listInstitutions,
  listMovements,
  listStatementLines,
  receiveStatement,
  setInstitutionEnabled,
} from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { institutionRig, recipient, tenantId, type InstitutionRig } from './institution-rig';
import { valueOf } from './value-of';
import { camt053, pain002, type StatementEntry } from './institution-documents';

const amount = 50_000n;
const owner = { tenantId, mode: 'sandbox' } as const;
const sandbox = { bank: 'sandbox', settleAfterSeconds: 3_600 } as const;
const debtor = { debtorName: 'Example Ltd', debtorIban: 'DE89370400440532013000', debtorBic: 'COBADEFFXXX' };

let rig: InstitutionRig;
let sandboxNumber: number;
let isoNumber: number;
let isoId: string;
beforeAll(async () => {
  rig = await institutionRig();
  sandboxNumber = (await rig.institution('sandbox', sandbox)).number;
  const iso = await rig.institution('house bank', { bank: 'iso20022', ...debtor });
  isoNumber = iso.number;
  isoId = iso.institutionId;
}, 60_000);
afterAll(() => rig.close());
afterEach(() => rig.booksBalance());

/** A transfer of what the tenant was just paid. */
async function made(number = sandboxNumber) {
  await rig.fund(amount);
  return valueOf(await rig.create(number)).transfer;
}

async function hand(document: string) {
  return rig.call(receiveStatement, { ...owner, institutionNumber: isoNumber, document });
}
const statement = (statementId: string, entries: readonly StatementEntry[]) =>
  camt053(statementId, debtor.debtorIban, entries);
const filesOf = (transferId: string) =>
  readdirSync(join(rig.outbox, isoId)).filter((file) => file.includes(transferId));

describe('a transfer through the sandbox bank', () => {
  test('is held at once, paid out, and completed when the journal has it; returned, it is back; told again, nothing changes', async () => {
    const before = await rig.balance();
    const { transactionId, status, transferId, number } = await made();
    expect([status, number % 2, transferId]).toEqual(['pending', 0, transactionId.replace('TX', 'TRF')]);
    expect(await rig.balance()).toMatchObject({ posted: before.posted + amount, held: before.held + amount });
    valueOf(await rig.decide(transactionId, 'settled'));
    await rig.becomes(transactionId, { status: 'completed', institutionReference: expect.stringMatching(/^REF/) });
    expect(await rig.balance()).toMatchObject({ posted: before.posted, held: before.held });
    await rig.tellAgain();
    valueOf(await rig.decide(transactionId, 'settled'));
    valueOf(await rig.decide(transactionId, 'returned'));
    await rig.becomes(transactionId, { status: 'returned', exceptions: [] });
    await rig.tellAgain();
    expect(await rig.decide(transactionId, 'rejected')).toMatchObject({ rejection: 'transfer_decided_otherwise' });
    const last = await made();
    valueOf(await rig.decide(last.transactionId, 'settled'));
    await rig.becomes(last.transactionId, { status: 'completed' });
    expect(await rig.balance()).toMatchObject({ posted: before.posted + amount, held: before.held });
    expect((await rig.transferOf(transactionId)).status).toBe('returned');
  });

  test('refused by the bank it has failed, and what was held is free by then: the next attempt may have it', async () => {
    const before = await rig.balance();
    const { transactionId } = await made();
    const { status, failure } = valueOf(await rig.decide(transactionId, 'rejected')).transfer;
    expect([status, failure]).toEqual(['failed', expect.stringContaining('refuse')]);
    const free = { posted: before.posted + amount, held: before.held };
    expect(await rig.balance()).toMatchObject(free);
    await rig.tellAgain();
    const all = valueOf(await rig.create(sandboxNumber, { amount: (await rig.balance()).available })).transfer;
    expect(valueOf(await rig.decide(all.transactionId, 'rejected')).transfer.status).toBe('failed');
    expect(await rig.balance()).toMatchObject(free);
    expect(await rig.decide(transactionId, 'settled')).toMatchObject({ rejection: 'transfer_decided_otherwise' });
  });

  test('is paid out by itself after a while', async () => {
    const { transactionId } = await made();
    rig.now.advance(3_600_000);
    await rig.becomes(transactionId, { status: 'completed' });
  });

  test('one key is one transfer, also ten times at once; other content under it is refused', async () => {
    const before = await rig.balance();
    await rig.fund(2n * amount);
    const idempotencyKey = randomUUID();
    const all = await Promise.all(Array.from({ length: 10 }, () => rig.create(sandboxNumber, { idempotencyKey })));
    const answers = all.map((outcome) => valueOf(outcome));
    expect(new Set(answers.map(({ transfer }) => transfer.transactionId)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await rig.balance()).held).toBe(before.held + amount);
    for (const other of [
      { amount: 1n },
      { description: null },
      { recipient: { iban: 'X' } },
      { institutionNumber: isoNumber },
    ])
      expect(await rig.create(sandboxNumber, { idempotencyKey, ...other })).toMatchObject({
        rejection: 'idempotency_key_reused',
      });
    valueOf(await rig.decide(answers[0]!.transfer.transactionId, 'rejected'));
  });

  test('repeated late, after the key of secrets was replaced, it has its first answer, and its bank still hears of it', async () => {
    const { posted, held } = await rig.balance();
    const [idempotencyKey, refusedKey] = [randomUUID(), randomUUID()];
    await rig.fund(3n * amount);
    const { transfer } = valueOf(await rig.create(sandboxNumber, { idempotencyKey }));
    const tooMuch = { amount: (await rig.balance()).available + 1n, idempotencyKey: refusedKey };
    expect(await rig.create(sandboxNumber, tooMuch)).toMatchObject({ rejection: 'insufficient_balance' });
    const others: string[] = [];
    await rig.replaceKey(async () => {
      const before = await rig.balance();
      expect(valueOf(await rig.create(sandboxNumber, { idempotencyKey }))).toEqual({ transfer, replayed: true });
      expect(await rig.create(sandboxNumber, tooMuch)).toMatchObject({
        rejection: 'insufficient_balance',
        replayed: true,
      });
      expect(await rig.create(sandboxNumber, { idempotencyKey, amount: 1n })).toMatchObject({
        rejection: 'idempotency_key_reused',
      });
      expect((await rig.institution('sandbox', sandbox)).number).toBe(sandboxNumber);
      expect(await rig.balance()).toEqual(before);
      others.push(valueOf(await rig.create(sandboxNumber)).transfer.transactionId);
    });
    for (const transactionId of [transfer.transactionId, ...others]) {
      valueOf(await rig.decide(transactionId, 'settled'));
      await rig.becomes(transactionId, { status: 'completed' });
    }
    expect(await rig.balance()).toMatchObject({ posted, held });
  });

  test('more than there is, is refused for good under its key; what is wrong is told before anything is recorded', async () => {
    const { available } = await rig.balance();
    const idempotencyKey = randomUUID();
    const tooMuch = { amount: available + 1n, idempotencyKey };
    expect(await rig.create(sandboxNumber, tooMuch)).toMatchObject({ rejection: 'insufficient_balance' });
    await rig.fund(10n);
    expect(await rig.create(sandboxNumber, tooMuch)).toMatchObject({ rejection: 'insufficient_balance' });
    expect(await rig.create(99)).toMatchObject({ rejection: 'institution_not_found' });
    expect(await rig.create(sandboxNumber, { tenantId: randomUUID() })).toMatchObject({
      rejection: 'institution_not_found',
    });
    expect(await rig.create(sandboxNumber, { currency: 'EUR' })).toMatchObject({ rejection: 'currency_not_supported' });
    const iban = 'DE88370400440532013000';
    for (const [number, wrong, rejection] of [
      [sandboxNumber, { name: 'Canary Doe' }, 'recipient_account_number_invalid'],
      [sandboxNumber, { account_number: ' ' }, 'recipient_account_number_invalid'],
      [sandboxNumber, { ...recipient, a: 'b' }, 'recipient_invalid'],
      [isoNumber, { name: 'Canary Doe', iban }, 'recipient_iban_invalid'],
      [isoNumber, { ...recipient, a: 'b' }, 'recipient_invalid'],
      [isoNumber, { ...recipient, iban: 'DE89370400440532013000' }, 'recipient_account_ambiguous'],
      [isoNumber, { ...recipient, sort_code: '112233' }, 'recipient_clearing_code_ambiguous'],
      [isoNumber, { ...recipient, name: ' ' }, 'recipient_name_invalid'],
      [isoNumber, { iban: 'DE89370400440532013000' }, 'recipient_name_missing'],
    ] as const)
      expect(await rig.create(number, { recipient: wrong })).toEqual({ ok: false, rejection });
    await rig.call(setInstitutionEnabled, { ...owner, number: sandboxNumber, enabled: false });
    expect(await rig.create(sandboxNumber)).toMatchObject({ rejection: 'institution_disabled' });
    await rig.call(setInstitutionEnabled, { ...owner, number: sandboxNumber, enabled: true });
    expect((await rig.balance()).held).toBe(0n);
  });

  test.each(['closed', 'silent', 'cut after the answer was made'] as const)(
    'a line to the ledger that is %s leaves it pending and unknown to the bank; it is asked again, and held once',
    async (state) => {
      const before = await rig.balance();
      await rig.fund(amount);
      rig.line.set(state);
      const idempotencyKey = randomUUID();
      const { transfer } = valueOf(await rig.create(sandboxNumber, { idempotencyKey }));
      expect(transfer.status).toBe('pending');
      expect(valueOf(await rig.create(sandboxNumber, { idempotencyKey })).replayed).toBe(true);
      // What a silent one was asked is lost, or the service would wait for it when it stops.
      rig.line.set('closed');
      await rig.restart();
      rig.line.set('open');
      rig.now.advance(60_000);
      await eventually(async () => expect((await rig.balance()).held).toBe(before.held + amount), {
        timeoutMs: 15_000,
      });
      valueOf(await rig.decide(transfer.transactionId, 'settled'));
      await rig.becomes(transfer.transactionId, { status: 'completed' });
      expect(await rig.balance()).toMatchObject({ posted: before.posted, held: before.held });
    },
  );

  test('stands in the list of what went out, as it is, for its tenant', async () => {
    const { transactionId, number } = await made();
    const list = async (more = {}) => {
      const all = { type: null, status: null, from: null, to: null, limit: 1 } as const;
      const asked = { ...owner, ...all, ...more };
      const keys = valueOf(await rig.call(listMovements, asked)).transactions;
      if (keys.length === 0) return keys;
      const transactionIds = keys.map(({ transactionId: id }) => id);
      expect(valueOf(await rig.call(getMovements, { ...owner, tenantId: randomUUID(), transactionIds }))).toEqual({
        transactions: [],
      });
      return valueOf(await rig.call(getMovements, { ...owner, transactionIds })).transactions;
    };
    const row = { transactionId, number, type: 'transfer', asset: 'USD', amount, hash: null, institutionNumber: 1 };
    expect(await list()).toMatchObject([{ ...row, status: 'pending', description: 'Canary words' }]);
    valueOf(await rig.decide(transactionId, 'rejected'));
    expect(await list({ type: 'transfer', status: 'failed' })).toMatchObject([{ ...row, status: 'failed' }]);
    expect(await list({ tenantId: randomUUID() })).toEqual([]);
  });

  test('its row waits for a read model that is behind, as the list does', async () => {
    await rig.fund(amount);
    const letGo = await rig.stopReadModel();
    const { transactionId } = valueOf(await rig.create(sandboxNumber)).transfer;
    const asked = rig.call(getMovements, { ...owner, transactionIds: [transactionId] });
    // Whoever does not wait has answered by then.
    for (let times = 0; times < 5; times++) await rig.transferOf(transactionId);
    await letGo();
    expect(valueOf(await asked).transactions).toMatchObject([{ transactionId, status: 'pending' }]);
    valueOf(await rig.decide(transactionId, 'rejected'));
  });

  test("another tenant's transfer is none, and names keep their settings", async () => {
    const { transactionId } = await made();
    for (const other of [{ tenantId: randomUUID() }, { mode: 'live' as const }])
      expect(await rig.call(getInstitutionTransfer, { ...owner, ...other, transactionId })).toMatchObject({
        rejection: 'transfer_not_found',
      });
    expect((await rig.institution('sandbox', sandbox)).number).toBe(sandboxNumber);
    await expect(rig.institution('sandbox', { ...sandbox, settleAfterSeconds: 1 })).rejects.toThrow('different_fields');
    expect(valueOf(await rig.call(listInstitutions, owner)).institutions.map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('a transfer through an institution of files', () => {
  test('is one file for ever, paid out by the statement that books it, and returned by the one that says so', async () => {
    const before = await rig.balance();
    const { transactionId, transferId } = await made(isoNumber);
    expect(filesOf(transferId)).toEqual([`${transferId}.xml`]);
    const file = readFileSync(join(rig.outbox, isoId, `${transferId}.xml`), 'utf8');
    for (const said of [
      `<MsgId>${transferId}</MsgId>`,
      '<NbOfTxs>1</NbOfTxs><CtrlSum>500.00</CtrlSum>',
      `<EndToEndId>${transactionId}</EndToEndId>`,
      '<InstdAmt Ccy="USD">500.00</InstdAmt>',
    ])
      expect(file).toContain(said);
    await rig.restart();
    rig.now.advance(60_000);
    const said = [
      { side: 'DBIT', amount: '500.00', endToEndId: transactionId, reference: 'B1' },
      { side: 'DBIT', amount: '12.00', endToEndId: 'NOTPROVIDED', reference: 'B2' },
      { side: 'CRDT', amount: '500.00', endToEndId: transactionId, reference: 'B3' },
    ] as const;
    const document = statement('S-1', said);
    expect(valueOf(await hand(document))).toMatchObject({ matched: 1, unmatched: 2, replayed: false });
    await rig.becomes(transactionId, { status: 'completed', institutionReference: 'B1' });
    expect(await rig.balance()).toMatchObject({ posted: before.posted, held: before.held });
    expect(valueOf(await hand(document))).toMatchObject({ matched: 1, unmatched: 2, replayed: true });
    expect(await hand(statement('S-1', said.slice(0, 1)))).toMatchObject({
      rejection: 'statement_exists_with_different_content',
    });
    const returned = {
      side: 'CRDT',
      amount: '500.00',
      endToEndId: transactionId,
      reference: 'B4',
      returned: 'AC04',
    } as const;
    expect(valueOf(await hand(statement('S-2', [returned])))).toMatchObject({ matched: 1, unmatched: 0 });
    await rig.becomes(transactionId, { status: 'returned', failure: 'AC04' });
    expect(await rig.balance()).toMatchObject({ posted: before.posted + amount, held: before.held });
    expect(filesOf(transferId)).toEqual([`${transferId}.xml`]);
  });

  test('a line is about a transfer to the last unit, once, and booked; what is not is kept and listed', async () => {
    const { transactionId } = await made(isoNumber);
    const line = { side: 'DBIT', amount: '500.00', endToEndId: transactionId, reference: 'C1' } as const;
    const entries = [
      { ...line, amount: '500.01' },
      { ...line, currency: 'EUR' },
      { ...line, status: 'PDNG' },
      line,
      { ...line, reference: 'C2' },
      { ...line, side: 'CRDT' },
    ] as const;
    expect(valueOf(await hand(statement('S-3', entries)))).toMatchObject({ matched: 1, unmatched: 5 });
    const list = async (cursor: string | null = null) =>
      valueOf(
        await rig.call(listStatementLines, {
          ...owner,
          institutionNumber: isoNumber,
          matched: false,
          limit: 4,
          cursor,
        }),
      );
    const first = await list();
    expect(first.lines.map(({ line: place, problem }) => [place, problem])).toEqual([
      [6, 'not_a_return'],
      [5, 'transfer_settled_otherwise'],
      [3, 'not_booked'],
      [2, 'currency_differs'],
    ]);
    expect((await list(first.nextCursor)).lines[0]).toMatchObject({
      line: 1,
      problem: 'amount_differs',
      amount: 50_001n,
    });
    await rig.becomes(transactionId, { status: 'completed' });
  });

  test('a report that refuses the order frees the amount; paid out all the same, it is an exception and a fact', async () => {
    const before = await rig.balance();
    const { transactionId, transferId } = await made(isoNumber);
    expect(valueOf(await hand(pain002('R-1', transferId, 'RJCT', 'AC01')))).toMatchObject({ matched: 1 });
    await rig.becomes(transactionId, { status: 'failed', failure: 'AC01' });
    expect((await rig.balance()).held).toBe(before.held);
    const paid = { side: 'DBIT', amount: '500.00', endToEndId: transactionId, reference: 'D1' } as const;
    valueOf(await hand(statement('S-4', [paid])));
    await rig.becomes(transactionId, { status: 'completed', exceptions: ['paid_after_failure'] });
    expect(await rig.balance()).toMatchObject({ posted: before.posted, held: before.held });
  });

  test('a report that refuses a second copy of the file leaves the amount held, until the statement books the first', async () => {
    const before = await rig.balance();
    const { transactionId, transferId } = await made(isoNumber);
    expect(valueOf(await hand(pain002('R-3', transferId, 'RJCT', 'DU01')))).toMatchObject({ matched: 0, unmatched: 1 });
    const asked = { ...owner, institutionNumber: isoNumber, matched: false, limit: 50, cursor: null };
    const lines = valueOf(await rig.call(listStatementLines, asked)).lines.filter(({ said }) => said === 'rejected');
    expect(lines).toMatchObject([{ reason: 'DU01', problem: 'duplicate_told', transactionId: null }]);
    expect((await rig.transferOf(transactionId)).status).toBe('pending');
    const paid = { side: 'DBIT', amount: '500.00', endToEndId: transactionId, reference: 'F1' } as const;
    valueOf(await hand(statement('S-9', [paid])));
    await rig.becomes(transactionId, { status: 'completed', exceptions: [] });
    expect(await rig.balance()).toMatchObject({ posted: before.posted, held: before.held });
  });

  test('what is no statement of this account is refused, and tells nothing to anybody', async () => {
    const { transactionId, transferId } = await made(isoNumber);
    const line = { side: 'DBIT', amount: '500.00', endToEndId: transactionId, reference: 'E1' } as const;
    expect(await hand(camt053('S-5', 'DE02120300000000202051', [line]))).toMatchObject({
      rejection: 'statement_of_other_account',
    });
    const bomb = `<!DOCTYPE d [<!ENTITY a "b">]>${statement('S-6', [line])}`;
    for (const document of ['x', '<Document/>', bomb, statement('S-7', [line]).slice(0, -5)])
      expect(await hand(document)).toMatchObject({ rejection: 'statement_invalid' });
    const wrong = { ...owner, institutionNumber: sandboxNumber, document: statement('S-8', [line]) };
    expect(await rig.call(receiveStatement, wrong)).toMatchObject({ rejection: 'institution_without_statements' });
    expect((await rig.transferOf(transactionId)).status).toBe('pending');
    valueOf(await hand(pain002('R-2', transferId, 'RJCT', 'AC01')));
  });
});

test('neither a recipient nor what was written to it is kept in the clear', async () => {
  const kept = await rig.kept();
  expect(kept.length).toBeGreaterThan(50);
  for (const row of kept) {
    expect(row).not.toMatch(/canary/i);
    expect(row).not.toContain(recipient.account_number);
    expect(row).not.toContain(debtor.debtorIban);
  }
});

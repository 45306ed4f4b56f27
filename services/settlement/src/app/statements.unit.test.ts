/** Documents as banks write them, on a store in memory: what is told to transfers, and what is not when a document is refused. */
import { randomBytes } from 'node:crypto';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { createLogger, createSealer, Secret, sha256Hex } from '@daybook/runtime';
import { readStatements } from '../adapters/banks/statements';
import { institutionEvents, statementEvents, transferEvents } from '../adapters/stored-transfers';
import { bankStatement } from '../domain/bank-statement';
import { bankTransfer, type TransferCommand } from '../domain/bank-transfer';
import { institutionRegistry } from '../domain/institutions';
import { institutionCalls } from './institutions';
import { statementCalls } from './statements';
import { statementStream, transferStream } from './transfer-streams';

const owner = { tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'sandbox' } as const;
const iban = 'DE89370400440532013000';
const at = '2026-03-01T10:00:00.000Z';
const now = () => new Date(at);
const first = 'TX0123456789ABCDEFGHJK';
const second = 'TX0123456789ABCDEFGHJM';

/** A bank that is told by files, and transfers through it whose amount is held. */
async function bank(...transactionIds: string[]) {
  const store = memoryEventStore(now);
  const transfers = commandHandler(bankTransfer, transferEvents, store);
  const secretsKeys = { current: new Secret(randomBytes(32).toString('base64')), old: [] };
  const deps = {
    transfers,
    institutions: commandHandler(institutionRegistry, institutionEvents, store),
    statements: commandHandler(bankStatement, statementEvents, store),
    sealer: createSealer(secretsKeys),
    secretsKeys,
    hasOutbox: true,
    readStatements,
    findLines: async () => undefined,
    now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  };
  const settings = { bank: 'iso20022', debtorName: 'A', debtorIban: iban, debtorBic: 'COBADEFFXXX' } as const;
  const added = await institutionCalls(deps).addInstitution({ ...owner, name: 'bank', currencies: ['EUR'], settings });
  if (!added.ok) throw new Error(added.rejection);
  const { institutionId } = added.value.institution;
  const context = (id: string) => ({ commandId: crypto.randomUUID(), correlationId: id, causationId: id });
  for (const transactionId of transactionIds) {
    const terms = {
      ...owner,
      transactionId,
      transferId: transactionId.replace('TX', 'TRF'),
      number: 2,
      institutionId,
      institutionNumber: 1,
      bank: 'iso20022',
      userNumber: null,
      asset: 'EUR',
      amount: 50_000n,
      contentDigest: '',
      encryptedDetails: '',
      encryptedRecipient: '',
      createdAt: at,
    } as const;
    const commands: TransferCommand[] = [
      { type: 'CreateTransfer', terms, oldDigests: [] },
      { type: 'RecordHeld', at },
    ];
    for (const command of commands)
      await transfers.handle(transferStream(transactionId), command, context(transactionId));
  }
  const { receiveStatement } = statementCalls(deps);
  return {
    hand: (document: string) => receiveStatement({ ...owner, institutionNumber: 1, document }),
    transferOf: async (transactionId: string) => (await transfers.load(transferStream(transactionId))).state,
    digestOf: async (statementId: string) =>
      (await deps.statements.load(statementStream(institutionId, statementId))).state?.digest,
    linesOf: async (statementId: string) =>
      (await deps.statements.load(statementStream(institutionId, statementId))).state?.lines ?? [],
  };
}

type Entry = { readonly about: string; readonly reference?: string; readonly ntryRef?: string; readonly back?: true };

function entryOf({ about, reference, ntryRef, back }: Entry): string {
  const ref = reference === undefined ? '' : `<AcctSvcrRef>${reference}</AcctSvcrRef>`;
  const returned = back ? '<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>' : '';
  return (
    `<Ntry>${ntryRef === undefined ? '' : `<NtryRef>${ntryRef}</NtryRef>`}<Amt Ccy="EUR">500.00</Amt>` +
    `<CdtDbtInd>${back ? 'CRDT' : 'DBIT'}</CdtDbtInd><Sts>BOOK</Sts>${ref}<NtryDtls><TxDtls>` +
    `<Refs><EndToEndId>${about}</EndToEndId></Refs>${returned}</TxDtls></NtryDtls></Ntry>`
  );
}

const statement = (id: string, entries: readonly Entry[], page?: number) =>
  `<Stmt><Id>${id}</Id>${page === undefined ? '' : `<StmtPgntn><PgNb>${page}</PgNb></StmtPgntn>`}` +
  `<Acct><Id><IBAN>${iban}</IBAN></Id></Acct>${entries.map(entryOf).join('')}</Stmt>`;
const documentOf = (...statements: string[]) =>
  `<Document><BkToCstmrStmt>${statements.join('')}</BkToCstmrStmt></Document>`;

type Level = 'message' | 'payment' | 'transaction';

/** What a bank says of our order: refused, for reasons that it tells of the message, the payment or the transaction. */
function report(id: string, about: string, told: Readonly<Partial<Record<Level, readonly string[]>>>, status = 'RJCT') {
  const reasons = (level: Level) =>
    (told[level] ?? []).map((code) => `<StsRsnInf><Rsn><Cd>${code}</Cd></Rsn></StsRsnInf>`).join('');
  const transaction = `<TxInfAndSts><OrgnlEndToEndId>${about}</OrgnlEndToEndId>${reasons('transaction')}</TxInfAndSts>`;
  const payment = `<OrgnlPmtInfAndSts>${reasons('payment')}${transaction}</OrgnlPmtInfAndSts>`;
  const message = `<OrgnlMsgId>${about.replace('TX', 'TRF')}</OrgnlMsgId><GrpSts>${status}</GrpSts>${reasons('message')}`;
  return (
    `<Document><CstmrPmtStsRpt><GrpHdr><MsgId>${id}</MsgId></GrpHdr><OrgnlGrpInfAndSts>${message}</OrgnlGrpInfAndSts>` +
    `${told.payment || told.transaction ? payment : ''}</CstmrPmtStsRpt></Document>`
  );
}

describe('reports of a bank', () => {
  test.each<[string, Partial<Record<Level, string[]>>]>([
    ...['DU01', 'DU02', 'DU03', 'DU04', 'DU05', 'AM05', 'DUPL'].map((code): [string, { message: string[] }] => [
      code,
      { message: [code] },
    ]),
    ['DU03', { transaction: ['DU03'] }],
    ['DU02', { payment: ['DU02'], transaction: ['NARR'] }],
    ['DU01', { message: ['NARR', 'DU01'], transaction: ['AC01'] }],
  ])('a refusal of a copy (%s, %j) lets go of nothing, and what was executed is paid', async (reason, told) => {
    const { hand, transferOf, linesOf } = await bank(first);
    for (const replayed of [false, true])
      expect(await hand(report('R', first, told))).toMatchObject({ value: { matched: 0, unmatched: 1, replayed } });
    expect(await linesOf('R')).toMatchObject([{ said: 'rejected', problem: 'duplicate_told', reason }]);
    expect(await transferOf(first)).toMatchObject({ stage: 'held', failure: null });
    await hand(documentOf(statement('S', [{ about: first, reference: 'A' }])));
    expect(await transferOf(first)).toMatchObject({ stage: 'settled', exceptions: [] });
  });

  test('a refusal for any other reason ends the transfer', async () => {
    const { hand, transferOf } = await bank(first);
    expect(await hand(report('R', first, { transaction: ['AC01'] }))).toMatchObject({ value: { matched: 1 } });
    expect(await transferOf(first)).toMatchObject({ stage: 'releasing', failure: 'AC01' });
  });
});

describe('statements of a bank', () => {
  test('of two with one id in a document that say different things nothing is told, also not of a third', async () => {
    const { hand, transferOf, linesOf } = await bank(first, second);
    const other = { about: 'other', reference: 'A' };
    const document = documentOf(
      statement('S', [other]),
      statement('S', [{ about: first, reference: 'B' }]),
      statement('T', [{ about: second, reference: 'C' }]),
    );
    expect(await hand(document)).toEqual({ ok: false, rejection: 'statement_invalid' });
    expect([(await transferOf(first)).stage, (await transferOf(second)).stage]).toEqual(['held', 'held']);
    expect([await linesOf('S'), await linesOf('T')]).toEqual([[], []]);
    const twice = documentOf(statement('S', [other]), statement('S', [other]));
    expect(await hand(twice)).toMatchObject({ value: { statementIds: ['S'], matched: 0, unmatched: 1 } });
  });

  test('one that was taken by an earlier build is known again: what its lines say has the same digest', async () => {
    const { hand, digestOf } = await bank(first);
    await hand(documentOf(statement('S', [{ about: first, reference: 'A' }])));
    const said = { said: 'debit', amount: '50000', currency: 'EUR', endToEndId: first, bookedOn: null, reason: null };
    const line = { ...said, isFinal: true, isReturn: false, line: 1, reference: 'A' };
    expect(await digestOf('S')).toBe(sha256Hex(JSON.stringify([line])));
  });

  test('pages of one statement are all taken, in one document or in several', async () => {
    const { hand, transferOf } = await bank(first, second);
    const pages = [first, second].map((about, index) => statement('S', [{ about, reference: 'R' }], index + 1));
    expect(await hand(documentOf(...pages))).toMatchObject({ value: { statementIds: ['S', 'S#2'], matched: 2 } });
    expect([(await transferOf(first)).stage, (await transferOf(second)).stage]).toEqual(['settled', 'settled']);
    const third = documentOf(statement('S', [{ about: 'other' }], 3));
    expect(await hand(third)).toMatchObject({ value: { statementIds: ['S#3'], unmatched: 1, replayed: false } });
    expect(await hand(documentOf(...pages))).toMatchObject({ value: { matched: 2, replayed: true } });
  });

  test('a second debit is a problem, also when the return came before the first', async () => {
    const { hand, transferOf, linesOf } = await bank(first);
    await hand(documentOf(statement('S', [{ about: first, back: true, reference: 'R0' }])));
    expect(await transferOf(first)).toMatchObject({ stage: 'returned', payoutReference: null });
    const debits = documentOf(
      statement('T', [
        { about: first, reference: 'R1' },
        { about: first, reference: 'R2' },
      ]),
    );
    for (const replayed of [false, true])
      expect(await hand(debits)).toMatchObject({ value: { matched: 1, unmatched: 1, replayed } });
    expect((await linesOf('T')).map(({ problem }) => problem)).toEqual([null, 'transfer_settled_otherwise']);
    expect(await transferOf(first)).toMatchObject({ stage: 'returned', payoutReference: 'R1', returnReference: 'R0' });
  });

  test.each([
    ['numbers entries anew each day', { ntryRef: '1' }],
    ['tells no reference', {}],
    ['says that it has none', { reference: 'NONREF' }],
  ])('a second debit is a problem at a bank that %s', async (_, said) => {
    const { hand, linesOf } = await bank(first);
    const day = (id: string) => documentOf(statement(id, [{ about: first, ...said }]));
    expect(await hand(day('S'))).toMatchObject({ value: { matched: 1, unmatched: 0 } });
    expect(await hand(day('S'))).toMatchObject({ value: { matched: 1, unmatched: 0, replayed: true } });
    expect(await hand(day('T'))).toMatchObject({ value: { matched: 0, unmatched: 1 } });
    expect(await linesOf('T')).toMatchObject([{ problem: 'transfer_settled_otherwise', reference: expect.anything() }]);
  });
});

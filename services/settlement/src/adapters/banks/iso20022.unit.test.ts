import type { TransferOrder } from '../../ports';
import { pain001 } from './pain-001';
import { readStatements } from './statements';

const settings = {
  bank: 'iso20022',
  debtorName: 'Example Ltd',
  debtorIban: 'DE89370400440532013000',
  debtorBic: 'COBADEFFXXX',
} as const;
const order: TransferOrder = {
  transferId: 'TRF4G7Q1ZK0WB8N3RDC5VYM',
  transactionId: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  currency: 'EUR',
  amount: 123_456_789_012n,
  description: 'Größe <&> 50 €\u2028ok',
  recipient: { name: 'Doe & Sons', iban: 'GB82WEST12345698765432' },
  createdAt: '2026-03-01T10:00:00.000Z',
};

describe('pain.001', () => {
  test('has the elements of the standard in their order, control sums, and only letters that banks take', () => {
    const file = pain001(settings, { ...order, recipient: { ...order.recipient, name: 'Doe (Sons)' } });
    expect(file).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>' +
        '<GrpHdr><MsgId>TRF4G7Q1ZK0WB8N3RDC5VYM</MsgId><CreDtTm>2026-03-01T10:00:00.000Z</CreDtTm>' +
        '<NbOfTxs>1</NbOfTxs><CtrlSum>1234567890.12</CtrlSum><InitgPty><Nm>Example Ltd</Nm></InitgPty></GrpHdr>' +
        '<PmtInf><PmtInfId>TRF4G7Q1ZK0WB8N3RDC5VYM</PmtInfId><PmtMtd>TRF</PmtMtd>' +
        '<NbOfTxs>1</NbOfTxs><CtrlSum>1234567890.12</CtrlSum><ReqdExctnDt><Dt>2026-03-01</Dt></ReqdExctnDt>' +
        '<Dbtr><Nm>Example Ltd</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>' +
        '<DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>' +
        '<CdtTrfTxInf><PmtId><InstrId>TRF4G7Q1ZK0WB8N3RDC5VYM</InstrId><EndToEndId>TX4G7Q1ZK0WB8N3RDC5VYM</EndToEndId></PmtId>' +
        '<Amt><InstdAmt Ccy="EUR">1234567890.12</InstdAmt></Amt><Cdtr><Nm>Doe (Sons)</Nm></Cdtr>' +
        '<CdtrAcct><Id><IBAN>GB82WEST12345698765432</IBAN></Id></CdtrAcct>' +
        '<RmtInf><Ustrd>Gro.e ... 50 ..ok</Ustrd></RmtInf></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>\n',
    );
    expect(pain001(settings, order)).toBe(pain001(settings, order));
  });

  test('a BIC and a clearing code stand side by side, the BIC first', () => {
    const recipient = { name: 'A', account_number: '1', bic: 'CHASUS33', routing_number: '021000021' };
    expect(pain001(settings, { ...order, recipient })).toContain(
      '<CdtrAgt><FinInstnId><BICFI>CHASUS33</BICFI>' +
        '<ClrSysMmbId><ClrSysId><Cd>USABA</Cd></ClrSysId><MmbId>021000021</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>',
    );
  });

  test('an order that was recorded with two accounts and two clearing codes keeps its file', () => {
    const codes = { routing_number: '021000021', sort_code: '112233' };
    const file = pain001(settings, { ...order, recipient: { ...order.recipient, account_number: '999999', ...codes } });
    expect(file).toContain(`<CdtrAcct><Id><IBAN>${order.recipient['iban']}</IBAN></Id></CdtrAcct>`);
    expect(file.match(/<Cd>.*?<\/Cd>/g)).toEqual(['<Cd>USABA</Cd>']);
  });

  test.each([140, 141])('of %d characters of a description 140 are told', (length) => {
    expect(pain001(settings, { ...order, description: 'd'.repeat(length) })).toContain(
      `<Ustrd>${'d'.repeat(140)}</Ustrd>`,
    );
  });
});

describe('statements', () => {
  const wrap = (entries: string) =>
    `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>S</Id>` +
    `<Acct><Id><IBAN>${settings.debtorIban}</IBAN></Id></Acct>${entries}</Stmt></BkToCstmrStmt></Document>`;
  const linesOf = (entries: string) => readStatements(wrap(entries), () => null)?.[0]?.lines ?? [];
  const entry = (amount: string, rest = '', currency = 'EUR') =>
    `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>${rest}</Ntry>`;

  test.each([
    ['500', 50_000n],
    ['500.5', 50_050n],
    ['500.00000', 50_000n],
    ['500.001', null],
    ['1e3', null],
    ['-5', null],
    ['', null],
  ])('an amount written %j is %s', (written, units) => {
    expect(linesOf(entry(written))[0]?.amount ?? null).toBe(units);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('a reversal indicator written %j says %s', (written, isReturn) => {
    expect(linesOf(entry('5', `<RvslInd>${written}</RvslInd>`))).toMatchObject([{ amount: 500n, isReturn }]);
  });

  test('any other reversal indicator makes a statement unreadable', () => {
    expect(readStatements(wrap(entry('5', '<RvslInd>yes</RvslInd>')), () => null)).toBeUndefined();
  });

  test.each([
    ['NtryDtls', '<NtryDtls/>'],
    ['TxDtls', '<NtryDtls><TxDtls/></NtryDtls>'],
    ['Refs', '<NtryDtls><TxDtls><Refs/></TxDtls></NtryDtls>'],
    ['AmtDtls', '<NtryDtls><TxDtls><AmtDtls></AmtDtls></TxDtls></NtryDtls>'],
    ['RtrInf', '<NtryDtls><TxDtls><RtrInf/></TxDtls></NtryDtls>'],
  ])('an empty group %s says nothing, and the line is that of its entry', (_, details) => {
    const line = { line: 1, amount: 500n, endToEndId: null, reference: 'S/1', reason: null, isReturn: false };
    expect(linesOf(entry('5', details))).toMatchObject([line]);
  });

  test('an empty group in one line leaves the others readable', () => {
    const named = (more: string) =>
      `<NtryDtls><TxDtls><Refs><EndToEndId>a</EndToEndId></Refs>${more}</TxDtls></NtryDtls>`;
    const returned = '<RtrInf/><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>';
    expect(linesOf(entry('5', '<NtryDtls><TxDtls/></NtryDtls>') + entry('6', named(returned)))).toMatchObject([
      { line: 1, amount: 500n },
      { line: 2, amount: 600n, endToEndId: 'a', reason: 'AC04', isReturn: true },
    ]);
  });

  test('empty groups of a report on orders say nothing', () => {
    const report =
      '<Document><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId>' +
      '<GrpSts>RJCT</GrpSts><StsRsnInf/></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P</OrgnlPmtInfId>' +
      '<TxInfAndSts/></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>';
    expect(readStatements(report, () => 'TX')?.[0]?.lines).toMatchObject([
      { said: 'rejected', endToEndId: 'TX', reason: null },
    ]);
  });

  test('a currency that is not kept has no amount here', () => {
    expect(linesOf(entry('5', '', 'JPY'))).toMatchObject([{ currency: 'JPY', amount: null }]);
  });

  test('of a batch every transaction is a line, and the amount of the batch is nobody’s', () => {
    const one = (id: string, more = '') => `<TxDtls><Refs><EndToEndId>${id}</EndToEndId></Refs>${more}</TxDtls>`;
    const batch = `<NtryDtls>${one('a', '<AmtDtls><TxAmt><Amt Ccy="EUR">1.00</Amt></TxAmt></AmtDtls>')}${one('b')}</NtryDtls>`;
    expect(linesOf(entry('3.00', batch) + entry('4.00', `<NtryDtls>${one('c')}</NtryDtls>`))).toMatchObject([
      { line: 1, endToEndId: 'a', amount: 100n, isFinal: true },
      { line: 2, endToEndId: 'b', amount: null },
      { line: 3, endToEndId: 'c', amount: 400n },
    ]);
  });

  test('what declares entities is not read', () => {
    const wrapped = wrap(entry('1'));
    expect(readStatements(`<?xml version="1.0"?>${wrapped}`, () => null)).toHaveLength(1);
    for (const declared of ['<!ENTITY a "b">', '<!ENTITY a SYSTEM "file:///etc/passwd">', ''])
      for (const doctype of ['DOCTYPE', 'doctype'])
        expect(readStatements(`<!${doctype} Document [${declared}]>${wrapped}`, () => null)).toBeUndefined();
  });

  test('what XML has no place for is refused, wherever it stands, and so is what the parser throws over', () => {
    const line = (id: string) =>
      entry('1', `<NtryDtls><TxDtls><Refs><EndToEndId>${id}</EndToEndId></Refs></TxDtls></NtryDtls>`);
    for (const bad of ['\0', '\x1f', '\ufffe', '\ud800']) {
      expect(readStatements(wrap(line(`a${bad}`)), () => null)).toBeUndefined();
      expect(readStatements(wrap(entry('1', `<AddtlNtryInf>${bad}</AddtlNtryInf>`)), () => null)).toBeUndefined();
    }
    expect(linesOf(line('a\u{1f600}é\x7f'))).toHaveLength(1);
    // Whether references are read or stay as they are, no such character comes of them.
    for (const reference of ['&#0;', '&#x0;', '&#1;'])
      expect(linesOf(line(reference))[0]?.endToEndId).not.toMatch(/\p{Cc}/u);
    const deep = `${'<a>'.repeat(200_000)}${'</a>'.repeat(200_000)}`;
    for (const xml of ['<Document/><!-- unfinished', '<Document/><![CDATA[', deep])
      expect(readStatements(xml, () => null)).toBeUndefined();
  });

  test('a line has the reference of the bank, or its place; what all of a batch share is of none alone', () => {
    const referenced = (reference: string) => `<AcctSvcrRef>${reference}</AcctSvcrRef>`;
    const batch = `<NtryDtls><TxDtls><Refs><EndToEndId>x</EndToEndId></Refs></TxDtls><TxDtls><Refs>${referenced('own')}</Refs></TxDtls><TxDtls><Refs><EndToEndId>y</EndToEndId></Refs></TxDtls></NtryDtls>`;
    const entries = [
      entry('1', referenced('A')),
      entry('1', '<NtryRef>1</NtryRef>'),
      entry('1', referenced('NONREF')),
      entry('1', referenced('B') + batch),
      entry('1', referenced('C') + '<NtryDtls><TxDtls><Refs><EndToEndId>x</EndToEndId></Refs></TxDtls></NtryDtls>'),
    ];
    expect(linesOf(entries.join('')).map(({ reference }) => reference)).toEqual([
      'A',
      'S/2',
      'S/3',
      'B/1',
      'own',
      'B/3',
      'C',
    ]);
  });

  test('each page is a statement of its own, whether the statement or its message is in pages', () => {
    const paged = (of: string, number: string, message = '') =>
      `<Document><BkToCstmrStmt>${message}<Stmt><Id>S</Id>${
        of === 'Stmt' ? `<StmtPgntn><PgNb>${number}</PgNb>` + '<LastPgInd>false</LastPgInd></StmtPgntn>' : ''
      }<Acct><Id><IBAN>X</IBAN></Id></Acct>${entry('1')}</Stmt></BkToCstmrStmt></Document>`;
    const group = (number: string) => `<GrpHdr><MsgPgntn><PgNb>${number}</PgNb></MsgPgntn></GrpHdr>`;
    const idOf = (xml: string) => readStatements(xml, () => null)?.map(({ statementId }) => statementId);
    expect(idOf(paged('Stmt', '1'))).toEqual(['S']);
    expect(idOf(paged('Stmt', '00002'))).toEqual(['S#2']);
    expect(idOf(paged('', '', group('3')))).toEqual(['S#3']);
    expect(idOf(paged('Stmt', '2', group('3')))).toEqual(['S#2']);
    expect(idOf(paged('Stmt', 'x'))).toBeUndefined();
    expect(readStatements(paged('Stmt', '2'), () => null)?.[0]?.lines[0]?.reference).toBe('S#2/1');
  });
});

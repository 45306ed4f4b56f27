/** What a bank writes: statements and reports, with the elements that are read and some that are not. */

export type StatementEntry = {
  readonly side: 'DBIT' | 'CRDT';
  readonly amount: string;
  readonly currency?: string;
  readonly endToEndId: string;
  readonly reference: string;
  readonly status?: string;
  /** Reason code of a return. */
  readonly returned?: string;
};

export function camt053(statementId: string, iban: string, entries: readonly StatementEntry[]): string {
  const of = ({ side, amount, currency = 'USD', endToEndId, reference, status = 'BOOK', returned }: StatementEntry) => `
      <Ntry>
        <Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${side}</CdtDbtInd><Sts><Cd>${status}</Cd></Sts>
        <BookgDt><Dt>2026-03-02</Dt></BookgDt><AcctSvcrRef>${reference}</AcctSvcrRef>
        <NtryDtls><TxDtls>
          <Refs><MsgId>M &amp; N</MsgId><EndToEndId>${endToEndId}</EndToEndId></Refs>
          <RltdPties><Cdtr><Pty><Nm>Canary Doe</Nm></Pty></Cdtr></RltdPties>
          ${returned === undefined ? '' : `<RtrInf><Rsn><Cd>${returned}</Cd></Rsn></RtrInf>`}
        </TxDtls></NtryDtls>
      </Ntry>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>G-${statementId}</MsgId><CreDtTm>2026-03-02T20:00:00Z</CreDtTm></GrpHdr>
    <Stmt>
      <Id>${statementId}</Id><CreDtTm>2026-03-02T20:00:00Z</CreDtTm>
      <Acct><Id><IBAN>${iban}</IBAN></Id></Acct>${entries.map(of).join('')}
    </Stmt>
  </BkToCstmrStmt>
</Document>`;
}

export function pain002(reportId: string, messageId: string, status: string, reason: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<ns:Document xmlns:ns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
  <ns:CstmrPmtStsRpt>
    <ns:GrpHdr><ns:MsgId>${reportId}</ns:MsgId><ns:CreDtTm>2026-03-02T20:00:00Z</ns:CreDtTm></ns:GrpHdr>
    <ns:OrgnlGrpInfAndSts>
      <ns:OrgnlMsgId>${messageId}</ns:OrgnlMsgId><ns:OrgnlMsgNmId>pain.001.001.09</ns:OrgnlMsgNmId>
      <ns:GrpSts>${status}</ns:GrpSts><ns:StsRsnInf><ns:Rsn><ns:Cd>${reason}</ns:Cd></ns:Rsn></ns:StsRsnInf>
    </ns:OrgnlGrpInfAndSts>
  </ns:CstmrPmtStsRpt>
</ns:Document>`;
}

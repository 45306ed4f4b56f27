/**
 * What an institution writes back, read into lines: ISO 20022 camt.053 statements, of which only the account's booked
 * entries count, and pain.002 reports on the status of orders. Nothing else of a document is kept: no names, no accounts.
 * Versions differ in details that are not read here, so any version of the two is taken. A statement that comes in pages is
 * one for each page. Pure.
 */
import { transferCurrencies } from '@daybook/contracts';
import { assets, parseAmount } from '@daybook/money';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { z } from 'zod';
import type { ReadLine, ReadStatement } from '../../domain/bank-statement';
import type { TransferCurrency } from '../../domain/institutions';

const lists = new Set([
  'Stmt',
  'Ntry',
  'NtryDtls',
  'TxDtls',
  'OrgnlPmtInfAndSts',
  'TxInfAndSts',
  'StsRsnInf',
  'RtrInf',
]);

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => lists.has(name),
});

/** What XML 1.0 has no place for, and a table neither. The parser lets it through, and a reference may stand for it. */
const forbidden = /[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff\p{Surrogate}]/u;

const word = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .refine((text) => !forbidden.test(text));
const id = word(105).min(1);
const page = z.object({ PgNb: z.string().regex(/^\d{1,5}$/) }).optional();
/** A group of nothing but optional elements may be empty, which is read as ''. */
const group = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess((read) => (read === '' ? {} : read), z.object(shape));
const money = z.object({ '#text': word(30), '@Ccy': word(3) });
const reason = z.object({ Rsn: z.object({ Cd: id.optional(), Prtry: id.optional() }).optional() });
/** An empty one says nothing: not that money came back, either. */
const reasons = z
  .array(z.union([z.literal(''), reason]))
  .transform((told) => told.filter((one) => one !== ''))
  .optional();
const creditOrDebit = z.enum(['CRDT', 'DBIT']);

const details = group({
  Refs: group({ EndToEndId: id.optional(), AcctSvcrRef: id.optional() }).optional(),
  Amt: money.optional(),
  AmtDtls: group({ TxAmt: z.object({ Amt: money }).optional() }).optional(),
  CdtDbtInd: creditOrDebit.optional(),
  RtrInf: reasons,
});
const entry = z.object({
  Amt: money,
  CdtDbtInd: creditOrDebit,
  RvslInd: z.enum(['true', 'false', '1', '0']).optional(),
  /** A code itself until version 7, an element with one from 8 on. */
  Sts: z.union([z.string(), z.object({ Cd: z.string().optional() })]),
  BookgDt: z.object({ Dt: word(40).optional(), DtTm: word(40).optional() }).optional(),
  AcctSvcrRef: id.optional(),
  NtryDtls: z.array(group({ TxDtls: z.array(details).optional() })).optional(),
});
const statement = z.object({
  Id: id,
  StmtPgntn: page,
  Acct: z.object({ Id: z.object({ IBAN: z.string().max(34).optional() }) }),
  Ntry: z.array(entry).optional(),
});
const orderStatus = group({ OrgnlEndToEndId: id.optional(), TxSts: z.string().optional(), StsRsnInf: reasons });
const report = z.object({
  GrpHdr: z.object({ MsgId: id }),
  OrgnlGrpInfAndSts: z.object({ OrgnlMsgId: id, GrpSts: z.string().optional(), StsRsnInf: reasons }),
  OrgnlPmtInfAndSts: z
    .array(
      z.object({ PmtInfSts: z.string().optional(), StsRsnInf: reasons, TxInfAndSts: z.array(orderStatus).optional() }),
    )
    .optional(),
});
const document = z.object({
  Document: z.union([
    z.object({
      BkToCstmrStmt: z.object({
        /** Until version 5, pages are those of the message. */
        GrpHdr: z.object({ MsgPgntn: page }).optional(),
        Stmt: z.array(statement).min(1).max(100),
      }),
    }),
    z.object({ CstmrPmtStsRpt: report }),
  ]),
});

/** Undefined when it is neither of the two. `transactionIdOf` reads the transaction out of the id of a message of ours. */
export function readStatements(
  xml: string,
  transactionIdOf: (messageId: string) => string | null,
): readonly ReadStatement[] | undefined {
  // No such document declares entities, and those that do are bombs.
  if (forbidden.test(xml) || /<!(DOCTYPE|ENTITY)/i.test(xml)) return undefined;
  const read = document.safeParse(parsed(xml));
  if (!read.success) return undefined;
  const { Document: content } = read.data;
  if ('CstmrPmtStsRpt' in content) return [statusesOf(content.CstmrPmtStsRpt, transactionIdOf)];
  const { GrpHdr, Stmt } = content.BkToCstmrStmt;
  return Stmt.map((one) => entriesOf(one, one.StmtPgntn ?? GrpHdr?.MsgPgntn));
}

/** Undefined when it is no XML. The parser refuses by throwing what its validator lets through. */
function parsed(xml: string): unknown {
  try {
    return XMLValidator.validate(xml) === true ? parser.parse(xml) : undefined;
  } catch {
    return undefined;
  }
}

function entriesOf({ Id, Acct, Ntry = [] }: z.output<typeof statement>, paged: z.output<typeof page>): ReadStatement {
  const number = parseInt(paged?.PgNb ?? '1', 10);
  const statementId = number === 1 ? Id : `${Id}#${number}`;
  const lines = Ntry.flatMap(linesOf).map(({ reference, ...read }, index) => {
    const line = index + 1;
    // Without one of the institution's own, the place tells the same line again from another like it.
    return { ...read, line, reference: reference ?? `${statementId}/${line}` };
  });
  return { statementId, iban: Acct.Id.IBAN ?? null, lines };
}

function linesOf(booked: z.output<typeof entry>): Omit<ReadLine, 'line'>[] {
  const transactions = (booked.NtryDtls ?? []).flatMap(({ TxDtls = [] }) => TxDtls);
  const isOnly = transactions.length <= 1;
  const ofEntry = ownReference(booked.AcctSvcrRef);
  return (transactions.length === 0 ? [{}] : transactions).map((one: Partial<z.output<typeof details>>, index) => {
    const direction = one.CdtDbtInd ?? booked.CdtDbtInd;
    // The amount of a batch says nothing of the ones in it, and its reference is that of all of them.
    const written = one.Amt ?? one.AmtDtls?.TxAmt?.Amt ?? (isOnly ? booked.Amt : undefined);
    const inBatch = isOnly || ofEntry === null ? ofEntry : `${ofEntry}/${index + 1}`;
    return {
      said: direction === 'DBIT' ? 'debit' : 'credit',
      ...unitsOf(written),
      endToEndId: one.Refs?.EndToEndId ?? null,
      reference: ownReference(one.Refs?.AcctSvcrRef) ?? inBatch,
      bookedOn: (booked.BookgDt?.Dt ?? booked.BookgDt?.DtTm)?.slice(0, 10) ?? null,
      reason: codesOf(one.RtrInf)[0] ?? null,
      isFinal: (typeof booked.Sts === 'string' ? booked.Sts : booked.Sts.Cd) === 'BOOK',
      isReturn: (one.RtrInf ?? []).length > 0 || booked.RvslInd === 'true' || booked.RvslInd === '1',
      isOfCopy: false,
    } as const;
  });
}

/** What institutions write where a reference has to stand and they have none. */
const placeholders = ['NONREF', 'NOTPROVIDED'];

function ownReference(written: string | undefined): string | null {
  return written === undefined || placeholders.includes(written.toUpperCase()) ? null : written;
}

/** More decimals than the currency has are nothing when they are zeros. */
function unitsOf(written: z.output<typeof money> | undefined): Pick<ReadLine, 'amount' | 'currency'> {
  if (written === undefined) return { amount: null, currency: null };
  const { '#text': digits, '@Ccy': currency } = written;
  if (!isKept(currency)) return { amount: null, currency };
  const parsed = parseAmount(digits.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''), assets[currency].scale);
  return { amount: parsed.ok ? parsed.units : null, currency };
}

function isKept(currency: string): currency is TransferCurrency {
  return (transferCurrencies as readonly string[]).includes(currency);
}

/** The most particular status that is said of an order holds: its own, its payment's, or that of the message. */
function statusesOf(
  { GrpHdr, OrgnlGrpInfAndSts: message, OrgnlPmtInfAndSts: payments = [] }: z.output<typeof report>,
  transactionIdOf: (messageId: string) => string | null,
): ReadStatement {
  const ofMessage = transactionIdOf(message.OrgnlMsgId);
  const told = payments.flatMap(({ PmtInfSts, StsRsnInf, TxInfAndSts = [{}] }) =>
    TxInfAndSts.map((one: Partial<z.output<typeof orderStatus>>) => ({
      endToEndId: one.OrgnlEndToEndId ?? ofMessage,
      status: one.TxSts ?? PmtInfSts ?? message.GrpSts,
      reasons: [one.StsRsnInf, StsRsnInf, message.StsRsnInf].flatMap(codesOf),
    })),
  );
  const ofAll = { endToEndId: ofMessage, status: message.GrpSts, reasons: codesOf(message.StsRsnInf) };
  const lines = (told.length > 0 ? told : [ofAll]).map(({ endToEndId, status, reasons: codes }, index) => ({
    line: index + 1,
    said: saidBy(status),
    amount: null,
    currency: null,
    endToEndId,
    reference: null,
    bookedOn: null,
    // What says that it is a copy says more than what else is wrong with it.
    reason: codes.find(isOfCopy) ?? codes[0] ?? null,
    isFinal: true,
    isReturn: false,
    isOfCopy: saidBy(status) === 'rejected' && codes.some(isOfCopy),
  }));
  return { statementId: GrpHdr.MsgId, iban: null, lines };
}

/** ISO 20022 payment transaction status codes. That the money is gone is for the statement to say. */
function saidBy(status: string | undefined): ReadLine['said'] {
  if (status === 'RJCT' || status === 'CANC') return 'rejected';
  return status === 'ACSP' || status === 'ACSC' || status === 'ACCC' ? 'processing' : 'accepted';
}

/** The same message, payment information, transaction, end-to-end id or instruction again; AM05 and DUPL are of any of them. */
const reasonsOfCopies = ['DU01', 'DU02', 'DU03', 'DU04', 'DU05', 'AM05', 'DUPL'];

function isOfCopy(code: string): boolean {
  return reasonsOfCopies.includes(code.trim().toUpperCase());
}

function codesOf(said: z.output<typeof reasons>): readonly string[] {
  return (said ?? []).flatMap(({ Rsn }) => Rsn?.Cd ?? Rsn?.Prtry ?? []);
}

/**
 * One transfer as an ISO 20022 customer credit transfer initiation, pain.001.001.09. The same order gives the same bytes:
 * everything in it comes from the order, and the message's id is the transfer's own, for ever. Pure.
 */
import { remittanceLengthMax, type InstitutionSettings } from '@daybook/contracts';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import type { TransferOrder } from '../../ports';

export type IsoSettings = Extract<InstitutionSettings, { bank: 'iso20022' }>;

const notLatin = /[^A-Za-z0-9/?:().,'+ -]/g;
const nameLengthMax = 70;

export function pain001(settings: IsoSettings, order: TransferOrder): string {
  const { transferId, transactionId, currency, recipient, createdAt } = order;
  const amount = formatAmount(order.amount, assets[currency as AssetCode].scale);
  const controls = [element('NbOfTxs', '1'), element('CtrlSum', amount)];
  const debtorName = element('Nm', text(settings.debtorName, nameLengthMax));
  const header = group('GrpHdr', [
    element('MsgId', transferId),
    element('CreDtTm', createdAt),
    ...controls,
    group('InitgPty', [debtorName]),
  ]);
  const transaction = group('CdtTrfTxInf', [
    group('PmtId', [element('InstrId', transferId), element('EndToEndId', transactionId)]),
    group('Amt', [`<InstdAmt Ccy="${currency}">${amount}</InstdAmt>`]),
    ...agentOf(recipient),
    group('Cdtr', [element('Nm', text(recipient['name'] ?? '', nameLengthMax))]),
    group('CdtrAcct', [group('Id', [accountOf(recipient)])]),
    ...(order.description === null
      ? []
      : [group('RmtInf', [element('Ustrd', text(order.description, remittanceLengthMax))])]),
  ]);
  const payment = group('PmtInf', [
    element('PmtInfId', transferId),
    element('PmtMtd', 'TRF'),
    ...controls,
    group('ReqdExctnDt', [element('Dt', createdAt.slice(0, 10))]),
    group('Dbtr', [debtorName]),
    group('DbtrAcct', [group('Id', [element('IBAN', settings.debtorIban)])]),
    group('DbtrAgt', [group('FinInstnId', [element('BICFI', settings.debtorBic)])]),
    element('ChrgBr', currency === 'EUR' ? 'SLEV' : 'SHAR'),
    transaction,
  ]);
  const namespace = 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09';
  const document = `<Document xmlns="${namespace}">${group('CstmrCdtTrfInitn', [header, payment])}</Document>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${document}\n`;
}

function agentOf(recipient: TransferOrder['recipient']): string[] {
  const { bic, routing_number: routing, sort_code: sort } = recipient;
  const clearing = (code: string, member: string) =>
    group('ClrSysMmbId', [group('ClrSysId', [element('Cd', code)]), element('MmbId', member)]);
  // NOTE: `recipients.ts` lets no order have two clearing codes; should one be recorded with both, its file stays the same.
  const parts = [
    ...(bic === undefined ? [] : [element('BICFI', bic)]),
    ...(routing === undefined ? [] : [clearing('USABA', routing)]),
    ...(routing !== undefined || sort === undefined ? [] : [clearing('GBDSC', sort)]),
  ];
  return parts.length === 0 ? [] : [group('CdtrAgt', [group('FinInstnId', parts)])];
}

function accountOf({ iban, account_number: account }: TransferOrder['recipient']): string {
  return iban === undefined ? group('Othr', [element('Id', account ?? '')]) : element('IBAN', iban);
}

/** What a bank would not read becomes a full stop. */
function text(words: string, lengthMax: number): string {
  return words.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(notLatin, '.').slice(0, lengthMax);
}

function element(name: string, content: string): string {
  return `<${name}>${escaped(content)}</${name}>`;
}

function group(name: string, parts: readonly string[]): string {
  return `<${name}>${parts.join('')}</${name}>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

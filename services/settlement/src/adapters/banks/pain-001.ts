/**
 * One transfer as an ISO 20022 customer credit transfer initiation, pain.001.001.09. The same order gives the same bytes:
 * everything in it comes from the order, and the message's id is the transfer's own, for ever. Pure.
 */
import { recipientFields, type InstitutionSettings } from '@daybook/contracts';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import type { RecipientProblem, TransferOrder } from '../../ports';

export type IsoSettings = Extract<InstitutionSettings, { bank: 'iso20022' }>;

/** The Latin set that every bank takes (SEPA's, EPC217-08). */
const latin = /^[A-Za-z0-9/?:().,'+ -]+$/;
const notLatin = /[^A-Za-z0-9/?:().,'+ -]/g;
const nameLengthMax = 70;
const remittanceLengthMax = 140;

const forms: Readonly<Record<(typeof recipientFields)[number], RegExp>> = {
  name: /^.{1,70}$/,
  iban: /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/,
  account_number: /^[A-Za-z0-9]{1,34}$/,
  bic: /^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/,
  // ABA routing number: nine digits; a UK sort code has six.
  routing_number: /^\d{9}$/,
  sort_code: /^\d{6}$/,
};

/** The field that keeps anything from being written to this recipient, or null. */
export function recipientProblem(recipient: TransferOrder['recipient']): RecipientProblem | null {
  if (Object.keys(recipient).some((field) => !Object.hasOwn(forms, field))) return 'other';
  const malformed = recipientFields.find((field) => {
    const value = recipient[field];
    return value !== undefined && !forms[field].test(value);
  });
  if (malformed !== undefined) return malformed;
  const { name, iban, account_number: account, bic, routing_number: routing, sort_code: sort } = recipient;
  if (name === undefined || !latin.test(name)) return 'name';
  if (iban !== undefined) return isIban(iban) ? null : 'iban';
  if (account === undefined) return 'account_number';
  if (bic === undefined && routing === undefined && sort === undefined) return 'bic';
  return routing !== undefined && !isRoutingNumber(routing) ? 'routing_number' : null;
}

/** ISO 13616: with the first four characters last and letters as 10 to 35, the number is 1 modulo 97. */
export function isIban(iban: string): boolean {
  const moved = iban.slice(4) + iban.slice(0, 4);
  const digits = [...moved].map((character) => parseInt(character, 36).toString()).join('');
  return BigInt(digits) % 97n === 1n;
}

/** ABA: weighted by 3, 7, 1 the digits add up to a multiple of 10. */
function isRoutingNumber(digits: string): boolean {
  const sum = [...digits].reduce((total, digit, index) => total + [3, 7, 1][index % 3]! * parseInt(digit, 10), 0);
  return sum % 10 === 0;
}

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

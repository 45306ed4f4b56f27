/**
 * What banks ask of a recipient. Each field that is given is checked, and none may contradict another: a bank is told one
 * account and one clearing code, and with two it would be left to us whom the caller meant. Pure.
 */
import { recipientFields } from '@daybook/contracts';
import type { RecipientProblem, TransferOrder } from '../../ports';

type Recipient = TransferOrder['recipient'];
type Field = (typeof recipientFields)[number];
type Forms = Readonly<Record<Field, (value: string) => boolean>>;

const forms: Forms = {
  // Of the Latin set that every bank takes (SEPA's, EPC217-08), and not blank.
  name: (value) => /^(?=.*[A-Za-z0-9])[A-Za-z0-9/?:().,'+ -]{1,70}$/.test(value),
  iban: (value) => /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/.test(value) && isIban(value),
  account_number: (value) => /^[A-Za-z0-9]{1,34}$/.test(value),
  bic: (value) => /^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(value),
  routing_number: (value) => /^\d{9}$/.test(value) && isRoutingNumber(value),
  // Of the UK.
  sort_code: (value) => /^\d{6}$/.test(value),
};

/** The routing number of the partner API's own example does not add up. */
const sandboxForms: Forms = { ...forms, routing_number: (value) => /^\d{9}$/.test(value) };

/** What keeps anything from being written to this recipient, or null. A BIC and a clearing code may stand side by side. */
export function isoRecipientProblem(recipient: Recipient): RecipientProblem | null {
  const { name, iban, bic, routing_number: routing, sort_code: sort } = recipient;
  const problem = fieldProblem(recipient, forms);
  if (problem !== null) return problem;
  if (iban === undefined && bic === undefined && routing === undefined && sort === undefined)
    return 'recipient_bic_invalid';
  return contradictionIn(recipient) ?? (name === undefined ? 'recipient_name_missing' : null);
}

/** As a bank that needs no name, and finds an account without being told its bank. */
export function sandboxRecipientProblem(recipient: Recipient): RecipientProblem | null {
  return fieldProblem(recipient, sandboxForms) ?? contradictionIn(recipient);
}

function fieldProblem(recipient: Recipient, each: Forms): RecipientProblem | null {
  if (Object.keys(recipient).some((field) => !Object.hasOwn(each, field))) return 'recipient_invalid';
  const malformed = recipientFields.find((field) => {
    const value = recipient[field];
    return value !== undefined && !each[field](value);
  });
  if (malformed !== undefined) return `recipient_${malformed}_invalid`;
  const hasAccount = recipient['iban'] !== undefined || recipient['account_number'] !== undefined;
  return hasAccount ? null : 'recipient_account_number_invalid';
}

function contradictionIn(recipient: Recipient): RecipientProblem | null {
  const { iban, account_number: account, routing_number: routing, sort_code: sort } = recipient;
  if (iban !== undefined && account !== undefined) return 'recipient_account_ambiguous';
  return routing !== undefined && sort !== undefined ? 'recipient_clearing_code_ambiguous' : null;
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

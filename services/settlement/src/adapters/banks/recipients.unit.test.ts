import { isIban, isoRecipientProblem, sandboxRecipientProblem } from './recipients';

type Row = readonly [recipient: Record<string, string>, problem: string | null];

const iban = 'GB82WEST12345698765432';
const name = 'John Doe';
const byIban = { name, iban };
const byAccount = { name, account_number: '12345678', bic: 'COBADEFF' };
const bare = { name, account_number: '12345678' };
const sortCode = '601613';
const routingNumber = '021000021';
// Nine digits that do not add up.
const exampleRoutingNumber = '987654321';

/** The last that is taken and the first that is not, of what every bank refuses. */
const everyBank: readonly Row[] = [
  [byIban, null],
  [{ ...byIban, note: 'x' }, 'recipient_invalid'],
  [{ ...byIban, toString: 'x' }, 'recipient_invalid'],
  [{ ...byIban, name: 'A' }, null],
  [{ ...byIban, name: '1' }, null],
  [{ ...byIban, name: ' A ' }, null],
  [{ ...byIban, name: '' }, 'recipient_name_invalid'],
  [{ ...byIban, name: ' ' }, 'recipient_name_invalid'],
  [{ ...byIban, name: '-' }, 'recipient_name_invalid'],
  [{ ...byIban, name: '\u0141' }, 'recipient_name_invalid'],
  [{ ...byIban, name: 'A\n' }, 'recipient_name_invalid'],
  [{ ...byIban, name: 'A'.repeat(70) }, null],
  [{ ...byIban, name: 'A'.repeat(71) }, 'recipient_name_invalid'],
  [{ name, iban: 'GB82WEST12345698765433' }, 'recipient_iban_invalid'],
  [{ name, iban: 'zzz' }, 'recipient_iban_invalid'],
  [{ name, iban: ' ' }, 'recipient_iban_invalid'],
  [{ ...byAccount, account_number: '1' }, null],
  [{ ...byAccount, account_number: '' }, 'recipient_account_number_invalid'],
  [{ ...byAccount, account_number: ' ' }, 'recipient_account_number_invalid'],
  [{ ...byAccount, account_number: '<1>' }, 'recipient_account_number_invalid'],
  [{ ...byAccount, account_number: '1'.repeat(34) }, null],
  [{ ...byAccount, account_number: '1'.repeat(35) }, 'recipient_account_number_invalid'],
  [{ name }, 'recipient_account_number_invalid'],
  [{}, 'recipient_account_number_invalid'],
  [{ ...byIban, account_number: '999999' }, 'recipient_account_ambiguous'],
  [{ ...byIban, account_number: iban }, 'recipient_account_ambiguous'],
  [{ ...bare, bic: 'COBADEFFXXX' }, null],
  [{ ...bare, bic: 'COBADEF' }, 'recipient_bic_invalid'],
  [{ ...bare, bic: ' ' }, 'recipient_bic_invalid'],
  [{ ...byIban, bic: 'COBADEFFXX' }, 'recipient_bic_invalid'],
  [{ ...bare, routing_number: routingNumber }, null],
  [{ ...bare, routing_number: '02100002' }, 'recipient_routing_number_invalid'],
  [{ ...bare, routing_number: ' ' }, 'recipient_routing_number_invalid'],
  [{ ...byIban, routing_number: routingNumber }, null],
  [{ ...byIban, routing_number: '0210000210' }, 'recipient_routing_number_invalid'],
  [{ ...bare, sort_code: sortCode }, null],
  [{ ...bare, sort_code: '60161' }, 'recipient_sort_code_invalid'],
  [{ ...bare, sort_code: ' ' }, 'recipient_sort_code_invalid'],
  [{ ...byIban, sort_code: '6016133' }, 'recipient_sort_code_invalid'],
  [{ ...byAccount, routing_number: routingNumber }, null],
  [{ ...byAccount, sort_code: sortCode }, null],
  [{ ...bare, routing_number: routingNumber, sort_code: '112233' }, 'recipient_clearing_code_ambiguous'],
  [{ ...byAccount, routing_number: routingNumber, sort_code: sortCode }, 'recipient_clearing_code_ambiguous'],
  [{ ...byIban, routing_number: routingNumber, sort_code: sortCode }, 'recipient_clearing_code_ambiguous'],
];

describe.each([
  ['by files', isoRecipientProblem],
  ['of the sandbox', sandboxRecipientProblem],
] as const)('a bank %s', (_, problemOf) => {
  test.each(everyBank)('finds in the recipient %j the problem %s', (recipient, problem) => {
    expect(problemOf(recipient)).toBe(problem);
  });
});

/** What a bank that is told by files needs, and the sandbox does not. */
test.each<Row>([
  [{ iban }, 'recipient_name_missing'],
  [{ account_number: '1', routing_number: routingNumber }, 'recipient_name_missing'],
  [bare, 'recipient_bic_invalid'],
  [{ ...bare, routing_number: exampleRoutingNumber }, 'recipient_routing_number_invalid'],
  [{ ...byIban, routing_number: exampleRoutingNumber }, 'recipient_routing_number_invalid'],
  [{ ...byAccount, routing_number: exampleRoutingNumber }, 'recipient_routing_number_invalid'],
  [{ account_number: '1234567890', routing_number: exampleRoutingNumber }, 'recipient_routing_number_invalid'],
])('of the recipient %j a bank by files says %s, and the sandbox nothing', (recipient, problem) => {
  expect([isoRecipientProblem(recipient), sandboxRecipientProblem(recipient)]).toEqual([problem, null]);
});

test('check digits of IBANs', () => {
  for (const valid of ['DE89370400440532013000', 'FR1420041010050500013M02606']) expect(isIban(valid)).toBe(true);
  for (const wrong of ['DE88370400440532013000', 'FR1420041010050500013M02607']) expect(isIban(wrong)).toBe(false);
});

import type { Held, Protection } from './protection';

const statements = 'services/settlement/src/app/statements.ts';
const ofTransfers = (title: string): Held => ({
  file: 'packages/e2e/test/institution-transfers.int.test.ts',
  title,
});

/** From a tenant's balance to a recipient's account at a bank. */
export const payoutProtections: readonly Protection[] = [
  {
    name: 'hold-ends-with-its-fact',
    row: 'E20',
    removes: 'the hold that ends in the moment that its payout is posted, from what is available then',
    file: 'services/ledger/src/domain/transaction-decisions.ts',
    find: 'breachesOf(state, entries, accounts, released)',
    replace: 'breachesOf(state, entries, accounts)',
    held: {
      file: 'services/ledger/test/fact-holds.int.test.ts',
      title:
        'what was held for a transfer is free in the moment that it is posted, so no floor is broken; told twice, once',
    },
  },
  {
    name: 'statement-to-the-last-unit',
    row: 'F12',
    removes: 'the amount from what a line of a statement has to have to be about a transfer',
    file: statements,
    find: "if (amount !== transfer.amount) return 'amount_differs';",
    replace: '',
    held: ofTransfers('a line is about a transfer to the last unit, once, and booked; what is not is kept and listed'),
  },
  {
    name: 'return-is-called-one',
    row: 'F12',
    removes: 'the look whether a bank calls a credit a return',
    file: statements,
    find: "said === 'credit' && !isReturn ? 'not_a_return' : null",
    replace: 'null',
    held: ofTransfers('a line is about a transfer to the last unit, once, and booked; what is not is kept and listed'),
  },
];

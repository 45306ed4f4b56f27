import type { Held, Protection } from './protection';

const statements = 'services/settlement/src/app/statements.ts';
const ofTransfers = (title: string): Held => ({
  file: 'packages/e2e/test/institution-transfers.int.test.ts',
  title,
});
const ofSends = (title: string): Held => ({ file: 'services/settlement/src/app/advance-send.unit.test.ts', title });

/** From a tenant's balance to a recipient's account at a bank or on a chain. */
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
    name: 'duplicate-refused-is-not-the-order',
    row: 'F12',
    removes: 'the difference between an order that a bank refuses and the second copy of it',
    file: statements,
    find: "if (read.isOfCopy) return 'duplicate_told';",
    replace: '',
    held: {
      file: 'services/settlement/src/app/statements.unit.test.ts',
      title: 'a refusal of a copy (%s, %j) lets go of nothing, and what was executed is paid',
    },
  },
  {
    name: 'node-knows-what-was-final',
    row: 'E20',
    removes: 'the look whether a node has what was final, before something is sent by its balances and nonces',
    file: 'services/settlement/src/adapters/senders/evm-send-chain.ts',
    find: 'await requireThePast(node, wanted, final);',
    replace: '',
    held: {
      file: 'services/settlement/test/evm-send-chain.int.test.ts',
      title: 'a node whose final state is behind what was final prepares nothing',
    },
  },
  {
    name: 'rollup-fee-is-held',
    row: 'E20',
    removes: 'what a rollup takes for L1 from the fee of a send',
    file: 'services/settlement/src/adapters/senders/evm-send-chain.ts',
    find: 'terms.gasLimit * terms.maxFeePerGas + (await feeBesidesGas(',
    replace: 'terms.gasLimit * terms.maxFeePerGas + 0n * (await feeBesidesGas(',
    held: {
      file: 'services/settlement/test/evm-rollups.int.test.ts',
      title: 'the poorest wallet that may send can pay it, though L1 asks twice as much by then',
    },
  },
  {
    name: 'first-reference-stays',
    row: 'F12',
    removes: 'the record of the reference of a payout that was known without one',
    file: 'services/settlement/src/domain/bank-transfer.ts',
    find: "if (known === null) return record(state, at, { type: 'BankTransferReferenced', what, reference });",
    replace: 'if (known === null) return accept();',
    held: {
      file: 'services/settlement/src/app/statements.unit.test.ts',
      title: 'a second debit is a problem, also when the return came before the first',
    },
  },
  {
    name: 'repeat-under-another-key',
    row: 'F10',
    removes: 'the digests under other keys from what tells a transfer that is asked for again from another one',
    file: 'services/settlement/src/domain/bank-transfer.ts',
    find: 'const isRepeat = [terms.contentDigest, ...oldDigests].includes(state.contentDigest);',
    replace: 'const isRepeat = terms.contentDigest === state.contentDigest;',
    held: {
      file: 'services/settlement/src/app/advance-transfer.unit.test.ts',
      title:
        'while the key is replaced, what both processes are asked at once is one transfer, and neither says that its key is reused',
    },
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
  {
    name: 'prepared-ends-by-the-signer',
    row: 'E20',
    removes: 'the look whether a transaction is prepared, before a send is given up for its fees or for want of funds',
    file: 'services/settlement/src/domain/chain-send.ts',
    find: "if (state.attempts.length > 0 && failure !== 'signer_refused') return reject('already_prepared');",
    replace: '',
    held: ofSends('what one process finds too dear does not end what another has prepared, and may have had signed'),
  },
  {
    name: 'replacement-given-again',
    row: 'E20',
    removes: 'the repeated broadcast of a replacement of what the node knows',
    file: 'services/settlement/src/app/follow-send.ts',
    find: ' || hashes.length > 1',
    replace: '',
    held: ofSends(
      'a replacement whose broadcast was lost is given again, once a look, though the node knows what it replaces',
    ),
  },
  {
    name: 'impossible-of-all-that-left',
    row: 'E20',
    removes: 'the comparison of what a chain was asked about with what may have left by now',
    file: 'services/settlement/src/domain/chain-send.ts',
    find: 'if (!isSameList(command.hashes, hashesOf(state)))',
    replace: 'if (!isSameList(command.hashes, command.hashes))',
    held: ofSends('who slept while another replaced what it asks for does not give up what the replacement has paid'),
  },
  {
    name: 'key-of-the-wallet',
    row: 'G27',
    removes: 'the comparison of the address that the signer has with that of the wallet',
    file: 'services/settlement/src/app/advance-send.ts',
    find: 'if (signs === address) return;',
    replace: 'if (signs !== undefined) return;',
    held: ofSends("nothing is signed by another key than the wallet's, and it is said loudly"),
  },
  {
    name: 'told-inputs-are-the-payment',
    row: 'E21',
    removes: 'the amounts that inputs are told to have from what stays the same for all transactions of a send',
    file: 'packages/signer/src/families/bitcoin-keys.ts',
    find: 'way: wayOf(inputs)',
    replace: "way: 'native'",
    held: {
      file: 'packages/signer/test/families.unit.test.ts',
      title:
        'what inputs are told to have is the same for all transactions of a send, or their witnesses could be combined',
    },
  },
  {
    name: 'stopped-before-a-slot',
    row: 'A14',
    removes: 'the question whether payouts are stopped, before a slot is taken or what was signed is given to a node',
    file: 'services/settlement/src/app/advance-send.ts',
    find: "if (hasNotLeft(send) && (await deps.arePayoutsStopped(send.mode))) return 'wait';",
    replace: '',
    held: ofSends('what was not signed waits with its money held and without a slot, and goes on when they are not'),
  },
  {
    name: 'stopped-before-a-signature',
    row: 'A14',
    removes: 'the question whether payouts are stopped, after a transaction was prepared',
    file: 'services/settlement/src/app/advance-send.ts',
    find: "if (await deps.arePayoutsStopped(send.mode)) return 'wait';",
    replace: '',
    held: ofSends('what was being prepared is not signed'),
  },
  {
    name: 'stopped-before-a-bank',
    row: 'A14',
    removes: 'the question whether payouts are stopped, before a bank is told of a transfer',
    file: 'services/settlement/src/app/advance-transfer.ts',
    find: "if (state.stage === 'held' && (await deps.arePayoutsStopped(state.mode))) return state;",
    replace: '',
    held: {
      file: 'services/settlement/src/app/advance-transfer.unit.test.ts',
      title: 'while payouts are stopped no bank is told; one that was told before is asked on',
    },
  },
  {
    name: 'signatures-compared-first',
    row: 'A14',
    removes: 'the wait of a signature until all that the signer has signed was compared',
    file: 'services/settlement/src/app/advance-send.ts',
    find: "if (!deps.signaturesCompared()) return 'wait';",
    replace: '',
    held: ofSends('nothing is signed before all signatures are compared, and everything else of a send goes on'),
  },
  {
    name: 'signed-as-prepared',
    row: 'A14',
    removes: 'the comparison of a signature that nobody has recorded with what was prepared',
    file: 'services/settlement/src/app/compare-signatures.ts',
    find: ' === digest',
    replace: " !== ''",
    held: {
      file: 'services/settlement/src/app/compare-signatures.unit.test.ts',
      title: 'a signature of a send that %s is none of ours',
    },
  },
];

import type { Held, Protection } from './protection';

const watcher = (name: string) => `services/chain-watcher/src/${name}.ts`;
const intent = 'services/intents/src/domain/payment-intent.ts';
const ofIntent = (title: string): Held => ({
  file: 'services/intents/src/domain/payment-intent.unit.test.ts',
  title,
});
const onEvm = (title: string): Held => ({ file: 'services/chain-watcher/test/evm-chain.int.test.ts', title });

const ofConfirming = (title: string): Held => ({ file: watcher('app/confirm-deposits.unit.test'), title });

/** From a block of a chain to the merchant's balance. */
export const paymentProtections: readonly Protection[] = [
  {
    name: 'confirmation-depth',
    row: 'E1',
    removes: 'the confirmations that a block needs before its deposits are credited',
    file: watcher('domain/confirmation'),
    find: 'tipNumber - confirmationsOf(rule, place) + 1',
    replace: 'tipNumber',
    held: {
      file: watcher('domain/confirmation.unit.test'),
      title: 'C1: final from the moment it has the confirmations, and stays final',
    },
  },
  {
    name: 'finality-mark',
    row: 'E2',
    removes: "the chain's own mark of what is final: what is scanned is final",
    file: watcher('domain/confirmation'),
    find: 'place.blockNumber <= finalNumber',
    replace: 'place.blockNumber <= tipNumber',
    held: {
      file: watcher('domain/confirmation.unit.test'),
      title: "C3: what is above the chain's mark is not final, however deep",
    },
  },
  {
    name: 'parent-hash',
    row: 'E3',
    removes: 'the link of a block to the one before it',
    file: watcher('domain/reorg'),
    find: "return next.parentHash === tip.hash ? 'extend' : 'fork';",
    replace: "return 'extend';",
    held: {
      file: watcher('domain/reorg.unit.test'),
      title: "R1: a cursor that follows the steps equals the source's chain",
    },
  },
  {
    name: 'cursor-fence',
    row: 'E5',
    removes: 'the check that a block follows the one that the stored cursor is at: two watchers both move it',
    file: watcher('adapters/block-cursor'),
    find: 'if (block.number <= tip.number || block.parentHash !== tip.hash) throw conflict(chain);',
    replace: '',
    held: {
      file: 'services/chain-watcher/test/sandbox-chain.int.test.ts',
      title:
        'a watcher that is overtaken while it holds a block steps back, and its deposit is where the chain has it (%s)',
      definedIn: 'services/chain-watcher/test/watcher.contract.ts',
    },
  },
  {
    name: 'deposit-confirmed-once',
    row: 'E12',
    removes: 'the end of a deposit: one that is confirmed can be seen again',
    file: watcher('domain/deposit'),
    find: "if (state.status === 'reverted') return accept({ type: 'DepositSeen'",
    replace: "if (state.status !== 'seen') return accept({ type: 'DepositSeen'",
    held: {
      file: watcher('domain/deposit.unit.test'),
      title: 'refuses what contradicts the history, in the documented precedence',
    },
  },
  {
    name: 'deposit-told-again',
    row: 'E3',
    removes: 'the second reading of a deposit when its block is final',
    file: watcher('app/confirm-deposits'),
    find: 'deposits.find((deposit) => !tells(told, deposit))',
    replace: 'deposits.find(() => false)',
    held: ofConfirming('waits while the source %s, and holds back no other'),
  },
  {
    name: 'deposit-in-the-cursor',
    row: 'E1',
    removes: 'the look whether the block of a deposit still has its place',
    file: watcher('app/confirm-deposits'),
    find: 'if (canonicalHash !== null && canonicalHash !== hash) return 0;',
    replace: '',
    held: ofConfirming('waits when another block has taken the place of its own'),
  },
  {
    name: 'mark-in-the-cursor',
    row: 'E2',
    removes: 'the check that a mark of finality names a block that was scanned',
    file: watcher('app/confirm-deposits'),
    find: 'if (ours !== undefined && ours !== theirs)',
    replace: 'if (ours !== undefined && theirs === null)',
    held: ofConfirming('is not believed when it is %j'),
  },
  {
    name: 'most-providers-agree',
    row: 'E6',
    removes: 'the other providers that a large deposit needs',
    file: watcher('app/confirm-deposits'),
    find: 'if (agreeing < needed)',
    replace: 'if (agreeing < 1)',
    held: ofConfirming('needs most of all providers: beside %s'),
  },
  {
    name: 'deposit-index',
    row: 'E13',
    removes: 'the index inside of its transaction from the identity of a deposit',
    file: watcher('app/watch-chain'),
    find: 'uuidFrom([source.chain, transactionId, String(index)])',
    replace: 'uuidFrom([source.chain, transactionId])',
    held: onEvm('several transfers in one transaction are several deposits, also to the same address'),
  },
  {
    name: 'receipt-status',
    row: 'E8',
    removes: 'the look at the receipt: a transaction that failed is credited',
    file: watcher('adapters/evm-transfers'),
    find: 'if (receipt.status !== succeeded) continue;',
    replace: '',
    held: onEvm('credits nothing for a transaction that failed'),
  },
  {
    name: 'pinned-token',
    row: 'E7',
    removes: 'the contract from what makes a transfer one of the token',
    file: watcher('adapters/evm-transfers'),
    find: 'log.address.toLowerCase() === token &&',
    replace: '',
    held: onEvm('credits only the pinned token of a transaction that also moves a look-alike'),
  },
  {
    name: 'omitted-logs',
    row: 'E3',
    removes:
      'the comparison of the receipts of a block with the bloom filter of its header: what is left is their number',
    file: watcher('adapters/evm-receipts'),
    find: 'if ((await bloomOf(all)) !== block.logsBloom.toLowerCase())',
    replace: "if ((await bloomOf(all)) === '')",
    held: onEvm(
      'waits for a log that the node leaves out of its receipts, whichever it is, and for receipts that it leaves out',
    ),
  },
  {
    name: 'asset-pinned-at-credit',
    row: 'E11',
    removes: 'the look at the contract of an asset before deposits of it are credited',
    file: watcher('app/confirm-deposits'),
    find: 'final.filter(({ asset }) => !faults.some((fault) => fault.asset === asset))',
    replace: 'final',
    held: ofConfirming('waits while its asset is not as it is pinned, and holds back no other asset'),
  },
  {
    name: 'deposit-attributed-once',
    row: 'E12',
    removes: 'the look whether a final deposit was attributed before',
    file: intent,
    find: 'if (deposit.amount === 0n || isFinal(valueAt(state.deposits, deposit.depositId))) return accept();',
    replace: 'if (deposit.amount === 0n) return accept();',
    held: ofIntent('P5: accepts an immediate repeat and records nothing'),
  },
  {
    name: 'deposit-split',
    row: 'I10',
    removes: 'the limit of what is applied to what the intent asks for',
    file: intent,
    find: 'const applied = deposit.amount < missing ? deposit.amount : missing;',
    replace: 'const applied = deposit.amount;',
    held: ofIntent('P1: splits every final deposit exactly and applies no more than the amount'),
  },
  {
    name: 'expiry-waits-for-deposits',
    row: 'D8',
    removes: 'the wait of expiry for a deposit in flight',
    file: intent,
    find: "if (isInFlight(intent)) return reject('deposit_in_flight');",
    replace: '',
    held: ofIntent('expiry one millisecond early, in flight, and after payment'),
  },
  {
    name: 'one-outcome',
    row: 'D8',
    removes: 'the refusal to expire what is paid',
    file: intent,
    find: "if (intent.stage !== 'open') return reject('intent_already_paid');",
    replace: '',
    held: ofIntent('expiry one millisecond early, in flight, and after payment'),
  },
  {
    name: 'settled-once',
    row: 'F16',
    removes: 'the look whether a settlement was started before',
    file: 'services/settlement/src/domain/settlement.ts',
    find: 'if (state.terms !== null)',
    replace: 'if (state.completed)',
    held: {
      file: 'services/settlement/src/domain/settlement.unit.test.ts',
      title: 'S1: is instructed at most once, for what the intent was paid',
    },
  },
];

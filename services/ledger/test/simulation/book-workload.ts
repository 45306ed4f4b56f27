/**
 * What clients ask of a book: commands of every kind on few accounts, most of them about something that was asked for
 * before, on the names and accounts of `book-play.ts`.
 */
import type { SeededRandom } from '@daybook/testing';
import type { BookCommand } from '../../src/domain/book-commands';
import type { Fact } from '../../src/domain/facts';
import { accountNames, accounts, open, tenants, timeAt } from '../book-play';

const [alice, bob] = tenants;
const wallets = ['a', 'b', 'c'] as const;
const ownerOf = (wallet: string) => accounts[wallet]!.tenantId!;
const pairs = [
  ['house', 'a'],
  ['a', 'b'],
  ['b', 'c'],
  ['costs', 'house'],
  [`acct:${alice}:cash`, `acct:${alice}:owed`],
  [`acct:${alice}:owed`, `acct:${alice}:cash`],
  [`acct:${bob}:cash`, `acct:${bob}:owed`],
  [`acct:${bob}:owed`, `acct:${bob}:cash`],
] as const;

export type Workload = {
  /** To be asked first. */
  readonly opening: readonly BookCommand[];
  next(nowMs: number): BookCommand;
};

export function bookWorkload(random: SeededRandom): Workload {
  const asked = { transfers: ['t'], holds: ['h'], transactions: ['x'] };
  let made = 0;
  const newId = (kind: string) => `${kind}${made++}`;
  const known = (ids: readonly string[]) =>
    (random.chance(0.7) ? ids.at(-1 - random.below(6)) : undefined) ?? random.pick(ids);
  const remember = (ids: string[], id: string) => {
    ids.push(id);
    return id;
  };
  const amount = (max = 40) => BigInt(1 + random.below(max));
  const actor = 'op';
  const contentHash = 'h1';

  const kinds: readonly (readonly [number, (nowMs: number) => BookCommand])[] = [
    [
      4,
      () => ({
        type: 'IssueFunds',
        transactionId: newId('i'),
        contentHash,
        accountId: random.pick(wallets),
        asset: 'TXC',
        amount: amount(100),
      }),
    ],
    [10, () => transfer()],
    [8, () => ({ type: 'ConfirmTransfer', transferId: known(asked.transfers) })],
    [2, () => ({ type: 'FailTransfer', transferId: known(asked.transfers), reason: 'sender_frozen' })],
    [
      3,
      () => ({
        type: 'ReverseTransfer',
        reversalId: newId('v'),
        contentHash,
        transferId: known(asked.transfers),
        actor,
      }),
    ],
    [7, (nowMs) => hold(nowMs)],
    [7, () => capture()],
    [
      3,
      () => ({
        type: 'ReleaseHold',
        releaseId: newId('q'),
        contentHash,
        tenantId: null,
        holdId: known(asked.holds),
        actor,
      }),
    ],
    [2, () => ({ type: 'ExpireHold', holdId: known(asked.holds) })],
    [10, () => posting()],
    [
      5,
      () => ({
        type: 'ReverseTransaction',
        reversalId: newId('r'),
        contentHash,
        tenantId: null,
        transactionId: known(asked.transactions),
        amount: random.chance(0.6) ? amount(15) : null,
        actor,
      }),
    ],
    [6, (nowMs) => fact(nowMs)],
    [2, () => open(random.pick(accountNames))],
    [
      1,
      () => ({
        type: 'SetAccountFrozen',
        ...(random.chance(0.5) ? { changeId: newId('f'), contentHash } : { changeId: null, contentHash: null }),
        accountId: random.pick(wallets),
        frozen: random.chance(0.3),
        actor,
      }),
    ],
    [
      1,
      () => ({
        type: 'SetAccountLimits',
        changeId: newId('l'),
        contentHash,
        tenantId: null,
        accountId: `acct:${alice}:owed`,
        floor: -amount(),
        ceiling: null,
        actor,
      }),
    ],
    [
      0.3,
      (nowMs) => ({ type: 'ClosePeriod', closeId: newId('p'), contentHash, through: timeAt(nowMs - 4_000), actor }),
    ],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);

  function transfer(): BookCommand {
    const debitAccountId = random.pick(wallets);
    const fields = { debitAccountId, creditAccountId: random.pick(wallets), asset: 'TXC', referenceId: 'r' } as const;
    const transferId = remember(asked.transfers, newId('t'));
    const tenantId = ownerOf(debitAccountId);
    return { type: 'AcceptTransfer', transferId, contentHash, tenantId, ...fields, amount: amount(30), note: null };
  }

  function hold(nowMs: number): BookCommand {
    const holdId = remember(asked.holds, newId('h'));
    const expiresAt = random.chance(0.4) ? timeAt(nowMs + 1 + random.below(3_000)) : null;
    const accountId = random.pick([...wallets, `acct:${alice}:owed`, `acct:${bob}:owed`]);
    const fields = { tenantId: null, accountId, asset: 'TXC', amount: amount(30), expiresAt, metadata: null } as const;
    return { type: 'PlaceHold', holdId, contentHash, ...fields, actor };
  }

  function capture(): BookCommand {
    const captureId = newId('k');
    const fields = { tenantId: null, holdId: known(asked.holds), creditAccountId: random.pick(['house', ...wallets]) };
    const units = random.chance(0.7) ? amount(15) : null;
    return { type: 'CaptureHold', captureId, contentHash, ...fields, amount: units, final: random.chance(0.3), actor };
  }

  function posting(): BookCommand {
    const [debit, credit] = random.pick(pairs);
    const units = amount();
    const transactionId = remember(asked.transactions, newId('x'));
    return {
      type: 'PostTransaction',
      transactionId,
      contentHash,
      tenantId: null,
      mode: 'authorizing',
      entries: [
        { accountId: debit, asset: 'TXC', direction: 'debit', amount: units },
        { accountId: credit, asset: 'TXC', direction: 'credit', amount: units },
      ],
      effectiveAt: null,
      closedPeriod: 'adjust',
      description: null,
      metadata: null,
      actor,
    };
  }

  function fact(nowMs: number): BookCommand {
    const transactionId = newId('d');
    const common = { intentId: 'intent', tenantId: random.pick(tenants), asset: 'ETH' } as const;
    const payment = { type: 'intent_payment', depositId: transactionId, chain: 'evm', ...common } as const;
    const told: Fact = random.chance(0.6)
      ? { ...payment, applied: amount(), refundable: BigInt(random.below(5)) }
      : { type: 'settlement', settlementId: transactionId, ...common, amount: amount() };
    return { type: 'PostFact', transactionId, contentHash, fact: told, effectiveAt: timeAt(nowMs - random.below(500)) };
  }

  return {
    opening: accountNames.map(open),
    next(nowMs) {
      let at = random.below(total * 1_000) / 1_000;
      const [, make] = kinds.find(([weight]) => (at -= weight) < 0) ?? kinds[0]!;
      return make(nowMs);
    },
  };
}

/** The same id with other content, where a command has one. */
export function withOtherContent(command: BookCommand): BookCommand {
  return 'contentHash' in command && command.contentHash !== null ? { ...command, contentHash: 'h2' } : command;
}

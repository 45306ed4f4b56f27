/**
 * The single-threaded model: takes the journal event by event, and for each of them what the client had asked for under its
 * id, and adds that up. What the event itself says about amounts and accounts is not believed. So a command that was
 * recorded twice, otherwise than asked, or against the rules, leaves balances that nobody is shown.
 *
 * It knows the tenant's own books and wallets, and shares no code with the ledger.
 */
import { codeFrom } from '@daybook/runtime';
import type { People } from './people';
import type { Operation } from './plan';
import { isRejection } from './refusals';

/** The accounts of the tenant's own books. */
export const ownAccounts = [
  { name: 'cash', type: 'asset' },
  { name: 'customers', type: 'liability' },
  { name: 'fees', type: 'income' },
] as const;
export const ownAsset = 'INR';

/** The id of one transaction of a bulk. */
export const itemKey = (key: string, index: number): string => `${key}.item${index}`;

export type JournalEvent = { readonly type: string; readonly data: Readonly<Record<string, unknown>> };

/** What was asked, with its key: one of the plan, or one that prepared the run. */
export type Command = { readonly key: string; readonly operation: Operation };

type Balance = { posted: bigint; held: bigint };
type Hold = { readonly account: string; remaining: bigint };
type Posting = { readonly debit: string; readonly credit: string; readonly amount: bigint; isReversed: boolean };

export type Modelled = {
  /** Events that did what the id asks. */
  readonly done: ReadonlyMap<string, number>;
  /** Why it was refused, each time that it was. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
  /** Transfers that reached their end. */
  readonly confirmed: ReadonlyMap<string, number>;
  /** Of the tenant's own accounts by name, and of wallets by id. */
  readonly balances: ReadonlyMap<string, Readonly<Balance>>;
  readonly violations: readonly string[];
};

type State = {
  readonly commands: ReadonlyMap<string, Command>;
  readonly done: Map<string, number>;
  readonly refused: Map<string, readonly string[]>;
  readonly confirmed: Map<string, number>;
  readonly balances: Map<string, Balance>;
  readonly holds: Map<string, Hold>;
  readonly postings: Map<string, Posting>;
  readonly violations: string[];
};

/** The ids under which the ledger records the operation: one, or one for each transaction of a bulk. */
export function idsOf(people: People, { key, operation }: Command): readonly string[] {
  switch (operation.kind) {
    case 'transfer': {
      const { walletId = '' } = people.wallets[operation.from] ?? {};
      return [codeFrom('TX', [people.tenantId, walletId, 'pay.transfer', key])];
    }
    case 'bulk':
      return operation.items.map((_, index) => `${people.tenantId}/${itemKey(key, index)}`);
    case 'intent':
    case 'deposit':
      return [];
    default:
      return [`${people.tenantId}/${key}`];
  }
}

export function replay(
  people: People,
  commands: readonly Command[],
  opening: ReadonlyMap<string, bigint>,
  journal: readonly JournalEvent[],
): Modelled {
  const byId = commands.flatMap((command) => idsOf(people, command).map((id) => [id, command] as const));
  const state: State = {
    commands: new Map(byId),
    done: new Map(),
    refused: new Map(),
    confirmed: new Map(),
    balances: new Map([...opening].map(([account, posted]) => [account, { posted, held: 0n }])),
    holds: new Map(),
    postings: new Map(),
    violations: [],
  };
  for (const { name } of ownAccounts) state.balances.set(name, { posted: 0n, held: 0n });
  for (const event of journal) take(state, people, event);
  return state;
}

/** Of the events of a book, those that callers ask for, and where each names its id. */
const idFields: Readonly<Record<string, string>> = {
  TransactionPosted: 'transactionId',
  HoldPlaced: 'holdId',
  HoldCaptured: 'captureId',
  HoldReleased: 'releaseId',
  HoldExpired: 'holdId',
  TransactionReversed: 'reversalId',
  CommandRejected: 'commandId',
};

function take(state: State, people: People, { type, data }: JournalEvent): void {
  const transfer = data['transfer'] as { transferId?: string } | undefined;
  const id = String(transfer?.transferId ?? data[idFields[type] ?? '']);
  const command = state.commands.get(id);
  if (command === undefined) {
    if (id.startsWith(`${people.tenantId}/`)) state.violations.push(`${type} ${id}, which nobody asked for`);
    return;
  }
  if (type === 'CommandRejected') {
    const rejection = String(data['rejection']);
    state.refused.set(id, [...(state.refused.get(id) ?? []), rejection]);
    checkRefusal(state, people, id, command, rejection);
    return;
  }
  if (type === 'HoldExpired') {
    state.violations.push(`${id} expired, and has most of its time before it`);
    return;
  }
  if (type === 'TransferConfirmed') return confirm(state, people, id, command);
  count(state.done, id);
  apply(state, people, id, command);
}

function count(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

function apply(state: State, people: People, id: string, { key, operation }: Command): void {
  switch (operation.kind) {
    case 'transfer':
      return changeHeld(state, walletOf(people, operation.from), operation.amount, id);
    case 'post':
      return post(state, id, operation);
    case 'bulk':
      return post(state, id, itemOf(operation, key, id));
    case 'hold':
      state.holds.set(id, { account: operation.account, remaining: operation.amount });
      return changeHeld(state, operation.account, operation.amount, id);
    case 'capture': {
      const hold = holdOf(state, people, operation.of, id);
      const amount = operation.amount ?? hold.remaining;
      const released = operation.final ? hold.remaining : amount;
      if (amount > hold.remaining) state.violations.push(`${id} captures ${amount} of ${hold.remaining}`);
      hold.remaining -= released;
      changeHeld(state, hold.account, -released, id);
      return post(state, id, { debit: hold.account, credit: operation.credit, amount });
    }
    case 'release': {
      const hold = holdOf(state, people, operation.of, id);
      if (hold.remaining === 0n) state.violations.push(`${id} releases what is not held`);
      changeHeld(state, hold.account, -hold.remaining, id);
      hold.remaining = 0n;
      return;
    }
    case 'reverse': {
      const posting = state.postings.get(`${people.tenantId}/${operation.of}`);
      if (posting === undefined || posting.isReversed) {
        state.violations.push(`${id} takes back ${operation.of}, which is not there or taken back already`);
        return;
      }
      posting.isReversed = true;
      return post(state, id, { debit: posting.credit, credit: posting.debit, amount: posting.amount });
    }
    default:
      state.violations.push(`${id} is in the journal and is no command of a book`);
  }
}

function itemOf(operation: Extract<Operation, { kind: 'bulk' }>, key: string, id: string) {
  const index = operation.items.findIndex((_, each) => id.endsWith(`/${itemKey(key, each)}`));
  return operation.items[index]!;
}

function confirm(state: State, people: People, id: string, { operation }: Command): void {
  count(state.confirmed, id);
  if (operation.kind !== 'transfer') return;
  const [from, to] = [walletOf(people, operation.from), walletOf(people, operation.to)];
  changeHeld(state, from, -operation.amount, id);
  post(state, id, { debit: from, credit: to, amount: operation.amount });
}

const walletOf = (people: People, index: number) => people.wallets[index]?.walletId ?? '';

function holdOf(state: State, people: People, key: string, id: string): Hold {
  const hold = state.holds.get(`${people.tenantId}/${key}`);
  if (hold !== undefined) return hold;
  state.violations.push(`${id} is of hold ${key}, which was never placed`);
  return { account: 'customers', remaining: 0n };
}

function balanceOf(state: State, account: string): Balance {
  const balance = state.balances.get(account) ?? { posted: 0n, held: 0n };
  state.balances.set(account, balance);
  return balance;
}

function changeHeld(state: State, account: string, by: bigint, id: string): void {
  const balance = balanceOf(state, account);
  balance.held += by;
  if (by > 0n) checkFloor(state, account, id);
}

/** Cash is the only account here whose debits add to it. */
const effectOn = (account: string, isDebit: boolean, amount: bigint) =>
  (account === 'cash') === isDebit ? amount : -amount;

function post(state: State, id: string, sides: { debit: string; credit: string; amount: bigint }): void {
  const { debit, credit, amount } = sides;
  state.postings.set(id, { debit, credit, amount, isReversed: false });
  balanceOf(state, debit).posted += effectOn(debit, true, amount);
  balanceOf(state, credit).posted += effectOn(credit, false, amount);
  for (const account of [debit, credit]) checkFloor(state, account, id);
}

function checkFloor(state: State, account: string, id: string): void {
  const { posted, held } = balanceOf(state, account);
  if (posted - held < 0n) state.violations.push(`${id} leaves ${account} with ${posted - held}`);
}

function checkRefusal(state: State, people: People, id: string, command: Command, rejection: string): void {
  const wrong = isRejection(command.operation.kind, rejection)
    ? wrongOf(state, people, id, command, rejection)
    : `was refused for ${rejection}`;
  if (wrong !== undefined) state.violations.push(`${id} ${wrong}`);
}

/** Why the refusal is not right at its place in the journal. */
function wrongOf(
  state: State,
  people: People,
  id: string,
  { key, operation }: Command,
  rejection: string,
): string | undefined {
  const of = 'of' in operation ? `${people.tenantId}/${operation.of}` : '';
  const [hold, posting] = [state.holds.get(of), state.postings.get(of)];
  switch (rejection) {
    case 'hold_not_found':
      return hold && `did not find ${of}, which is there`;
    case 'hold_closed':
      return hold?.remaining === 0n ? undefined : `found ${of} closed, of which ${hold?.remaining} is held`;
    case 'amount_exceeds_remaining': {
      const amount = 'amount' in operation ? operation.amount : null;
      const isMore = hold !== undefined && amount !== null && amount > hold.remaining;
      return isMore ? undefined : `was refused ${amount} of ${hold?.remaining}`;
    }
    case 'transaction_not_found':
      return posting && `did not find ${of}, which is there`;
    case 'transaction_already_reversed':
      return posting?.isReversed ? undefined : `found ${of} taken back, which it is not`;
    default: {
      const asked = operation.kind === 'reverse' ? takenBackBy(posting) : neededBy(people, id, key, operation);
      if (asked === undefined) return 'was refused for want of money, and takes none';
      const { posted, held } = balanceOf(state, asked.account);
      if (posted - held < asked.amount) return undefined;
      return `was refused ${asked.amount} while ${asked.account} had ${posted - held}`;
    }
  }
}

/** Who got it has to have it still. */
function takenBackBy(posting: Posting | undefined) {
  return posting && { account: posting.credit, amount: posting.amount };
}

function neededBy(people: People, id: string, key: string, operation: Operation) {
  switch (operation.kind) {
    case 'transfer':
      return { account: walletOf(people, operation.from), amount: operation.amount };
    case 'hold':
      return { account: operation.account, amount: operation.amount };
    case 'post':
      return operation.debit === 'cash' ? undefined : { account: operation.debit, amount: operation.amount };
    case 'bulk': {
      const item = itemOf(operation, key, id);
      if (item.debit === 'cash') return undefined;
      // Of an atomic one, those before it were done when it was asked for, and then were not.
      const before = operation.atomic ? operation.items.slice(0, operation.items.indexOf(item)) : [];
      const taken = before.map(({ debit, credit, amount }) =>
        debit === item.debit ? amount : credit === item.debit ? -amount : 0n,
      );
      return { account: item.debit, amount: taken.reduce((sum, each) => sum + each, item.amount) };
    }
    default:
      return undefined;
  }
}

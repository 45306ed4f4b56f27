/** I1 to I3 and I21: what every journal of double entries keeps to, whatever it is about. */
import { sha256Hex } from '@daybook/runtime';
import type { BookEvent } from '../../domain/book-events';
import type { BookContext, BookReader, IdReader, Invariant } from './invariant';
import type { FoldedAccount, Step } from './refold';

export const journalInvariants: readonly Invariant[] = [
  {
    id: 'I1',
    rule: 'In each transaction and each asset debits equal credits, and every amount is positive; so the book sums to zero.',
    checked: 'Every transaction of the journal, and the sum over all accounts.',
    elsewhere: 'That the tables say the same is pass by pass below.',
    anywhere: true,
    book: balanced,
  },
  {
    id: 'I2',
    rule: 'A balance is the fold of its entries, and no movement leaves an account beyond its limits unless its event says so.',
    checked: 'Every version of every account in the journal; every row of the tables by their passes.',
    elsewhere: '',
    book: bounded,
  },
  {
    id: 'I3',
    rule: 'A stream is numbered from 0 without gaps, event ids are unique, and each event holds the hash of the one before.',
    checked:
      'Every stored byte. The last event is vouched for by the signed checkpoints, which prove that none is missing.',
    elsewhere: 'A chain that was rewritten as a whole is found by verifying an export against an older checkpoint.',
    anywhere: true,
    book: chained,
    ids: (context) => [uniqueIds(context)],
  },
  {
    id: 'I21',
    rule: 'The times of a book never go back.',
    checked: 'Every event.',
    elsewhere: 'Chains and intents keep their own times.',
    anywhere: true,
    book: ordered,
  },
];

export function entriesOf(event: BookEvent) {
  return 'entries' in event ? event.entries : [];
}

function balanced({ accounts, violate }: BookContext): BookReader {
  return {
    step({ event, sequence }) {
      const sums = new Map<string, bigint>();
      for (const { accountId, asset, direction, amount } of entriesOf(event)) {
        if (amount <= 0n) violate(sequence, accountId, 'a positive amount', `${amount}`);
        const held = accounts.get(accountId)?.asset ?? asset;
        if (held !== asset) violate(sequence, accountId, `entries in ${held}`, `an entry in ${asset}`);
        sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? amount : -amount));
      }
      for (const [asset, sum] of sums) {
        if (sum !== 0n) violate(sequence, asset, 'debits equal to credits', `${sum} more debits`);
      }
    },
    end() {
      const sums = new Map<string, bigint>();
      for (const { asset, type, posted } of accounts.values()) {
        const signed = type === 'asset' || type === 'expense' ? posted : -posted;
        sums.set(asset, (sums.get(asset) ?? 0n) + signed);
      }
      for (const [asset, sum] of sums) {
        if (sum !== 0n) violate(null, asset, 'accounts that sum to 0', `${sum}`);
      }
    },
  };
}

type Changes = ReadonlyMap<string, bigint>;

type Limit = {
  /** What the event does to what the limit bounds, of each account. */
  readonly changesBy: (step: Step) => Changes;
  /** What the limit forbids. */
  readonly direction: (change: bigint) => boolean;
  readonly isBroken: (account: FoldedAccount) => boolean;
  readonly named: (event: Extract<BookEvent, { type: 'TransactionPosted' }>) => readonly string[];
  readonly text: (account: FoldedAccount) => string;
};

const limits: readonly Limit[] = [
  {
    changesBy: availableBy,
    direction: (change) => change < 0n,
    isBroken: ({ floor, posted, held }) => floor !== null && posted - held < floor,
    named: ({ floorBreaches }) => floorBreaches,
    text: ({ floor }) => `at least ${floor} available`,
  },
  {
    changesBy: postedBy,
    direction: (change) => change > 0n,
    isBroken: ({ ceiling, posted }) => ceiling !== null && posted > ceiling,
    named: ({ ceilingBreaches }) => ceilingBreaches,
    text: ({ ceiling }) => `at most ${ceiling} posted`,
  },
];

function postedBy({ entries }: Step): Map<string, bigint> {
  const changes = new Map<string, bigint>();
  for (const { accountId, lowers, amount } of entries)
    changes.set(accountId, (changes.get(accountId) ?? 0n) + (lowers ? -amount : amount));
  return changes;
}

/** What was held was not available before either: an event that gives it takes nothing from what is. */
function availableBy(step: Step): Changes {
  const changes = postedBy(step);
  const holding = heldBy(step.event);
  if (holding !== null) changes.set(holding.accountId, (changes.get(holding.accountId) ?? 0n) - holding.amount);
  return changes;
}

type Holding = { readonly accountId: string; readonly amount: bigint };

/** What the event holds; less than nothing when it ends what was held. */
function heldBy(event: BookEvent): Holding | null {
  switch (event.type) {
    case 'TransferAccepted':
      return { accountId: event.transfer.debitAccountId, amount: event.transfer.amount };
    case 'TransferConfirmed':
    case 'TransferFailed':
      return { accountId: event.transfer.debitAccountId, amount: -event.transfer.amount };
    case 'HoldPlaced':
      return event;
    case 'HoldCaptured':
      return { accountId: event.accountId, amount: -event.amount - event.released };
    case 'HoldReleased':
    case 'HoldExpired':
      return { accountId: event.accountId, amount: -event.amount };
    default:
      return null;
  }
}

function bounded({ accounts, violate }: BookContext): BookReader {
  return {
    step(step) {
      const { event, sequence } = step;
      for (const { changesBy, direction, isBroken, named, text } of limits) {
        const changes = changesBy(step);
        const said = event.type === 'TransactionPosted' ? named(event) : [];
        for (const [accountId, change] of changes) {
          const account = accounts.get(accountId);
          if (account === undefined || !direction(change)) continue;
          const { posted, held } = account;
          if (isBroken(account) !== said.includes(accountId))
            violate(sequence, accountId, `${text(account)}, or the event says so`, `${posted} posted, ${held} held`);
        }
        for (const accountId of said) {
          if (!direction(changes.get(accountId) ?? 0n))
            violate(
              sequence,
              accountId,
              'an account that is taken beyond its limit, as the event says',
              'one that is not',
            );
        }
      }
      for (const { accountId, held, incoming } of touchedBy(step, accounts)) {
        if (held < 0n || incoming < 0n)
          violate(sequence, accountId, 'nothing released that was not held', `${held} held, ${incoming} incoming`);
      }
    },
  };
}

function touchedBy({ event, sequence }: Step, accounts: BookContext['accounts']): FoldedAccount[] {
  const ids = new Set<string>();
  if ('transfer' in event) ids.add(event.transfer.debitAccountId).add(event.transfer.creditAccountId);
  if ('accountId' in event) ids.add(event.accountId);
  return [...ids].flatMap((id) => accounts.get(id) ?? []).filter(({ lastSequence }) => lastSequence === sequence);
}

function chained({ stream, from, head: before, violate }: BookContext): BookReader {
  let expected = from;
  let head = before;
  return {
    stored({ type, payload, revision }, sequence) {
      if (revision !== BigInt(expected)) violate(sequence, stream, `event ${expected} next`, `event ${revision}`);
      expected = sequence + 1;
      const seal = sealOf(payload);
      if (seal.previousHash !== head) violate(sequence, stream, `previousHash ${head}`, String(seal.previousHash));
      if (seal.event !== type) violate(sequence, stream, `stored as ${String(seal.event)}, as it is sealed`, type);
      head = sha256Hex(payload);
    },
  };
}

function uniqueIds({ stream, violate }: BookContext): IdReader {
  const seen = new Set<string>();
  return {
    stored({ id }, sequence, mine) {
      if (!mine(id)) return;
      if (seen.has(id)) violate(sequence, stream, 'an id of its own', `${id} again`);
      seen.add(id);
    },
  };
}

/** Read without the codec: the chain is to be followed over events that cannot be decoded. */
function sealOf(payload: Buffer): { readonly event?: unknown; readonly previousHash?: unknown } {
  try {
    return (JSON.parse(payload.toString('utf8')) as object | null) ?? {};
  } catch {
    return {};
  }
}

function ordered({ stream, violate }: BookContext): BookReader {
  let last = '';
  return {
    step({ event: { at }, sequence }) {
      if (at < last) violate(sequence, stream, `a time not before ${last}`, at);
      last = at;
    },
  };
}

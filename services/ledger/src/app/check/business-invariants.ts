/** I5, I6 and I16 to I19: what the entries mean, as far as the ledger alone can tell. */
import type { PostingEvent } from '../../domain/transaction';
import { cleared } from './clearing-items';
import type { BookContext, BookReader, Invariant, Violate } from './invariant';
import { entriesOf } from './journal-invariants';
import { answeredOnce, lifecycles, oneContent } from './record-invariants';
import type { FoldedAccount } from './refold';

export const businessInvariants: readonly Invariant[] = [
  {
    id: 'I5',
    rule: 'Everything that was taken has exactly one recorded outcome, and every outcome points to its cause.',
    checked:
      'Each id is answered once, transfers and holds take their states once and in order, no more is captured or reversed than there is, and each posting names a cause.',
    elsewhere: 'That the answer over HTTP is the recorded one: the gateway keeps none of its own.',
    anywhere: true,
    book: caused,
    ids: (context) => [answeredOnce(context), lifecycles(context)],
  },
  {
    id: 'I6',
    rule: 'One id, one content, one outcome.',
    checked: 'No id is answered again for another content.',
    elsewhere: 'Tenant and route are part of the id, which the gateway makes.',
    ids: (context) => [oneContent(context)],
  },
  {
    id: 'I16',
    rule: 'What is owed to merchants and payers is not more than what is held, for each asset.',
    checked: "Liabilities against asset accounts and the operator's own issue, at the end of each book.",
    elsewhere: 'That the custody accounts are what is on the chains (I15): settlement.',
    book: solvent,
  },
  {
    id: 'I17',
    rule: 'What stands on a clearing account leaves it within its deadline.',
    checked:
      'Each item, by the subject of its transactions. What says no subject, as a correction does, is for the oldest item that it settles.',
    elsewhere: 'What is held or in suspense, its owner and its age: intents, which lists it as exceptions.',
    book: cleared,
  },
  {
    id: 'I18',
    rule: 'Fee and net are the gross amount, and a rounding account holds at most one unit an operation.',
    checked: 'The gross amount of every posting is on its other side (I1); rounding accounts against their entries.',
    elsewhere: 'Which fee was due: the posting rules, named in each event.',
    book: rounded,
  },
  {
    id: 'I19',
    rule: "No event or entry of a tenant touches another tenant's account, and the books never meet.",
    checked:
      'Owners of the accounts of every event and of all its entries, and ids of accounts that name their owner. Rows of no book by the passes.',
    elsewhere: 'Addresses, webhooks and keys: the services that own them.',
    book: enclosed,
  },
];

function caused({ violate }: BookContext): BookReader {
  return {
    stored({ metadata, type }, sequence) {
      for (const field of ['correlationId', 'causationId'] as const) {
        if (!metadata[field]) violate(sequence, type, `a ${field}`, 'none');
      }
    },
    step({ event, sequence }) {
      if (event.type !== 'TransactionPosted') return;
      for (const field of ['type', 'id', 'subject'] as const) {
        if (event.cause[field] === '') violate(sequence, event.transactionId, `a cause with ${field}`, 'none');
      }
    },
  };
}

/** A tenant's own books say nothing about what we owe. */
const ownBooks = /^acct:/;

function solvent({ accounts, violate }: BookContext): BookReader {
  return {
    end() {
      const sums = new Map<string, { owed: bigint; backed: bigint }>();
      for (const { accountId, asset, type, posted } of accounts.values()) {
        if (ownBooks.test(accountId)) continue;
        const sum = sums.get(asset) ?? { owed: 0n, backed: 0n };
        if (type === 'liability') sum.owed += posted;
        else if (type === 'asset') sum.backed += posted;
        else if (accountId.startsWith('issuance:')) sum.backed -= posted;
        sums.set(asset, sum);
      }
      for (const [asset, { owed, backed }] of sums) {
        if (owed > backed) violate(null, asset, `at most ${backed} owed`, `${owed}`);
      }
    },
  };
}

function rounded({ accounts, violate }: BookContext): BookReader {
  return {
    end() {
      for (const { accountId, posted, version } of accounts.values()) {
        const size = posted < 0n ? -posted : posted;
        if (accountId.startsWith('rounding:') && size > version)
          violate(null, accountId, `at most ${version} after as many entries`, `${posted}`);
      }
    },
  };
}

const ownedId = /^(?:clearing|merchant|held|refundable|suspense|acct):([0-9a-f-]{36}):/;

function enclosed({ accounts, violate }: BookContext): BookReader {
  return {
    step({ event, sequence }) {
      const owner = (accountId: string, ...owners: Owners) =>
        ownedBy(accounts.get(accountId), owners, sequence, violate);
      if (event.type === 'AccountOpened') {
        const named = ownedId.exec(event.accountId)?.[1];
        if (named !== undefined && named !== event.tenantId)
          violate(sequence, event.accountId, `an account of ${named}`, String(event.tenantId));
      }
      if ('transfer' in event) {
        owner(event.transfer.debitAccountId, event.transfer.debitTenantId);
        owner(event.transfer.creditAccountId, event.transfer.creditTenantId);
      }
      if ('holdId' in event && event.tenantId !== null) owner(event.accountId, event.tenantId);
      const owners = 'entries' in event ? ownersOf(event) : null;
      if (owners === null) return;
      for (const { accountId } of entriesOf(event)) owner(accountId, ...owners);
    },
  };
}

/** Null is nobody: custody, a provider, what the operator has. */
type Owners = readonly (string | null)[];

/**
 * Whose accounts the entries may be on; null for anybody's, since operators reach every account. What is taken back is of
 * the one who posted it, and a capture of the one who captured.
 */
function ownersOf(event: PostingEvent): Owners | null {
  if ('transfer' in event) return [event.transfer.debitTenantId, event.transfer.creditTenantId];
  return event.tenantId === null ? null : [event.tenantId, null];
}

function ownedBy(account: FoldedAccount | undefined, owners: Owners, sequence: number, violate: Violate): void {
  if (account === undefined || owners.includes(account.tenantId)) return;
  const tenants = owners.filter((owner) => owner !== null).join(' or ');
  violate(sequence, account.accountId, `an account of ${tenants}`, `one of ${account.tenantId}`);
}

/** The book on its own: entries, balances, chain of hashes, checkpoints, and what customers were told of it. */
import type { AssetCode } from '@daybook/money';
import { createFrontier, createTrust } from '@daybook/proof';
import type { StoredEvent } from '@daybook/event-store';
import {
  issueFunds,
  openAccount,
  type acceptTransfer,
  type CallOutcome,
  type CallRequest,
  type operateBookInBulk,
} from '@daybook/contracts';
import { sha256Hex } from '@daybook/runtime';
import { decodeBookEvent, genesisHash } from '../../../../services/ledger/src/adapters/stored-events';
import { newIdOf } from '../../../../services/ledger/src/app/caller-ids';
import type { BookEvent } from '../../../../services/ledger/src/domain/book-events';
import { apply, emptyBook } from '../../../../services/ledger/src/domain/book-state';
import { transactionOf } from '../../../../services/ledger/src/domain/transaction';
import { textOf, wallets, type Asked, type Customers } from './customers';
import { signingKey } from './ledger-machine';
import type { Product } from './product';

export async function bookProblems(
  _product: Product,
  asked: Customers,
  log: readonly StoredEvent[],
): Promise<readonly string[]> {
  const stored = log.filter(({ stream }) => stream === 'book-sandbox');
  const chain = chainProblem(stored);
  if (chain !== undefined) return [chain];
  const events = stored.map((event) => decodeBookEvent(event).event);
  const { ids, problems } = fold(stored, events);
  return [
    ...problems,
    ...checkpointProblems(stored, events),
    ...asked.setup.flatMap((one) => setupProblems(one, events)),
    ...asked.transfers.flatMap((one) => transferProblems(one, events)),
    ...asked.bulks.flatMap((one) => bulkProblems(one, ids)),
  ];
}

/** I3. */
function chainProblem(stored: readonly StoredEvent[]): string | undefined {
  let head: string = genesisHash;
  for (const event of stored) {
    if (decodeBookEvent(event).previousHash !== head) return `I3: the chain of hashes breaks at ${event.revision}`;
    head = sha256Hex(event.payload);
  }
  return undefined;
}

/** I1 and I2. The sums are made here, from entries alone; the state is the ledger's own. */
function fold(
  stored: readonly StoredEvent[],
  events: readonly BookEvent[],
): { ids: ReadonlySet<string>; problems: string[] } {
  const state = emptyBook();
  const problems: string[] = [];
  const debits = new Map<string, bigint>();
  const ids = new Set<string>();
  events.forEach((event, sequence) => {
    apply(state, event, { sequence, reference: `0x${sha256Hex(stored[sequence]!.payload)}` });
    for (const wallet of wallets) {
      const account = state.accounts.get(wallet);
      if (account !== undefined && account.posted - account.held < 0n)
        problems.push(`I2: ${wallet} is below zero at ${sequence}`);
    }
    if (!('entries' in event)) return;
    const { transactionId, entries } = transactionOf(event);
    if (ids.has(transactionId)) problems.push(`I5: ${transactionId} is posted twice`);
    ids.add(transactionId);
    const sums = new Map<AssetCode, bigint>();
    for (const { accountId, asset, direction, amount } of entries) {
      if (amount <= 0n) problems.push(`I1: an amount of ${amount} at ${sequence}`);
      const signed = direction === 'debit' ? amount : -amount;
      sums.set(asset, (sums.get(asset) ?? 0n) + signed);
      debits.set(accountId, (debits.get(accountId) ?? 0n) + signed);
    }
    for (const [asset, sum] of sums)
      if (sum !== 0n) problems.push(`I1: debits exceed credits by ${sum} ${asset} at ${sequence}`);
  });
  for (const { accountId, accountType, posted } of state.accounts.values()) {
    const sum = debits.get(accountId) ?? 0n;
    const expected = accountType === 'asset' || accountType === 'expense' ? sum : -sum;
    if (posted !== expected) problems.push(`I2: ${accountId} shows ${posted}, its entries come to ${expected}`);
  }
  return { ids, problems };
}

/** Every signature fits, sizes only grow, and each root is that of the events before it. */
function checkpointProblems(stored: readonly StoredEvent[], events: readonly BookEvent[]): readonly string[] {
  const trust = createTrust('simulated/book-sandbox', signingKey.publicKey);
  const frontier = createFrontier();
  const problems: string[] = [];
  let size = 0;
  events.forEach((event, sequence) => {
    if (event.type !== 'CheckpointSigned') return;
    try {
      const signed = trust.accept({ text: event.checkpoint, signature: event.signature });
      for (; size < signed.size; size++) frontier.append(stored[size]!.payload);
      if (!frontier.root().equals(signed.root)) problems.push(`checkpoint ${signed.size} has another root`);
      if (signed.size > sequence) problems.push(`checkpoint ${signed.size} covers more than there was`);
    } catch (error) {
      problems.push(`checkpoint at ${sequence}: ${String(error)}`);
    }
  });
  return problems;
}

/** I5: nobody has a reason to refuse an account, or the first money in it, and what was answered with yes is there. */
function setupProblems({ call, request, answers }: Asked, events: readonly BookEvent[]): readonly string[] {
  const what = `${call.name} ${textOf(request)}`;
  if (answers.some(({ ok }) => !ok)) return [`I5: ${what} was answered ${textOf(answers)}`];
  const isThere = events.some((event) => {
    if (event.type === 'AccountOpened')
      return call === openAccount && event.accountId === (request as CallRequest<typeof openAccount>).accountId;
    if (event.type !== 'TransactionPosted' || call !== issueFunds) return false;
    const { transactionId, accountId, amount } = request as CallRequest<typeof issueFunds>;
    const isIssued = event.entries.some((entry) => entry.accountId === accountId && entry.amount === amount);
    return event.transactionId === transactionId && isIssued;
  });
  return answers.length === 0 || isThere ? [] : [`I5: ${what} was answered with yes, and is not there`];
}

/** I5 and I6. */
function transferProblems(
  { request, answers }: Asked<typeof acceptTransfer>,
  events: readonly BookEvent[],
): readonly string[] {
  const { transferId, amount, debitAccountId, creditAccountId } = request;
  const what = `${transferId} over ${amount}`;
  const accepted = events.flatMap((event) =>
    event.type === 'TransferAccepted' && event.transfer.transferId === transferId ? [event.transfer] : [],
  );
  if (accepted.length > 1) return [`I5: ${what} is accepted ${accepted.length} times`];
  const [recorded] = accepted;
  const isSame =
    recorded?.amount === amount &&
    recorded.debitAccountId === debitAccountId &&
    recorded.creditAccountId === creditAccountId;
  const isYes = answers.some(({ ok }) => ok);
  if (isYes && !isSame) return [`I5: ${what} was answered as accepted, and is not recorded so`];
  const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.rejection]));
  if (isYes && refusals.length > 0) return [`I6: ${what} was answered yes and ${refusals.join()}`];
  const isReused = refusals.every((refusal) => refusal === 'id_reused');
  if (refusals.length > 0 && !isReused && isSame)
    return [`I5: ${what} was refused as ${refusals.join()} and is recorded`];
  if (refusals.length > 0 && isReused && isSame) return [`I6: ${what} was refused as another one, and is the one`];
  return new Set(refusals).size > 1 ? [`I6: ${what} was refused as ${refusals.join()}`] : [];
}

/** All of them or none, and every answer tells the same outcome. */
function bulkProblems(
  { request, answers }: Asked<typeof operateBookInBulk>,
  recorded: ReadonlySet<string>,
): readonly string[] {
  const ids = request.operations.flatMap((operation) =>
    operation.type === 'post' ? [newIdOf(request.tenantId, operation.transactionId)] : [],
  );
  const posted = ids.filter((id) => recorded.has(id));
  const what = `bulk ${ids[0]}`;
  if (posted.length !== 0 && posted.length !== ids.length)
    return [`I5: ${what} is recorded in part: ${posted.join(', ')}`];
  const outcomes = new Set(answers.map(outcomeOf));
  if (outcomes.size > 1) return [`I6: ${what} was answered ${[...outcomes].join(' and ')}`];
  const [outcome] = outcomes;
  if (outcome === 'done' && posted.length === 0) return [`I5: ${what} was answered as done, and is not there`];
  if (outcome !== undefined && outcome !== 'done' && posted.length > 0) return [`I5: ${what} was refused and is there`];
  return [];
}

export function outcomeOf(answer: CallOutcome<typeof operateBookInBulk>): string {
  if (!answer.ok) return textOf(answer);
  const { failed } = answer.value;
  return failed === null ? 'done' : `${failed.index} ${failed.rejection}`;
}

/**
 * What an institution writes, applied: each line is told to the transfer that it is about, and then the statement is
 * recorded, with what came of its lines. A crash between the two leaves a statement that was not taken; the same one
 * again says nothing new to the transfers. A line that is about none, or contradicts one, is kept for a person.
 */
import type { CallOutcome, CallRequest, listStatementLines, receiveStatement } from '@daybook/contracts';
import { sha256Hex, uuidv7, type Clock, type Logger, type Sealer } from '@daybook/runtime';
import type { InstitutionStore, ReadStatements, StatementStore, TransferStore } from '../ports';
import type { MatchedLine, ReadLine, ReadStatement } from '../domain/bank-statement';
import type { Transfer, TransferObservation } from '../domain/bank-transfer';
import type { Institution } from '../domain/institutions';
import { institutionNumbered, settingsOf } from './institutions';
import { isTransactionId, statementStream, transactionIdOf, transferStream } from './transfer-streams';

type Answer = CallOutcome<typeof receiveStatement>;
type ListRequest = CallRequest<typeof listStatementLines>;
type ListAnswer = CallOutcome<typeof listStatementLines>;
export type StatementPage = Extract<ListAnswer, { ok: true }>['value'];

export type StatementDeps = {
  readonly transfers: TransferStore;
  readonly institutions: InstitutionStore;
  readonly statements: StatementStore;
  readonly sealer: Sealer;
  readonly readStatements: ReadStatements;
  /** Undefined for a cursor of no list. */
  readonly findLines: (
    institutionId: string,
    page: Pick<ListRequest, 'matched' | 'limit' | 'cursor'>,
  ) => Promise<StatementPage | undefined>;
  readonly now: Clock;
  readonly logger: Logger;
};

export function statementCalls(deps: StatementDeps) {
  const { institutions, statements, sealer, now } = deps;

  async function take(institution: Institution, { statementId, lines: read }: ReadStatement) {
    const { institutionId } = institution;
    const lines: MatchedLine[] = [];
    for (const line of read) lines.push(await matched(deps, institution, line));
    const statement = { statementId, institutionId, digest: digestOf(read), lines };
    const commandId = uuidv7(now());
    return statements.handle(
      statementStream(institutionId, statementId),
      { type: 'ReceiveStatement', statement, at: now().toISOString() },
      { commandId, correlationId: commandId, causationId: commandId },
    );
  }

  return {
    async receiveStatement(request: CallRequest<typeof receiveStatement>): Promise<Answer> {
      const institution = await institutionNumbered(institutions, request, request.institutionNumber);
      if (institution === undefined) return { ok: false, rejection: 'institution_not_found' };
      const settings = settingsOf(sealer, institution);
      if (settings.bank !== 'iso20022') return { ok: false, rejection: 'institution_without_statements' };
      const read = onceEach(deps.readStatements(request.document, transactionIdOf));
      if (read === undefined) return { ok: false, rejection: 'statement_invalid' };
      if (read.some(({ iban }) => iban !== null && iban !== settings.debtorIban))
        return { ok: false, rejection: 'statement_of_other_account' };
      // Nothing is told to any transfer when one of the statements is refused.
      for (const { statementId, lines } of read) {
        const { state } = await statements.load(statementStream(institution.institutionId, statementId));
        if (state !== null && state.digest !== digestOf(lines))
          return { ok: false, rejection: 'statement_exists_with_different_content' };
      }
      const taken = [];
      for (const statement of read) {
        const outcome = await take(institution, statement);
        if (!outcome.ok) return { ok: false, rejection: outcome.rejection };
        taken.push(outcome);
      }
      const lines = taken.flatMap(({ state }) => state?.lines ?? []);
      const unmatched = lines.filter(({ transactionId }) => transactionId === null).length;
      const statementIds = read.map(({ statementId }) => statementId);
      const replayed = taken.every(({ events }) => events.length === 0);
      return { ok: true, value: { statementIds, matched: lines.length - unmatched, unmatched, replayed } };
    },

    async listStatementLines(request: ListRequest): Promise<ListAnswer> {
      const institution = await institutionNumbered(institutions, request, request.institutionNumber);
      if (institution === undefined) return { ok: false, rejection: 'institution_not_found' };
      const page = await deps.findLines(institution.institutionId, request);
      return page === undefined ? { ok: false, rejection: 'cursor_invalid' } : { ok: true, value: page };
    },
  };
}

/** Undefined when it has two of one id that say different things: which of them holds is not for us to say. */
function onceEach(read: readonly ReadStatement[] | undefined): readonly ReadStatement[] | undefined {
  const known = new Map<string, ReadStatement>();
  for (const statement of read ?? []) {
    const there = known.get(statement.statementId);
    if (there !== undefined && digestOf(there.lines) !== digestOf(statement.lines)) return undefined;
    known.set(statement.statementId, there ?? statement);
  }
  return read && [...known.values()];
}

function digestOf(lines: readonly ReadLine[]): string {
  // Whether it is of a copy follows from the reason, and statements from before anybody asked have digests, too.
  const said = lines.map(({ isOfCopy: _copy, ...line }) => ({ ...line, amount: line.amount?.toString() ?? null }));
  return sha256Hex(JSON.stringify(said));
}

async function matched(deps: StatementDeps, institution: Institution, read: ReadLine): Promise<MatchedLine> {
  const { isFinal: _final, isReturn: _return, isOfCopy: _copy, ...line } = read;
  const unmatched = (problem: string): MatchedLine => ({ ...line, transactionId: null, problem });
  const { endToEndId } = line;
  if (!isTransactionId(endToEndId)) return unmatched('names_no_transfer');
  const { state } = await deps.transfers.load(transferStream(endToEndId));
  if (state.stage === 'none' || state.institutionId !== institution.institutionId || !state.wasHeld)
    return unmatched('names_no_transfer');
  const problem = problemOf(state, read);
  if (problem !== null) return unmatched(problem);
  const commandId = uuidv7(deps.now());
  const outcome = await deps.transfers.handle(
    transferStream(endToEndId),
    { type: 'RecordObserved', observation: observationOf(read), at: deps.now().toISOString() },
    { commandId, correlationId: endToEndId, causationId: commandId },
  );
  if (outcome.ok) return { ...line, transactionId: endToEndId, problem: null };
  deps.logger.warn({ transactionId: endToEndId, rejection: outcome.rejection }, 'a statement contradicts a transfer');
  return unmatched(outcome.rejection);
}

/**
 * Money has to be the transfer's to the last unit, and booked; a status has no amount. A file may be written twice, and the
 * institution that executes one of them refuses the other: released by that, the amount would be paid and free.
 */
function problemOf(transfer: Transfer, read: ReadLine): string | null {
  const { said, amount, currency, isFinal, isReturn } = read;
  if (read.isOfCopy) return 'duplicate_told';
  if (said !== 'debit' && said !== 'credit') return null;
  if (!isFinal) return 'not_booked';
  if (currency !== transfer.asset) return 'currency_differs';
  if (amount !== transfer.amount) return 'amount_differs';
  return said === 'credit' && !isReturn ? 'not_a_return' : null;
}

function observationOf({ said, reference, reason }: ReadLine): TransferObservation {
  switch (said) {
    case 'debit':
      return { status: 'settled', reference };
    case 'credit':
      return { status: 'returned', reference, reason: reason ?? 'no reason given' };
    case 'rejected':
      return { status: 'rejected', reason: reason ?? 'no reason given' };
    case 'accepted':
    case 'processing':
      return { status: said, reference };
  }
}

/**
 * Bank statement: what an institution said under one id, line by line, and which transfer each line is about. It is
 * recorded after its lines were told to their transfers: one that is not recorded was not taken.
 *
 * Invariants (each has a property test of the same name):
 *   B1  A statement is recorded once; the same content again records nothing, other content under its id is refused.
 */
import type { statementSays } from '@daybook/contracts';
import { accept, assert, reject, type Decider, type Decision } from '@daybook/core';

export type StatementLine = {
  /** From 1. */
  readonly line: number;
  /** Booked on the account, or the status of an order. */
  readonly said: (typeof statementSays)[number];
  /** Minor units; null when it is in a currency that is not kept here, or was not said. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly endToEndId: string | null;
  /** The institution's own, or the place in the statement; null in a report. */
  readonly reference: string | null;
  readonly bookedOn: string | null;
  /** Why it was refused or came back. */
  readonly reason: string | null;
};
export type MatchedLine = StatementLine & {
  readonly transactionId: string | null;
  /** Why it matches no transfer. */
  readonly problem: string | null;
};

/** What can be told of a line before its transfer is known. */
export type ReadLine = StatementLine & {
  /** Booked for good; a status always is. */
  readonly isFinal: boolean;
  /** Of a credit: the institution calls it a return or the reversal of a debit. */
  readonly isReturn: boolean;
  /** Of a rejection: it is of a copy of what the institution has already, and says nothing of the first. */
  readonly isOfCopy: boolean;
};

/** A statement as it was read, or one page of it. */
export type ReadStatement = {
  /** The institution's own; with the number of the page behind it from the second page on. */
  readonly statementId: string;
  /** Whose account; null for a report. */
  readonly iban: string | null;
  readonly lines: readonly ReadLine[];
};

export type Statement = {
  readonly statementId: string;
  readonly institutionId: string;
  /** Of what it says. */
  readonly digest: string;
  readonly lines: readonly MatchedLine[];
};

export type StatementCommand = {
  readonly type: 'ReceiveStatement';
  readonly statement: Statement;
  readonly at: string;
};
export type StatementEvent = {
  readonly type: 'BankStatementReceived';
  readonly statement: Statement;
  readonly at: string;
};
export type StatementRejection = 'statement_exists_with_different_content';
export type StatementState = Statement | null;

export const bankStatement: Decider<StatementState, StatementCommand, StatementEvent, StatementRejection> = {
  initial: null,
  decide({ statement, at }, there): Decision<StatementEvent, StatementRejection> {
    if (there !== null)
      return there.digest === statement.digest ? accept() : reject('statement_exists_with_different_content');
    return accept({ type: 'BankStatementReceived', statement, at });
  },
  evolve(there, { statement }) {
    assert(there === null, 'a statement is received twice');
    return statement;
  },
};

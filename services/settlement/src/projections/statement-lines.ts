/**
 * statement_lines_v1: what institutions say, line by line, and the transfer that each line is about.
 * Source: this service's event store. A statement is recorded once, so its rows are written once.
 * Serves: list-statement-lines.
 */
import { instant, label } from '@daybook/contracts';
import type { Projection } from '@daybook/event-store';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { StatementPage } from '../app/statements';
import type { MatchedLine, StatementEvent } from '../domain/bank-statement';

export const statementLinesProjection: Projection<StatementEvent> = {
  name: 'statement_lines',
  version: 1,
  handlers: {
    BankStatementReceived: ({ statement: { institutionId, statementId, lines }, at }) => [
      {
        text: `insert into statement_lines_v1
                 (institution_id, statement_id, received_at, line, said, amount, currency, end_to_end_id, reference,
                  booked_on, reason, transaction_id, problem)
               select $1, $2, $3, line, said, amount, currency, "endToEndId", reference, "bookedOn", reason,
                      "transactionId", problem
               from jsonb_to_recordset($4::jsonb) as lines
                 (line integer, said text, amount numeric, currency text, "endToEndId" text, reference text,
                  "bookedOn" text, reason text, "transactionId" text, problem text)
               on conflict do nothing`,
        values: [institutionId, statementId, at, JSON.stringify(lines.map(asJson))],
      },
    ],
  },
};

function asJson(line: MatchedLine) {
  return { ...line, amount: line.amount?.toString() ?? null };
}

type Row = {
  statement_id: string;
  line: number;
  said: StatementPage['lines'][number]['said'];
  amount: string | null;
  currency: string | null;
  end_to_end_id: string | null;
  reference: string | null;
  booked_on: string | null;
  reason: string | null;
  transaction_id: string | null;
  problem: string | null;
  received_at: Date;
};

const cursorKey = z.tuple([instant, label, z.number().int().positive().max(1_000_000_000)]);

/** Newest first, pages by the last line of the page before. Undefined for a cursor of no list. */
export async function findStatementLines(
  pool: Pool,
  institutionId: string,
  { matched, limit, cursor }: { matched: boolean | null; limit: number; cursor: string | null },
): Promise<StatementPage | undefined> {
  const after = cursor === null ? [null, null, null] : keyOf(cursor);
  if (after === undefined) return undefined;
  const { rows } = await pool.query<Row>(
    `select * from statement_lines_v1
       where institution_id = $1 and ($2::boolean is null or (transaction_id is not null) = $2)
         and ($3::timestamptz is null or (received_at, statement_id, line) < ($3::timestamptz, $4::text, $5::integer))
       order by received_at desc, statement_id desc, line desc limit $6`,
    [institutionId, matched, ...after, limit + 1],
  );
  const lines = rows.slice(0, limit).map(lineOf);
  const last = lines.at(-1);
  return { lines, nextCursor: rows.length > limit && last !== undefined ? cursorAfter(last) : null };
}

function lineOf(row: Row): StatementPage['lines'][number] {
  return {
    statementId: row.statement_id,
    line: row.line,
    said: row.said,
    amount: row.amount === null ? null : BigInt(row.amount),
    currency: row.currency,
    endToEndId: row.end_to_end_id,
    reference: row.reference,
    bookedOn: row.booked_on,
    reason: row.reason,
    transactionId: row.transaction_id,
    problem: row.problem,
    receivedAt: row.received_at.toISOString(),
  };
}

function cursorAfter({ receivedAt, statementId, line }: StatementPage['lines'][number]): string {
  return Buffer.from(JSON.stringify([receivedAt, statementId, line])).toString('base64url');
}

function keyOf(cursor: string): z.output<typeof cursorKey> | undefined {
  try {
    return cursorKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

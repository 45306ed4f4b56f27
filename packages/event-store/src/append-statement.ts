/**
 * The statement of an append. It speaks the driver's protocol itself: columns go out as they lie in memory, in one write
 * of many parts, where a query with values would copy all of them twice.
 */
import type { PoolClient, Submittable } from 'pg';
import type { Socket } from 'node:net';
import { appendChannelSql } from './append-listener';
import type { EventColumns } from './event-columns';

const name = 'append_events';
// A place whose predecessor is missing takes nothing, which makes an expected revision ahead of the stream a conflict.
const text = `with appended as (
           insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata)
           select $1::text, $2::bigint, $3::integer, $4::uuid[], $5::text[], $6::integer[], $7::bytea[], $8::json[]
            where $2::bigint = 0 or $2::bigint - 1 = (
                  select last_revision from appends
                   where stream = $1::text and first_revision < $2::bigint order by first_revision desc limit 1)
           returning 1
         )
         select pg_notify(${appendChannelSql}, '') from appended`;

/** False when the place is taken, or its predecessor is not there. The columns must not change before it is told. */
export async function insertAppend(
  client: PoolClient,
  stream: string,
  first: bigint,
  columns: EventColumns,
): Promise<boolean> {
  const message = messageOf(stream, first, columns);
  // The driver's pipeline takes only its own queries. The connection is idle: nothing is in the pipeline.
  const connection: { pipeline: boolean } = client;
  const { pipeline } = connection;
  connection.pipeline = false;
  try {
    const inserted = await new Promise<boolean>((resolve, reject) => {
      client.query(statement(message, resolve, reject));
    });
    connection.pipeline = pipeline;
    return inserted;
  } catch (error) {
    // One that is lost is to be closed, which with the pipeline on would wait for an answer that does not come.
    if (isRefusal(error)) connection.pipeline = pipeline;
    if ((error as { code?: string }).code === '23505') return false;
    throw error;
  }
}

/** The server has refused the statement, and the connection serves on. */
function isRefusal(error: unknown): boolean {
  return (error as { severity?: string }).severity === 'ERROR';
}

/** What the driver has, as far as it is used here. */
type Connection = {
  readonly stream: Socket;
  readonly parsedStatements: Readonly<Record<string, string>>;
  parse(statement: { readonly name: string; readonly text: string; readonly types: readonly number[] }): void;
  once(event: 'readyForQuery' | 'end', listener: () => void): void;
  off(event: 'readyForQuery' | 'end', listener: () => void): void;
};

/** What the driver calls of a query that is sent. */
type Sent = {
  readonly name: string;
  readonly text: string;
  submit(connection: Connection): Error | null;
  handleError(error: Error, connection: Connection): void;
  handleCommandComplete(message: { readonly text: string }): void;
  handleReadyForQuery(): void;
  handleRowDescription(): void;
  handleDataRow(): void;
  /** Put here by the driver: ends its waiting for an answer. Uncalled, it would break the connection later. */
  callback?(): void;
};

function statement(
  parts: readonly Buffer[],
  resolve: (inserted: boolean) => void,
  reject: (error: Error) => void,
): Submittable {
  let inserted = false;
  const sent: Sent = {
    name,
    text,
    submit(connection) {
      const { stream } = connection;
      if (!stream.writable) return new Error('Connection terminated');
      stream.cork();
      if (connection.parsedStatements[name] === undefined) connection.parse({ name, text, types: [] });
      for (const part of parts) stream.write(part);
      stream.uncork();
      return null;
    },
    handleError(error, connection) {
      sent.callback?.();
      // After an error of the statement the server has one more word, and until then the connection takes no other query.
      if (!isRefusal(error)) {
        reject(error);
        return;
      }
      const settle = () => {
        connection.off('readyForQuery', settle);
        connection.off('end', settle);
        reject(error);
      };
      connection.once('readyForQuery', settle);
      connection.once('end', settle);
    },
    // `SELECT` and the number of rows.
    handleCommandComplete: (message) => void (inserted = message.text === 'SELECT 1'),
    handleReadyForQuery() {
      sent.callback?.();
      resolve(inserted);
    },
    handleRowDescription: () => undefined,
    handleDataRow: () => undefined,
  };
  return sent as unknown as Submittable;
}

const binary = 1;
const executeAndSync = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
const noResultFormats = Buffer.from([0, 0]);

/** Bind, execute, sync. */
function messageOf(stream: string, first: bigint, columns: EventColumns): Buffer[] {
  const values = [utf8(stream), int64(first), int32(columns.length), ...columns.arrays()];
  const parts = [utf8(`\0${name}\0`), int16(1), int16(binary), int16(values.length)];
  for (const value of values) parts.push(int32(value.length), value);
  parts.push(noResultFormats);
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  const message = [utf8('B'), int32(length), ...parts, executeAndSync];
  return length < copiedBelow ? [Buffer.concat(message)] : message;
}

/** Bytes up to which one write of a copy is quicker than one of many parts. */
const copiedBelow = 65_536;

function utf8(value: string): Buffer {
  return Buffer.from(value);
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** Rows of a `COPY ... TO STDOUT (FORMAT binary)` from its bytes, however these are cut into chunks. */
import { assert } from '@daybook/core';

export type CopyRows = {
  /** Takes a chunk and returns the rows that are complete by it: their fields, none of which may be null. */
  push(chunk: Buffer): Buffer[][];
};

/** Signature, flags and length of an extension that there is not. */
const headerBytes = 19;
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const endOfRows = -1;

export function copyRows(): CopyRows {
  const bytes = byteQueue();
  let begun = false;
  let fields: Buffer[] = [];
  let fieldsLeft = 0;
  let length: number | undefined;

  /** The next field, if all of it is there. */
  function nextField(): Buffer | undefined {
    if (length === undefined) {
      const prefix = bytes.take(4);
      if (!prefix) return undefined;
      length = prefix.readInt32BE(0);
      assert(length >= 0, 'a null in a copied row');
    }
    const field = bytes.take(length);
    if (field) length = undefined;
    return field;
  }

  function nextRow(): Buffer[] | undefined {
    if (fieldsLeft === 0) {
      const count = bytes.take(2)?.readInt16BE(0);
      if (count === undefined || count === endOfRows) return undefined;
      [fields, fieldsLeft] = [[], count];
    }
    for (; fieldsLeft > 0; fieldsLeft--) {
      const field = nextField();
      if (!field) return undefined;
      fields.push(field);
    }
    return fields;
  }

  return {
    push(chunk) {
      bytes.add(chunk);
      if (!begun) {
        const header = bytes.take(headerBytes);
        if (!header) return [];
        assert(header.subarray(0, signature.length).equals(signature), 'not a binary copy');
        begun = true;
      }
      const rows: Buffer[][] = [];
      for (let row = nextRow(); row; row = nextRow()) rows.push(row);
      return rows;
    },
  };
}

/** Bytes in the order of their coming. What lies in one chunk is taken without copying. */
function byteQueue() {
  let chunks: Buffer[] = [];
  let size = 0;
  return {
    add(chunk: Buffer): void {
      chunks.push(chunk);
      size += chunk.length;
    },
    take(count: number): Buffer | undefined {
      if (size < count) return undefined;
      if (chunks.length > 1 && chunks[0]!.length < count) chunks = [Buffer.concat(chunks, size)];
      const first = chunks[0] ?? Buffer.alloc(0);
      size -= count;
      if (first.length === count) chunks.shift();
      else chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    },
  };
}

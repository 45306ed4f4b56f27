import { assert } from '@daybook/core';

/** Postgres' object ids of the element types. */
export const elementType = { bytea: 17, integer: 23, text: 25, json: 114, uuid: 2950 } as const;

/**
 * A one-dimensional array in Postgres' binary wire format. The driver sends a Buffer as it is, which spares both sides
 * from escaping and parsing array literals; with bytes inside, that is most of the cost of a bulk insert.
 */
export function binaryArray(type: number, items: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32BE(1, 0); // Dimensions.
  header.writeInt32BE(0, 4); // No nulls.
  header.writeInt32BE(type, 8);
  header.writeInt32BE(items.length, 12);
  header.writeInt32BE(1, 16); // Lower bound.
  const parts: Buffer[] = [header];
  for (const item of items) {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(item.length, 0);
    parts.push(length, item);
  }
  return Buffer.concat(parts);
}

export function integerBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
}

export function uuidBytes(id: string): Buffer {
  assert(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id), `${id} is not a lower-case UUID`);
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

import { sha256Hex } from '@daybook/runtime';

/**
 * Where a key lives, on every transport: by the declared number of partitions, not by what a broker says it has. A topic
 * that was given more partitions by hand keeps its keys where they are, and with them their order.
 */
export function partitionOf(key: string, partitions: number): number {
  return Number.parseInt(sha256Hex(key).slice(0, 8), 16) % partitions;
}

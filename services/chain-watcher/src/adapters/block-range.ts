/** Reading several blocks at once: what could be read in order counts, what comes after a failure does not. */

/** Blocks that are in memory as a node answers them, each of some megabytes. */
const readAtOnce = 8;

/**
 * Reads these blocks, some side by side. Ends before the first that is not there or could not be read; throws only if that
 * is the very first.
 */
export async function readInOrder<Block>(
  numbers: readonly number[],
  read: (number: number) => Promise<Block | undefined>,
): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let at = 0; at < numbers.length; at += readAtOnce) {
    for (const answer of await Promise.allSettled(numbers.slice(at, at + readAtOnce).map((number) => read(number)))) {
      if (answer.status === 'fulfilled' && answer.value !== undefined) blocks.push(answer.value);
      else if (answer.status === 'rejected' && blocks.length === 0) throw answer.reason;
      else return blocks;
    }
  }
  return blocks;
}

/** The numbers `after + 1` to `after + limit`. */
export function numbersAfter(after: number, limit: number): number[] {
  return Array.from({ length: limit }, (_, place) => after + 1 + place);
}

/** Reading several blocks at once: what could be read in order counts, what comes after a failure does not. */

/**
 * Reads these blocks side by side. Ends before the first that is not there or could not be read; throws only if that is
 * the very first.
 */
export async function readInOrder<Block>(
  numbers: readonly number[],
  read: (number: number) => Promise<Block | undefined>,
): Promise<Block[]> {
  const answers = await Promise.allSettled(numbers.map((number) => read(number)));
  const blocks: Block[] = [];
  for (const answer of answers) {
    if (answer.status === 'fulfilled' && answer.value !== undefined) blocks.push(answer.value);
    else if (answer.status === 'rejected' && blocks.length === 0) throw answer.reason;
    else break;
  }
  return blocks;
}

/** The numbers `after + 1` to `after + limit`. */
export function numbersAfter(after: number, limit: number): number[] {
  return Array.from({ length: limit }, (_, place) => after + 1 + place);
}

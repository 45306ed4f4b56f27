/** Conditions for ranges of both clocks, with bounds that an index knows. */
export type Ranges = {
  readonly effectiveFrom: string | null;
  readonly effectiveTo: string | null;
  readonly recordedFrom: string | null;
  readonly recordedTo: string | null;
};

/**
 * Nothing is recorded before it is effective, so an effective range bounds the recorded one from below. Where an index by
 * time cannot be used (`indexed` is false), the sequence of that moment is looked up: times in a book never go back.
 */
export function rangeConditions(
  { effectiveFrom, effectiveTo, recordedFrom, recordedTo }: Ranges,
  put: (value: unknown) => string,
  { row, indexed }: { readonly row: string; readonly indexed: boolean },
): string[] {
  const where: string[] = [];
  const since = (moment: string) =>
    indexed ? `${row}.posted_at >= ${moment}` : `${row}.sequence >= audit_sequence_at($1, ${moment})`;
  if (effectiveFrom !== null) {
    const moment = `${put(effectiveFrom)}::timestamptz`;
    where.push(`${row}.effective_at >= ${moment}`, since(moment));
  }
  if (effectiveTo !== null) where.push(`${row}.effective_at < ${put(effectiveTo)}`);
  if (recordedFrom !== null) {
    const moment = `${put(recordedFrom)}::timestamptz`;
    where.push(`${row}.posted_at >= ${moment}`, since(moment));
  }
  if (recordedTo !== null) {
    const moment = `${put(recordedTo)}::timestamptz`;
    where.push(`${row}.posted_at < ${moment}`);
    if (!indexed) where.push(`${row}.sequence < audit_sequence_at($1, ${moment})`);
  }
  return where;
}

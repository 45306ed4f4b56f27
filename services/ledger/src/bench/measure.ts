/**
 * The measuring rules: both sides of a ratio in one process and interleaved, so that what else the machine does falls on
 * both; the median of the ratios of each round, and their range.
 */

/** Ours and the yardstick of the same round, in the same unit. */
export type Round = { readonly ours: number; readonly yardstick: number };

export type Result = {
  /** The goal it is measured for, such as `g1`. */
  readonly goal: string;
  readonly what: string;
  readonly unit: string;
  readonly yardstick: string;
  readonly rounds: readonly Round[];
  /** What the ratio is to be: at least, or at most. Absent when it is told for information. */
  readonly bar?: { readonly atLeast: number } | { readonly atMost: number };
  readonly notes?: Readonly<Record<string, number | string>>;
};

export type Side = () => Promise<number>;

/** Runs the sides in turn, once a round, and gives what each measured. */
export async function interleave<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, Side>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured[name].push(await sides[name]());
  }
  return measured;
}

export function roundsOf(ours: readonly number[], yardstick: readonly number[]): Round[] {
  return ours.map((value, round) => ({ ours: value, yardstick: yardstick[round]! }));
}

export type Ratio = { readonly median: number; readonly min: number; readonly max: number };

export function ratioOf(rounds: readonly Round[]): Ratio {
  const ratios = rounds.map(({ ours, yardstick }) => ours / yardstick);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The nearest-rank percentile; `share` from 0 to 1. */
export function percentile(values: readonly number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}

export type Verdict = 'met' | 'missed' | 'unclear' | 'told';

/** Missed only when the whole range is on the wrong side; when the median alone is, it wants repeating. */
export function verdictOf({ bar, rounds }: Result): Verdict {
  if (bar === undefined) return 'told';
  const { median: middle, min, max } = ratioOf(rounds);
  if ('atLeast' in bar) return middle >= bar.atLeast ? 'met' : max < bar.atLeast ? 'missed' : 'unclear';
  return middle <= bar.atMost ? 'met' : min > bar.atMost ? 'missed' : 'unclear';
}

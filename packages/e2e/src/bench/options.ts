/** What a run is asked for: read, and refused, before anything is measured. */
import { parseArgs } from 'node:util';

export type BenchOptions = {
  /** Goals over HTTP. */
  readonly ours: readonly string[];
  /** What the engine's bench is given; null when none of its goals is asked for. It refuses goals that nobody has. */
  readonly engine: readonly string[] | null;
  readonly rounds: number;
  readonly seconds: number;
  readonly perSecond: number;
};

const option = { type: 'string' } as const;

export function benchOptionsOf(args: readonly string[], goals: readonly string[]): BenchOptions {
  const options = { only: option, rounds: option, seconds: option, rate: option, accounts: option, events: option };
  const { only, rate, ...shared } = parseArgs({ args: [...args], options }).values;
  const names = only?.split(',');
  const others = names?.filter((name) => !goals.includes(name));
  const forEngine = Object.entries({ only: others?.join(), ...shared });
  return {
    ours: goals.filter((name) => names?.includes(name) ?? true),
    engine:
      others?.length === 0
        ? null
        : forEngine.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    rounds: wholeOf('rounds', shared.rounds, 5),
    seconds: wholeOf('seconds', shared.seconds, 3),
    perSecond: wholeOf('rate', rate, 1_000),
  };
}

function wholeOf(name: string, given: string | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is to be a whole number from 1`);
  return value;
}

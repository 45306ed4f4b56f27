/** Logger, clock and metrics that a test can look into. */
import { createLogger, createMetrics, type Clock, type Logger, type Registry } from '@daybook/runtime';

export type TestLogger = { readonly logger: Logger; readonly lines: readonly LogLine[] };
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg?: string };

/** Prints nothing and keeps every line, as the real logger would have written it. */
export function testLogger(level = 'debug'): TestLogger {
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) };
  return { logger: createLogger({ service: 'test', level, destination }), lines };
}

export type FakeClock = Clock & {
  /** Moves forward, by milliseconds. */
  advance(ms: number): void;
};

/** Stands still at `startIso` until advanced. */
export function fakeClock(startIso: string): FakeClock {
  let now = Date.parse(startIso);
  const advance = (ms: number) => void (now += ms);
  return Object.assign(() => new Date(now), { advance });
}

/** Counters and gauges of one test, without the process's own. */
export function testMetrics(): Registry {
  const metrics = createMetrics('test');
  metrics.clear();
  return metrics;
}

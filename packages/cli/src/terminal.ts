/** What a command writes to and hears from, so that tests can stand in for it. */
import { Format, SingleBar, type Options } from 'cli-progress';
import { printable } from './table';

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results. */
  out(text: string): void;
  /** Everything that is not a result. */
  err(text: string): void;
  /** Where progress is drawn; null when nobody watches. */
  readonly watched: NodeJS.WritableStream | null;
  /** Calls on Ctrl-C, when it is to end and when its terminal is closed, until the returned function is called. */
  onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void;
  /** Milliseconds since some moment, which no setting of the clock moves. */
  now(): number;
  /** Rejects when the signal is aborted before. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
};

/** Of one phase: `done` begins again with the next one. */
export type Step = {
  readonly phase: string | null;
  readonly done: number;
  /** Null when nobody knows. */
  readonly total: number | null;
};
export type Pace = { readonly ratePerSecond: number | null; readonly etaSeconds: number | null };

export type Progress = {
  /** `pace` as whoever does the work measures it; without it, from the begin of the bar, which then has one phase. */
  update(step: Step, pace?: Pace): void;
  stop(): void;
};

/** A bar with rate and remaining time on a terminal, and nothing elsewhere. */
export function progressBar({ watched, now }: Terminal, unit: string): Progress {
  if (watched === null) return { update: () => undefined, stop: () => undefined };
  const begun = now();
  let line = { step: { phase: null, done: 0, total: null } as Step, pace: unknownPace as Pace };
  const bar = new SingleBar({
    stream: watched,
    clearOnComplete: true,
    hideCursor: true,
    format: (options) => renderStep(options, unit, line.step, line.pace),
    barsize: 24,
  });
  bar.start(0, 0);
  return {
    update(step, pace = paceOf(step, (now() - begun) / 1_000)) {
      line = { step, pace };
      bar.update(step.done);
    },
    stop: () => bar.stop(),
  };
}

const unknownPace: Pace = { ratePerSecond: null, etaSeconds: null };

function paceOf({ done, total }: Step, seconds: number): Pace {
  if (seconds <= 0 || done === 0) return unknownPace;
  const ratePerSecond = done / seconds;
  const etaSeconds = total === null ? null : Math.ceil(Math.max(0, total - done) / ratePerSecond);
  return { ratePerSecond, etaSeconds };
}

function renderStep(options: Options, unit: string, { phase, done, total }: Step, pace: Pace): string {
  const rate = pace.ratePerSecond === null ? [] : [`${Math.round(pace.ratePerSecond)}/s`];
  const left = pace.etaSeconds === null ? [] : [`${Format.TimeFormat(pace.etaSeconds, options, 5)} left`];
  const name = printable(phase ?? '');
  if (total === null) return [`${name} ${done} ${unit}`, ...rate, ...left].join(' | ');
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const bar = `${name} ${Format.BarFormat(share, options)} ${Math.floor(share * 100)}%`;
  return [bar, `${done}/${total} ${unit}`, ...rate, ...left].join(' | ');
}

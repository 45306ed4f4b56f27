/** What a command writes to and hears from, so that tests can stand in for it. */
import { SingleBar } from 'cli-progress';

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results. */
  out(text: string): void;
  /** Everything that is not a result. */
  err(text: string): void;
  /** Where progress is drawn; null when nobody watches. */
  readonly watched: NodeJS.WritableStream | null;
  /** Calls on Ctrl-C, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
};

export type Progress = {
  update(done: number, more?: { readonly total?: number | null; readonly phase?: string | null }): void;
  stop(): void;
};

/** A bar with rate and remaining time on a terminal, and nothing elsewhere. */
export function progressBar({ watched }: Terminal, unit: string): Progress {
  if (watched === null) return { update: () => undefined, stop: () => undefined };
  const begun = Date.now();
  const bar = new SingleBar({
    stream: watched,
    clearOnComplete: true,
    hideCursor: true,
    format: `{phase} {bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | {eta_formatted} left`,
    barsize: 24,
  });
  bar.start(0, 0, { phase: '', rate: 0 });
  return {
    update(done, { total, phase } = {}) {
      if (typeof total === 'number') bar.setTotal(total);
      const seconds = Math.max(0.001, (Date.now() - begun) / 1_000);
      bar.update(done, { phase: phase ?? '', rate: Math.round(done / seconds) });
    },
    stop: () => bar.stop(),
  };
}

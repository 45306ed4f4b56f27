/**
 * The one writer of a book. Commands are decided in the order of their arrival against the state in memory; what they
 * record is collected and appended as one append with the exact expected revision, and callers are answered after it.
 *
 *   submit ─▶ decide, apply ─▶ open batch ─▶ (when the append before it is through) append ─▶ answer
 *
 * While one append is in flight the next batch fills, so a batch is as large as the store is slow, up to a cap; there
 * is no timer. The state is ahead of the store by the batches that are not through, so nothing is answered from it,
 * reads included, before they are.
 *
 * When an append fails:
 *   version_conflict   another writer was first. Nothing of the batch is stored: the state is read again from the
 *                      stream and all commands without an answer are decided again.
 *   otherwise          the batch may be stored or not. The stream is read where it would stand: if it is there, it is
 *                      through; if not, the same bytes are appended again.
 *
 * A batch that records nothing appends nothing, so no conflict would tell that another writer was first. Before its reads
 * and refusals are answered the stream is asked; if it went on without this engine, that is a conflict as above.
 *
 * Until that is settled nothing else is decided: commands wait, and when it takes long they are refused as
 * store_unavailable. Those of the batch itself wait for the truth.
 */
import { assertNever, isOperationalError, OperationalError } from '@daybook/core';
import {
  currentCorrelation,
  type Clock,
  type Component,
  type Correlation,
  type Logger,
  type OnFatal,
} from '@daybook/runtime';
import { decide } from '../domain/book';
import type { BookCommand } from '../domain/book-commands';
import type { BookRejection } from '../domain/book-events';
import type { BookState } from '../domain/book-state';
import { Unrecordable, type BookJournal, type Journaled } from '../ports';

/** `reference` is of the event that recorded the original command; `at` is when. */
export type Receipt = { readonly at: string; readonly reference: string; readonly replayed: boolean };
export type EngineOutcome =
  | ({ readonly ok: true } & Receipt)
  | { readonly ok: false; readonly rejection: BookRejection; readonly replayed: boolean };

export type Engine = Component & {
  /** Resolves when what it records is durable. Throws OperationalError `store_unavailable` when it cannot be taken. */
  submit(command: BookCommand): Promise<EngineOutcome>;
  /** Reads the state as of now, and answers when all that it shows is durable. */
  read<T>(query: (state: BookState) => T): Promise<T>;
  ready(): boolean;
};

export type EngineDeps = {
  readonly stream: string;
  /** A journal of the stream that has not been loaded. */
  readonly openJournal: (stream: string) => BookJournal;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  /** Commands of one append at most. */
  readonly batchMax?: number;
  /** Commands without an answer at most; more are refused. */
  readonly queueMax?: number;
  /** Pauses between attempts to settle an append; the last one repeats. */
  readonly retryDelaysMs?: readonly number[];
};

const batchMaxDefault = 1_000;
const queueMaxDefault = 20_000;
/** Attempts to settle an append before those who wait behind it are sent away, and before stopping gives up. */
const patientAttempts = 6;
const retryDelaysMsDefault = [20, 50, 100, 250, 500, 1_000];

type Job = {
  /** Decides or reads on the state as it is now; called again after a reload. */
  readonly run: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  answer: unknown;
};
type Batch = { readonly jobs: Job[]; readonly events: Journaled[] };

export function createEngine(deps: EngineDeps): Engine {
  return new BookEngine(deps);
}

class BookEngine implements Engine {
  readonly name: string;
  #status: 'stopped' | 'ready' | 'recovering' | 'failed' = 'stopped';
  #accepting = false;
  #attempts = 0;
  #journal: BookJournal;
  /** Decided and not handed to the store yet. */
  #open: Batch = { jobs: [], events: [] };
  #inFlight: Batch | undefined;
  /** Arrived when the open batch was full. */
  #waiting: Job[] = [];
  #flushing: Promise<void> | undefined;

  constructor(private readonly deps: EngineDeps) {
    this.name = `engine of ${deps.stream}`;
    this.#journal = deps.openJournal(deps.stream);
  }

  async start(): Promise<void> {
    this.#journal = this.deps.openJournal(this.deps.stream);
    await this.#journal.load();
    this.#status = 'ready';
    this.#accepting = true;
    this.deps.logger.info({ stream: this.deps.stream, events: this.#journal.state.length }, 'book loaded');
  }

  /** Finishes what was taken. If the store stays away, the last batch is left in doubt; the next start reads it. */
  async stop(): Promise<void> {
    this.#accepting = false;
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#status === 'ready') this.#status = 'stopped';
  }

  ready(): boolean {
    return this.#accepting && this.#status === 'ready';
  }

  submit(command: BookCommand): Promise<EngineOutcome> {
    const correlation = currentCorrelation(commandIdOf(command));
    return this.#take(() => this.#rule(command, correlation));
  }

  read<T>(query: (state: BookState) => T): Promise<T> {
    return this.#take(() => query(this.#journal.state));
  }

  #take<T>(run: () => T): Promise<T> {
    if (!this.#accepting || this.#attempts > patientAttempts)
      return Promise.reject(unavailable(`${this.name} is ${this.#status}`));
    const unanswered = this.#open.jobs.length + this.#waiting.length + (this.#inFlight?.jobs.length ?? 0);
    if (unanswered >= (this.deps.queueMax ?? queueMaxDefault))
      return Promise.reject(unavailable(`${this.name} has too much to do`));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject, answer: undefined });
      this.#fill();
      // Commands of one turn of the event loop share an append.
      this.#flushing ??= Promise.resolve().then(() => this.#flush());
    });
  }

  #rule(command: BookCommand, correlation: Correlation): EngineOutcome {
    const { state } = this.#journal;
    const now = this.deps.now().toISOString();
    const verdict = decide(state, command, now > state.lastAt ? now : state.lastAt);
    switch (verdict.type) {
      case 'refused':
        return { ok: false, rejection: verdict.rejection, replayed: false };
      case 'repeated': {
        const { rejection, at, reference } = verdict.outcome;
        if (rejection !== null) return { ok: false, rejection, replayed: true };
        return { ok: true, at, reference, replayed: true };
      }
      case 'recorded': {
        const recorded = this.#journal.add(verdict.events, correlation);
        this.#open.events.push(...recorded);
        if (verdict.rejection !== null) return { ok: false, rejection: verdict.rejection, replayed: false };
        const { at, reference } = recorded.at(-1)!;
        return { ok: true, at, reference, replayed: false };
      }
      default:
        return assertNever(verdict);
    }
  }

  /** Decides what waits, as far as the open batch has room. */
  #fill(): void {
    if (this.#status !== 'ready') return;
    const room = this.#waiting.splice(0, (this.deps.batchMax ?? batchMaxDefault) - this.#open.jobs.length);
    this.#open.jobs.push(...room);
    try {
      for (const job of room) decideOne(job);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #flush(): Promise<void> {
    try {
      while (this.#open.jobs.length > 0) {
        const batch = this.#open;
        this.#inFlight = batch;
        this.#open = { jobs: [], events: [] };
        if (batch.events.length > 0) await this.#append(batch.events);
        else await this.#confirmCurrent(batch.jobs);
        // After a reload or a failure the batch is not in flight any more, and its callers are not to be answered.
        if (this.#inFlight === batch) {
          for (const job of batch.jobs) job.resolve(job.answer as never);
          this.#inFlight = undefined;
        }
        this.#fill();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#flushing = undefined;
    }
  }

  async #append(events: readonly Journaled[]): Promise<void> {
    try {
      await this.#journal.append(events);
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      await this.#recover(events, error);
    }
  }

  /** Nothing is in doubt here, so when the stream cannot be asked the callers are told at once. */
  async #confirmCurrent(jobs: readonly Job[]): Promise<void> {
    try {
      if (await this.#journal.isCurrent()) return;
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      this.#inFlight = undefined;
      for (const job of jobs) job.reject(error);
      return;
    }
    await this.#recover([], new OperationalError('version_conflict', true));
  }

  async #recover(events: readonly Journaled[], cause: OperationalError): Promise<void> {
    const { stream } = this.deps;
    this.#status = 'recovering';
    this.deps.logger.warn({ error: cause, stream, events: events.length }, 'append failed');
    await this.#settle(events, cause);
    this.#status = 'ready';
    this.#attempts = 0;
    this.deps.logger.info({ stream }, 'append settled');
  }

  async #settle(events: readonly Journaled[], cause: OperationalError): Promise<void> {
    let reason = cause;
    for (let attempt = 0; ; attempt++) {
      try {
        if (reason.code === 'version_conflict') await this.#reload();
        else if (!(await this.#journal.holds(events))) await this.#journal.append(events);
        return;
      } catch (error) {
        if (!isOperationalError(error)) throw error;
        this.#attempts = attempt + 1;
        if (this.#attempts > patientAttempts) {
          if (!this.#accepting) throw error;
          for (const job of this.#waiting.splice(0)) job.reject(error);
        }
        // A conflict says for certain that the batch is not stored; trouble after it is only trouble in reading.
        if (reason.code !== 'version_conflict') reason = error;
      }
      const delays = this.deps.retryDelaysMs ?? retryDelaysMsDefault;
      await new Promise((resolve) => setTimeout(resolve, delays[attempt] ?? delays.at(-1)));
    }
  }

  /** Another writer was first: what it wrote is read, and what has no answer is decided again on top of it. */
  async #reload(): Promise<void> {
    const fresh = this.deps.openJournal(this.deps.stream);
    await fresh.load();
    this.#journal = fresh;
    this.#waiting = this.#unanswered();
  }

  #unanswered(): Job[] {
    const jobs = [...(this.#inFlight?.jobs ?? []), ...this.#open.jobs, ...this.#waiting];
    this.#inFlight = undefined;
    this.#open = { jobs: [], events: [] };
    this.#waiting = [];
    return jobs;
  }

  #fail(cause: unknown): void {
    const fatal = this.#accepting;
    this.#accepting = false;
    this.#status = 'failed';
    for (const job of this.#unanswered()) job.reject(new OperationalError('outcome_unknown', true, { cause }));
    if (fatal) this.deps.onFatal(cause);
  }
}

/** A command that cannot be recorded fails alone: nothing of it is in the state. */
function decideOne(job: Job): void {
  try {
    job.answer = job.run();
  } catch (error) {
    if (!(error instanceof Unrecordable)) throw error;
    job.reject(error);
  }
}

function commandIdOf(command: BookCommand): string {
  if ('transactionId' in command) return command.transactionId;
  return 'transferId' in command ? command.transferId : command.accountId;
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('store_unavailable', true, { detail });
}

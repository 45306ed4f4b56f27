/**
 * The one writer of a book. Commands are decided in the order of their arrival against the state in memory; what they
 * record is collected and appended as one append with the exact expected revision, and callers are answered after it.
 *
 *   submit ─▶ decide, apply ─▶ open batch ─▶ (when the append before it is through) append ─▶ answer
 *
 * While one append is in flight the next batch fills, so a batch is as large as the store is slow, up to a cap; there
 * is no timer. The state is ahead of the store by the batches that are not through, so nothing is answered from it,
 * reads included, before they are. The next append is on its way before the callers of the last one are answered, and
 * these are answered in portions, so that a large batch does not keep the process from its connections.
 *
 * Memory holds the records of recent commands only. When the next command in line needs one that is not there and may
 * have been recorded, the journal recalls it, together with those that the commands behind it need; meanwhile nothing
 * is decided, so that the order stays.
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
 * An engine without work follows the stream (`follower.ts`). So one process of two on a book, or one that was stopped for
 * a while and comes back, holds no old state for longer than it takes to hear of the other's append; what it is asked
 * then is decided on the new one.
 *
 * Until that is settled nothing else is decided: commands wait, and when it takes long they are refused as
 * store_unavailable. Those of the batch itself wait for the truth.
 */
import { isOperationalError, OperationalError } from '@daybook/core';
import {
  currentCorrelation,
  type Clock,
  type Component,
  type Correlation,
  type Logger,
  type OnFatal,
} from '@daybook/runtime';
import { recordIdsNeeded, type BookCommand } from '../domain/book-commands';
import type { BookState } from '../domain/book-state';
import { Unrecordable, type BookJournal, type SealedEvents } from '../ports';
import { createAnswers, type Done, type Job } from './engine-answers';
import { bookClock, rule, type BookClock, type EngineOutcome } from './engine-ruling';
import { patientAttempts, settleAppend } from './engine-settling';
import { createFollower } from './follower';
import { createQueue } from './queue';
import { ruleTogether, type TogetherOutcome } from './together';

export type { Done } from './engine-answers';
export type { EngineOutcome } from './engine-ruling';
export type { Receipt } from './together';

export type Engine = Component & {
  /** Resolves when what it records is durable. Throws OperationalError `store_unavailable` when it cannot be taken. */
  submit(command: BookCommand): Promise<EngineOutcome>;
  /** The same for bulk, without a promise. */
  post(command: BookCommand, correlation: Correlation, done: Done<EngineOutcome>): void;
  /** All of them are recorded, in one append, or none is. */
  submitTogether(commands: readonly BookCommand[]): Promise<TogetherOutcome>;
  /** Reads the state as of now, and answers when all that it shows is durable. `records` are ids that have to be there. */
  read<T>(query: (state: BookState) => T, records?: readonly string[]): Promise<T>;
  ready(): boolean;
};

export type EngineDeps = {
  readonly stream: string;
  /** A journal of the stream that has not been loaded. */
  readonly openJournal: (stream: string) => BookJournal;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  /** Commands of one append at most. One that has as many events takes none more: each may be a bulk. */
  readonly batchMax?: number;
  /** Commands without an answer at most; more are refused. */
  readonly queueMax?: number;
  /** Tells of appends to the store, by whomever. Without it the engine finds out when it is asked something. */
  readonly onAppend?: (wake: () => void) => { stop(): Promise<void> };
  /** Pauses between attempts to settle an append; the last one repeats. */
  readonly retryDelaysMs?: readonly number[];
};

const batchMaxDefault = 1_000;
const queueMaxDefault = 20_000;

type Batch = { readonly jobs: Job[]; readonly sealed: SealedEvents };

export function createEngine(deps: EngineDeps): Engine {
  return new BookEngine(deps);
}

class BookEngine implements Engine {
  readonly name: string;
  readonly #batchMax: number;
  readonly #queueMax: number;
  #status: 'stopped' | 'ready' | 'recovering' | 'failed' = 'stopped';
  #accepting = false;
  #attempts = 0;
  #journal: BookJournal;
  /** Decided and not handed to the store yet. */
  #open: Batch;
  #inFlight: Batch | undefined;
  /** Not decided yet: the open batch is full, or a record has to be recalled. */
  #waiting = createQueue<Job>();
  readonly #answers = createAnswers();
  readonly #clock: BookClock;
  #flushing: Promise<void> | undefined;
  #recalling: Promise<void> | undefined;
  readonly #follower: ReturnType<typeof createFollower> | undefined;

  constructor(private readonly deps: EngineDeps) {
    this.name = `engine of ${deps.stream}`;
    this.#batchMax = deps.batchMax ?? batchMaxDefault;
    this.#queueMax = deps.queueMax ?? queueMaxDefault;
    this.#clock = bookClock(deps.now);
    this.#journal = deps.openJournal(deps.stream);
    this.#open = this.#begin();
    const { onAppend, stream, logger } = deps;
    this.#follower =
      onAppend &&
      createFollower({
        stream,
        onAppend,
        logger,
        isIdle: () => this.#isIdle(),
        isCurrent: () => this.#journal.isCurrent(),
        catchUp: () => this.#catchUp(),
        fail: (error) => this.#fail(error),
      });
  }

  async start(): Promise<void> {
    this.#journal = this.deps.openJournal(this.deps.stream);
    this.#open = this.#begin();
    await this.#journal.load();
    this.#status = 'ready';
    this.#attempts = 0;
    this.#accepting = true;
    this.#follower?.start();
    this.deps.logger.info({ stream: this.deps.stream, events: this.#journal.state.length }, 'book loaded');
  }

  /** Finishes what was taken. If the store stays away, the last batch is left in doubt; the next start reads it. */
  async stop(): Promise<void> {
    this.#accepting = false;
    await this.#follower?.stop();
    for (;;) {
      const busy = this.#flushing ?? this.#recalling ?? this.#answers.underWay();
      if (busy === undefined) break;
      await busy;
    }
    if (this.#status !== 'ready') return;
    this.#status = 'stopped';
    await this.#journal.stopped();
  }

  ready(): boolean {
    return this.#accepting && this.#status === 'ready';
  }

  submit(command: BookCommand): Promise<EngineOutcome> {
    return new Promise((resolve, reject) => {
      this.post(command, currentCorrelation(commandIdOf(command)), (error, outcome) => {
        if (error === null) resolve(outcome!);
        else reject(error);
      });
    });
  }

  post(command: BookCommand, correlation: Correlation, done: Done<EngineOutcome>): void {
    const records = recordIdsNeeded(command);
    this.#take({ command, correlation, query: null, records, done, answer: undefined, failed: false });
  }

  submitTogether(commands: readonly BookCommand[]): Promise<TogetherOutcome> {
    const correlation = currentCorrelation(commands[0] === undefined ? 'bulk' : commandIdOf(commands[0]));
    const records = [...new Set(commands.flatMap(recordIdsNeeded))];
    const rule = () => ruleTogether(this.#journal, commands, this.#time(), correlation, this.#open.sealed);
    return this.read(rule, records);
  }

  read<T>(query: (state: BookState) => T, records: readonly string[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const done: Done<T> = (error, answer) => (error === null ? resolve(answer as T) : reject(error));
      this.#take({ command: null, correlation: null, query, records, done, answer: undefined, failed: false });
    });
  }

  #take(job: Job): void {
    if (!this.#accepting || this.#attempts > patientAttempts) {
      job.done(unavailable(`${this.name} is ${this.#status}`), undefined);
      return;
    }
    const unanswered = this.#open.jobs.length + this.#waiting.size() + (this.#inFlight?.jobs.length ?? 0);
    if (unanswered >= this.#queueMax) {
      job.done(unavailable(`${this.name} has too much to do`), undefined);
      return;
    }
    this.#waiting.push(job);
    this.#fill();
  }

  /** Decides what waits, as far as the open batch has room and the records are there. */
  #fill(): void {
    if (this.#status !== 'ready' || this.#recalling !== undefined) return;
    const { jobs, sealed } = this.#open;
    const { hashes } = sealed;
    try {
      while (jobs.length < this.#batchMax && hashes.length < this.#batchMax && this.#waiting.size() > 0) {
        const job = this.#waiting.peek();
        if (!this.#journal.isAtHand(job.records)) {
          this.#recalling = this.#recall();
          break;
        }
        this.#waiting.shift();
        jobs.push(job);
        this.#decide(job);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Commands of one turn of the event loop share an append.
    if (jobs.length > 0) this.#flushing ??= Promise.resolve().then(() => this.#flush());
  }

  /** A command that cannot be recorded fails alone: nothing of it is in the state. */
  #decide(job: Job): void {
    try {
      job.answer = job.command === null ? job.query!(this.#journal.state) : this.#rule(job.command, job.correlation!);
    } catch (error) {
      if (!(error instanceof Unrecordable)) throw error;
      job.failed = true;
      job.done(error, undefined);
    }
  }

  #rule(command: BookCommand, correlation: Correlation): EngineOutcome {
    return rule(this.#journal, this.#open.sealed, command, this.#time(), correlation);
  }

  #time(): string {
    return this.#clock(this.#journal.state);
  }

  async #flush(): Promise<void> {
    try {
      while (this.#open.jobs.length > 0) {
        const batch = this.#open;
        this.#inFlight = batch;
        this.#open = this.#begin();
        if (batch.sealed.hashes.length > 0) await this.#append(batch.sealed);
        else await this.#confirmCurrent(batch.jobs);
        // After a reload or a failure the batch is not in flight any more, and its callers are not to be answered.
        if (this.#inFlight === batch) {
          this.#inFlight = undefined;
          // At once when nothing else is to be appended; otherwise when the next append is on its way.
          this.#answers.give(batch.jobs, this.#open.jobs.length === 0);
        }
        this.#fill();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#flushing = undefined;
    }
  }

  #begin(): Batch {
    return { jobs: [], sealed: this.#journal.begin() };
  }

  async #append(sealed: SealedEvents): Promise<void> {
    try {
      await this.#journal.append(sealed);
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      await this.#recover(sealed, error);
    }
  }

  /** Nothing is in doubt here, so when the stream cannot be asked the callers are told at once. */
  async #confirmCurrent(jobs: readonly Job[]): Promise<void> {
    try {
      if (await this.#journal.isCurrent()) return;
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      this.#inFlight = undefined;
      for (const job of jobs) if (!job.failed) job.done(error, undefined);
      return;
    }
    await this.#recover(null, new OperationalError('version_conflict', true));
  }

  /** Brings back what the commands in line need and memory does not have. Without the store they cannot be decided. */
  async #recall(): Promise<void> {
    const journal = this.#journal;
    const ids = new Set<string>();
    for (const { records } of this.#waiting.first(this.#batchMax)) {
      if (!journal.isAtHand(records)) for (const id of records) ids.add(id);
    }
    try {
      await journal.recall(ids);
    } catch (error) {
      if (!isOperationalError(error)) {
        this.#fail(error);
        return;
      }
      const kept = this.#waiting.drain();
      for (const job of kept) {
        if (journal.isAtHand(job.records)) this.#waiting.push(job);
        else job.done(error, undefined);
      }
    } finally {
      this.#recalling = undefined;
    }
    this.#fill();
  }

  /** Then all of the state is durable, and nothing is on its way. */
  #isIdle(): boolean {
    const busy = this.#flushing ?? this.#recalling;
    return this.#status === 'ready' && busy === undefined && this.#open.jobs.length + this.#waiting.size() === 0;
  }

  /** Reads on from where the state stands. What arrives meanwhile waits. */
  async #catchUp(): Promise<void> {
    this.#status = 'recovering';
    try {
      await this.#journal.load();
    } catch (error) {
      // The state has all of the events that were read, or the chain is broken and nothing more is decided.
      if (!isOperationalError(error)) throw error;
    }
    this.#status = 'ready';
    this.#fill();
  }

  async #recover(sealed: SealedEvents | null, cause: OperationalError): Promise<void> {
    // What was decided behind this append could not be gone on with, and all callers have been told.
    if (this.#status === 'failed') return;
    const { stream } = this.deps;
    this.#status = 'recovering';
    this.deps.logger.warn({ error: cause, stream, events: sealed?.hashes.length ?? 0 }, 'append failed');
    await settleAppend(cause, {
      delaysMs: this.deps.retryDelaysMs,
      reload: () => this.#reload(),
      repeat: async () => {
        if (!(await this.#journal.holds(sealed!))) await this.#journal.append(sealed!);
      },
      failed: (attempts, error) => {
        this.#attempts = attempts;
        if (attempts <= patientAttempts) return;
        if (!this.#accepting) throw error;
        // Nothing of theirs was sent, whatever has become of the append before them.
        const refusal = unavailable('an append before it is in doubt');
        for (const job of this.#waiting.drain()) job.done(refusal, undefined);
      },
    });
    if (this.#status === 'recovering') this.#status = 'ready';
    this.#attempts = 0;
    this.deps.logger.info({ stream }, 'append settled');
  }

  /** Another writer was first: what it wrote is read, and what has no answer is decided again on top of it. */
  async #reload(): Promise<void> {
    const fresh = this.deps.openJournal(this.deps.stream);
    await fresh.load();
    this.#journal = fresh;
    for (const job of this.#unanswered()) this.#waiting.push(job);
  }

  #unanswered(): Job[] {
    const jobs = [...(this.#inFlight?.jobs ?? []), ...this.#open.jobs, ...this.#waiting.drain()];
    this.#inFlight = undefined;
    this.#open = this.#begin();
    return jobs.filter(({ failed }) => !failed);
  }

  #fail(cause: unknown): void {
    const fatal = this.#accepting;
    this.#accepting = false;
    this.#status = 'failed';
    for (const job of this.#unanswered()) job.done(new OperationalError('outcome_unknown', true, { cause }), undefined);
    if (fatal) this.deps.onFatal(cause);
  }
}

function commandIdOf(command: BookCommand): string {
  const [own] = recordIdsNeeded(command);
  return own ?? ('accountId' in command ? command.accountId : command.type);
}

function unavailable(detail: string): OperationalError {
  return new OperationalError('store_unavailable', true, { detail });
}

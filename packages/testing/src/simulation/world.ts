/**
 * A world in one thread with a time of its own. Everything that happens is a task at a moment; tasks run one after the
 * other, each with all that follows from it before the next begins, so the seed alone decides what happens. Time jumps
 * from task to task.
 *
 * A task belongs to a process or to nobody. A process that has crashed runs nothing any more: its tasks are passed over,
 * and nobody answers what it asked, which is how it looks from outside when a process dies at an `await`. What it had
 * sent to others is theirs, and takes effect.
 *
 * Code under test sets timers, reads the time and draws random numbers by the names that the platform gives it. While a
 * world runs these are the world's.
 */
import { createHash } from 'node:crypto';
import { takePlatform } from './platform';
import { seededRandom, type SeededRandom } from './seeded-random';

/** One that stands still does nothing before `pausedUntil`, in milliseconds of the world; then all that it missed. */
export type SimulatedProcess = { readonly name: string; alive: boolean; pausedUntil?: number };

export type World = {
  readonly random: SeededRandom;
  /** Milliseconds since the beginning. */
  now(): number;
  /** `owner`: the process that does it, or null for the world's own. */
  after(ms: number, owner: SimulatedProcess | null, task: () => void): void;
  /** A line of the trace. Runs of one seed have the same lines. */
  note(line: string): void;
  /** Something that must never be. The first one ends the run. */
  violated(what: string): void;
  violation(): string | undefined;
  /** Runs tasks until `done`, a violation, or nothing left before `untilMs`. True when `done`. */
  run(untilMs: number, done: () => boolean): Promise<boolean>;
};

export type Run<Result> = {
  readonly seed: number;
  readonly result: Result;
  readonly violation: string | undefined;
  /** Hash of the trace. */
  readonly trace: string;
  /** The end of the trace, for people. */
  readonly lastLines: readonly string[];
};

const linesKept = 200;
/** What the platform's clock shows at the beginning of a world. */
const startMs = Date.UTC(2026, 0, 1);

/** Worlds share the platform's timers: one at a time. */
export async function runWorld<Result>(
  seed: number,
  play: (world: World) => Promise<Result>,
  onLine: (line: string) => void = () => undefined,
): Promise<Run<Result>> {
  const hash = createHash('sha256');
  const lines: string[] = [];
  const tasks = taskQueue();
  let now = 0;
  let current: SimulatedProcess | null = null;
  let violation: string | undefined;
  const world: World = {
    random: seededRandom(seed),
    now: () => now,
    after: (ms, owner, task) => tasks.add({ at: now + Math.max(0, Math.round(ms)), owner, task }),
    note(line) {
      const text = `${now} ${line}`;
      hash.update(text).update('\n');
      onLine(text);
      lines.push(text);
      if (lines.length > 2 * linesKept) lines.splice(0, linesKept);
    },
    violated(what) {
      violation ??= what;
      world.note(`VIOLATION ${what}`);
    },
    violation: () => violation,
    async run(untilMs, done) {
      while (violation === undefined && !done()) {
        const next = tasks.takeUntil(untilMs);
        if (next === undefined) return false;
        now = next.at;
        if (next.owner?.alive === false) continue;
        if (next.owner?.pausedUntil !== undefined && next.owner.pausedUntil > now) {
          tasks.add({ ...next, at: next.owner.pausedUntil });
          continue;
        }
        current = next.owner;
        next.task();
        await turn();
        current = null;
      }
      return violation === undefined;
    },
  };
  const restore = takePlatform({
    after: (ms, task) => world.after(ms, current, task),
    nowMs: () => startMs + now,
    random: seededRandom(seed ^ 0x2545f491),
  });
  try {
    const result = await play(world);
    return { seed, result, violation, trace: hash.digest('hex'), lastLines: lines.slice(-linesKept) };
  } finally {
    restore();
  }
}

const { setImmediate: platformTurn } = globalThis;

/** All that follows from a task without waiting for anything has been done. */
function turn(): Promise<void> {
  return new Promise((resolve) => void platformTurn(resolve));
}

type Task = { readonly at: number; readonly owner: SimulatedProcess | null; readonly task: () => void };

/** By moment, then in the order of their adding: a binary heap. */
function taskQueue() {
  type Placed = Task & { readonly order: number };
  const heap: Placed[] = [];
  let added = 0;
  const isBefore = (a: Placed, b: Placed) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number) => ([heap[i], heap[j]] = [heap[j]!, heap[i]!]);
  return {
    add(task: Task) {
      heap.push({ ...task, order: added++ });
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1;
        if (!isBefore(heap[i]!, heap[parent]!)) break;
        swap(i, parent);
        i = parent;
      }
    },
    takeUntil(ms: number): Task | undefined {
      const first = heap[0];
      if (first === undefined || first.at > ms) return undefined;
      const last = heap.pop()!;
      if (heap.length === 0) return first;
      heap[0] = last;
      for (let i = 0; ;) {
        const [left, right] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
        if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
        if (least === i) return first;
        swap(i, least);
        i = least;
      }
    },
  };
}

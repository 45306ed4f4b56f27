/** Commands on an engine: as many at once as given and no pause, or at a given rate whatever becomes of them. */
import { assert } from '@daybook/core';
import type { Engine } from '../app/engine';
import type { BookCommand } from '../domain/book-commands';
import { percentile } from './measure';

const warmMs = 1_000;

/** An engine that is loaded, and who counts what it said it has recorded. */
export type Loaded = {
  readonly engine: Engine;
  /** Adds commands to those that were acknowledged, each of which is one event. */
  acknowledge(commands: number): void;
};

export type ClosedLoad = { readonly command: () => BookCommand; readonly inFlight: number; readonly seconds: number };
export type Load = {
  /** Acknowledged a second, after the warm-up. */
  readonly rate: number;
  /** Acknowledged in all. */
  readonly acknowledged: number;
  /** Milliseconds from when a command was due to its answer. */
  readonly p50: number;
  readonly p99: number;
  /** Commands that were not taken, which only an open load has. */
  readonly dropped: number;
};

/** Submits them as fast as the engine takes them. */
export async function all({ engine, acknowledge }: Loaded, commands: readonly BookCommand[]): Promise<void> {
  const portion = 4_096;
  for (let from = 0; from < commands.length; from += portion) {
    const outcomes = await Promise.all(commands.slice(from, from + portion).map((command) => engine.submit(command)));
    assert(
      outcomes.every(({ ok }) => ok),
      'a command of the preparation was refused',
    );
    acknowledge(outcomes.length);
  }
}

/** Each answer is followed by the next command. */
export function closedLoad({ engine, acknowledge }: Loaded, { command, inFlight, seconds }: ClosedLoad): Promise<Load> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const times: number[] = [];
    let acknowledged = 0;
    let counted = 0;
    let waiting = 0;
    let from = 0;
    let until = 0;
    const next = () => {
      const sent = performance.now();
      if (sent - begun > warmMs + seconds * 1_000) {
        if (waiting === 0) {
          acknowledge(acknowledged);
          resolve({ ...latencies(times), rate: (counted / (until - from)) * 1_000, acknowledged, dropped: 0 });
        }
        return;
      }
      waiting += 1;
      const asked = command();
      const id = 'transactionId' in asked ? asked.transactionId : '';
      engine.post(asked, { correlationId: id, causationId: id }, (error, outcome) => {
        if (error !== null || !outcome?.ok || outcome.replayed) {
          reject(error ?? new Error(`refused: ${JSON.stringify(outcome)}`));
          return;
        }
        waiting -= 1;
        acknowledged += 1;
        until = performance.now();
        if (until - begun < warmMs) from = until;
        else {
          counted += 1;
          if (counted % 8 === 0) times.push(until - sent);
        }
        next();
      });
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}

export type OpenLoad = {
  /** Resolves once it is durable, and rejects when it is not taken. */
  readonly send: () => Promise<void>;
  readonly perSecond: number;
  readonly seconds: number;
};

/**
 * Sends at the rate, by the clock: what is sent late because the process was busy counts from when it was due, and what
 * is refused for want of room is counted as dropped.
 */
export function openLoad({ send, perSecond, seconds }: OpenLoad): Promise<Load> {
  return new Promise((resolve) => {
    const begun = performance.now();
    const times: number[] = [];
    let sent = 0;
    let acknowledged = 0;
    let dropped = 0;
    const total = Math.floor(perSecond * (seconds + warmMs / 1_000));
    const finish = () => {
      if (sent < total || acknowledged + dropped < total) return;
      resolve({ ...latencies(times), rate: acknowledged / (seconds + warmMs / 1_000), acknowledged, dropped });
    };
    const tick = () => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
      for (; sent < due; sent++) {
        const dueAt = begun + (sent / perSecond) * 1_000;
        send().then(
          () => {
            acknowledged += 1;
            if (dueAt - begun > warmMs) times.push(performance.now() - dueAt);
            finish();
          },
          () => {
            dropped += 1;
            finish();
          },
        );
      }
      if (sent < total) setTimeout(tick, 1);
    };
    tick();
  });
}

function latencies(times: readonly number[]): { p50: number; p99: number } {
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/**
 * Does what falls due: ends intents whose time is over, asks providers and banks. The deadlines are rows, so they survive
 * a restart: the first pass after a start finds all that fell due meanwhile. One pass at a time; the next begins at the
 * next deadline, at the latest a second later. At least one attempt per deadline, one effect, because what is due rules
 * itself.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { Clock } from './clock';
import type { Component, OnFatal } from './lifecycle';
import type { Logger } from './logger';

const pauseMsMax = 1_000;
/** A deadline that is a moment away is not worth another pass of its own for every intent. */
const pauseMsMin = 20;

export function dueWorker(deps: {
  readonly name: string;
  /** Does what is due and answers with the next deadline. */
  readonly pass: () => Promise<Date | null>;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
}): Component {
  let stopping: AbortController | undefined;
  let running: Promise<void> | undefined;

  async function pass(): Promise<number> {
    try {
      const next = await deps.pass();
      if (next === null) return pauseMsMax;
      return Math.min(pauseMsMax, Math.max(pauseMsMin, next.getTime() - deps.now().getTime()));
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      deps.logger.warn({ error, worker: deps.name }, 'waits: something that it needs does not answer');
      return pauseMsMax;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await pass();
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    name: deps.name,
    async start() {
      stopping = new AbortController();
      running = run(stopping.signal).catch(deps.onFatal);
    },
    async stop() {
      stopping?.abort();
      await running;
    },
  };
}

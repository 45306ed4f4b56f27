import { AsyncLocalStorage } from 'node:async_hooks';

/** Ids that tie everything a request caused together, across services, logs, messages and webhooks. */
export type Correlation = { readonly correlationId: string; readonly causationId: string };

const storage = new AsyncLocalStorage<Correlation>();

/** Runs `work` with the ids; `currentCorrelation` sees them, also after an await. */
export function withCorrelation<T>(correlation: Correlation, work: () => T): T {
  return storage.run(correlation, work);
}

/** The ids of the request or message being handled. Outside of one, `fallback` starts a new chain. */
export function currentCorrelation(fallback: string): Correlation {
  return storage.getStore() ?? { correlationId: fallback, causationId: fallback };
}

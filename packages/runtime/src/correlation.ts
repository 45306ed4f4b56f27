import { AsyncLocalStorage } from 'node:async_hooks';
import { uuidv7 } from './ids';

/** Ids that tie everything a request caused together, across services, logs, messages and webhooks. */
export type Correlation = { readonly correlationId: string; readonly causationId: string };

const storage = new AsyncLocalStorage<Correlation>();

/** Runs `work` with the ids; `currentCorrelation` sees them, also after an await. */
export function withCorrelation<T>(correlation: Correlation, work: () => T): T {
  return storage.run(correlation, work);
}

/** The ids of the request or message being handled. Outside of one, `begin` starts a new chain, or else a new id. */
export function currentCorrelation(begin?: string): Correlation {
  const current = storage.getStore();
  if (current !== undefined) return current;
  const id = begin ?? uuidv7();
  return { correlationId: id, causationId: id };
}

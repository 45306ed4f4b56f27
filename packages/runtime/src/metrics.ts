import { setTimeout as wait } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** One registry a service, served at `/metrics`; every series carries the service's name. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Less than the shortest time that scrapers wait for all series together. */
const scrapeMsMax = 1_000;

/**
 * What a gauge has to ask for when it is scraped. Those who ask at once share an answer; undefined when it failed, or does
 * not come within a second: a database that hangs must not take the other series with it.
 */
export function scraped<Value>(read: () => Promise<Value>): () => Promise<Value | undefined> {
  let asked: Promise<Value | undefined> | undefined;
  return async () => {
    asked ??= read()
      .catch(() => undefined)
      .finally(() => (asked = undefined));
    const waiting = new AbortController();
    const late = wait(scrapeMsMax, undefined, { signal: waiting.signal, ref: false }).catch(() => undefined);
    return Promise.race([asked, late]).finally(() => waiting.abort());
  };
}

import { Counter, Gauge, type Registry } from '@daybook/runtime';

type Labels = 'group' | 'topic';

/** All consumers of a service share one registry, so each metric is made by whoever comes first. */
export function consumerMetrics(registry: Registry) {
  return {
    messages: counter(
      registry,
      'daybook_consumer_messages_total',
      'Messages by outcome: handled, duplicate, skipped (of no type that is listened to), parked, redriven.',
      ['group', 'topic', 'outcome'],
    ),
    retries: counter(registry, 'daybook_consumer_retries_total', 'Attempts that failed and were or will be repeated.', [
      'group',
      'topic',
    ]),
    lag: gauge(
      registry,
      'daybook_consumer_lag',
      'Messages published and not yet handled; NaN when that is not known.',
      ['group', 'topic'],
    ),
    parked: gauge(registry, 'daybook_parked_messages', 'Messages parked, those waiting behind others included.', [
      'group',
      'topic',
    ]),
  };
}

export function relayMetrics(registry: Registry) {
  return {
    published: counter(registry, 'daybook_relay_messages_total', 'Messages published.', ['relay']),
    failures: counter(registry, 'daybook_relay_failures_total', 'Publications that failed and are repeated.', [
      'relay',
    ]),
    lag: gauge(
      registry,
      'daybook_relay_lag_seconds',
      'Age of the oldest event that the relay has not looked at; 0 when there is none, NaN when that is not known.',
      ['relay'],
    ),
  };
}

function counter<Label extends Labels | 'outcome' | 'relay'>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): Counter<Label> {
  const existing = registry.getSingleMetric(name) as Counter<Label> | undefined;
  return existing ?? new Counter({ name, help, labelNames, registers: [registry] });
}

function gauge<Label extends Labels | 'relay'>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): Gauge<Label> {
  const existing = registry.getSingleMetric(name) as Gauge<Label> | undefined;
  return existing ?? new Gauge({ name, help, labelNames, registers: [registry] });
}

import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { anEvent } from '../test/counted-events';
import { postgresEventStore } from './postgres-event-store';

type Failure = Error & { readonly code: string; readonly severity: string };
type Sent = { handleError(error: Failure, connection: EventEmitter): void };

/** Connects, and answers whatever it is asked with the failure. */
function failing(failure: Failure): Pool {
  const query = (asked: object) => {
    if (!('submit' in asked)) return Promise.reject(failure);
    const connection = new EventEmitter();
    (asked as unknown as Sent).handleError(failure, connection);
    return connection.emit('readyForQuery');
  };
  const client = Object.assign(new EventEmitter(), { query, release: () => undefined });
  return { connect: async () => client } as unknown as Pool;
}

const said = (severity: string, code: string) => Object.assign(new Error('said'), { severity, code });

describe.each(['append', 'appendEach'] as const)('%s', (how) => {
  const append = (pool: Pool) => {
    const store = postgresEventStore(pool);
    const [stream, event, expected] = ['s', anEvent(), 'no_stream'] as const;
    return how === 'append'
      ? store.append(stream, [event], expected)
      : store.appendEach!([{ stream, event, expected }]);
  };

  test.each([
    ['FATAL', '58030', 'outcome_unknown'],
    ['PANIC', '53100', 'outcome_unknown'],
    ['FATAL', 'XX000', 'outcome_unknown'],
    ['ERROR', '58030', 'store_unavailable'],
    ['ERROR', '53100', 'store_unavailable'],
  ])('that the server answers with %s %s is told as %s', async (severity, code, outcome) => {
    await expect(append(failing(said(severity, code)))).rejects.toMatchObject({ code: outcome, retryable: true });
  });

  test('that found no connection was not made, whatever the server said', async () => {
    const refused = said('FATAL', '28P01');
    const pool = { connect: () => Promise.reject(refused) } as unknown as Pool;
    await expect(append(pool)).rejects.toBe(refused);
  });
});

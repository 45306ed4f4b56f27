import { OperationalError } from '@daybook/core';
import { inOrder } from './lifecycle';
import { reasonOf, startFailure, StartRefusal } from './start-refusal';

/** As the error of a start comes to its program. */
async function deep(cause: unknown): Promise<unknown> {
  const part = { name: 'c', start: () => Promise.reject(cause as Error), stop: async () => undefined };
  const all = inOrder('all', [inOrder('b', [part])]);
  return all.start().catch((error: unknown) => error);
}

describe('what is said of an error of a start', () => {
  test('is the message of the refusal that it comes from, however deep', async () => {
    const refusal = new StartRefusal('port 1 is taken', { cause: new Error('EADDRINUSE') });
    expect(startFailure(refusal)).toBe('port 1 is taken');
    expect(startFailure(await deep(refusal))).toBe('port 1 is taken');
  });

  test('is who needs what is away, and what that was told', async () => {
    const away = new OperationalError('broker_unavailable', true, {
      cause: new Error('connect ECONNREFUSED 127.0.0.1:9'),
    });
    expect(startFailure(await deep(away))).toBe(
      'all: b did not start: Error: b: c did not start: OperationalError: broker_unavailable: connect ECONNREFUSED 127.0.0.1:9',
    );
    expect(startFailure(new OperationalError('store_unavailable', true))).toBe('store_unavailable');
    const undeclared = new OperationalError('topics_not_as_declared', false, { detail: 'X is not there' });
    expect(startFailure(await deep(undeclared))).toMatch(
      /[^X]OperationalError: topics_not_as_declared: X is not there$/,
    );
  });

  test('is all there is of a fault of the program', async () => {
    expect(startFailure(await deep(new TypeError('x is not a function')))).toMatch(
      /b did not start[\s\S]*\n +at [\s\S]*caused by TypeError: x is not/,
    );
    const tells = Object.assign(new TypeError('no'), { config: { url: 'https://node/key' } });
    expect(startFailure(tells)).toMatch(/^TypeError: no\n[\s\S]* +at /);
    expect(startFailure(tells)).not.toContain('node/key');
    expect(startFailure('ended')).toBe('ended');
  });

  test('names every address of a name that does not answer', () => {
    const each = ['connect ECONNREFUSED ::1:9', 'connect ECONNREFUSED 127.0.0.1:9'].map((text) => new Error(text));
    expect(reasonOf(new AggregateError(each))).toBe('connect ECONNREFUSED ::1:9, connect ECONNREFUSED 127.0.0.1:9');
    expect(reasonOf(new AggregateError(each, 'both failed'))).toBe('both failed');
    expect(reasonOf('away')).toBe('away');
  });
});

import { OperationalError } from '@daybook/core';
import { reasonOf, startFailure, StartRefusal } from './start-refusal';

const deep = (cause: unknown) =>
  new Error('all: b did not start', { cause: new Error('b: c did not start', { cause }) });

describe('what is said of an error of a start', () => {
  test('is the message of the refusal that it comes from, however deep', () => {
    const refusal = new StartRefusal('port 1 is taken', { cause: new Error('EADDRINUSE') });
    expect(startFailure(refusal)).toBe('port 1 is taken');
    expect(startFailure(deep(refusal))).toBe('port 1 is taken');
  });

  test('is who needs what is away, and what that was told', () => {
    const away = new OperationalError('broker_unavailable', true, {
      cause: new Error('connect ECONNREFUSED 127.0.0.1:9'),
    });
    expect(startFailure(deep(away))).toBe('all: b did not start: connect ECONNREFUSED 127.0.0.1:9');
    expect(startFailure(new OperationalError('store_unavailable', true))).toBe('store_unavailable');
  });

  test('is all there is of a fault of the program', () => {
    expect(startFailure(deep(new TypeError('x is not a function')))).toMatch(
      /b did not start\n +at [\s\S]*TypeError: x is not/,
    );
    expect(startFailure('ended')).toBe("'ended'");
  });

  test('names every address of a name that does not answer', () => {
    const each = ['connect ECONNREFUSED ::1:9', 'connect ECONNREFUSED 127.0.0.1:9'].map((text) => new Error(text));
    expect(reasonOf(new AggregateError(each))).toBe('connect ECONNREFUSED ::1:9, connect ECONNREFUSED 127.0.0.1:9');
    expect(reasonOf(new AggregateError(each, 'both failed'))).toBe('both failed');
    expect(reasonOf('away')).toBe('away');
  });
});

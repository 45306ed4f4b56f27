import { traceIdOf, traceparentOf } from './trace-context';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a trace that comes in by its header goes out under the same id', () => {
  const correlationId = traceIdOf(`00-${traceId}-00f067aa0ba902b7-01`)!;
  const header = traceparentOf({ correlationId, causationId: 'an event' });
  expect(header).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  expect(traceIdOf(header)).toBe(traceId);
});

test.each([
  ['a UUID', '018f3a52-7c1e-7d3a-9b55-0123456789ab', '018f3a527c1e7d3a9b550123456789ab'],
  ['any other text', 'ORDER-1', expect.stringMatching(/^[0-9a-f]{32}$/)],
])('%s as a correlation id has one trace id', (_name, correlationId, expected) => {
  const ids = { correlationId, causationId: 'x' };
  expect(traceIdOf(traceparentOf(ids))).toEqual(expected);
  expect(traceparentOf(ids)).toBe(traceparentOf({ ...ids }));
});

test.each([
  undefined,
  '',
  'nonsense',
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
])('%s is no trace', (header) => {
  expect(traceIdOf(header)).toBeUndefined();
});

import { createLine } from './delivery-line';

const due = (endpointId: string, n: number) => ({ deliveryId: `${endpointId}-${n}`, endpointId });

describe('the line', () => {
  test('has the endpoint first that was served least recently', () => {
    const line = createLine();
    for (const endpointId of ['a', 'b', 'c'])
      for (let n = 0; n < 3; n++) line.add({ ...due(endpointId, n), known: undefined, leasedAt: 0 });
    expect(line.endpoints()).toEqual(['a', 'b', 'c']);
    expect(line.take('a').deliveryId).toBe('a-0');
    expect(line.endpoints()).toEqual(['b', 'c', 'a']);
    line.take('c');
    expect(line.endpoints()).toEqual(['b', 'a', 'c']);
    expect([line.take('a'), line.take('a')].map(({ deliveryId }) => deliveryId)).toEqual(['a-1', 'a-2']);
    expect(line.endpoints()).toEqual(['b', 'c']);
  });

  test('keeps half of its room from endpoints that share slots, and gives the room back', () => {
    const line = createLine();
    const places = Array.from({ length: 6_000 }, (_, n) => due(`e${n % 60}`, n));
    const shared = places.filter((each) => line.reserve(each, false));
    expect(shared).toHaveLength(2_500);
    expect(line.reserve(due('good', 0), true)).toBe(true);
    line.leave(shared[0]!.deliveryId, shared[0]!.endpointId);
    expect([line.reserve(due('new', 0), false), line.reserve(due('new', 1), false)]).toEqual([true, false]);
  });
});

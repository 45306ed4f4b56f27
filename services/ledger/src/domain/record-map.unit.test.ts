import fc from 'fast-check';
import { RecordMap } from './record-map';
import type { BookRecord } from './records';

const record = (sequence: number): BookRecord => ({
  contentHash: 'c',
  rejection: null,
  at: '2026-01-01T00:00:00.000Z',
  reference: '0x',
  sequence,
  subject: null,
});

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const fate = fc.constantFrom('forgotten' as const, 'young' as const, 'apart' as const);
const step = fc.oneof(
  fc.record({ type: fc.constant('set' as const), id }),
  fc.record({ type: fc.constant('turn' as const), fates: fc.dictionary(id, fate) }),
);

test('what was set is there until it is forgotten, and nothing is asked about in the turn after it was set', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const records = new RecordMap();
      const expected = new Map<string, { record: BookRecord; turns: number; apart: boolean }>();
      for (const [index, one] of steps.entries()) {
        if (one.type === 'set') {
          records.set(one.id, record(index));
          expected.set(one.id, { record: record(index), turns: 0, apart: false });
          continue;
        }
        const asked: string[] = [];
        records.turn((each, its) => {
          asked.push(each);
          expect(its).toEqual(expected.get(each)?.record);
          return one.fates[each] ?? 'forgotten';
        });
        expect(asked.toSorted()).toEqual(
          [...expected].flatMap(([each, { turns, apart }]) => (turns > 0 && !apart ? [each] : [])).toSorted(),
        );
        for (const [each, entry] of expected) {
          if (!asked.includes(each)) entry.turns += 1;
          else if ((one.fates[each] ?? 'forgotten') === 'forgotten') expected.delete(each);
          else if (one.fates[each] === 'young') entry.turns = 0;
          else entry.apart = true;
        }
      }
      const all = new Map([...expected].map(([each, entry]) => [each, entry.record]));
      expect(new Map(records)).toEqual(all);
      expect([...records]).toHaveLength(all.size);
      for (const each of ['a', 'b', 'c', 'd', 'e']) {
        expect(records.get(each)).toEqual(all.get(each));
        expect(records.has(each)).toBe(all.has(each));
      }
    }),
  );
});

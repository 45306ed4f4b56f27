import { testLogger } from '@daybook/testing';
import { createRecordFilter } from './record-filter';
import { recordIndex, segmentEvents, type SegmentTable, type StoredSegment } from './record-index';

function tableOf(segments: StoredSegment[]): SegmentTable {
  return {
    async add(segment) {
      if (!segments.some(({ first }) => first === segment.first)) segments.push(segment);
    },
    async *before(sequence) {
      yield* segments.filter(({ first }) => first < sequence);
    },
    async *near(_hashes, sequence) {
      yield* segments.filter(({ first }) => first < sequence);
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const indexOn = (segments: StoredSegment[]) =>
  recordIndex({ table: tableOf(segments), filter: createRecordFilter(1_024), logger: testLogger().logger });

test('an index that lost a stored segment takes no id for a new one', async () => {
  const segments: StoredSegment[] = [];
  const index = indexOn(segments);
  index.note(5, ['old']);
  index.note(segmentEvents, ['new']);
  await settled();
  expect(segments).toHaveLength(1);
  expect(await index.placesOf(['old'])).toEqual([5]);
  segments.length = 0;
  await expect(index.placesOf(['old'])).rejects.toThrow('the record index has lost its segment from 0');
});

test('a filter that was filled from less than all segments is not used', async () => {
  const index = indexOn([]);
  index.resume(segmentEvents + 10, new Float64Array());
  index.warm();
  await settled();
  await settled();
  expect(index.mayHave('old')).toBe(true);
  await expect(index.placesOf(['old'])).rejects.toThrow('the record index has lost its segment from 0');
});

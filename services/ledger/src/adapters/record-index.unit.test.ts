import { testLogger } from '@daybook/testing';
import { createRecordFilter, hashLimit, recordHashes, recordKeyBytes } from './record-filter';
import { recordIndex, segmentEvents, type SegmentTable, type StoredSegment } from './record-index';

function tableOf(segments: StoredSegment[]): SegmentTable {
  return {
    key: async () => new Uint8Array(recordKeyBytes),
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
const indexOn = async (segments: StoredSegment[]) => {
  const { logger } = testLogger();
  const index = recordIndex({ table: tableOf(segments), filter: createRecordFilter(1_024), logger });
  await index.open();
  return index;
};

test('an index that lost a stored segment takes no id for a new one', async () => {
  const segments: StoredSegment[] = [];
  const index = await indexOn(segments);
  index.note(5, index.hashOf('old'));
  index.note(segmentEvents, index.hashOf('new'));
  await settled();
  expect(segments).toHaveLength(1);
  expect(await index.placesOf(['old'])).toEqual([5]);
  segments.length = 0;
  await expect(index.placesOf(['old'])).rejects.toThrow('the record index has lost its segment from 0');
});

test('a filter that was filled from less than all segments is not used', async () => {
  const index = await indexOn([]);
  index.resume(segmentEvents + 10, new Float64Array());
  index.warm();
  await settled();
  await settled();
  expect(index.mayHave('old')).toBe(true);
  await expect(index.placesOf(['old'])).rejects.toThrow('the record index has lost its segment from 0');
});

test('hashes of ids are those that segments were stored with', () => {
  const hash = recordHashes(Buffer.from('12345678'));
  expect(['', 'a', 'ab', 'abc', '177119d4-8196-4e36-a7cb-000000000005', 'é—😀'].map(hash)).toEqual([
    118_711_419_469, 70_332_381_683, 58_719_599_583, 33_703_222_312, 126_201_315_135, 129_781_249_504,
  ]);
});

test('hashes of ids have a key, are spread over all of their range, and differ for ids that differ in little', () => {
  const ids = [
    ...Array.from({ length: 20_000 }, (_, n) => `id-${n}`),
    '',
    'a',
    'aa',
    'a\u0000',
    '\u0000',
    'é',
    'e\u0301',
    '😀',
  ];
  const [hash, other] = [recordHashes(Buffer.from('12345678')), recordHashes(Buffer.from('12345679'))];
  const hashes = ids.map(hash);
  expect(new Set(hashes).size).toBe(ids.length);
  expect(hashes).toEqual(ids.map(recordHashes(Buffer.from('12345678'))));
  expect(ids.filter((id, n) => other(id) === hashes[n])).toEqual([]);
  const buckets = new Map<number, number>();
  for (const each of hashes)
    buckets.set(Math.floor((each / hashLimit) * 64), (buckets.get(Math.floor((each / hashLimit) * 64)) ?? 0) + 1);
  expect(buckets.size).toBe(64);
  expect(Math.max(...buckets.values())).toBeLessThan(1.5 * (ids.length / 64));
});

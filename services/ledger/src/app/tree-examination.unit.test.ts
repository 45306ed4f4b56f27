import { createFrontier, generateSigningKey, parseCheckpoint, parseSigningKey, signCheckpoint } from '@daybook/proof';
import { journalTree, type JournalBytes, type RecordedCheckpoint, type TreeNode, type TreeTable } from './journal-tree';
import { treeExamination, type BookToExamine, type TreeRows } from './tree-examination';

const key = parseSigningKey(generateSigningKey());

/** 600 events, signed at 300 and at 500; the tables hold what the journal makes of it. */
async function book() {
  const events: { type: string; payload: Buffer }[] = [];
  const nodes: TreeNode[] = [];
  const checkpoints: RecordedCheckpoint[] = [];
  const indexesOf = (level: number) => nodes.filter((node) => node.level === level).map(({ index }) => index);
  const rows: TreeRows = {
    hashes: async (level, from, to) =>
      nodes
        .filter((node) => node.level === level && node.index >= from && node.index < to)
        .toSorted((a, b) => a.index - b.index)
        .map(({ hash }) => hash),
    recordedBefore: async (sequence) => checkpoints.filter((one) => one.sequence < sequence),
    recordedFrom: async (sequence) => checkpoints.filter((one) => one.sequence >= sequence),
    levels: async () =>
      [...new Set(nodes.map(({ level }) => level))].map((level) => {
        const indexes = indexesOf(level);
        return { level, first: Math.min(...indexes), last: Math.max(...indexes) };
      }),
  };
  const table: TreeTable = {
    hashes: rows.hashes,
    count: async (level) => indexesOf(level).length,
    add: async (added, recorded) => {
      nodes.push(...added);
      checkpoints.push(...recorded);
    },
  };
  const checkpointOf = ({ type, payload }: JournalBytes[number], sequence: number) => {
    if (type !== 'CheckpointSigned') return null;
    const signed = JSON.parse(payload.toString()) as { text: string; signature: string };
    return { ...signed, size: parseCheckpoint(signed.text).size, sequence, changesKey: false };
  };
  const scan: BookToExamine['scan'] = async function* (from, to) {
    for (let at = from; at < to; at += 100) yield events.slice(at, Math.min(to, at + 100));
  };
  const tree = journalTree({ read: async (from, to) => events.slice(from, to), scan, table, checkpointOf });
  const record = async (length: number, signedAt: readonly number[]) => {
    while (events.length < length) {
      const size = events.length;
      if (signedAt.includes(size)) {
        const { root, head } = await tree.at(size);
        const content = { origin: 'a', size, root, head, time: '2026-02-11T10:00:00.000Z', nextKey: null };
        events.push({ type: 'CheckpointSigned', payload: Buffer.from(JSON.stringify(signCheckpoint(content, key))) });
      } else events.push({ type: 'E', payload: Buffer.from(`event ${size}`) });
    }
    await tree.reach(length);
  };
  await record(600, [300, 500]);
  const reached = async () => events.length;
  return {
    events,
    nodes,
    checkpoints,
    record,
    rows,
    examine: (seen = rows) =>
      treeExamination([{ mode: 'live', origin: 'a', rows: seen, scan, checkpointOf, reached }]).examine(
        new AbortController().signal,
      ),
  };
}

test('finds nothing wrong with what the journal made', async () => {
  expect(await (await book()).examine()).toEqual([]);
});

test.each(['recordedFrom', 'levels', 'recordedBefore'] as const)(
  'finds nothing wrong with what is recorded just before it asks for %s',
  async (question) => {
    const it = await book();
    const growing: TreeRows = {
      ...it.rows,
      [question]: async (sequence: number) => {
        await it.record(800, [700]);
        return it.rows[question](sequence);
      },
    };
    expect(await it.examine(growing)).toEqual([]);
    expect(it.checkpoints.map(({ size }) => size)).toEqual([300, 500, 700]);
    expect(it.nodes).toHaveLength(3);
  },
);

test('of rows that came while it looked it names those that no event made', async () => {
  const it = await book();
  const growing: TreeRows = {
    ...it.rows,
    async recordedFrom(sequence) {
      await it.record(800, [700]);
      it.checkpoints.push({ ...it.checkpoints[1]!, size: 550, sequence: 750 });
      it.checkpoints.push({ ...it.checkpoints[1]!, size: 560, sequence: 800 });
      return it.rows.recordedFrom(sequence);
    },
  };
  const found = await it.examine(growing);
  expect(found.filter(({ actual }) => actual === 'none').map(({ where }) => where)).toEqual([
    'checkpoint of 560',
    'checkpoint of 550',
  ]);
});

test.each<[string, (it: Awaited<ReturnType<typeof book>>) => void, unknown]>([
  ['a changed hash', ({ nodes }) => nodes[1]!.hash.fill(0), { where: 'tree, level 8, 1', actual: '0'.repeat(64) }],
  ['a deleted hash', ({ nodes }) => nodes.pop(), { where: 'tree, level 8, 1', actual: 'no row' }],
  [
    'a hash too many',
    ({ nodes }) => nodes.push({ level: 8, index: 2, hash: createFrontier().root() }),
    { where: 'tree, level 8', expected: '2 hashes', actual: '3' },
  ],
  [
    'a deleted checkpoint',
    ({ checkpoints }) => checkpoints.pop(),
    { where: 'checkpoint of 500', sequence: 500, actual: 'no row' },
  ],
  [
    'an inserted checkpoint',
    ({ checkpoints }) => checkpoints.push({ ...checkpoints[1]!, size: 550, sequence: 551 }),
    { where: 'checkpoint of 550', expected: '550 events' },
  ],
  [
    'a checkpoint that is none',
    ({ checkpoints }) => checkpoints.push({ ...checkpoints[1]!, text: 'anything', size: 550, sequence: 551 }),
    { where: 'checkpoint of 550', expected: 'the text of a checkpoint', actual: 'anything' },
  ],
  [
    'a checkpoint of events that the book has, recorded where it has none',
    ({ checkpoints }) => checkpoints.push({ ...checkpoints[1]!, size: 550, sequence: 600 }),
    { where: 'checkpoint of 550', sequence: 600, expected: 'an event that records it', actual: 'none' },
  ],
  [
    'a checkpoint of more events than the book has',
    ({ checkpoints }) => checkpoints.push({ ...checkpoints[1]!, size: 10_000, sequence: 10_000 }),
    { where: 'checkpoint of 10000', sequence: 10_000, actual: 'none' },
  ],
  [
    'a checkpoint of no events',
    ({ checkpoints }) => checkpoints.push({ ...checkpoints[1]!, size: -1, sequence: -1 }),
    { where: 'checkpoint of -1', sequence: -1, actual: 'none' },
  ],
  [
    'a hash of a level that the book has not reached',
    ({ nodes }) => nodes.push({ level: 16, index: 0, hash: createFrontier().root() }),
    { where: 'tree, level 16', expected: '0 hashes', actual: '1' },
  ],
  [
    'a hash before the first',
    ({ nodes }) => nodes.push({ level: 8, index: -1, hash: createFrontier().root() }),
    { where: 'tree, level 8', expected: '2 hashes', actual: 'one of index -1' },
  ],
  [
    'a changed checkpoint',
    ({ checkpoints }) => (checkpoints[1] = { ...checkpoints[1]!, signature: 'other' }),
    { where: 'checkpoint of 500', sequence: 500 },
  ],
  [
    'a checkpoint of another book',
    ({ checkpoints }) => (checkpoints[1] = { ...checkpoints[1]!, text: checkpoints[1]!.text.replace('a', 'b') }),
    { where: 'checkpoint of 500', expected: 'a', actual: 'b' },
  ],
  [
    'a history that was changed after it was signed',
    ({ events }) => (events[10] = { type: 'E', payload: Buffer.from('another') }),
    { where: 'tree, level 8, 0' },
  ],
])('names %s', async (_name, sabotage, violation) => {
  const it = await book();
  sabotage(it);
  expect(await it.examine()).toContainEqual(expect.objectContaining({ mode: 'live', ...(violation as object) }));
});

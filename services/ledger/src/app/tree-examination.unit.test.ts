import { createFrontier, generateSigningKey, parseCheckpoint, parseSigningKey, signCheckpoint } from '@daybook/proof';
import { journalTree, type JournalBytes, type RecordedCheckpoint, type TreeNode } from './journal-tree';
import { treeExamination, type BookToExamine } from './tree-examination';

const key = parseSigningKey(generateSigningKey());

/** 600 events, signed at 300 and at 500; the tables hold what the journal makes of it. */
async function book() {
  const events: { type: string; payload: Buffer }[] = [];
  const nodes: TreeNode[] = [];
  const checkpoints: RecordedCheckpoint[] = [];
  const tables = {
    count: async (level: number) => nodes.filter((node) => node.level === level).length,
    hashes: async (level: number, from: number, to: number) =>
      nodes
        .filter((node) => node.level === level && node.index >= from && node.index < to)
        .toSorted((a, b) => a.index - b.index)
        .map(({ hash }) => hash),
    add: async (added: readonly TreeNode[], recorded: readonly RecordedCheckpoint[]) => {
      nodes.push(...added);
      checkpoints.push(...recorded);
    },
    latest: async () => null,
    firstCovering: async () => null,
    within: async () => checkpoints,
    keyChanges: async () => [],
  };
  const checkpointOf = ({ type, payload }: JournalBytes[number], sequence: number) => {
    if (type !== 'CheckpointSigned') return null;
    const signed = JSON.parse(payload.toString()) as { text: string; signature: string };
    return { ...signed, size: parseCheckpoint(signed.text).size, sequence, changesKey: false };
  };
  const scan: BookToExamine['scan'] = async function* (from, to) {
    for (let at = from; at < to; at += 100) yield events.slice(at, Math.min(to, at + 100));
  };
  const tree = journalTree({ read: async (from, to) => events.slice(from, to), scan, table: tables, checkpointOf });
  while (events.length < 600) {
    if (events.length === 300 || events.length === 500) {
      const size = events.length;
      const { root, head } = await tree.at(size);
      const content = { origin: 'a', size, root, head, time: '2026-02-11T10:00:00.000Z', nextKey: null };
      events.push({ type: 'CheckpointSigned', payload: Buffer.from(JSON.stringify(signCheckpoint(content, key))) });
    } else events.push({ type: 'E', payload: Buffer.from(`event ${events.length}`) });
  }
  await tree.reach(600);
  const reached = async () => events.length;
  const examined = { mode: 'live', treeTable: tables, scan, checkpointOf, reached } as const;
  return {
    events,
    nodes,
    checkpoints,
    examine: () => treeExamination([examined]).examine(new AbortController().signal),
  };
}

test('finds nothing wrong with what the journal made', async () => {
  expect(await (await book()).examine()).toEqual([]);
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
    'a changed checkpoint',
    ({ checkpoints }) => (checkpoints[1] = { ...checkpoints[1]!, signature: 'other' }),
    { where: 'checkpoint of 500', sequence: 500 },
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

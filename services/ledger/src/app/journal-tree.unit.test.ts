import {
  createFrontier,
  eventHash,
  includes,
  inclusionPath,
  isConsistent,
  consistencyPath,
  genesisHash,
} from '@daybook/proof';
import fc from 'fast-check';
import { journalTree, type RecordedCheckpoint, type TreeNode, type TreeTable } from './journal-tree';

/** Long enough for two levels that are stored. */
const length = 66_000;
const payloads = Array.from({ length }, (_, sequence) => Buffer.from(`event ${sequence}`));

function memoryTable() {
  const nodes = new Map<string, TreeNode>();
  const checkpoints: RecordedCheckpoint[] = [];
  let rowsRead = 0;
  const table: TreeTable = {
    count: async (level) => [...nodes.values()].filter((node) => node.level === level).length,
    hashes: async (level, from, to) => {
      rowsRead += to - from;
      return Array.from({ length: to - from }, (_, i) => nodes.get(`${level}/${from + i}`)).flatMap(
        (node) => node?.hash ?? [],
      );
    },
    add: async (added, recorded) => {
      for (const node of added) nodes.set(`${node.level}/${node.index}`, node);
      checkpoints.push(...recorded);
    },
  };
  return { table, checkpoints, rowsRead: () => rowsRead };
}

function rig(table = memoryTable()) {
  let eventsRead = 0;
  const read = async (from: number, to: number) => {
    const page = payloads.slice(from, to).map((payload) => ({ type: 'E', payload }));
    eventsRead += page.length;
    return page;
  };
  const tree = journalTree({
    read,
    async *scan(from, to) {
      for (let at = from; at < to; at += 1_000) yield read(at, Math.min(to, at + 1_000));
    },
    table: table.table,
    checkpointOf: (_event, sequence) =>
      sequence === 700 ? { size: 600, sequence, changesKey: false, text: 't', signature: 's' } : null,
  });
  return { ...table, tree, eventsRead: () => eventsRead };
}

function rootOf(size: number): Buffer {
  const frontier = createFrontier();
  for (const payload of payloads.slice(0, size)) frontier.append(payload);
  return frontier.root();
}

describe('the tree of a journal', () => {
  const all = rig();
  beforeAll(() => all.tree.reach(length));

  test.each([1, 255, 256, 257, 65_535, 65_536, 65_537, length])('knows root and head of %i events', async (size) => {
    expect(await all.tree.at(size)).toEqual({ root: rootOf(size), head: eventHash(payloads[size - 1]!) });
  });

  test('of nothing has the root of nothing', async () => {
    expect(await rig().tree.at(0)).toEqual({ root: rootOf(0), head: genesisHash });
  });

  test('proves any event in any size, and any size in any later one', async () => {
    const sizes = fc.tuple(fc.nat({ max: length - 1 }), fc.nat({ max: length - 1 }));
    await fc.assert(
      fc.asyncProperty(sizes, async ([a, b]) => {
        const [index, size] = [Math.min(a, b), Math.max(a, b) + 1];
        const { root } = await all.tree.at(size);
        const path = await all.tree.hashesOf(inclusionPath(index, size));
        expect(includes(payloads[index]!, { index, size, path, root })).toBe(true);
        const first = { size: index + 1, root: (await all.tree.at(index + 1)).root };
        const consistency = await all.tree.hashesOf(consistencyPath(first.size, size));
        expect(isConsistent(first, { size, root }, consistency)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('reads at most two blocks of each level for a proof', async () => {
    const [events, rows] = [all.eventsRead(), all.rowsRead()];
    await all.tree.hashesOf(inclusionPath(40_000, length));
    expect(all.eventsRead() - events).toBeLessThanOrEqual(512);
    expect(all.rowsRead() - rows).toBeLessThanOrEqual(512);
  });

  test('goes on after a restart where the table is, and finds recorded checkpoints', async () => {
    const table = memoryTable();
    await rig(table).tree.reach(1_000);
    const second = rig(table);
    await second.tree.reach(2_000);
    // 768 of the first 1,000 are complete blocks; the rest is read again.
    expect(second.eventsRead()).toBe(2_000 - 768);
    expect((await second.tree.at(2_000)).root).toEqual(rootOf(2_000));
    expect(table.checkpoints.map(({ size, sequence }) => [size, sequence])).toEqual([[600, 700]]);
  });

  test('takes nothing for stored that was not', async () => {
    const table = memoryTable();
    let isAway = true;
    const add: TreeTable['add'] = async (...added) => {
      if (isAway) throw new Error('away');
      await table.table.add(...added);
    };
    const broken = rig({ ...table, table: { ...table.table, add } });
    await expect(broken.tree.reach(300)).rejects.toThrow('away');
    isAway = false;
    expect((await broken.tree.at(300)).root).toEqual(rootOf(300));
    expect(await table.table.count(8)).toBe(1);
  });

  test('stops on the way when it is told to, and goes on from there', async () => {
    const stopped = rig();
    const stop = new AbortController();
    stop.abort();
    await expect(stopped.tree.reach(60_000, stop.signal)).rejects.toThrow('aborted');
    expect(stopped.eventsRead()).toBe(1_000);
    expect((await stopped.tree.at(5_000)).root).toEqual(rootOf(5_000));
  });

  test('does not reach beyond the journal', async () => {
    await expect(all.tree.reach(length + 1)).rejects.toThrow(`the journal ends at ${length}`);
  });
});

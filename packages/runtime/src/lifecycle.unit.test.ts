import { inOrder, type Component } from './lifecycle';

function recorded(log: string[], name: string, fails: { start?: boolean; stop?: boolean } = {}): Component {
  return {
    name,
    async start() {
      if (fails.start) throw new Error(`${name} cannot start`);
      log.push(`start ${name}`);
    },
    async stop() {
      log.push(`stop ${name}`);
      if (fails.stop) throw new Error(`${name} cannot stop`);
    },
  };
}

describe('inOrder', () => {
  test('starts in order and stops in reverse', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b')]);
    await all.start();
    await all.stop();
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('stops what it had started when a later part does not start, and says which', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b', { start: true }), recorded(log, 'c')]);
    await expect(all.start()).rejects.toThrow('all: b did not start');
    expect(log).toEqual(['start a', 'stop a']);
  });

  test('stops every part even if one fails to', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b', { stop: true })]);
    await all.start();
    await expect(all.stop()).rejects.toThrow('all: 1 part(s) did not stop cleanly');
    expect(log.at(-1)).toBe('stop a');
  });
});

import { gathered } from './gathered';

test('what is asked while some is being done goes together, in order, as much as fits', async () => {
  const done: number[][] = [];
  let go: () => void = () => undefined;
  const double = gathered(async (items: readonly number[]) => {
    done.push([...items]);
    await new Promise<void>((resolve) => (go = resolve));
    return items.map((item) => 2 * item);
  }, 3);
  const answers = [double(1), double(2)];
  while (done.length < 1) await new Promise((resolve) => setImmediate(resolve));
  answers.push(double(3), double(4), double(5), double(6));
  for (let round = 1; round <= 3; round++) {
    while (done.length < round) await new Promise((resolve) => setImmediate(resolve));
    go();
  }
  expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10, 12]);
  expect(done).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test('a failure is told to those who asked for it, and to nobody after them', async () => {
  let fails = true;
  const ask = gathered(async (items: readonly string[]) => {
    if (fails) throw new Error(`not ${items.join(' and ')}`);
    return items;
  }, 10);
  const both = [ask('a'), ask('b')];
  await Promise.all(both.map((one) => expect(one).rejects.toThrow('not a and b')));
  fails = false;
  expect(await ask('c')).toBe('c');
});

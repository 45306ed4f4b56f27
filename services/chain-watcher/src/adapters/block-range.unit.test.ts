import { numbersAfter, readInOrder } from './block-range';

describe('blocks that are read side by side', () => {
  test('are at most eight in memory, and come in order', async () => {
    let [reading, most] = [0, 0];
    const blocks = await readInOrder(numbersAfter(0, 64), async (number) => {
      most = Math.max(most, ++reading);
      await new Promise((resolve) => void setImmediate(resolve));
      reading--;
      return number;
    });
    expect(blocks).toEqual(numbersAfter(0, 64));
    expect(most).toBe(8);
  });

  test.each([
    [1, 0],
    [8, 7],
    [9, 8],
    [12, 11],
  ])('end before %i, which is not there', async (missing, read) => {
    const blocks = await readInOrder(numbersAfter(0, 20), async (number) => (number === missing ? undefined : number));
    expect(blocks).toHaveLength(read);
  });

  test('end before one that fails, and fail only with the first', async () => {
    const failing = (at: number) =>
      readInOrder(numbersAfter(0, 20), async (number) => {
        if (number === at) throw new Error('away');
        return number;
      });
    await expect(failing(10)).resolves.toHaveLength(9);
    await expect(failing(1)).rejects.toThrow('away');
  });
});

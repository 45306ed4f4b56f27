import { scraped } from './metrics';

function settled<Value>() {
  let settle: { resolve: (value: Value) => void; reject: (error: Error) => void };
  const promise = new Promise<Value>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle! };
}

test('those who scrape at once share what is asked, and later ones ask anew', async () => {
  let asked = 0;
  const read = scraped(async () => (asked += 1));
  expect(await Promise.all([read(), read()])).toEqual([1, 1]);
  expect(await read()).toBe(2);
});

test('what fails is not known, and is asked again', async () => {
  const answers = [Promise.reject(new Error('gone')), Promise.resolve(7)];
  const read = scraped(() => answers.shift()!);
  expect([await read(), await read()]).toEqual([undefined, 7]);
});

test('what hangs is not known, and is not asked a second time until it has an end', async () => {
  const pending = [settled<number>(), settled<number>()];
  let asked = 0;
  const read = scraped(() => pending[asked++]!.promise);
  expect([await read(), asked]).toEqual([undefined, 1]);
  const second = read();
  pending[0]!.resolve(5);
  expect([await second, asked]).toEqual([5, 1]);
  pending[1]!.resolve(6);
  expect([await read(), asked]).toEqual([6, 2]);
});

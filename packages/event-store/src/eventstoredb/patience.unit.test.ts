import { patience } from './patience';

const late = () => Promise.reject(Object.assign(new Error('late'), { code: 4 }));

test('a search that was late gets twice as long each time, up to a bound, and from the beginning once it is answered', async () => {
  const patiently = patience(10);
  const given: number[] = [];
  const make = (search: string, answer: () => Promise<unknown>) =>
    patiently(search, (ms) => {
      given.push(ms);
      return answer();
    }).catch(() => undefined);
  for (let n = 0; n < 8; n++) await make('one', late);
  expect(given).toEqual([10, 20, 40, 80, 160, 320, 640, 640]);
  await make('other', async () => 'found');
  await make('one', () => Promise.reject(new Error('another failure')));
  await make('one', async () => 'found');
  await make('one', late);
  expect(given.slice(8)).toEqual([10, 640, 640, 10]);
});

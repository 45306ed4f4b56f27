import { WaitedTooLong } from './call-queue';
import { callSlots } from './call-slots';

/** Two slots, and requests that the test answers. */
function twoSlots() {
  const sent: { readonly name: string; answer(): void; fail(error: Error): void }[] = [];
  let at = 0;
  const slots = callSlots(2, { waitMaxMs: 1_000, now: () => at });
  const ask = (name: string) =>
    slots(
      () => new Promise<string>((resolve, reject) => sent.push({ name, answer: () => resolve(name), fail: reject })),
    );
  return { sent, ask, names: () => sent.map(({ name }) => name), tell: (time: number) => (at = time) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('requests beyond the slots wait, in order, for one that is free', async () => {
  const { sent, ask, names } = twoSlots();
  const answers = ['1', '2', '3', '4'].map(ask);
  await turn();
  expect(names()).toEqual(['1', '2']);
  sent[1]?.answer();
  await turn();
  expect(names()).toEqual(['1', '2', '3']);
  sent[0]?.fail(new Error('lost'));
  await expect(answers[0]).rejects.toThrow('lost');
  expect(names()).toEqual(['1', '2', '3', '4']);
  sent[2]?.answer();
  sent[3]?.answer();
  expect(await Promise.all(answers.slice(1))).toEqual(['2', '3', '4']);
});

test('those that waited for too long are refused unsent; those behind them go', async () => {
  const { sent, ask, names, tell } = twoSlots();
  const [first, second, late] = ['1', '2', 'late'].map(ask);
  tell(1);
  const inTime = ask('in time');
  await turn();
  tell(1_000);
  sent[0]?.answer();
  await expect(late).rejects.toThrow(WaitedTooLong);
  expect(names()).toEqual(['1', '2', 'in time']);
  sent[1]?.answer();
  sent[2]?.answer();
  expect(await Promise.all([first, second, inTime])).toEqual(['1', '2', 'in time']);
});

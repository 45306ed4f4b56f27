import { callQueue, WaitedTooLong, type CallAnswer, type OutgoingCall } from './call-queue';

const call = (body: string): OutgoingCall => ({ body, correlationId: 'a', causationId: 'b' });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A sender whose answers the test gives. */
function sender(now = () => 0) {
  const sent: { calls: readonly OutgoingCall[]; answer(): void; fail(error: Error): void }[] = [];
  const queue = callQueue(
    (calls) =>
      new Promise<readonly CallAnswer[]>((resolve, reject) => {
        sent.push({
          calls,
          answer: () => resolve(calls.map(({ body }) => ({ status: 200, body }))),
          fail: reject,
        });
      }),
    { waitMaxMs: 1_000, now },
  );
  return { sent, queue };
}

/** With two on their way, so that what comes then waits. */
async function busySender(now: () => number) {
  const { sent, queue } = sender(now);
  const answers = [queue(call('1'))];
  await turn();
  answers.push(queue(call('2')));
  await turn();
  return { sent, queue, answers };
}

test('a lone call goes at once; those that come while two are on their way go together', async () => {
  const { sent, queue } = sender();
  const answers = [queue(call('1'))];
  await turn();
  answers.push(queue(call('2')));
  await turn();
  answers.push(queue(call('3')), queue(call('4')), queue(call('5')));
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([1, 1]);
  sent[0]?.answer();
  await answers[0];
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([1, 1, 3]);
  sent[2]?.answer();
  sent[1]?.answer();
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['1', '2', '3', '4', '5']);
});

test('a request that fails fails its calls alone, and those behind it go on', async () => {
  const { sent, queue } = sender();
  const first = queue(call('1'));
  await turn();
  sent[0]?.fail(new Error('lost'));
  await expect(first).rejects.toThrow('lost');
  const second = queue(call('2'));
  await turn();
  sent[1]?.answer();
  expect(await second).toEqual({ status: 200, body: '2' });
});

test('a request carries 200 calls and 250,000 characters at most, but always one', async () => {
  const { sent, queue } = sender();
  const many = Array.from({ length: 201 }, () => queue(call('x')));
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([200, 1]);
  for (const { answer } of sent.splice(0)) answer();
  await Promise.all(many);
  const large = [100_000, 150_000, 1, 300_000, 1].map((length) => queue(call('x'.repeat(length))));
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([2, 1]);
  sent[0]?.answer();
  await Promise.all(large.slice(0, 2));
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([2, 1, 1]);
  for (const { answer } of sent.splice(0)) answer();
  await Promise.all(large.slice(2, 4));
  await turn();
  sent[0]?.answer();
  await Promise.all(large);
});

test('calls that waited for too long are refused unsent; those behind them go', async () => {
  let at = 0;
  const { sent, queue, answers } = await busySender(() => at);
  const late = queue(call('3'));
  at = 1;
  const inTime = queue(call('4'));
  at = 1_000;
  sent[0]?.answer();
  await expect(late).rejects.toThrow(WaitedTooLong);
  expect(sent.map(({ calls }) => calls.map(({ body }) => body))).toEqual([['1'], ['2'], ['4']]);
  sent[1]?.answer();
  sent[2]?.answer();
  expect((await inTime).body).toBe('4');
  await Promise.all(answers);
});

test('when all of them waited for too long nothing is sent', async () => {
  let at = 0;
  const { sent, queue, answers } = await busySender(() => at);
  const late = queue(call('3'));
  at = 5_000;
  sent[0]?.answer();
  await expect(late).rejects.toThrow(WaitedTooLong);
  sent[1]?.answer();
  await Promise.all(answers);
  const next = queue(call('4'));
  await turn();
  expect(sent.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  sent[2]?.answer();
  await next;
});

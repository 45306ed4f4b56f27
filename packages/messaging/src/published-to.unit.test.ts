import { lastOfEach, publishedTo } from './published-to';

const sent = [{ topic: 't', messages: [{ partition: 0 }, { partition: 1 }, { partition: 0 }] }];
const answer = (partition: number, baseOffset: string) => ({ topicName: 't', partition, baseOffset });

test('says where the messages are, by partition', () => {
  expect(publishedTo(sent, [answer(1, '7'), answer(0, '40')])).toEqual([
    { topic: 't', partition: 0, first: 40n, next: 42n },
    { topic: 't', partition: 1, first: 7n, next: 8n },
  ]);
});

test('a partition that nobody answered for is not stored, whatever else is', () => {
  expect(() => publishedTo(sent, [answer(0, '40')])).toThrow('broker_unavailable: no answer for t/1');
  expect(() => publishedTo(sent, [answer(0, '40'), { topicName: 't', partition: 1 }])).toThrow('broker_unavailable');
});

test('of several requests a publication has the first place and the last', () => {
  const place = { topic: 't', partition: 0 };
  const all = [
    { ...place, first: 4n, next: 6n },
    { ...place, first: 6n, next: 9n },
    { ...place, partition: 1, first: 0n, next: 1n },
  ];
  expect(lastOfEach(all)).toEqual([{ ...place, first: 4n, next: 9n }, all[2]]);
});

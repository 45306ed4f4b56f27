import { OperationalError } from '@daybook/core';
import type { PublishedTo } from './transport';

type Sent = { readonly topic: string; readonly messages: readonly { readonly partition: number }[] };
type Answer = { readonly topicName: string; readonly partition: number; readonly baseOffset?: string };

/**
 * Where a request of the client has stored its messages. Throws OperationalError `broker_unavailable` when a partition was
 * not answered for. NOTE: The client asks a broker that has answered not again; when a partition moves to such a broker
 * between two attempts, its messages are sent nowhere and the request succeeds all the same.
 */
export function publishedTo(sent: readonly Sent[], answers: readonly Answer[]): readonly PublishedTo[] {
  return sent.flatMap(({ topic, messages }) =>
    [...new Set(messages.map(({ partition }) => partition))].map((partition) => {
      const answer = answers.find((one) => one.topicName === topic && one.partition === partition);
      if (answer?.baseOffset === undefined) {
        throw new OperationalError('broker_unavailable', true, { detail: `no answer for ${topic}/${partition}` });
      }
      const first = BigInt(answer.baseOffset);
      const count = messages.filter((message) => message.partition === partition).length;
      return { topic, partition, first, next: first + BigInt(count) };
    }),
  );
}

/** One entry a partition: the first offset of the first request, the next of the last one. */
export function lastOfEach(all: readonly PublishedTo[]): readonly PublishedTo[] {
  const places = new Map<string, PublishedTo>();
  for (const one of all) {
    const place = `${one.topic}/${one.partition}`;
    const before = places.get(place);
    places.set(place, before === undefined ? one : { ...one, first: before.first });
  }
  return [...places.values()];
}
